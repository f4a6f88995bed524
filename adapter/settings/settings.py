"""Settings: a flag, else an environment variable, else the TOML file, else the default.

`Settings` is the only description of what can be set. Each of its fields carries its default, its kind (type
and bounds) and its help; the marshmallow schema, the flags of the command line, `responses-adapter config` and
docs/configuration.md are all made from it. What only the file can say, its tables of upstreams and models, is read by
`setting_upstreams.py` and `setting_models.py`. Nothing is guessed: an unknown TOML key or ADAPTER_ variable is
refused, because a misspelt limit that is silently ignored is no limit. An environment variable that is empty
counts as unset. Secrets have no flag, since other users of a machine can read a command line, and are never
printed.
"""

import dataclasses
import functools
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final

from marshmallow import Schema, ValidationError

from adapter.settings.kinds import (
    Address,
    Age,
    ChatURL,
    Choice,
    Hosts,
    Keys,
    Kind,
    Names,
    Seconds,
    Secrets,
    StoreLocation,
    Switch,
    Text,
    Whole,
    is_loopback,
    suggestion,
)
from adapter.settings.models import Models, Target, read_models
from adapter.settings.store_url import StoreURL, parse_store_url
from adapter.settings.tables import TableError, quoted
from adapter.settings.upstreams import DEFAULT, Secret, UpstreamSettings, read_upstreams
from translators.dialects.presets import PRESETS, dialect_for
from translators.responses.passthrough import RESERVED

PREFIX: Final = "ADAPTER_"
KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

_INHERITED: Final = {"connect_timeout": "connect_timeout", "timeout": "upstream_timeout"}
"""Settings that an upstream has from here unless it has its own."""

TABLES: Final[tuple[str, ...]] = ("upstreams", "models")
"""What only the file can say."""

_PACKAGES: Final = {"postgresql": ("psycopg", "postgres"), "redis": ("redis", "redis")}
"""The package that a kind of store needs, and the extra that installs it."""

LISTED: Final = "`responses-adapter serve --help` lists all."

_FROM_KUBERNETES: Final = re.compile(r"ADAPTER_(SERVICE_(HOST|PORT)|PORT)(_.*)?")
"""Variables that Kubernetes gives every pod beside a service called "adapter"; they are not ours."""


class SettingsError(Exception):
    """A setting cannot be used. The message is one line: where it stands, and what to do."""


