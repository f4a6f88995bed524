"""A store as a worker uses it: its responses are read through the cache."""

from typing import Any, Final, cast

from adapter.settings.store_url import parse_store_url
from adapter.store import cached_responses, open_store
from adapter.store.protocols import ResponseStore, Store

CACHE_BYTES: Final = 1 << 20


def cached(url: str) -> Store:
    """Return the store at a URL with a cache for its responses."""
    return cast(Store, _Cached(url))


class _Cached:
    def __init__(self, url: str) -> None:
        self._store = open_store(url)
        self._responses = cached_responses(self._store, parse_store_url(url), CACHE_BYTES)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._responses if hasattr(ResponseStore, name) else self._store, name)
