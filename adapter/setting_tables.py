"""The tables of the TOML file: `[upstreams.NAME]`, a provider each, and `[models]`, which of them serve what.

Both are checked whole before the server starts. What does not fit is a `TableError`: one line that begins with its
place in the file, `upstreams.groq.timeout` or `models."gpt-*"`. A key, and the value of a header, may stand elsewhere:
`env:NAME` in the environment, `file:/path` in a file. Neither is ever shown.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Any, Final, Literal, NamedTuple, Union, get_args, get_origin

import msgspec
from marshmallow import Schema, ValidationError, fields

from adapter.setting_kinds import ChatURL, Kind, Seconds, Switch, Text, Whole, suggestion
from translators.dialect import Dialect
from translators.presets import PRESETS, dialect_for

DEFAULT: Final = "default"
"""The upstream that `upstream_url` names."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MODEL: Final = re.compile(r"[^\s*]{0,256}\*?[^\s*]{0,256}")
_KEY: Final = re.compile(r"[!-~]{1,8192}")
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_HEADER_VALUE: Final = re.compile(r"[!-~]([ -~]{0,8190}[!-~])?")
_OURS: Final = frozenset(
    {"accept-encoding", "connection", "content-length", "content-type", "expect", "host", "te", "transfer-encoding"}
)
"""Headers that the adapter sets."""


_SHOWN_AS: Final = {"key": "keys", "callers_key": "keys"}


class TableError(ValueError):
    """A table cannot be used; the message begins with the place."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is never shown; `shown` is what stands for it."""

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
    """The caller's own bearer key goes to it."""
    headers: Mapping[str, Secret] = field(default_factory=dict)
    connect_timeout: float
    timeout: float
    weight: int = 1
    given: frozenset[str] = frozenset()
    """What the file says of it, by the names of `shown`."""

    def shown(self) -> dict[str, str]:
        """Return its settings as people read them."""
        preset = PRESETS[self.dialect.name]
        own = ", ".join(name for name in _DIALECT_FIELDS if getattr(self.dialect, name) != getattr(preset, name))
        return {
            "url": self.url,
            "keys": "the caller's own" if self.callers_key else ", ".join(key.shown for key in self.keys),
            "headers": ", ".join(f"{name}: {value.shown}" for name, value in self.headers.items()),
            "connect_timeout": f"{self.connect_timeout:g}",
            "timeout": f"{self.timeout:g}",
            "dialect": self.dialect.name + (f", but for {own}" if own else ""),
            "weight": str(self.weight),
        }


class Target(NamedTuple):
    """An upstream that serves a model, and what the model is called there."""

    upstream: str
    model: str
    """`*` stands for what the `*` of the pattern matched."""
    weight: int

    def shown(self) -> str:
        return f"{self.model} at {self.upstream}" + (f" (weight {self.weight})" if self.weight != 1 else "")


Models = Mapping[str, tuple[Target, ...]]
"""Which upstreams serve the models of a name; a name with `*` is a pattern. In the order of the file."""


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


class _TargetTable(Schema):
    upstream = Text("the name of an upstream")
    model = Text("a model's name, in which one * may stand for what the pattern's * matched", _MODEL.pattern)
    weight = Whole(0, 1000)


UPSTREAM_TABLE: Final = _UpstreamTable()
TARGET_TABLE: Final = _TargetTable()


