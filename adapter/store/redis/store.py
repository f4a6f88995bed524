"""A store in Redis or Valkey, which several machines can share, and where everything expires.

Each call is one script and one round trip (`scripts.py`), except the operator's commands. redis-py uses Python's own
sockets, which gevent makes cooperative in a worker: a slow server delays the calls that wait for it, never the event
loop. No call is repeated, since it is unknown whether an interrupted script took effect. The pool detects a dead
connection when it hands it out.

It needs a single server, with replicas or without, and not a cluster: scripts compute the keys of a chain as they go.
The server may evict nothing, since a chain without one of its responses would be a different conversation.
Source: Redis docs, Key eviction.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from math import ceil
from random import getrandbits
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from adapter.settings.store_url import REDIS_FORM, without_password
from adapter.store.base import (
    KeyUsage,
    NotFound,
    StoredConversation,
    StoredEvents,
    StoredItem,
    StoredKind,
    StoreDown,
    StoredResponse,
    StoredRun,
    StoreStats,
    Usage,
    add_tokens,
    add_up,
    is_storable,
)
from adapter.store.packing import Packing
from adapter.store.redis import key_usage, scripts, service_values
from adapter.telemetry.catalog import STORE_ERRORS, STORE_SECONDS

DEFAULT_LIFETIME: Final = 30 * 24 * 3600
"""Seconds until data expires if no retention is set: a client seldom continues a conversation after a month, and
memory is expensive. OpenAI stores responses as long. Source: OpenAI guide, Conversation state."""
_EXPIRY_STEPS: Final = 16
"""Expiry times are rounded up to this fraction of the lifetime. All responses of one step expire together, so a
response seldom has to extend those it continues, and nothing is kept more than a sixteenth too long."""
_SCHEMA_VERSION: Final = 1
"""Version of the keys and values."""
_CONNECTION: Final = {
    "socket_connect_timeout": 5,
    "socket_timeout": 10,
    "socket_keepalive": True,
    "max_connections": 32,
    "timeout": 10,  # seconds that a call waits for a free connection
}
"""Parameters of the connections, unless the query of the URL sets them. Seconds; a call that takes longer fails, as the
client would rather have an error than wait."""
_SCAN_KEYS: Final = 500
"""Keys that pruning and counting look at in one script, for which all other calls of the server wait."""

_MEANING: Final = (
    (
        "used memory > 'maxmemory'",
        "has no memory left; raise its maxmemory, or keep things for a shorter time (ADAPTER_RETENTION)",
    ),
    ("READONLY", "can only be read; connect to the primary server"),
    ("read only replica", "can only be read; connect to the primary server"),
    ("loading the dataset", "is being started"),
    ("MISCONF", "cannot save to its disk"),
    ("BUSY", "is busy with a script of another program"),
    ("MOVED", "is a cluster, which is not supported; use one server"),
    ("non local key", "is a cluster, which is not supported; use one server"),
    ("CROSSSLOT", "is a cluster, which is not supported; use one server"),
    ("AuthenticationError", "does not let this user in; check user and password"),
    ("NOAUTH", "does not let this user in; give user and password in the URL"),
    ("NoPermissionError", "does not let this user work; grant it ~adapter:* and the commands of scripts"),
    ("TimeoutError", "does not answer"),
    ("ConnectionError", "cannot be reached; check that its server runs and that the address is right"),
)
"""Text in the class name or the message of an error → what is wrong with the store; the first match counts.
Source: Redis docs, Serialization protocol specification."""
_KINDS: Final = {
    "responses": "response", "conversations": "conversation", "items": "items", "runs": "run", "events": "events",
}  # fmt: skip


class RedisStore:
    """Implements `Store`. Nothing is connected before the first call."""

    def __init__(self, url: str, lifetime: float = DEFAULT_LIFETIME) -> None:
        """`lifetime`: seconds after which unused data expires. Raise ValueError for a URL that redis-py cannot read."""
        self._url = without_password(url.partition("?")[0])
        try:
            self._pool = redis.BlockingConnectionPool.from_url(url, retry=Retry(NoBackoff(), 0), **_CONNECTION)
            self._pool.connection_class(**self._pool.connection_kwargs)  # connects nothing, but rejects unknown options
        except (ValueError, TypeError):
            raise ValueError(REDIS_FORM) from None
        self._client: Any = redis.Redis(connection_pool=self._pool)
        self._packing = Packing()
        self._lifetime = lifetime
        self._scripts: dict[str, Any] = {}

    def put(self, stored: StoredResponse, items: Sequence[StoredItem] = ()) -> None:
        self._run(scripts.PUT, stored.id, stored.tenant, *self._put(stored, items))

    def get(self, id: str, tenant: str) -> StoredResponse:
        *row, version = self._run(scripts.GET, id, tenant)
        if version is None:
            raise NotFound(id)
        return self._stored(id, tenant, row)

    def exists(self, id: str, tenant: str) -> bool:
        return self._field("response", id, tenant, "version") is not None

    def version(self, id: str, tenant: str) -> int:
        version = self._field("response", id, tenant, "version")
        if version is None:
            raise NotFound(id)
        return int(version)

    def chain(self, id: str, tenant: str) -> list[StoredResponse]:
        rows = self._run(scripts.CHAIN, id, tenant)
        if not rows:
            raise NotFound(id)
        return [self._stored(row[7].decode(), tenant, row[:6]) for row in reversed(rows)]

    def delete(self, id: str, tenant: str) -> None:
        self._run(scripts.DELETE, id, tenant)

    def put_conversation(self, conversation: StoredConversation) -> None:
        self._run(
            scripts.PUT_CONVERSATION, conversation.id, conversation.tenant,
            conversation.created_at, self._packing.pack(conversation.metadata),
        )  # fmt: skip

    def conversation(self, id: str, tenant: str) -> StoredConversation:
        if not is_storable(id):
            raise NotFound(id)
        created_at, metadata = self._do("HMGET", _key("conversation", id, tenant), "created_at", "metadata")
        if created_at is None:
            raise NotFound(id)
        return StoredConversation(id, tenant, int(created_at), self._packing.unpack(metadata))

    def delete_conversation(self, id: str, tenant: str) -> None:
        self._run(scripts.DELETE_CONVERSATION, id, tenant)

    def append(self, id: str, tenant: str, items: Sequence[StoredItem]) -> None:
        self._run(scripts.APPEND, id, tenant, *self._entries(items))

    def items(self, id: str, tenant: str) -> list[StoredItem]:
        return [self._item(entry) for entry in self._run(scripts.ITEMS, id, tenant)]

    def remove(self, id: str, tenant: str, item_id: str) -> None:
        if not is_storable(item_id):
            raise NotFound(item_id)
        self._run(scripts.REMOVE, id, tenant, _item_head(item_id))

    def lease(self, id: str, tenant: str, holder: str, now: float, until: float) -> bool:
        return bool(self._run(scripts.TAKE_LEASE, id, tenant, holder, now, until))

    def release(self, id: str, tenant: str, holder: str) -> None:
        self._run(scripts.RELEASE_LEASE, id, tenant, holder)

    def leased_until(self, id: str, tenant: str) -> float:
        return float((is_storable(id) and self._do("HGET", _key("conversation", id, tenant), "lease_until")) or 0.0)

    def begin_run(self, run: StoredRun, stored: StoredResponse, events: StoredEvents | None) -> None:
        self._run(
            scripts.BEGIN_RUN, run.id, run.tenant, run.holder, run.until, int(run.streamed), run.last,
            self._entry(events), *self._put(stored, ()),
        )  # fmt: skip

    def record(
        self,
        run: StoredRun,
        events: StoredEvents | None,
        stored: StoredResponse | None = None,
        items: Sequence[StoredItem] = (),
    ) -> bool:
        if not is_storable(run.id):
            return False
        put = [] if stored is None else self._put(stored, items)
        ended = "" if run.ended is None else run.ended
        first = -1 if events is None else events.first
        entry = self._entry(events)
        return bool(self._run(scripts.RECORD, run.id, run.tenant, run.holder, run.last, ended, first, entry, *put))

    def run(self, id: str, tenant: str) -> StoredRun:
        if not is_storable(id):
            raise NotFound(id)
        holder, until, streamed, last, ended = self._do(
            "HMGET", _key("run", id, tenant), "holder", "until", "streamed", "last", "ended"
        )
        if holder is None:
            raise NotFound(id)
        over = None if ended is None else float(ended)
        return StoredRun(id, tenant, holder.decode(), float(until), streamed == b"1", int(last), over)

    def events(self, id: str, tenant: str, after: int) -> list[StoredEvents]:
        if not is_storable(id):
            return []
        found = []
        for entry in reversed(self._run(scripts.EVENTS, id, tenant, after)):
            first, last, over, frames = entry.split(b":", 3)
            found.append(StoredEvents(int(first), int(last), over == b"1", self._packing.unpack(frames)))
        return found

    def take_run(self, id: str, tenant: str, holder: str, until: float, *, expired_by: float) -> bool:
        if not is_storable(id):
            return False
        return bool(self._run(scripts.TAKE_RUN, id, tenant, holder, until, expired_by))

    def renew_runs(self, holder: str, until: float) -> None:
        self._script(scripts.RENEW_RUNS, holder, until)

    def runs_of(self, holder: str) -> set[tuple[str, str]]:
        runs = (run.decode().partition(":") for run in self._do("SMEMBERS", f"adapter:holder:{holder}"))
        return {(tenant, id) for tenant, _, id in runs}

    def delete_events(self, ended_by: float) -> None:
        self._script(scripts.DELETE_EVENTS, ended_by)

    def set_value(self, key: str, value: bytes, until: float) -> None:
        self._do("HSET", "adapter:values", key, service_values.entry(value, until))

    def replace_value(self, key: str, old: bytes | None, new: bytes, until: float) -> bool:
        entry, expected = service_values.entry(new, until), (int(old is not None), old or b"")
        return bool(self._script(service_values.REPLACE, key, entry, time.time(), *expected))

    def values(self, prefix: str, now: float) -> dict[str, bytes]:
        return service_values.read_entries(self._do("HGETALL", "adapter:values"), prefix, now)

    def delete_values(self, prefix: str) -> int:
        return int(self._script(service_values.DELETE, prefix))

    def add_key_usage(self, added: Sequence[KeyUsage]) -> None:
        if added:
            self._script(key_usage.ADD, *key_usage.script_values(added))

    def key_usage(self, since: str) -> list[KeyUsage]:
        return key_usage.read_usages(self._script(key_usage.GET, since))

    def key_tokens(self, since: str) -> dict[tuple[str, str], int]:
        return add_tokens(self.key_usage(since))

    def prune(self, before: float) -> int:
        self._script(service_values.DELETE_EXPIRED, time.time())
        count = 0
        for kind in ("response", "conversation"):
            for keys in self._keys(kind):
                named = chain.from_iterable((kind, *_tenant_and_id(key)) for key in keys)
                count += self._script(scripts.PRUNE, "", "", time.time(), 0, before, *named)
        return count

    def stats(self) -> StoreStats:
        kinds: list[StoredKind] = []
        tenants: set[bytes] = set()
        running = 0
        for name, kind in _KINDS.items():
            sums: Counter[str] = Counter()
            times: list[int] = []
            for keys in self._keys(kind):
                for rows, size, created_at, is_running in self._script(
                    scripts.MEASURE, *chain.from_iterable((kind, key) for key in keys)
                ):
                    sums += Counter(rows=rows, bytes=size)
                    running += is_running
                    times += [] if created_at is None else [int(created_at)]
                if kind in ("response", "conversation"):
                    tenants.update(_tenant_and_id(key)[0] for key in keys)
            kinds.append(
                StoredKind(name, sums["rows"], sums["bytes"], min(times, default=None), max(times, default=None))
            )
        values = self._do("HVALS", "adapter:values")
        kinds.append(StoredKind("values", len(values), sum(len(value.partition(b":")[2]) for value in values)))
        return StoreStats(tuple(kinds), len(tenants), running, _SCHEMA_VERSION)

    def usage(self) -> dict[str, Usage]:
        found: dict[bytes, tuple[str, int, int]] = {}
        for kind in ("response", "items"):
            for keys in self._keys(kind):
                sizes = self._script(scripts.MEASURE, *chain.from_iterable((kind, key) for key in keys))
                for key, (rows, size, *_) in zip(keys, sizes, strict=True):
                    found[key] = _tenant_and_id(key)[0].decode(), rows, size
        return add_up(found.values())

    def upgrade(self) -> int:
        self._do("PING")
        return _SCHEMA_VERSION

    def ping(self) -> None:
        """Try a write; raise StoreDown, too, if the server would evict data when its memory is full."""
        self._script("return redis.call('SET', 'adapter:ping', 1, 'EX', 60)")
        memory = self._do("INFO", "memory")
        if memory.get("maxmemory") and memory.get("maxmemory_policy") != "noeviction":
            raise StoreDown(
                f"The store {self._url} throws away what is still needed when its memory is full; "
                f"set its maxmemory-policy to noeviction (it is {memory.get('maxmemory_policy')})."
            )

    def close(self) -> None:
        self._pool.disconnect()

    def _put(self, stored: StoredResponse, items: Sequence[StoredItem]) -> list[Any]:
        pack = self._packing.pack
        return [
            getrandbits(63), stored.created_at, stored.previous or "", stored.conversation or "",
            pack(stored.input), pack(stored.response), pack(stored.notes), *self._entries(items),
        ]  # fmt: skip

    def _stored(self, id: str, tenant: str, row: Sequence[Any]) -> StoredResponse:
        created_at, previous, input, response, notes, conversation = row
        unpack = self._packing.unpack
        return StoredResponse(
            id=id,
            tenant=tenant,
            created_at=int(created_at),
            previous=previous and previous.decode(),
            input=unpack(input),
            response=unpack(response),
            notes=unpack(notes),
            conversation=conversation and conversation.decode(),
        )

    def _entries(self, items: Sequence[StoredItem]) -> Iterator[bytes]:
        return (_item_head(item.id) + self._packing.pack(item.json) for item in items)

    def _item(self, entry: bytes) -> StoredItem:
        length, _, rest = entry.partition(b":")
        return StoredItem(rest[: int(length)].decode(), self._packing.unpack(rest[int(length) :]))

    def _entry(self, events: StoredEvents | None) -> bytes:
        if events is None:
            return b""
        return b"%d:%d:%d:%b" % (events.first, events.last, events.over, self._packing.pack(events.frames))

    def _field(self, kind: str, id: str, tenant: str, field: str) -> Any:
        return self._do("HGET", _key(kind, id, tenant), field) if is_storable(id) else None

    def _keys(self, kind: str) -> Iterator[list[bytes]]:
        """Yield the keys of a kind in batches; a key may come twice."""
        cursor = 0
        while True:
            cursor, keys = self._do("SCAN", cursor, "MATCH", f"adapter:{kind}:*", "COUNT", _SCAN_KEYS)
            if keys:
                yield list(dict.fromkeys(keys))
            if not cursor:
                return

    def _run(self, script: str, id: str, tenant: str, *values: Any) -> Any:
        """Run a script for one response, conversation or run; raise NotFound if the script finds none."""
        if not is_storable(id):
            raise NotFound(id)
        now = time.time()
        step = max(1.0, self._lifetime / _EXPIRY_STEPS)
        ends = ceil((now + self._lifetime) / step) * step
        found = self._script(script, tenant, id, now, ceil(ends), *values)
        if found == -1:
            raise NotFound(id)
        return found

    def _script(self, script: str, *values: Any) -> Any:
        if script not in self._scripts:
            self._scripts[script] = self._client.register_script(script)
        return self._call("script", self._scripts[script], args=values)

    def _do(self, *command: Any) -> Any:
        return self._call("command", self._client.execute_command, *command)

    def _call(self, operation: str, call: Callable[..., Any], *args: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return call(*args, **named)
        except (redis.RedisError, OSError) as error:
            STORE_ERRORS.add((operation,))
            raise self._down(error) from error
        finally:
            STORE_SECONDS.observe(time.perf_counter() - began, (operation,))

    def _down(self, error: Exception) -> StoreDown:
        """Return an error that says what is wrong and what to do about it, without the password."""
        says = " ".join(str(error).split())
        description = f"{type(error).__mro__} {says}"
        if isinstance(error, redis.exceptions.ReadOnlyError):
            self._pool.disconnect(inuse_connections=False)  # the host name may lead to the new primary now
        meaning = next((meaning for mark, meaning in _MEANING if mark in description), "failed")
        return StoreDown(f"The store {self._url} {meaning}. Redis says: {says}")


def _key(kind: str, id: str, tenant: str) -> str:
    return f"adapter:{kind}:{tenant}:{id}"


def _tenant_and_id(key: bytes) -> tuple[bytes, bytes]:
    """Return tenant and id of a key."""
    _, _, tenant, id = key.split(b":", 3)
    return tenant, id


def _item_head(id: str) -> bytes:
    """Return the beginning of the entry of an item with this id."""
    name = id.encode()
    return b"%d:%b" % (len(name), name)
