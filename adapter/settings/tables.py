"""Checks a table of the TOML file.

An invalid value is a `TableError`: one line that begins with its path in the file, `upstreams.groq.timeout` or
`models."gpt-*"`. The error for an unknown name suggests a similar one.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from marshmallow import Schema, ValidationError

from adapter.settings.kinds import Kind, reason_in, suggest


class Described(Protocol):
    """The values of a table, as `responses-adapter config` shows them."""

    @property
    def given(self) -> frozenset[str]:
        """Names, as in `describe`, of the values that the file has."""

    def describe(self) -> dict[str, str]:
        """Return the values as text, without secrets."""


class TableError(ValueError):
    """A table cannot be used; the message begins with the path in the file."""


def check_table(
    schema: Schema, table: Mapping[str, object], where: str, what: str, *, hint: str = "", secret: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the values of a table; raise TableError for the first that is invalid.

    `what` says what the names of the table are; the values of `secret` names are not repeated in errors.
    """
    for name in table:
        if name not in schema.fields:
            near = suggest(name, schema.fields)
            raise TableError(f"{where}.{quote_key(name)} is not {what}.{near or hint}")
    try:
        read: dict[str, Any] = schema.load(table)
    except ValidationError as error:
        name = next(name for name in schema.fields if name in error.messages_dict)
        kind = schema.fields[name]
        assert isinstance(kind, Kind)
        if name not in table:
            raise TableError(f"{where} needs a {name}: {kind.expects}.") from None
        found = "" if name in secret else f", not {table[name]!r}"
        reason = reason_in(error.messages_dict[name])
        raise TableError(f"{where}.{name} must be {kind.expects}{found}.{reason}") from None
    return read


def quote_key(name: str) -> str:
    """Return a name as a TOML path has it: in quotes if it needs them."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)
