"""The values that stores hold (responses, conversations, background runs), and the errors that their calls raise.

The calls, which a new store implements, are in `protocols.py`; `open_store` opens it. Names of fields are names of
columns and keys in stored data, so they must not change.
"""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

EVENT_RETENTION_SECONDS: Final = 600.0
"""How long the events of a background run can be read after its end: enough for a client to reconnect, and about as
long as OpenAI keeps them. Source: OpenAI guide, Background."""
_NOT_STORABLE: Final = re.compile("[\0\ud800-\udfff]")


def is_storable(id: str) -> bool:
    """Whether a store could have an id at all: PostgreSQL takes no NUL character, UTF-8 no lone surrogate."""
    return _NOT_STORABLE.search(id) is None


class StoredResponse(Struct, frozen=True, gc=False):
    """One response: its input, its Response object, and the response that it continues."""

    id: str
    tenant: str
    created_at: int
    """Unix seconds."""
    previous: str | None
    """Id of the response that this one continues."""
    input: bytes
    """JSON of the request's own `input` (a string or an array of items), as the client sent it."""
    response: bytes
    """JSON of the Response object as GET answers it."""
    notes: bytes = b"[]"
    """JSON of the notes: what was not done exactly as the request says."""
    conversation: str | None = None
    """Id of its conversation."""


class StoredConversation(Struct, frozen=True, gc=False):
    """A conversation without its items, which are stored beside it in the order in which they were appended."""

    id: str
    tenant: str
    created_at: int
    """Unix seconds."""
    metadata: bytes
    """JSON object."""


class StoredItem(Struct, frozen=True, gc=False):
    """One item of a conversation."""

    id: str
    json: bytes


class StoredRun(Struct, frozen=True, gc=False):
    """The run of a background response: its worker and its progress. It is stored as long as its response."""

    id: str
    """Id of its response."""
    tenant: str
    holder: str
    """The worker that generates it."""
    until: float
    """Unix time at which the lease expires; a holder that has not renewed it counts as dead."""
    streamed: bool
    """Whether its events are stored."""
    last: int = -1
    """`sequence_number` of its last stored event; -1: there is none."""
    ended: float | None = None
    """Unix time of its end; None: it is running."""


class StoredEvents(Struct, frozen=True, gc=False):
    """Events of a run that were written together, as the frames that every reader gets."""

    first: int
    """`sequence_number` of the first of them."""
    last: int
    over: bool
    """Whether the last is the terminal one."""
    frames: bytes


class StoredKind(Struct, frozen=True):
    """How much is stored of one kind, and since when."""

    name: str
    rows: int
    bytes: int
    """Size of the values as they are stored."""
    oldest: float | None = None
    """Unix time; None: there is nothing, or its rows have no time."""
    newest: float | None = None


class Usage(Struct, frozen=True):
    """How much a tenant has stored."""

    items: int
    """Responses, and items of conversations."""
    bytes: int
    """Size of their values as they are stored."""


class KeyUsage(Struct, frozen=True):
    """What the responses of a named key have used in a day, for one upstream and model."""

    key: str
    """The key's name."""
    day: str
    """In UTC, as 2026-11-29."""
    upstream: str
    model: str
    responses: int = 0
    failed: int = 0
    """Of the responses."""
    input_tokens: int = 0
    cached_tokens: int = 0
    """Of the input."""
    output_tokens: int = 0
    reasoning_tokens: int = 0
    """Of the output."""

    @property
    def place(self) -> tuple[str, str, str, str]:
        """What it is the usage of; usages of the same are added up."""
        return self.key, self.day, self.upstream, self.model

    def plus(self, other: "KeyUsage") -> "KeyUsage":
        """Return the sum with another usage of the same place."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in USAGE_COUNTS}
        return replace(self, **sums)


USAGE_DAYS: Final = 400
"""How long usages of keys are stored: a year, and a month to look back on it."""
USAGE_COUNTS: Final = KeyUsage.__struct_fields__[4:]
"""The fields of `KeyUsage` that are added up."""


class StoreStats(Struct, frozen=True):
    """How much a store has of all tenants."""

    kinds: tuple[StoredKind, ...]
    """Responses, conversations, items, runs, events, values."""
    tenants: int
    """Number of tenants that have a response or a conversation."""
    running: int
    """Number of runs that have not ended."""
    version: int
    """Version of the schema."""


def add_tokens(usages: Iterable[KeyUsage]) -> dict[tuple[str, str], int]:
    """Return the tokens of input and output: (key, day) → tokens."""
    sums: Counter[tuple[str, str]] = Counter()
    for one in usages:
        sums[one.key, one.day] += one.input_tokens + one.output_tokens
    return sums


def oldest_usage_day(now: float) -> str:
    """Return the day before which usages of keys are erased."""
    return (datetime.fromtimestamp(now, UTC).date() - timedelta(days=USAGE_DAYS)).isoformat()


def add_up(found: Iterable[tuple[str, int, int]]) -> dict[str, Usage]:
    """Return the usage of each tenant, from tenants with numbers of items and bytes."""
    items: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for tenant, count, size in found:
        items[tenant] += count
        sizes[tenant] += size
    return {tenant: Usage(items[tenant], sizes[tenant]) for tenant in items}


class NotFound(Exception):
    """The tenant has nothing with this id, which is the exception's argument."""


class StoreDown(Exception):
    """The store cannot be reached or written; worth trying again."""
