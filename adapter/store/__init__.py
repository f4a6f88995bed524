"""Stores of responses, conversations and runs; `open_store` returns the one that a URL names.

Each implements `protocols.py`, with the values of `base.py`.
"""

from adapter.settings.store_url import StoreURL, parse_store_url
from adapter.store.protocols import ResponseStore, Store


def open_store(url: str | StoreURL, retention: float | None = None) -> Store:
    """Return the store at a URL; open no file and no connection yet.

    `retention`: seconds after which Redis expires what is not used; None: its own default. Raises ValueError, with a
    message for the operator, for a URL that names no store.
    """
    if isinstance(url, str):
        url = parse_store_url(url)
    match url.kind:
        case "memory":
            from adapter.store.memory import MemoryStore

            return MemoryStore()
        case "sqlite":
            from adapter.store.sql.sqlite import SQLiteFile
            from adapter.store.sql.store import SQLStore

            return SQLStore(SQLiteFile(url.path))
        case "postgresql":
            from adapter.store.sql.postgres import PostgreSQL
            from adapter.store.sql.store import SQLStore

            return SQLStore(PostgreSQL(url.text))
        case "redis":
            from adapter.store.redis.store import DEFAULT_LIFETIME, RedisStore

            return RedisStore(url.text, DEFAULT_LIFETIME if retention is None else retention)


def cached_responses(store: Store, url: StoreURL, max_bytes: int) -> ResponseStore:
    """Return the responses of the store at `url`, with a cache of `max_bytes` if a cache saves anything.

    In Redis, confirming a version costs the same round trip as reading the response; in memory, both cost nothing.
    """
    if url.kind in ("sqlite", "postgresql"):
        from adapter.store.cached import CachedResponses

        return CachedResponses(store, max_bytes)
    return store
