"""What the application works with: one `Services` per app, made once, used by every request.

It is built before gunicorn forks its workers, so nothing in it may open a connection, start a thread or read the
clock until it is used. Views get it from `api/current.py`.
"""

import os
import time
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Literal, cast

import gevent
from msgspec import Struct

from adapter.background.runs import Runs
from adapter.background.worker import Background
from adapter.event_loop.heartbeat import TICK_SECONDS, Heartbeat
from adapter.event_loop.lag import Lag
from adapter.files.files import Files
from adapter.history.chain_cache import ChainCache
from adapter.history.compaction_items import CompactionSealer
from adapter.history.known_bases import KnownBases
from adapter.history.known_inputs import KnownInputs
from adapter.history.prefix_cache import PrefixCache
from adapter.history.sealing import Keyring, open_keyring
from adapter.settings.kinds import split_header_lines
from adapter.settings.settings import Settings, SettingsError
from adapter.sharing.admission import Gate
from adapter.sharing.evicting import EvictingShares
from adapter.sharing.keys import CallerKeys
from adapter.sharing.offload import Offload
from adapter.sharing.overload import Overload
from adapter.sharing.shares import Shares, share_of
from adapter.store import cached_responses, open_store
from adapter.store.base import StoreDown
from adapter.store.files import open_file_store
from adapter.store.files.upkeep import FileUpkeep
from adapter.store.keys.machines import Machines
from adapter.store.keys.stored_keys import StoredKeys
from adapter.store.keys.usage_recorder import UsageRecorder
from adapter.store.protocols import ConversationStore, ResponseReader, ResponseStore, Store
from adapter.store.quota import Quota
from adapter.store.retention import Retention
from adapter.telemetry.catalog import EVENT_LOOP_LAG_SECONDS, IN_FLIGHT
from adapter.telemetry.logs import log
from adapter.telemetry.masks import mask_secrets, mask_tokens
from adapter.telemetry.snapshots import Snapshots, private_directory
from adapter.telemetry.traces.exporter import Exporter
from adapter.telemetry.traces.spans import tracing
from adapter.upstream.client import Upstream
from adapter.upstream.learning import ModelDialects
from adapter.upstream.lessons import Lessons
from adapter.upstream.routing.registry import Registry
from translators.responses.ids import Ids, seed
from translators.responses.tools import HOSTED_TOOLS, WEB_SEARCH_TOOLS
from translators.to_responses.expectations import Limits
from translators.wire import encode

if TYPE_CHECKING:
    from adapter.hosting.file_search.embeddings import Embedder
    from adapter.hosting.file_search.indexer import Indexer
    from adapter.hosting.policy import ToolPolicy
    from adapter.telemetry.inspector.recorder import Recorder


class FlowServices(Struct, frozen=True):
    """What the flow of a request works with. A transport may replace some, as a WebSocket connection does."""

    store: ResponseStore
    """Where responses are stored."""
    quota: Quota
    """Bounds what each tenant has stored."""
    responses: ResponseReader
    """Finds the responses that a request continues."""
    conversations: ConversationStore
    registry: Registry
    dialects: Mapping[str, ModelDialects]
    """By the name of the upstream, as `upstreams`."""
    upstreams: Mapping[str, Upstream]
    files: Files
    offload: Offload
    """Runs long work beside the event loop."""
    compaction_sealer: CompactionSealer
    chain_cache: ChainCache
    prefix_cache: PrefixCache
    keyring: Callable[[], Keyring]
    """Raises StoreDown if the keyring cannot be read."""
    limits: Limits
    reasoning_as: Literal["summary", "content"]
    tools: "Callable[[], ToolPolicy]"
    """Returns the policy on tools that the adapter runs; imported and made at its first use."""
    hosted: frozenset[type]
    """Declarations of tools that the adapter runs itself, or refuses."""
    must_stop: Callable[[], bool]
    """Returns whether open responses have to end now."""
    usage_recorder: UsageRecorder
    """Counts what named keys use."""
    known_bases: KnownBases
    """What follows from earlier requests, for those like them."""


