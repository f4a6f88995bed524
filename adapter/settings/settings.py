"""The settings: the only description of what can be set. A new setting is a new field of `Settings`.

Each field has its default, its kind (type and bounds) and its help. The marshmallow schema, the environment variables,
the flags of the command line, `responses-adapter config` and docs/configuration.md are all derived from it.
`sources.py` reads the values, and `checks.py` rejects combinations that cannot work; `upstreams.py`, `models.py` and
`tools.py` read the tables that only the TOML file can have.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from adapter.settings.caller_keys import CallerKey
from adapter.settings.description import Description, describe_fields, setting
from adapter.settings.kinds import (
    Address,
    Age,
    BindAddress,
    ChatURL,
    Choice,
    HeaderLines,
    Hosts,
    Key,
    Keys,
    Names,
    Number,
    Origins,
    Seconds,
    Secrets,
    StoreLocation,
    Switch,
    Text,
    Whole,
    split_address,
    split_header_lines,
)
from adapter.settings.models import Models
from adapter.settings.secret_values import Secret
from adapter.settings.store_url import StoreURL, parse_store_url
from adapter.settings.tools.settings import ToolSettings
from adapter.settings.upstreams import DEFAULT, UpstreamSettings, split_query
from translators.dialects.presets import PRESETS, dialect_for

CREDENTIALS: Final = frozenset({"authorization", "api-key", "x-api-key"})
"""Headers in which providers take keys."""
KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB


class SettingsError(Exception):
    """A setting cannot be used. The message is one line: where the setting comes from, and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All settings; `load_settings` in `sources.py` reads them."""

    config: str | None = setting(
        None, Text("the path of a TOML file", metavar="FILE"), "TOML file with further settings."
    )
    bind: str = setting(
        "127.0.0.1:8000", BindAddress(), "Where to listen. Port 0 takes any free port, * as host every address."
    )
    workers: int = setting(2, Whole(1, 64), "Worker processes; each serves thousands of streams.")
    upstream_url: str | None = setting(
        None,
        ChatURL(),
        "Base URL of the chat-completions provider, with its /v1. Unset: the bundled demo upstream.",
    )
    upstream_api_key: str | None = setting(
        None,
        Key("a key without spaces", r"[!-~]+"),
        "Key sent to the provider. Unset: the caller's own bearer key is passed through.",
        secret=True,
    )
    upstream_headers: tuple[str, ...] = setting(
        (),
        HeaderLines(),
        "Headers sent to the provider with every request.",
        secret=True,
    )
    upstream_ca_file: str | None = setting(
        None,
        Text("the path of a file or folder", metavar="FILE"),
        "Certificates of the authorities that are trusted for the provider. Unset: those of REQUESTS_CA_BUNDLE, "
        "SSL_CERT_FILE, SSL_CERT_DIR or CURL_CA_BUNDLE, else the usual public ones.",
    )
    upstream_certificate: str | None = setting(
        None,
        Text("the path of a file", metavar="FILE"),
        "Client certificate for the provider, with its key in the same file or in upstream_certificate_key.",
    )
    upstream_certificate_key: str | None = setting(
        None, Text("the path of a file", metavar="FILE"), "Key of the client certificate, if it has a file of its own."
    )
    connect_timeout: float = setting(10.0, Seconds(0.1, 120), "How long connecting to the provider may take.")
    upstream_timeout: float = setting(
        300.0, Seconds(1, 3600), "How long the provider may be silent before the response fails."
    )
    retries: int = setting(
        2,
        Whole(0, 10),
        "How often a request that the provider has not accepted is sent again, after a delay; background responses "
        "four times as often.",
    )
    dialect: str = setting(
        "auto",
        Choice("auto", *PRESETS),
        "What the provider accepts and sends. auto recognises it by upstream_url, else by the owner of the models, if "
        "the provider already runs at an http:// address when the adapter starts.",
    )
    store: str = setting(
        "sqlite:///var/adapter.db",
        StoreLocation(),
        "Where responses are kept: a file, its path from the working directory unless it begins with a further "
        "slash; a PostgreSQL database (postgresql+psycopg://user:password@host/database); a Redis server "
        "(redis://user:password@host:port/number, rediss: with TLS), where they expire; or memory:, which forgets "
        "them at exit.",
    )
    retention: int | None = setting(
        None,
        Age(),
        "How long unused responses, conversations and files are stored. Unset: for ever; 30 days in Redis.",
    )
    api_keys: tuple[str, ...] = setting(
        (),
        Keys(),
        "Keys that callers must present, each a tenant of its own. Unset: open to anyone.",
        secret=True,
    )
    stored_keys: bool = setting(
        False,
        Switch(),
        "Accept the named keys that `keys create --stored` has put into the store. Callers must present a key then.",
    )
    allow_open: bool = setting(
        False, Switch(), "Serve without api_keys on an address that other machines can reach."
    )
    admin_bind: str | None = setting(
        None,
        Address(),
        "Where to listen for the operator's own requests (`/metrics`); no other address answers them. Unset: nowhere.",
    )
    admin_key: str | None = setting(
        None,
        Text("a key without spaces, of at least 16 characters", r"[!-~]{16,512}"),
        "Key for the admin address. Unset: anyone on this machine may use it, and no other machine can reach it.",
        secret=True,
    )
    admin_hosts: tuple[str, ...] = setting(
        (), Hosts(), "Further names of the admin address, as they come in `Host`, for example of a proxy in front."
    )
    inspector: str = setting(
        "off",
        Choice("off", "heads", "contents", "all"),
        "What the inspector at the admin address records of each exchange: nothing; heads, that is models, times, "
        "sizes, usage and errors; contents too, unless the request has `store: false`; or all contents.",
    )
    inspector_bytes: int = setting(
        32 * MIB, Whole(MIB, 64 * GIB), "Bytes of what the inspector keeps of a machine, compressed, in memory."
    )
    cors_origins: tuple[str, ...] = setting(
        (),
        Origins(),
        "Origins of the web pages that may use the server, also over a WebSocket; `*` stands for all of them. Unset: "
        "only pages of the server's own host.",
    )
    secret_key: tuple[str, ...] = setting(
        (),
        Secrets(),
        "Secrets that seal the reasoning which clients carry between requests: the first seals, all open. Unset: one "
        "is made, and kept beside the SQLite file or in the shared store.",
        secret=True,
    )
    reasoning_as: str = setting(
        "summary",
        Choice("summary", "content"),
        "Send the provider's reasoning as summary or as content events.",
    )
    grace_window: float = setting(
        5.0,
        Seconds(0, 60),
        "How long a stream waits for the provider's status before it begins, so that errors stay HTTP errors.",
    )
    keep_alive: float = setting(
        15.0, Seconds(1, 300), "Seconds of silence in a stream after which a sign of life is sent."
    )
    max_body_bytes: int = setting(
        32 * MIB, Whole(KIB, GIB), "Largest request body, and the most that is fetched for one request."
    )
    max_bodies_bytes: int = setting(
        128 * MIB,
        Whole(KIB, 64 * GIB),
        "Bytes of request bodies that a worker has in memory at a time, with the histories from 512 KB on that they "
        "continue, until their answers end; a request beyond it gets 503. A request takes about four times the size of "
        "its body. As many bytes of unstored responses are remembered for WebSocket connections. At least "
        "max_body_bytes is used.",
    )
    max_responses: int = setting(
        2500, Whole(1, 100_000), "Responses that a worker answers at a time; another request gets 503."
    )
    max_lag: float = setting(
        1.0,
        Seconds(0, 60),
        "How late a worker's event loop may be, that is how long a chunk may wait in it; if it is later two seconds in "
        "a row, a growing part of the new requests gets 503, until it is in time. 0: however late.",
    )
    max_background: int = setting(
        1000, Whole(1, 100_000), "Background responses of a worker at a time; another one gets 503."
    )
    tenant_share: int = setting(
        50,
        Whole(1, 100),
        "Per cent of a worker's room (request bodies, background responses, file fetches, PDF files) that one tenant "
        "may use at a time; beyond it, its requests get 429 or wait. An only key has all.",
    )
    tenant_stored_bytes: int = setting(
        16 * GIB,
        Whole(KIB, 1024 * 1024 * GIB),
        "Bytes of responses, conversation items and files that one tenant may have stored; then its requests to store "
        "more get 429.",
    )
    tenant_stored_items: int = setting(
        1_000_000,
        Whole(1, 1_000_000_000),
        "Responses, conversation items and files that one tenant may have stored; then its requests to store more "
        "get 429.",
    )
    max_file_bytes: int = setting(
        512 * MIB,
        Whole(KIB, 64 * GIB),
        "Largest file that can be uploaded. Uploads are stored as they arrive and take none of max_bodies_bytes.",
    )
    file_url_hosts: tuple[str, ...] = setting(
        (),
        Hosts(),
        "Hosts from which a request may have files fetched (`file_url`). `*.` before a domain stands for every host "
        "below it, `*` alone for every host, as far as their addresses are public; a host named in full may have any. "
        "Ports other than 80 and 443 must be named. Unset: nothing is fetched.",
    )
    passthrough: tuple[str, ...] = setting(
        (),
        Names(),
        "Members of a request that the Responses API does not have and that go to the provider as they are.",
    )
    forward: bool = setting(
        True,
        Switch(),
        "Serve `/v1/chat/completions` and `/v1/embeddings`, too: requests go to the provider as they are.",
    )
    prompts: str | None = setting(
        None,
        Text("the path of a folder", metavar="FOLDER"),
        "Folder of the prompts that requests may name (`prompt`). Unset: there are none.",
    )
    codex_instructions: str | None = setting(
        None,
        Text("the path of a file", metavar="FILE"),
        "File with the prompt that Codex CLI gets for the models whose context window is known, together with that. "
        "Unset: Codex uses its own prompt, and assumes a window.",
    )
    max_input_items: int = setting(10_000, Whole(1, 1_000_000), "Most input items in one request.")
    max_output_bytes: int = setting(64 * MIB, Whole(KIB, GIB), "Largest answer taken from the provider.")
    body_timeout: float = setting(
        60.0, Seconds(1, 3600), "How long a request body may take to arrive, and then the files it names."
    )
    write_timeout: float = setting(
        60.0, Seconds(1, 3600), "How long a client may leave a write waiting before it counts as gone."
    )
    shutdown_grace: float = setting(
        25.0, Seconds(0, 3600), "How long open responses may go on after SIGTERM."
    )
    store_cache_bytes: int = setting(16 * MIB, Whole(0, GIB), "Stored responses each worker keeps at hand.")
    history_cache_bytes: int = setting(
        16 * MIB, Whole(0, GIB), "Translated histories each worker keeps at hand."
    )
    otlp_endpoint: str | None = setting(
        None,
        Text("the base URL of a collector, without /v1/traces", r"https?://[^\s/?#]+(/[^\s?#]*)?", metavar="URL"),
        "Where to send traces (OTLP over HTTP, JSON). Unset: nowhere; `traceparent` is passed on anyway.",
    )
    otlp_headers: tuple[str, ...] = setting(
        (),
        HeaderLines(),
        "Headers sent to the collector, for example one with its key.",
        secret=True,
    )
    trace_start: bool = setting(
        False, Switch(), "Send `traceparent` to providers and tool servers also for requests that come without one."
    )
    trace_sample: float = setting(
        1.0,
        Number(0, 1),
        "Part of the requests without `traceparent` whose traces are sent to the collector; for others their caller "
        "decides.",
    )
    log_level: str = setting(
        "info", Choice("debug", "info", "warning", "error"), "The least level that is logged."
    )
    log_format: str = setting(
        "auto", Choice("auto", "json", "console"), "Log lines for machines or for people; auto: people, on a terminal."
    )
    keys: tuple[CallerKey, ...] = ()
    """Of the TOML file."""
    upstreams: tuple[UpstreamSettings, ...] = ()
    """Of the TOML file."""
    models: Models = dataclasses.field(default_factory=dict)
    """Of the TOML file."""
    tools: ToolSettings = dataclasses.field(default_factory=ToolSettings)
    """Of the TOML file."""
    sources: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False, compare=False)
    """Where each setting that is not at its default came from: a flag, a variable, a file."""

    @property
    def requires_keys(self) -> bool:
        """Whether callers must present a key."""
        return bool(self.api_keys or self.has_named_keys)

    @property
    def has_named_keys(self) -> bool:
        """Whether callers may present named keys."""
        return bool(self.keys) or self.stored_keys

    @property
    def admin_port(self) -> int | None:
        return None if self.admin_bind is None else split_address(self.admin_bind)[1]

    @property
    def store_url(self) -> StoreURL:
        """The parsed URL of the store."""
        return parse_store_url(self.store)

    @property
    def share_percent(self) -> int:
        """The part of a worker's room that one tenant may use."""
        return 100 if len(self.api_keys) == 1 and not self.has_named_keys else self.tenant_share

    def all_upstreams(self) -> tuple[UpstreamSettings, ...]:
        """Return the upstream of `upstream_url`, if it is set, and the upstreams of the TOML file."""
        if self.upstream_url is None:
            return self.upstreams
        key = self.upstream_api_key
        url, query = split_query(self.upstream_url)
        headers = split_header_lines(self.upstream_headers)
        dialect = dialect_for(url, self.dialect)
        default = UpstreamSettings(
            name=DEFAULT,
            url=url,
            dialect=dialect,
            auto_dialect=self.dialect == "auto" and dialect == PRESETS["default"],
            headers={name: Secret(value) for name, value in headers.items()},
            query=query,
            ca=self.upstream_ca_file,
            certificate=self.upstream_certificate,
            certificate_key=self.upstream_certificate_key,
            keys=() if key is None else (Secret(key),),
            # with keys, a caller's key is a key of the adapter; a configured one has another place
            callers_key=key is None
            and not self.requires_keys
            and CREDENTIALS.isdisjoint(name.lower() for name in headers),
            connect_timeout=self.connect_timeout,
            timeout=self.upstream_timeout,
        )
        return (default, *self.upstreams)

    def with_presets(self, presets: Mapping[str, str]) -> "Settings":
        """Return the settings with these presets: upstream → the name of its preset."""
        upstreams = tuple(
            dataclasses.replace(one, dialect=PRESETS[presets[one.name]], auto_dialect=False)
            if one.name in presets
            else one
            for one in self.upstreams
        )
        return dataclasses.replace(self, upstreams=upstreams, dialect=presets.get(DEFAULT, self.dialect))


DESCRIPTIONS: Final[Mapping[str, Description]] = describe_fields(Settings)
