"""Combinations of settings that cannot work, or that would be unsafe, and what to do about each."""

import os
from importlib.util import find_spec
from typing import Final
from urllib.parse import urlsplit

from adapter.settings.codex_instructions import UnusableInstructions, read_codex_instructions
from adapter.settings.kinds import UNIX, is_loopback, split_address, split_header_lines
from adapter.settings.settings import Settings, SettingsError
from adapter.settings.upstreams import DEFAULT, RESERVED_HEADERS, UpstreamSettings
from translators.responses.passthrough import RESERVED

_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_ANY_ADDRESS: Final = frozenset({"0.0.0.0", "::"})
"""Hosts to listen on that include those of this machine."""
_PACKAGES: Final = {"postgresql": ("psycopg", "postgres"), "redis": ("redis", "redis")}
"""Kind of store → the package that it needs, and the extra that installs it."""


def check_settings(settings: Settings) -> None:
    """Raise SettingsError for the first combination that cannot be used."""
    refuse_open_bind(settings, settings.bind)
    _refuse_admin_bind(settings)
    _refuse_any_page_without_keys(settings)
    _refuse_unsendable_headers(settings)
    _refuse_memory_of_several_workers(settings)
    _refuse_missing_package(settings)
    _refuse_reserved_names(settings)
    _refuse_missing_folder(settings)
    _refuse_unreadable_instructions(settings)


def refuse_open_bind(settings: Settings, bind: str) -> None:
    """Raise SettingsError if other machines could use the server without a key, unless `allow_open` is set."""
    if not settings.requires_keys and not settings.allow_open and not is_loopback(bind):
        raise SettingsError(
            f"{settings.sources.get('bind', 'ADAPTER_BIND')}: other machines can reach {bind}, and no keys are set. "
            "Set ADAPTER_API_KEYS, or bind to 127.0.0.1, or set ADAPTER_ALLOW_OPEN=1 if anyone may use it."
        )


def refuse_listeners(settings: Settings, addresses: list[str]) -> None:
    """Raise SettingsError if a server must not use the sockets that it was given, by systemd or by another server.

    `addresses`: where they listen, in their order; the last one is the admin address, if there is one.
    """
    bind = settings.admin_bind
    if bind is not None:
        *addresses, admin = addresses
        source = settings.sources.get("admin_bind", "ADAPTER_ADMIN_BIND")
        if admin.startswith(UNIX) or not addresses or split_address(admin)[1] != split_address(bind)[1]:
            raise SettingsError(
                f"{source}: the last socket that this server was given must be that of the admin address {bind}, after "
                f"another one for callers; it listens on {admin}."
            )
        _refuse_open_admin(settings, admin)
    for address in addresses:
        refuse_open_bind(settings, address)


def refuse_itself(settings: Settings, bind: str) -> None:
    """Raise SettingsError for an upstream at the address on which this server listens."""
    host, port = split_address(bind)
    for upstream in settings.all_upstreams():
        url = urlsplit(upstream.url)
        here = {host, *_THIS_MACHINE} if host in {*_THIS_MACHINE, *_ANY_ADDRESS} else {host}
        if url.hostname in here and (url.port or {"http": 80, "https": 443}[url.scheme]) == port:
            raise SettingsError(
                f"{url_source(settings, upstream)}: {upstream.url} is the address of this server itself. Give it "
                "another with --bind."
            )


def url_source(settings: Settings, upstream: UpstreamSettings) -> str:
    """Return where the URL of an upstream is set, as messages name it."""
    if upstream.name == DEFAULT:
        return settings.sources.get("upstream_url", "ADAPTER_UPSTREAM_URL")
    return f"{settings.config}: upstreams.{upstream.name}.url"


def _refuse_admin_bind(settings: Settings) -> None:
    bind = settings.admin_bind
    if bind is None:
        if settings.inspector != "off":
            source = settings.sources["inspector"]
            raise SettingsError(
                f"{source}: the inspector is at the admin address. Set ADAPTER_ADMIN_BIND, for example 127.0.0.1:9464."
            )
        return
    source = settings.sources["admin_bind"]
    if split_address(bind)[1] == 0 or bind == settings.bind:
        raise SettingsError(f"{source}: the admin address needs a port of its own, not {bind}.")
    _refuse_open_admin(settings, bind)
    if settings.admin_hosts and settings.admin_key is None:
        raise SettingsError(
            f"{settings.sources['admin_hosts']}: who asks for {settings.admin_hosts[0]} may come from another machine, "
            "through a proxy, and there is no key for the admin address. Set ADAPTER_ADMIN_KEY."
        )


def _refuse_open_admin(settings: Settings, bind: str) -> None:
    source = settings.sources.get("admin_bind", "ADAPTER_ADMIN_BIND")
    if settings.admin_key is None and not is_loopback(bind):
        raise SettingsError(
            f"{source}: other machines can reach {bind}, and there is no key for it. Set ADAPTER_ADMIN_KEY, or bind to "
            "127.0.0.1."
        )


def _refuse_unsendable_headers(settings: Settings) -> None:
    for option in ("upstream_headers", "otlp_headers"):
        lines = getattr(settings, option)
        names = {name.lower() for name in split_header_lines(lines)}
        if len(names) < len(lines):
            raise SettingsError(f"{settings.sources[option]}: a header is there twice.")
        for name in sorted(names & RESERVED_HEADERS):
            raise SettingsError(f"{settings.sources[option]}: {name} is a header that the adapter sets itself.")
    names = {name.lower() for name in split_header_lines(settings.upstream_headers)}
    if "authorization" in names and settings.upstream_api_key is not None:
        source = settings.sources["upstream_headers"]
        raise SettingsError(f"{source}: authorization is also made from upstream_api_key; give one of them.")


def _refuse_any_page_without_keys(settings: Settings) -> None:
    if "*" in settings.cors_origins and not settings.requires_keys and not settings.allow_open:
        raise SettingsError(
            f"{settings.sources['cors_origins']}: without keys, every web page that is opened on this machine could "
            "use the server. Name the origins, or set ADAPTER_API_KEYS, or ADAPTER_ALLOW_OPEN=1 if anyone may use it."
        )


def _refuse_memory_of_several_workers(settings: Settings) -> None:
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


def _refuse_missing_folder(settings: Settings) -> None:
    if settings.prompts is not None and not os.path.isdir(settings.prompts):
        raise SettingsError(f"{settings.sources['prompts']}: there is no folder {settings.prompts}.")


def _refuse_unreadable_instructions(settings: Settings) -> None:
    if settings.codex_instructions is not None:
        try:
            read_codex_instructions(settings.codex_instructions)
        except UnusableInstructions as error:
            raise SettingsError(f"{settings.sources['codex_instructions']}: {error}") from None
