"""Keys and headers of the TOML file, which are never shown.

A value can be read from elsewhere when the server starts: `env:NAME` from the environment, `file:/path` from a file.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from adapter.settings.tables import TableError, quote_key

KEY: Final = re.compile(r"[!-~]{1,8192}")
HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
HEADER_VALUE: Final = re.compile(r"[!-~]([ -~]{0,8190}[!-~])?")


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is never shown; `shown` is shown instead."""

    value: str = field(repr=False)
    shown: str = "****"


def is_elsewhere(secret: Secret) -> bool:
    """Whether a value was read from the environment or a file, so that the settings only refer to it."""
    return secret.shown.startswith(("env:", "file:"))


def read_headers(
    headers: object, where: str, environ: Mapping[str, str], is_reserved: Callable[[str], bool]
) -> dict[str, Secret]:
    """Return the headers of a table; raise TableError. `is_reserved`: whether it may not have a name in lower case."""
    if not isinstance(headers, dict):
        raise TableError(f'{where} must be a table, for example {{ X-Team = "search" }}.')
    for name, value in headers.items():
        if not HEADER.fullmatch(name):
            raise TableError(f"{where}.{quote_key(name)} is not the name of a header.")
        if is_reserved(name.lower()):
            raise TableError(f"{where}.{quote_key(name)} is a header that the adapter sets itself.")
        if not isinstance(value, str):
            raise TableError(f"{where}.{quote_key(name)} must be text.")
    return {
        name: read_secret(value, f"{where}.{quote_key(name)}", HEADER_VALUE, environ)
        for name, value in headers.items()
    }


def read_query(
    query: object, where: str, environ: Mapping[str, str]
) -> dict[str, Secret]:
    """Return the parameters of a table; raise TableError."""
    if not isinstance(query, dict) or not all(isinstance(value, str) for value in query.values()):
        raise TableError(f'{where} must be a table of texts, for example {{ api-version = "2024-10-21" }}.')
    return {
        name: read_secret(value, f"{where}.{quote_key(name)}", HEADER_VALUE, environ) for name, value in query.items()
    }


def read_secret(text: str, where: str, pattern: re.Pattern[str], environ: Mapping[str, str]) -> Secret:
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
