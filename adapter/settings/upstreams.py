"""`[upstreams.NAME]` of the TOML file: one provider each.

A key, or the value of a header, can be read from elsewhere when the server starts: `env:NAME` from the environment,
`file:/path` from a file. Neither is ever shown.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from marshmallow import Schema, fields

from adapter.settings.dialects import describe_dialect, read_dialect
from adapter.settings.kinds import ChatURL, Seconds, Switch, Text, Whole
from adapter.settings.tables import TableError, check_table, quote_key
from translators.dialects.dialect import Dialect

DEFAULT: Final = "default"
"""Name of the upstream of `upstream_url`."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEY: Final = re.compile(r"[!-~]{1,8192}")
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_HEADER_VALUE: Final = re.compile(r"[!-~]([ -~]{0,8190}[!-~])?")
_RESERVED_HEADERS: Final = frozenset(
    {"accept-encoding", "connection", "content-length", "content-type", "expect", "host", "te", "transfer-encoding"}
)
"""Headers that the adapter sets itself."""
_SHOWN_AS: Final = {"key": "keys", "callers_key": "keys"}
"""Settings that share a row of `responses-adapter config`."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is never shown; `shown` is shown instead."""

    value: str = field(repr=False)
    shown: str = "****"


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamSettings:
    """One provider."""

    name: str
    url: str
    dialect: Dialect
    keys: tuple[Secret, ...] = ()
    callers_key: bool = False
    """Send the caller's own bearer key."""
    headers: Mapping[str, Secret] = field(default_factory=dict)
    connect_timeout: float
    timeout: float
    weight: int = 1
    given: frozenset[str] = frozenset()
    """Names, as in `describe`, of the settings that the file has."""

    def describe(self) -> dict[str, str]:
        """Return its settings as text, without secrets."""
        return {
            "url": self.url,
            "keys": "the caller's own" if self.callers_key else ", ".join(key.shown for key in self.keys),
            "headers": ", ".join(f"{name}: {value.shown}" for name, value in self.headers.items()),
            "connect_timeout": f"{self.connect_timeout:g}",
            "timeout": f"{self.timeout:g}",
            "dialect": describe_dialect(self.dialect),
            "weight": str(self.weight),
        }


class _UpstreamTable(Schema):
    url = ChatURL(required=True)
    key = Text("a key without spaces, env:NAME or file:/path", _KEY.pattern)
    keys = fields.Raw()
    callers_key = Switch()
    headers = fields.Raw()
    connect_timeout = Seconds(0.1, 120)
    timeout = Seconds(1, 3600)
    dialect = fields.Raw()
    weight = Whole(0, 1000)


UPSTREAM_TABLE: Final = _UpstreamTable()


def read_upstreams(
    table: object, environ: Mapping[str, str], *, connect_timeout: float, timeout: float
) -> tuple[UpstreamSettings, ...]:
    """Return the upstreams of `[upstreams]`; the timeouts are defaults. Raise TableError."""
    if not isinstance(table, dict) or not all(isinstance(value, dict) for value in table.values()):
        raise TableError("upstreams must hold tables, [upstreams.NAME], each with a url.")
    upstreams = []
    for name, values in table.items():
        where = f"upstreams.{quote_key(name)}"
        if not _NAME.fullmatch(name):
            raise TableError(f"{where}: a name has up to 64 letters, digits, - and _.")
        if name == DEFAULT:
            raise TableError(f"{where}: this name stands for the upstream of upstream_url.")
        read = check_table(UPSTREAM_TABLE, values, where, "a setting of an upstream", secret=("key", "url"))
        upstreams.append(
            UpstreamSettings(
                name=name,
                url=read["url"],
                dialect=read_dialect(read.get("dialect", "auto"), read["url"], f"{where}.dialect"),
                keys=_keys(read, where, environ),
                callers_key=read.get("callers_key", False),
                headers=_headers(read.get("headers", {}), f"{where}.headers", environ),
                connect_timeout=read.get("connect_timeout", connect_timeout),
                timeout=read.get("timeout", timeout),
                weight=read.get("weight", 1),
                given=frozenset(_SHOWN_AS.get(given, given) for given in read),
            )
        )
        _refuse_two_keys(upstreams[-1], where)
    return tuple(upstreams)


def _keys(read: Mapping[str, Any], where: str, environ: Mapping[str, str]) -> tuple[Secret, ...]:
    if "key" in read:
        if "keys" in read:
            raise TableError(f"{where}: key and keys are one setting, for one key or several; give one of them.")
        return (_secret(read["key"], f"{where}.key", _KEY, environ),)
    keys = read.get("keys", [])
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise TableError(f"{where}.keys must be an array of keys, each without spaces, env:NAME or file:/path.")
    return tuple(_secret(key, f"{where}.keys[{at}]", _KEY, environ) for at, key in enumerate(keys))


def _headers(headers: object, where: str, environ: Mapping[str, str]) -> dict[str, Secret]:
    if not isinstance(headers, dict):
        raise TableError(f'{where} must be a table, for example {{ X-Team = "search" }}.')
    for name, value in headers.items():
        if not _HEADER.fullmatch(name):
            raise TableError(f"{where}.{quote_key(name)} is not the name of a header.")
        if name.lower() in _RESERVED_HEADERS:
            raise TableError(f"{where}.{quote_key(name)} is a header that the adapter sets itself.")
        if not isinstance(value, str):
            raise TableError(f"{where}.{quote_key(name)} must be text.")
    return {
        name: _secret(value, f"{where}.{quote_key(name)}", _HEADER_VALUE, environ) for name, value in headers.items()
    }


def _secret(text: str, where: str, pattern: re.Pattern[str], environ: Mapping[str, str]) -> Secret:
    """Return the secret in a text, or that it refers to; raise TableError if it is missing or cannot be sent."""
    kind, _, name = text.partition(":")
    place = name if name.isprintable() else repr(name)
    value, shown = text, "****"
    if kind == "env":
        value, shown = environ.get(name, "").strip(), text
        if not value:
            raise TableError(f"{where}: the environment has no variable {place or '(without a name)'}, or it is empty.")
    elif kind == "file":
        shown = text
        try:
            with open(name, encoding="utf-8") as file:
                value = file.read(65536).strip()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise TableError(f"{where}: cannot read {place}: {reason}.") from None
    if not pattern.fullmatch(value):
        origin = "" if value is text else f" (from {kind}:{place})"
        raise TableError(f"{where}{origin} is empty, or has characters that no header may have.")
    return Secret(value, shown)


def _refuse_two_keys(upstream: UpstreamSettings, where: str) -> None:
    own = [name for name in upstream.headers if name.lower() == "authorization"]
    ways = ["keys"] * bool(upstream.keys) + ["callers_key"] * upstream.callers_key + own
    if len(ways) > 1:
        raise TableError(f"{where}: {' and '.join(ways)} cannot both be sent; give one of them.")
