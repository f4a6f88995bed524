"""`[upstreams.NAME]` of the TOML file: one provider each. `secret_values.py` reads its keys and headers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from marshmallow import Schema, fields

from adapter.settings.dialects import describe_dialect, read_dialect
from adapter.settings.kinds import ChatURL, Seconds, Switch, Text, Whole
from adapter.settings.secret_values import KEY, Secret, read_headers, read_query, read_secret
from adapter.settings.tables import TableError, check_table, quote_key
from translators.dialects.dialect import Dialect
from translators.dialects.presets import PRESETS

DEFAULT: Final = "default"
"""Name of the upstream of `upstream_url`."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
RESERVED_HEADERS: Final = frozenset(
    {"accept-encoding", "connection", "content-length", "content-type", "expect", "host", "te", "transfer-encoding"}
)
"""Headers that the adapter sets itself."""
_SHOWN_AS: Final = {"key": "keys", "callers_key": "keys", "certificate_key": "certificate"}
"""Settings that share a row of `responses-adapter config`."""


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
    query: Mapping[str, Secret] = field(default_factory=dict)
    """Sent with every request, such as Azure's `api-version`."""
    ca: str | None = None
    """File or folder of the authorities that are trusted; None: those of the environment, else the usual ones."""
    certificate: str | None = None
    """File of the client certificate, with its key unless `certificate_key` names another file."""
    certificate_key: str | None = None
    connect_timeout: float
    timeout: float
    weight: int = 1
    auto_dialect: bool = False
    """Neither the settings nor the URL tell the dialect, so that the provider's list of models may."""
    given: frozenset[str] = frozenset()
    """Names, as in `describe`, of the settings that the file has."""

    def endpoint(self, path: str) -> str:
        """Return the URL of a path below the base URL."""
        query = urlencode({name: value.value for name, value in self.query.items()})
        return f"{self.url}{path}?{query}" if query else self.url + path

    def describe(self) -> dict[str, str]:
        """Return its settings as text, without secrets."""
        return {
            "url": self.url,
            "keys": "the caller's own" if self.callers_key else ", ".join(key.shown for key in self.keys),
            "headers": ", ".join(f"{name}: {value.shown}" for name, value in self.headers.items()),
            "query": ", ".join(f"{name}: {value.shown}" for name, value in self.query.items()),
            "ca": self.ca or "",
            "certificate": ", ".join(filter(None, (self.certificate, self.certificate_key))),
            "connect_timeout": f"{self.connect_timeout:g}",
            "timeout": f"{self.timeout:g}",
            "dialect": describe_dialect(self.dialect),
            "weight": str(self.weight),
        }


class _UpstreamTable(Schema):
    url = ChatURL(required=True)
    key = Text("a key without spaces, env:NAME or file:/path", KEY.pattern)
    keys = fields.Raw()
    callers_key = Switch()
    headers = fields.Raw()
    query = fields.Raw()
    ca = Text("the path of a file or folder", metavar="FILE")
    certificate = Text("the path of a file", metavar="FILE")
    certificate_key = Text("the path of a file", metavar="FILE")
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
        url, query = split_query(read["url"])
        dialect = read_dialect(read.get("dialect", "auto"), url, f"{where}.dialect")
        upstreams.append(
            UpstreamSettings(
                name=name,
                url=url,
                dialect=dialect,
                auto_dialect=read.get("dialect", "auto") == "auto" and dialect == PRESETS["default"],
                keys=_keys(read, where, environ),
                callers_key=read.get("callers_key", False),
                headers=read_headers(
                    read.get("headers", {}), f"{where}.headers", environ, RESERVED_HEADERS.__contains__
                ),
                query={**query, **read_query(read.get("query", {}), f"{where}.query", environ)},
                ca=read.get("ca"),
                certificate=read.get("certificate"),
                certificate_key=read.get("certificate_key"),
                connect_timeout=read.get("connect_timeout", connect_timeout),
                timeout=read.get("timeout", timeout),
                weight=read.get("weight", 1),
                given=frozenset(_SHOWN_AS.get(given, given) for given in read),
            )
        )
        _refuse_two_keys(upstreams[-1], where)
        if "certificate_key" in read and "certificate" not in read:
            raise TableError(f"{where}.certificate_key belongs to a certificate, which is not given.")
    return tuple(upstreams)


def split_query(url: str) -> tuple[str, dict[str, Secret]]:
    """Return a checked base URL without its query, and the parameters of that."""
    base, _, query = url.partition("?")
    return base, {name: Secret(value) for name, value in parse_qsl(query, keep_blank_values=True)}


def _keys(read: Mapping[str, Any], where: str, environ: Mapping[str, str]) -> tuple[Secret, ...]:
    if "key" in read:
        if "keys" in read:
            raise TableError(f"{where}: key and keys are one setting, for one key or several; give one of them.")
        return (read_secret(read["key"], f"{where}.key", KEY, environ),)
    keys = read.get("keys", [])
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise TableError(f"{where}.keys must be an array of keys, each without spaces, env:NAME or file:/path.")
    return tuple(read_secret(key, f"{where}.keys[{at}]", KEY, environ) for at, key in enumerate(keys))


def _refuse_two_keys(upstream: UpstreamSettings, where: str) -> None:
    own = [name for name in upstream.headers if name.lower() == "authorization"]
    ways = ["keys"] * bool(upstream.keys) + ["callers_key"] * upstream.callers_key + own
    if len(ways) > 1:
        raise TableError(f"{where}: {' and '.join(ways)} cannot both be sent; give one of them.")