def read_upstreams(
    table: object, environ: Mapping[str, str], *, connect_timeout: float, timeout: float
) -> tuple[UpstreamSettings, ...]:
    """Return the upstreams of `[upstreams]`; the timeouts are for those that have none of their own."""
    if not isinstance(table, dict) or not all(isinstance(value, dict) for value in table.values()):
        raise TableError("upstreams must hold tables, [upstreams.NAME], each with a url.")
    upstreams = []
    for name, values in table.items():
        where = f"upstreams.{quoted(name)}"
        if not _NAME.fullmatch(name):
            raise TableError(f"{where}: a name has up to 64 letters, digits, - and _.")
        if name == DEFAULT:
            raise TableError(f"{where}: this name stands for the upstream of upstream_url.")
        read = _checked(UPSTREAM_TABLE, values, where, "a setting of an upstream", secret=("key", "url"))
        upstreams.append(
            UpstreamSettings(
                name=name,
                url=read["url"],
                dialect=_dialect(read.get("dialect", "auto"), read["url"], f"{where}.dialect"),
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


def read_models(table: object, weights: Mapping[str, int]) -> Models:
    """Return the models of `[models]`; `weights` are those of all upstreams there are."""
    if not isinstance(table, dict):
        raise TableError("models must be a table: a model's name or a pattern, and who serves it.")
    models: dict[str, tuple[Target, ...]] = {}
    for pattern, value in table.items():
        where = f"models.{quoted(pattern)}"
        if not pattern or not _MODEL.fullmatch(pattern):
            raise TableError(f"{where}: a pattern has no spaces, and at most one *, which stands for anything.")
        for earlier in models:
            if "*" in earlier and "*" in pattern and matched(earlier, pattern) is not None:
                raise TableError(f"{where} never counts, since models.{quoted(earlier)} above it matches the same.")
        entries = value if isinstance(value, list) else [value]
        if not entries:
            raise TableError(f"{where} must name an upstream.")
        targets: list[Target] = []
        for at, entry in enumerate(entries):
            of = f"{where}[{at}]" if isinstance(value, list) else where
            targets += _targets(entry, pattern, of, weights)
        if len({(target.upstream, target.model) for target in targets}) < len(targets):
            raise TableError(f"{where} names the same model of an upstream twice.")
        models[pattern] = tuple(targets)
    return models


def matched(pattern: str, name: str) -> str | None:
    """Return what the `*` of a pattern stands for in a name, "" if it has none; None if it does not match."""
    head, star, tail = pattern.partition("*")
    if not star:
        return "" if name == pattern else None
    if len(name) < len(head) + len(tail) or not name.startswith(head) or not name.endswith(tail):
        return None
    return name[len(head) : len(name) - len(tail)]


def _targets(entry: object, pattern: str, where: str, weights: Mapping[str, int]) -> list[Target]:
    if isinstance(entry, str):
        entry = {"upstream": entry}
    if not isinstance(entry, dict):
        raise TableError(f"{where} must be an upstream's name, or a table of upstream, model and weight.")
    hint = ' A name with a dot is written in quotes: "gpt-4.1".'
    read = _checked(TARGET_TABLE, entry, where, "upstream, model or weight", hint=hint)
    upstream, model = read.get("upstream"), read.get("model", pattern)
    if upstream is not None and upstream not in weights:
        alias = f' Another name for a model is written {{ model = "{upstream}" }}.' if upstream != DEFAULT else ""
        raise TableError(f"{where}: there is no upstream {upstream}.{suggestion(upstream, weights) or alias}")
    if not model:
        raise TableError(f"{where}.model is empty.")
    if "*" in model and "*" not in pattern:
        raise TableError(f"{where}.model has a *, and the name before it has none.")
    chosen = tuple(weights) if upstream is None else (upstream,)
    return [Target(name, model, read.get("weight", weights[name])) for name in chosen]


def _checked(
    schema: Schema, table: Mapping[str, object], where: str, what: str, *, hint: str = "", secret: Iterable[str] = ()
) -> dict[str, Any]:
    for name in table:
        if name not in schema.fields:
            near = suggestion(name, schema.fields)
            raise TableError(f"{where}.{quoted(name)} is not {what}.{near or hint}")
    try:
        read: dict[str, Any] = schema.load(table)
    except ValidationError as error:
        name = next(name for name in schema.fields if name in error.messages_dict)
        kind = schema.fields[name]
        assert isinstance(kind, Kind)
        if name not in table:
            raise TableError(f"{where} needs a {name}: {kind.expects}.") from None
        found = "" if name in secret else f", not {table[name]!r}"
        raise TableError(f"{where}.{name} must be {kind.expects}{found}.") from None
    return read


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
            raise TableError(f"{where}.{quoted(name)} is not the name of a header.")
        if name.lower() in _OURS:
            raise TableError(f"{where}.{quoted(name)} is a header that the adapter sets itself.")
        if not isinstance(value, str):
            raise TableError(f"{where}.{quoted(name)} must be text.")
    return {
        name: _secret(value, f"{where}.{quoted(name)}", _HEADER_VALUE, environ) for name, value in headers.items()
    }


def _secret(text: str, where: str, pattern: re.Pattern[str], environ: Mapping[str, str]) -> Secret:
    """Return what a text says or names; raise TableError if that is not there, or cannot be sent."""
    kind, _, name = text.partition(":")
    value, shown = text, "****"
    if kind == "env":
        value, shown = environ.get(name, "").strip(), text
        if not value:
            raise TableError(f"{where}: the environment has no variable {name or '(without a name)'}, or it is empty.")
    elif kind == "file":
        shown = text
        try:
            with open(name, encoding="utf-8") as file:
                value = file.read(65536).strip()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise TableError(f"{where}: cannot read {name}: {reason}.") from None
    if not pattern.fullmatch(value):
        told = "" if value is text else f" (from {text})"
        raise TableError(f"{where}{told} is empty, or has characters that no header may have.")
    return Secret(value, shown)


def _refuse_two_keys(upstream: UpstreamSettings, where: str) -> None:
    own = [name for name in upstream.headers if name.lower() == "authorization"]
    ways = ["keys"] * bool(upstream.keys) + ["callers_key"] * upstream.callers_key + own
    if len(ways) > 1:
        raise TableError(f"{where}: {' and '.join(ways)} cannot both be sent; give one of them.")


def _dialect(value: object, url: str, where: str) -> Dialect:
    """Return a preset, as it is or with fields of its own."""
    presets = ("auto", *PRESETS)
    table = value if isinstance(value, dict) else {"preset": value}
    preset = table.get("preset", "auto")
    if not isinstance(preset, str) or preset not in presets:
        place = f"{where}.preset" if isinstance(value, dict) else where
        near = suggestion(preset, presets) if isinstance(preset, str) else ""
        raise TableError(f"{place} must be one of {', '.join(presets)}, not {preset!r}.{near}")
    dialect = dialect_for(url, preset)
    changes = {
        name: _field(name, given, f"{where}.{quoted(name)}") for name, given in table.items() if name != "preset"
    }
    return msgspec.structs.replace(dialect, **changes)


_DIALECT_FIELDS: Final = {
    of.name: of.type for of in msgspec.structs.fields(Dialect) if of.name not in ("name", "lessons")
}


def _field(name: str, value: object, where: str) -> object:
    """Return the value of a dialect's field; `"none"` says that there is none, since TOML has no word for that."""
    if name not in _DIALECT_FIELDS:
        raise TableError(f"{where} is not a field of a dialect.{suggestion(name, _DIALECT_FIELDS)}")
    type = _DIALECT_FIELDS[name]
    for said in (value, None) if value == "none" else (value,):
        with suppress(msgspec.ValidationError):
            return msgspec.convert(said, type)
    raise TableError(f"{where} must be {_expected(type)}, not {value!r}.")


def _expected(type: Any) -> str:
    """Name the values of a dialect's field."""
    of, arguments = get_origin(type), get_args(type)
    if of is Literal:
        return "one of " + ", ".join(map(str, arguments))
    if of in (frozenset, tuple):
        return "an array" + (f" of {_expected(arguments[0])}" if arguments[0] is not str else " of texts")
    if of in (Union, UnionType):
        return " or ".join("none" if one is NoneType else _expected(one) for one in arguments)
    return {bool: "true or false", str: "a text", int: "a whole number"}.get(of or type, "a table")


def quoted(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else '"' + name.replace('"', '\\"') + '"'
