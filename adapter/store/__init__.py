"""Where responses are kept; `open_store` finds the kind that a URL names."""

from typing import Final

from adapter.store.base import Store
from adapter.store.memory import MemoryStore

_SUPPORTED: Final = (
    "sqlite:///relative/path.db, sqlite:////absolute/path.db, postgresql+psycopg://user@host/database, "
    "redis://host:6379/0, rediss://host:6379/0, memory:"
)


def open_store(url: str, cache_bytes: int, retention: float | None = None) -> Store:
    """Return the store at `url`, with `cache_bytes` of what was read kept in front of it, where that pays.

    `retention`: seconds after which a store in which things expire lets go of them; None for its own default.

    Opens no file and no connection yet. Raises ValueError for a URL that names no store.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "memory":
        if rest:
            raise ValueError(f"'{url}' is not a store: 'memory:' takes nothing behind it.")
        return MemoryStore()
    if scheme == "sqlite":
        return _open_sqlite(url, cache_bytes)
    if scheme in ("postgresql", "postgresql+psycopg"):
        return _open_postgresql(url, cache_bytes)
    if scheme in ("redis", "rediss"):
        return _open_redis(url, retention)
    raise ValueError(f"'{scheme}:' is not a kind of store. Supported: {_SUPPORTED}.")


def _open_sqlite(url: str, cache_bytes: int) -> Store:
    from adapter.store.cached import CachedStore
    from adapter.store.sql.sqlite import SQLiteFile
    from adapter.store.sql.store import SQLStore

    path = url.removeprefix("sqlite:///")
    if path == url or path in ("", ":memory:") or "?" in path:
        raise ValueError(
            f"'{url}' names no SQLite file. Write sqlite:///relative/path.db or sqlite:////absolute/path.db, "
            "without options; for a store in memory, memory:."
        )
    return CachedStore(SQLStore(SQLiteFile(path)), cache_bytes)


def _open_postgresql(url: str, cache_bytes: int) -> Store:
    from adapter.store.cached import CachedStore
    from adapter.store.sql.postgres import PostgreSQL
    from adapter.store.sql.store import SQLStore

    return CachedStore(SQLStore(PostgreSQL(url)), cache_bytes)


def _open_redis(url: str, retention: float | None) -> Store:
    from adapter.store.redis.store import LIFETIME, RedisStore

    return RedisStore(url, LIFETIME if retention is None else retention)