class Services:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.heartbeat = Heartbeat()
        self.store: Store = _open_store(settings)
        self.responses: ResponseStore = cached_responses(self.store, settings.store_url, settings.store_cache_bytes)
        self.conversations: ConversationStore = self.store
        self.file_store = open_file_store(settings.store_url)
        """None: the store is one that keeps no files."""
        self.quota = Quota(
            self.store, max_bytes=settings.tenant_stored_bytes, max_items=settings.tenant_stored_items,
            files=self.file_store, is_open=not settings.requires_keys,
        )  # fmt: skip
        self.keyring: Callable[[], Keyring] = cache(partial(open_keyring, settings, self.store))
        """Returns the keyring, opened at its first use; raises StoreDown if its secret can neither be read nor made."""
        self.lessons = Lessons(self.store)
        every = settings.all_upstreams()
        self.upstreams = {one.name: Upstream(one, self.heartbeat) for one in every}
        self.registry = Registry(every, settings.models, time.monotonic, settings.retries)
        self.offload = Offload(settings.share_percent)
        files = Files(settings, self.offload, self.file_store)
        compaction_sealer = CompactionSealer(self.keyring)
        cache_bytes = settings.history_cache_bytes // 2
        self.known_inputs = KnownInputs(cache_bytes // 2)
        self.flow = FlowServices(
            store=self.responses,
            quota=self.quota,
            responses=self.responses,
            conversations=self.conversations,
            registry=self.registry,
            dialects={one.name: ModelDialects(one.dialect, self.lessons, one.name) for one in every},
            upstreams=self.upstreams,
            files=files,
            offload=self.offload,
            compaction_sealer=compaction_sealer,
            chain_cache=ChainCache(self.responses, files, compaction_sealer, cache_bytes),
            prefix_cache=PrefixCache(cache_bytes // 2),
            keyring=self.keyring,
            limits=Limits(output_bytes=settings.max_output_bytes),
            reasoning_as=cast(Literal["summary", "content"], settings.reasoning_as),
            tools=self.tools,
            hosted=HOSTED_TOOLS | (WEB_SEARCH_TOOLS if settings.tools.web_search is not None else frozenset()),
            must_stop=self.must_stop,
            usage_recorder=UsageRecorder(self.store),
            known_bases=self.known_inputs.bases,
        )
        self.runs = Runs(self.store, self.responses)
        self.caller_keys = CallerKeys(settings)
        self.gate = Gate(has_keys=settings.has_named_keys, key_tokens=self.store.key_tokens)
        self.stored_keys = StoredKeys(self.store, self.caller_keys) if settings.stored_keys else None
        self.overload = Overload(
            max_lag=settings.max_lag, max_responses=settings.max_responses, responses=IN_FLIGHT.values
        )
        self.lag = Lag(self.overload.observe_lag, EVENT_LOOP_LAG_SECONDS.observe)
        self.exporter = (
            None
            if settings.otlp_endpoint is None
            else Exporter(settings.otlp_endpoint, split_header_lines(settings.otlp_headers))
        )
        """Sends traces."""
        self.bodies = _body_shares(settings)
        """The bytes of the request bodies in memory."""
        self.memories = EvictingShares(*_room_for_bodies(settings))
        """The bytes of the unstored responses that WebSocket connections can continue."""
        self.background = Background(self.runs, self.must_stop, _background_shares(settings))
        self.snapshots = Snapshots()
        self.recorder: Recorder | None = None if settings.inspector == "off" else self._make_recorder(settings)
        """Records exchanges for the inspector; None: nothing is recorded."""
        self.retention = Retention(self.store, settings.retention, self.file_store)
        self.file_upkeep = FileUpkeep(self.file_store, self.index_files)
        self._tools: ToolPolicy | None = None
        self._indexer: Indexer | None = None
        self._machines: Machines | None = None
        self._last_call: float | None = None

    def tools(self) -> "ToolPolicy":
        """Return the policy on hosted tools."""
        if self._tools is None:
            from adapter.hosting.policy import ToolPolicy  # imported late: most workers run no tools

            self._tools = ToolPolicy(
                self.settings.tools, self.settings.share_percent, self.settings.admin_port, self.heartbeat
            )
        return self._tools

    def index_files(self) -> None:
        """Begin to index the files of vector stores that are to be."""
        if self._indexer is None:
            from adapter.hosting.file_search.indexer import Indexer  # imported late: most workers index nothing

            assert self.file_store is not None
            self._indexer = Indexer(self.file_store, self.flow.files, self.quota, self.embedder)
        self._indexer.wake()

    def embedder(self) -> "Embedder | None":
        """Return what makes embeddings; None: none is configured."""
        settings = self.settings.tools.file_search
        if settings is None:
            return None
        from adapter.hosting.file_search.embeddings import Embedder

        return Embedder(settings, self.upstreams[settings.upstream])

    def start(self) -> None:
        """Start the periodic work of a worker."""
        if self.settings.store_url.kind in ("postgresql", "redis"):
            gevent.spawn(self.report_store)
        self.retention.start()
        self.file_upkeep.start()
        self.snapshots.start()
        self.lag.start()
        self.heartbeat.add(self.lag)
        exporter = self.exporter
        if exporter is not None:
            self.heartbeat.add(exporter)
        tracing.configure(
            starts=self.settings.trace_start,
            sample=self.settings.trace_sample,
            deliver=None if exporter is None else exporter.add,
        )
        if self.settings.has_named_keys:
            self.heartbeat.add(self.flow.usage_recorder)
            if self.settings.store_url.kind != "memory":
                self._machines = Machines(self.store, self.gate, self.caller_keys)
                self.heartbeat.add(self._machines)
        if self.stored_keys is not None:
            self.heartbeat.add(self.stored_keys)
        if self.settings.admin_bind is not None:
            self.heartbeat.add(self.snapshots)
        if self.recorder is not None and (directory := private_directory()) is not None:
            self.recorder.start(directory)
            self.heartbeat.add(self.recorder)

    def report_store(self) -> None:
        """Log why the store cannot be used, if it cannot: so a wrong password shows at once."""
        try:
            self.store.ping()
        except StoreDown as error:
            log.warning("not ready", reason=f"store: {error}")

    def drain(self) -> None:
        """Begin to stop: open responses may go on for `shutdown_grace` seconds and are then ended as failed."""
        self._last_call = time.monotonic() + self.settings.shutdown_grace

    def close(self, on_wait: Callable[[], object]) -> None:
        """End the background work, at once unless `drain` was called before, and close the store.

        `on_wait` is called about once a second until then.
        """
        if self._last_call is None:
            self._last_call = time.monotonic()
        self.retention.stop()
        self.file_upkeep.stop()
        if self._indexer is not None:
            self._indexer.stop()
        self.quota.stop()
        while not self.background.join(TICK_SECONDS):
            on_wait()
        if self._tools is not None:
            self._tools.close()
        self.offload.close()
        self.flow.usage_recorder.close()
        if self._machines is not None:
            self.heartbeat.remove(self._machines)
            self._machines.stop()
        self.store.close()
        if self.file_store is not None:
            self.file_store.close()
        if self.exporter is not None:
            self.exporter.close()
        self.snapshots.close()
        if self.recorder is not None:
            self.recorder.close()

    def _make_recorder(self, settings: Settings) -> "Recorder":
        from adapter.telemetry.inspector.recorder import Mode, Recorder  # imported late: mostly nothing is recorded

        return Recorder(cast(Mode, settings.inspector), settings.inspector_bytes, self.mask, self._describe_health)

    def mask(self, data: bytes, bearer: str | None) -> bytes:
        """Return data for operators to see: without the server's secrets, a caller's key, and what follows `Bearer`."""
        own = self.settings
        secrets = {*own.api_keys, *own.secret_key, *filter(None, (own.admin_key, bearer))}
        for upstream in self.upstreams.values():
            secrets.update(upstream.redactor(None).secrets)
        return mask_tokens(mask_secrets(data, sorted(secrets, key=len, reverse=True)))

    def _describe_health(self) -> bytes:
        """Return what this worker knows of the candidates that fail, as JSON."""
        return encode([found._asdict() for found in self.registry.health.list_failures()])

    @property
    def draining(self) -> bool:
        """Whether the worker is about to stop: nothing new begins."""
        return self._last_call is not None

    def must_stop(self) -> bool:
        """Whether open responses have to end now, because the worker is about to."""
        return self._last_call is not None and time.monotonic() >= self._last_call


def new_ids(family: str | None = None) -> Ids:
    """Return the ids of a new response, of a family of its own unless one is given."""
    return Ids(seed(time.time_ns() // 1_000_000, int.from_bytes(os.urandom(6)), family))


def new_file_id() -> str:
    """Return the id of a new file. Ids sort by the time of their creation."""
    return f"file-{seed(time.time_ns() // 1_000_000, int.from_bytes(os.urandom(6)))}"


def new_id(prefix: str) -> str:
    """Return a new id, such as `vs_…`. Ids sort by the time of their creation."""
    return f"{prefix}_{seed(time.time_ns() // 1_000_000, int.from_bytes(os.urandom(6)))}"


def _room_for_bodies(settings: Settings) -> tuple[int, int]:
    """Return the bytes of bodies in a worker, and those of one tenant: the largest request alone has room."""
    total = max(settings.max_bodies_bytes, settings.max_body_bytes)
    return total, max(share_of(total, settings.share_percent), settings.max_body_bytes)


def _body_shares(settings: Settings) -> Shares:
    return Shares(
        "bytes of requests in progress", *_room_for_bodies(settings),
        advice="Wait until some of your requests have been answered, or send smaller ones.", retry_after=2.0,
    )  # fmt: skip


def _background_shares(settings: Settings) -> Shares:
    total = settings.max_background
    return Shares(
        "background responses in progress", total, share_of(total, settings.share_percent),
        advice="Wait until some have ended, or cancel them.", retry_after=5.0,
    )  # fmt: skip


def _open_store(settings: Settings) -> Store:
    try:
        return open_store(settings.store_url, settings.retention)
    except ValueError as error:
        raise SettingsError(f"{settings.sources.get('store', 'ADAPTER_STORE')}: {error}") from None