def setting(default: Any, kind: Kind, help: str, *, secret: bool = False) -> Any:
    return dataclasses.field(
        default=default,
        repr=not secret and not isinstance(kind, StoreLocation),  # a URL may hold a password
        metadata={"kind": kind, "help": help, "secret": secret},
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What can be set; see `load_settings` for where from."""

    config: str | None = setting(
        None, Text("the path of a TOML file", metavar="FILE"), "TOML file with further settings."
    )
    bind: str = setting("127.0.0.1:8000", Address(), "Where to listen. Port 0 takes any free port.")
    workers: int = setting(2, Whole(1, 64), "Worker processes; each serves thousands of streams.")
    upstream_url: str | None = setting(
        None,
        ChatURL(),
        "Base URL of the chat-completions provider, with its /v1. Unset: the bundled demo upstream.",
    )
    upstream_api_key: str | None = setting(
        None,
        Text("a key without spaces", r"[!-~]+"),
        "Key sent to the provider. Unset: the caller's own bearer key is passed through.",
        secret=True,
    )
    connect_timeout: float = setting(10.0, Seconds(0.1, 120), "How long connecting to the provider may take.")
    upstream_timeout: float = setting(
        300.0, Seconds(1, 3600), "How long the provider may be silent before the response fails."
    )
    dialect: str = setting(
        "auto",
        Choice("auto", *PRESETS),
        "What the provider accepts and sends; auto tells by upstream_url.",
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
        "How long responses and conversations that nobody uses are kept. Unset: for ever; 30 days in Redis.",
    )
    api_keys: tuple[str, ...] = setting(
        (),
        Keys(),
        "Keys that callers must present, each a tenant of its own. Unset: open to anyone.",
        secret=True,
    )
    allow_open: bool = setting(
        False, Switch(), "Serve without api_keys on an address that other machines can reach."
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
    prompts: str | None = setting(
        None,
        Text("the path of a folder", metavar="FOLDER"),
        "Folder of the prompts that requests may name (`prompt`). Unset: there are none.",
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
    log_level: str = setting(
        "info", Choice("debug", "info", "warning", "error"), "The least level that is logged."
    )
    log_format: str = setting("json", Choice("json", "console"), "Log lines for machines or for people.")
    upstreams: tuple[UpstreamSettings, ...] = ()
    """Those of the TOML file."""
    models: Models = dataclasses.field(default_factory=dict)
    """Those of the TOML file."""
    sources: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False, compare=False)
    """Where each setting that is not at its default came from: a flag, a variable, a file."""

    @property
    def store_url(self) -> StoreURL:
        """The URL of the store taken apart."""
        return parse_store_url(self.store)

    def all_upstreams(self) -> tuple[UpstreamSettings, ...]:
        """Return that of `upstream_url`, if it is set, and those of the TOML file."""
        if self.upstream_url is None:
            return self.upstreams
        key = self.upstream_api_key
        default = UpstreamSettings(
            name=DEFAULT,
            url=self.upstream_url,
            dialect=dialect_for(self.upstream_url, self.dialect),
            keys=() if key is None else (Secret(key),),
            callers_key=key is None and not self.api_keys,  # those are the adapter's own, and stay here
            connect_timeout=self.connect_timeout,
            timeout=self.upstream_timeout,
        )
        return (default, *self.upstreams)


@dataclass(frozen=True, slots=True)
class Description:
    """One setting, as the command line, the documentation and error lines show it."""

    name: str
    default: Any
    kind: Kind
    help: str
    secret: bool

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    def shown(self, value: object) -> str:
        """Return a value as people read it; a secret is masked, what is unset is empty."""
        if value is None or value == ():
            return ""
        if self.secret:
            return ", ".join("****" for _ in value) if isinstance(value, tuple) else "****"
        if isinstance(value, tuple):
            return ", ".join(value)
        if isinstance(value, bool):
            return str(value).lower()
        return self.kind.shown(value)


DESCRIPTIONS: Final[Mapping[str, Description]] = {
    field.name: Description(field.name, field.default, **field.metadata)
    for field in dataclasses.fields(Settings)
    if field.metadata
}


@functools.cache
def _schema() -> Schema:
    return Schema.from_dict({name: of.kind for name, of in DESCRIPTIONS.items()})()


@dataclass(frozen=True, slots=True)
class _Given:
    value: object
    source: str


def load_settings(
    cli: Mapping[str, object] | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Return the checked settings; raise SettingsError for the first that cannot be used.

    `cli` holds flags by setting name: None is a flag that was not given, text is read like an environment
    variable.
    """
    outer = _from_environment(environ) | _from_flags(cli or {})
    given = outer
    if "config" in outer:
        path = _checked({"config": outer["config"]})["config"]
        given = _from_file(path, outer["config"].source) | outer
    tables = {name: given[name] for name in TABLES if name in given}
    given = {name: one for name, one in given.items() if name not in TABLES}
    settings = Settings(**_checked(given), sources={name: one.source for name, one in given.items()})
    settings = _with_tables(settings, tables, environ)
    refuse_open_bind(settings, settings.bind)
    _refuse_scattered_memory(settings)
    _refuse_missing_package(settings)
    _refuse_reserved_names(settings)
    if settings.prompts is not None and not os.path.isdir(settings.prompts):
        raise SettingsError(f"{settings.sources['prompts']}: there is no folder {settings.prompts}.")
    return settings


def effective(settings: Settings) -> list[tuple[str, str, str]]:
    """Return (name, value, source) of every setting; secrets are masked, unset ones are empty."""
    rows = [
        (name, of.shown(getattr(settings, name)), settings.sources.get(name, "default"))
        for name, of in DESCRIPTIONS.items()
    ]
    for upstream in settings.upstreams:
        for name, value in upstream.shown().items():
            source = settings.sources.get(_INHERITED.get(name, ""), "default")
            if name in upstream.given:
                source = f"{settings.config}: upstreams.{upstream.name}"
            rows.append((f"upstreams.{upstream.name}.{name}", value, source))
    for pattern, targets in settings.models.items():
        rows.append((f"models.{quoted(pattern)}", ", ".join(map(Target.shown, targets)), f"{settings.config}: models"))
    return rows


def refuse_open_bind(settings: Settings, bind: str) -> None:
    """Raise SettingsError if an address would let other machines in without a key and nobody asked for that."""
    if not settings.api_keys and not settings.allow_open and not is_loopback(bind):
        raise SettingsError(
            f"{settings.sources.get('bind', 'ADAPTER_BIND')}: other machines can reach {bind}, and no keys are set. "
            "Set ADAPTER_API_KEYS, or bind to 127.0.0.1, or set ADAPTER_ALLOW_OPEN=1 if anyone may use it."
        )


def _from_flags(cli: Mapping[str, object]) -> dict[str, _Given]:
    given = {name: value for name, value in cli.items() if value is not None}
    for name in given:
        if name not in DESCRIPTIONS:
            raise SettingsError(f"There is no setting {name}.{suggestion(name, DESCRIPTIONS)}")
    return {name: _Given(_read(name, value), DESCRIPTIONS[name].flag) for name, value in given.items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, _Given]:
    names = {of.variable: name for name, of in DESCRIPTIONS.items()}
    given = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or _FROM_KUBERNETES.fullmatch(variable):
            continue
        if variable not in names:
            raise SettingsError(
                f"{variable} in the environment is not a setting.{suggestion(variable, names)} {LISTED}"
            )
        if text.strip():
            name = names[variable]
            given[name] = _Given(_read(name, text.strip()), variable)
    return given


def _from_file(path: str, source: str) -> dict[str, _Given]:
    try:
        with open(path, "rb") as file:
            values = tomllib.load(file)
    except OSError as error:
        raise SettingsError(f"{source}: cannot read {path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{source}: {path} is not TOML: {error}.") from None
    names = [*(name for name in DESCRIPTIONS if name != "config"), *TABLES]
    for key in values:
        if key not in names:
            raise SettingsError(f"{path}: {key} is not a setting.{suggestion(key, names)} {LISTED}")
    return {key: _Given(value, f"{path}: {key}") for key, value in values.items()}


def _with_tables(settings: Settings, tables: Mapping[str, _Given], environ: Mapping[str, str]) -> Settings:
    """Return the settings with what the tables of the file say; raise SettingsError."""
    try:
        upstreams = read_upstreams(
            tables["upstreams"].value if "upstreams" in tables else {},
            environ,
            connect_timeout=settings.connect_timeout,
            timeout=settings.upstream_timeout,
        )
        if settings.api_keys and (passing := [one.name for one in upstreams if one.callers_key]):
            raise TableError(
                f"upstreams.{passing[0]}.callers_key: what callers present are keys of api_keys, which go nowhere."
            )
        weights = {one.name: one.weight for one in upstreams}
        if settings.upstream_url is not None or not upstreams:
            weights = {DEFAULT: 1, **weights}
        models = read_models(tables["models"].value if "models" in tables else {}, weights)
    except TableError as error:
        raise SettingsError(f"{settings.config}: {error}") from None
    return dataclasses.replace(settings, upstreams=upstreams, models=models)


def _read(name: str, value: object) -> object:
    return DESCRIPTIONS[name].kind.from_text(value) if isinstance(value, str) else value


def _checked(given: Mapping[str, _Given]) -> dict[str, Any]:
    try:
        values: dict[str, Any] = _schema().load({name: one.value for name, one in given.items()})
    except ValidationError as error:
        name = next(name for name in DESCRIPTIONS if name in error.messages_dict)
        of = DESCRIPTIONS[name]
        found = f", not {given[name].value!r}"
        if of.secret or "@" in found:  # a URL may hold a password
            found = ""
        raise SettingsError(f"{given[name].source} must be {of.kind.expects}{found}.") from None
    return values


def _refuse_scattered_memory(settings: Settings) -> None:
    if settings.store_url.kind == "memory" and settings.workers > 1:
        raise SettingsError(
            f"{settings.sources['store']}: memory: is not shared between workers, of which there are "
            f"{settings.workers}. Set ADAPTER_WORKERS=1, or keep responses in a file: sqlite:///var/adapter.db"
        )


def _refuse_missing_package(settings: Settings) -> None:
    package, extra = _PACKAGES.get(settings.store_url.kind, ("adapter", ""))
    if find_spec(package) is None:
        raise SettingsError(
            f"{settings.sources['store']}: this store needs the package {package}, which is not installed: "
            f"pip install 'responses-adapter[{extra}]'"
        )


def _refuse_reserved_names(settings: Settings) -> None:
    for name in settings.passthrough:
        if name in RESERVED:
            raise SettingsError(
                f"{settings.sources['passthrough']}: {name} cannot be passed through: the Responses API or this "
                "adapter gives it a meaning of its own."
            )
