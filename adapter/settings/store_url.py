"""Store URLs: which kind of store a URL names, and where it is.

    memory:
    sqlite:///relative/path.db           sqlite:////absolute/path.db
    postgresql+psycopg://user:password@host:port/database
    redis://user:password@host:port/number           rediss: with TLS

This is the only place that takes such a URL apart. What a driver reads itself (hosts, options, credentials) is checked
by the driver when the store is opened.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal
from urllib.parse import urlsplit

SUPPORTED: Final = (
    "sqlite:///relative/path.db, sqlite:////absolute/path.db, postgresql+psycopg://user@host/database, "
    "redis://host:6379/0, rediss://host:6379/0, memory:"
)
POSTGRESQL_FORM: Final = "Write postgresql+psycopg://user:password@host:port/database."
REDIS_FORM: Final = "Write redis://user:password@host:port/number, or rediss: for TLS."


@dataclass(frozen=True, slots=True)
class StoreURL:
    """A parsed store URL."""

    kind: Literal["memory", "sqlite", "postgresql", "redis"]
    text: str = field(repr=False)
    """The URL as it was given; it may contain a password."""
    path: str = ""
    """Path of the SQLite file, relative to the working directory unless it begins with a slash."""

    def __str__(self) -> str:
        return without_password(self.text)


@lru_cache(maxsize=8)
def parse_store_url(text: str) -> StoreURL:
    """Parse a store URL; raise ValueError, with a message for the operator, if it names no store."""
    scheme, _, rest = text.partition(":")
    match scheme:
        case "memory":
            if rest:
                raise ValueError(f"'{text}' is not a store: 'memory:' takes nothing after it.")
            return StoreURL("memory", text)
        case "sqlite":
            return StoreURL("sqlite", text, _sqlite_path(text))
        case "postgresql" | "postgresql+psycopg":
            _check_network_url(text, rest, POSTGRESQL_FORM)
            return StoreURL("postgresql", text)
        case "redis" | "rediss":
            _check_network_url(text, rest, REDIS_FORM)
            return StoreURL("redis", text)
    raise ValueError(f"'{scheme}:' is not a kind of store. Supported: {SUPPORTED}.")


def without_password(url: str) -> str:
    """Return a URL as it may be shown and logged."""
    shown = re.sub(r"(//[^:@/]*:).*@", r"\1****@", url)
    return re.sub(r"(password=)[^&#]*", r"\1****", shown)


def _sqlite_path(text: str) -> str:
    path = text.removeprefix("sqlite:///")
    if path == text or path == ":memory:" or not re.fullmatch(r"[^?#]*[^/?#]", path):
        raise ValueError(
            f"'{text}' names no SQLite file. Write sqlite:///relative/path.db or sqlite:////absolute/path.db, "
            "without options; for a store in memory, memory:."
        )
    return path


def _check_network_url(text: str, rest: str, form: str) -> None:
    """Raise ValueError with the right form for a URL without `//`, with blanks or a fragment, or with a bad port."""
    try:
        _ = urlsplit(text).port  # raises ValueError
    except ValueError:
        raise ValueError(form) from None
    if not re.fullmatch(r"//[^\s#]*", rest):
        raise ValueError(form)
