"""How a table of the TOML file is checked, and the line that refuses it.

What does not fit is a `TableError`: one line that begins with its place in the file, `upstreams.groq.timeout` or
`models."gpt-*"`. A name that nobody knows is refused with the one that may have been meant.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import Schema, ValidationError

from adapter.settings.kinds import Kind, suggestion


class TableError(ValueError):
    """A table cannot be used; the message begins with the place."""


def checked(
    schema: Schema, table: Mapping[str, object], where: str, what: str, *, hint: str = "", secret: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the values of a table; raise TableError. `what` its names are; `secret` values are not repeated."""
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


def quoted(name: str) -> str:
    """Return a name as TOML has it in a path."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)
