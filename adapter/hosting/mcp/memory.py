"""What a worker remembers of MCP servers: the era of each URL, and lists of tools for as long as they may be cached.

A list is cached for one tenant and one credential, since servers may list other tools for others.
"""

import time
from collections.abc import Callable
from typing import Final, Literal

from cachetools import LRUCache

from adapter.hosting.mcp.connections import ServerKey
from adapter.hosting.mcp.tools import ToolList

Era = Literal["stateless", "sessions", "sse"]

_MAX_ERAS: Final = 1024
_MAX_LIST_BYTES: Final = 8 * 1024 * 1024
"""Of all cached lists of a worker."""
_MAX_LIST_SECONDS: Final = 300.0


class ServerMemory:
    """Filled by the requests of one worker."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._eras: LRUCache[str, Era] = LRUCache(_MAX_ERAS)
        self._lists: LRUCache[ServerKey, tuple[ToolList, float]] = LRUCache(
            _MAX_LIST_BYTES, getsizeof=lambda kept: kept[0].bytes
        )
        """With the time until which each may be used."""
        self._now = now

    def era(self, url: str) -> Era | None:
        return self._eras.get(url)

    def learn_era(self, url: str, era: Era) -> None:
        self._eras[url] = era

    def forget_era(self, url: str) -> None:
        self._eras.pop(url, None)

    def tools(self, key: ServerKey) -> ToolList | None:
        try:
            found, until = self._lists[key]
        except KeyError:
            return None
        return found if self._now() < until else None

    def keep_tools(self, key: ServerKey, tools: ToolList, seconds: float | None) -> None:
        """Cache a list for `seconds`; None: as long as the server allows, at most five minutes."""
        seconds = min(tools.seconds, _MAX_LIST_SECONDS) if seconds is None else seconds
        if seconds > 0 and tools.bytes <= _MAX_LIST_BYTES:
            self._lists[key] = (tools, self._now() + seconds)
