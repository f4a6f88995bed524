"""An upstream's dialect in the TOML file: the name of a preset, or a table of differences from one.

The table may have every field of `translators.dialects.dialect.Dialect`, in its type there; an array is a set, and
`"none"` is None, since TOML has no null.
"""

from contextlib import suppress
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

import msgspec

from adapter.settings.kinds import choice_of, suggest
from adapter.settings.tables import TableError, quote_key
from translators.dialects.dialect import Dialect
from translators.dialects.presets import PRESETS, dialect_for

_FIELDS: Final = {
    of.name: of.type for of in msgspec.structs.fields(Dialect) if of.name not in ("name", "lessons")
}


def read_dialect(value: object, url: str, where: str) -> Dialect:
    """Return a preset, with the fields that the table changes; raise TableError."""
    presets = ("auto", *PRESETS)
    table = value if isinstance(value, dict) else {"preset": value}
    preset = table.get("preset", "auto")
    if not isinstance(preset, str) or choice_of(preset) not in presets:
        place = f"{where}.preset" if isinstance(value, dict) else where
        near = suggest(preset, presets) if isinstance(preset, str) else ""
        raise TableError(f"{place} must be one of {', '.join(presets)}, not {preset!r}.{near}")
    dialect = dialect_for(url, choice_of(preset))
    changes = {
        name: _field(name, given, f"{where}.{quote_key(name)}") for name, given in table.items() if name != "preset"
    }
    return msgspec.structs.replace(dialect, **changes)


def describe_dialect(dialect: Dialect) -> str:
    """Return the name of a dialect's preset, and the names of the fields that differ from it."""
    preset = PRESETS[dialect.name]
    own = ", ".join(name for name in _FIELDS if getattr(dialect, name) != getattr(preset, name))
    return dialect.name + (f", but for {own}" if own else "")


def _field(name: str, value: object, where: str) -> object:
    if name not in _FIELDS:
        raise TableError(f"{where} is not a field of a dialect.{suggest(name, _FIELDS)}")
    type = _FIELDS[name]
    for candidate in (value, None) if value == "none" else (value,):
        with suppress(msgspec.ValidationError):
            return msgspec.convert(candidate, type)
    near = suggest(value, _words(type)) if isinstance(value, str) else ""
    raise TableError(f"{where} must be {_expected(type)}, not {value!r}.{near}")


def _words(type: Any) -> tuple[str, ...]:
    """Return the texts that a field accepts; none, if it accepts any."""
    if get_origin(type) is Literal:
        return tuple(map(str, get_args(type)))
    return tuple(word for one in get_args(type) if get_origin(one) is Literal for word in _words(one))


def _expected(type: Any) -> str:
    """Describe the values that a dialect's field accepts."""
    of, arguments = get_origin(type), get_args(type)
    if of is Literal:
        return "one of " + ", ".join(map(str, arguments))
    if of in (frozenset, tuple):
        return "an array" + (f" of {_expected(arguments[0])}" if arguments[0] is not str else " of texts")
    if of in (Union, UnionType):
        return " or ".join("none" if one is NoneType else _expected(one) for one in arguments)
    return {bool: "true or false", str: "a text", int: "a whole number"}.get(of or type, "a table")
