"""What the application works with: one `Services` per app, made once, used by every request.

It is built before gunicorn forks its workers, so nothing in it may open a connection, start a thread or read the
clock until it is used. Views get it from `api/current.py`.
"""

import os
import time
from collections.abc import Callable
from functools import cached_property
from typing import Literal, cast

from adapter.background.runs import Runs
from adapter.background.worker import Background
from adapter.event_loop.heartbeat import TICK_SECONDS, Heartbeat
from adapter.files.files import Files
from adapter.history.chain_cache import ChainCache
from adapter.history.compaction_items import CompactionSealer
from adapter.history.prefix_cache import PrefixCache
from adapter.history.sealing import Keyring, open_keyring
from adapter.settings.settings import Settings, SettingsError
from adapter.store import cached_responses, open_store
from adapter.store.protocols import ConversationStore, ResponseStore, Store
from adapter.store.retention import Retention
from adapter.upstream.client import Upstream
from adapter.upstream.learning import ModelDialects
from adapter.upstream.lessons import Lessons
from adapter.upstream.routing.registry import Registry
from translators.responses.ids import Ids, seed
from translators.to_responses.stream import Limits


class Services:
    keeps_all = False
    """Whether even what a client does not want stored is put: into the memory of its connection."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.heartbeat = Heartbeat()
        self.store: Store = _open_store(settings)
        self.responses: ResponseStore = cached_responses(self.store, settings.store_url, settings.store_cache_bytes)
        self.conversations: ConversationStore = self.store
        self.lessons = Lessons(self.store)
        every = settings.all_upstreams()
        self.upstreams = {one.name: Upstream(one, self.heartbeat) for one in every}
        self.dialects = {one.name: ModelDialects(one.dialect, self.lessons, one.name) for one in every}
        self.registry = Registry(every, settings.models, time.monotonic)
        self.files = Files(settings)
        self.compaction_sealer = CompactionSealer(lambda: self.keyring)
        cache_bytes = settings.history_cache_bytes // 2
        self.chain_cache = ChainCache(self.responses, self.files, self.compaction_sealer, cache_bytes)
        self.prefix_cache = PrefixCache(cache_bytes)
        self.limits = Limits(output_bytes=settings.max_output_bytes)
        self.reasoning_as = cast(Literal["summary", "content"], settings.reasoning_as)
        self.runs = Runs(self.store, self.responses)
        self.background = Background(self.runs, self.must_stop)
        self.retention = Retention(self.store, settings.retention)
        self._last_call: float | None = None

    @cached_property
    def keyring(self) -> Keyring:
        """What seals reasoning; raises StoreDown if its secret cannot be kept."""
        return open_keyring(self.settings, self.store)

    def ids(self, family: str | None = None) -> Ids:
        """Return the ids of a new response, of a family of its own unless one is given."""
        return Ids(seed(time.time_ns() // 1_000_000, int.from_bytes(os.urandom(6)), family))

    def start(self) -> None:
        """Begin what a worker does without being asked."""
        self.retention.start()

    def drain(self) -> None:
        """Begin to stop: open responses may go on for `shutdown_grace` seconds and are then ended as failed."""
        self._last_call = time.monotonic() + self.settings.shutdown_grace

    def close(self, on_wait: Callable[[], object]) -> None:
        """End what runs in the background, at once if not told to `drain` before, and let go of the store.

        `on_wait` is called about once a second until then.
        """
        if self._last_call is None:
            self._last_call = time.monotonic()
        self.retention.stop()
        while not self.background.join(TICK_SECONDS):
            on_wait()
        self.store.close()

    @property
    def draining(self) -> bool:
        """Whether the worker is about to stop: nothing new begins."""
        return self._last_call is not None

    def must_stop(self) -> bool:
        """Tell whether open responses have to end now, because the worker is about to."""
        return self._last_call is not None and time.monotonic() >= self._last_call


def _open_store(settings: Settings) -> Store:
    try:
        return open_store(settings.store_url, settings.retention)
    except ValueError as error:
        raise SettingsError(f"{settings.sources.get('store', 'ADAPTER_STORE')}: {error}") from None
