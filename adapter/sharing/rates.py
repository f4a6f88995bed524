"""What each key with limits has used, shared exactly by all workers of a machine.

The state is a table in memory that the workers inherit; a change locks its row, for some microseconds. A rate is a
bucket that fills evenly (generic cell rate algorithm): its state is the one time at which it will be full again, so
nothing has to run between two requests. A bucket may be overdrawn by what a request cost more than expected; then it
first has to fill up. Responses at a time are counted for each worker, so that those of a worker that died do not count.
The tokens of the day and of the month are sums, which the store corrects when the server starts and for what other
machines have used (`raise_spent`). What other machines use of the rates is taken from the buckets later (`charge`).
Source: Wikipedia, Generic cell rate algorithm.
"""

import hashlib
import mmap
import os
import struct
import tempfile
import time
from collections.abc import Callable
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, lockf
from typing import Final, NamedTuple

from msgspec import Struct

from adapter.sharing.buckets import Bucket, Level
from adapter.sharing.periods import month_of, utc_day

_MAX_ROWS: Final = 4096
"""Keys with limits; a row is some hundred bytes, which take memory once they are used."""
_MAX_WORKERS: Final = 128
"""At a time: twice the most that can be configured, since a restart has old and new ones."""

_TAG_BYTES: Final = 16
_STATE: Final = struct.Struct("<9d")
"""When the buckets of requests and of tokens are full; the day; the tokens of that day, and of its month; requests and
tokens that were let in here since the server started; responses in progress here (too many, if a worker has died) and
on other machines."""
_COUNTS: Final = struct.Struct(f"<{_MAX_WORKERS}H")
_COUNT: Final = struct.Struct("<H")
_COUNTS_AT: Final = _TAG_BYTES + _STATE.size
_ROW_BYTES: Final = _COUNTS_AT + _COUNTS.size
_TAGS_LOCK: Final = _MAX_ROWS
"""Numbers of locks: each row has its own, then there is one for the tags, and one for each process."""
_FIRST_SLOT_LOCK: Final = _MAX_ROWS + 1
_LEADER_LOCK: Final = _FIRST_SLOT_LOCK + _MAX_WORKERS


_process = object()
"""Stands for this process: unlike its id, it costs no call of the system."""


def _note_fork() -> None:
    global _process
    _process = object()


os.register_at_fork(after_in_child=_note_fork)


class Limits(NamedTuple):
    """What a key may use; None: without a limit."""

    requests: Bucket | None = None
    tokens: Bucket | None = None
    concurrent: int | None = None
    day_tokens: int | None = None
    month_tokens: int | None = None

    @property
    def has_budget(self) -> bool:
        return self.day_tokens is not None or self.month_tokens is not None


class Levels(Struct, frozen=True):
    """What a key has left. `refused_by`: the limit that a request exceeds; "": it was let in and counted."""

    refused_by: str
    requests: Level | None
    tokens: Level | None
    day: int = 0
    """On which it was let in."""


class Spent(NamedTuple):
    """The tokens that a key has used, those that are estimated for responses in progress included."""

    day: float
    month: float


class Use(NamedTuple):
    """What a key uses on one machine: requests and tokens since its server started, responses in progress."""

    requests: float
    tokens: float
    running: float


class RateTable:
    """The state of all keys. Create it before the workers are forked."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, today: Callable[[], int] = utc_day) -> None:
        """`clock` must be the same for all processes."""
        self._clock = clock
        self._today = today
        size = _MAX_ROWS * _ROW_BYTES
        self._file = os.memfd_create("limits") if hasattr(os, "memfd_create") else os.dup(
            tempfile.TemporaryFile().fileno()  # noqa: SIM115
        )  # fmt: skip
        os.ftruncate(self._file, size)
        self._memory = mmap.mmap(self._file, size)
        self._rows: dict[str, int] = {}
        self._own: dict[int, int] = {}
        """Responses in progress in this process, by row."""
        self._slot = 0
        self._process: object = None

    def take(self, name: str, limits: Limits, tokens: float) -> Levels:
        """Count a request of so many tokens, unless it exceeds a limit of its key, and what it takes of each.

        A request that is let in must be given to `release`.
        """
        row = self._rows.get(name)
        if row is None or self._process is not _process:
            row = self._begin(name)
        now, today = self._clock(), self._today()
        at = row * _ROW_BYTES + _TAG_BYTES
        lockf(self._file, LOCK_EX, 1, row)
        try:
            state = _STATE.unpack_from(self._memory, at)
            if state[2] != today:
                state = _on_day(state, today)
            full_requests, full_tokens, day, of_day, of_month, requests, all_tokens, running, elsewhere = state
            refused_by = ""
            if limits.concurrent is not None and running + elsewhere >= limits.concurrent:
                running = self._count(row)  # without those of workers that have died
                if running + elsewhere >= limits.concurrent:
                    refused_by = "concurrent"
            requests_left = None if limits.requests is None else limits.requests.level(full_requests, now)
            if requests_left is not None and requests_left.remaining < 1:
                refused_by = refused_by or "requests"
            tokens_left = None if limits.tokens is None else limits.tokens.level(full_tokens, now)
            if tokens_left is not None and tokens_left.remaining <= 0:
                refused_by = refused_by or "tokens"
            if limits.day_tokens is not None and of_day >= limits.day_tokens:
                refused_by = refused_by or "day"
            if limits.month_tokens is not None and of_month >= limits.month_tokens:
                refused_by = refused_by or "month"
            if not refused_by:
                if limits.requests is not None and requests_left is not None:
                    reset = requests_left.reset + 60 / limits.requests.per_minute
                    requests_left, full_requests = Level(requests_left.remaining - 1, reset), now + reset
                if limits.tokens is not None and tokens_left is not None:
                    reset = tokens_left.reset + tokens * 60 / limits.tokens.per_minute
                    tokens_left, full_tokens = Level(tokens_left.remaining - tokens, reset), now + reset
                _STATE.pack_into(
                    self._memory, at, full_requests, full_tokens, day, of_day + tokens, of_month + tokens,
                    requests + 1, all_tokens + tokens, running + 1, elsewhere,
                )  # fmt: skip
                self._add(row, 1)
        finally:
            lockf(self._file, LOCK_UN, 1, row)
        return Levels(refused_by, requests_left, tokens_left, int(day))

    def release(
        self, name: str, bucket: Bucket | None, tokens: float, *, cost: float = 0.0, taken: float = 0.0, day: int = 0
    ) -> None:
        """Count a response as ended, which cost so many tokens more (or less, if negative) than were taken for it.

        `cost`: what it costs the budget of today and of this month, where `taken` was taken for it on a `day`.
        """
        row, now, today = self._rows[name], self._clock(), self._today()
        at = row * _ROW_BYTES + _TAG_BYTES
        lockf(self._file, LOCK_EX, 1, row)
        try:
            state = _STATE.unpack_from(self._memory, at)
            if state[2] != today:
                state = _on_day(state, today)
            full_requests, full_tokens, today, of_day, of_month, requests, all_tokens, running, elsewhere = state
            if bucket is not None and tokens:
                full_tokens = bucket.take(full_tokens, now, tokens)
            if day == today:
                of_day -= taken
                of_month -= taken
            elif month_of(day) == month_of(int(today)):
                of_month -= taken
            _STATE.pack_into(
                self._memory, at, full_requests, full_tokens, today, of_day + cost, of_month + cost,
                requests, all_tokens + tokens, max(0.0, running - 1), elsewhere,
            )  # fmt: skip
            self._add(row, -1)
        finally:
            lockf(self._file, LOCK_UN, 1, row)

    def spent(self, name: str) -> Spent:
        """Return what a key has used today and this month, as far as this machine knows."""
        state = _STATE.unpack_from(self._memory, _offset(self._row(name)) + _TAG_BYTES)
        return Spent(*_on_day(state, self._today())[3:5])

    def raise_spent(self, name: str, day: int, of_day: float, of_month: float) -> None:
        """Count at least so many tokens as used on a day and in its month: the store's sums, which are never more."""
        row = self._row(name)
        at = _offset(row) + _TAG_BYTES
        self._lock(row)
        try:
            state = _on_day(_STATE.unpack_from(self._memory, at), day)
            full_requests, full_tokens, at_day, known_day, known_month, *rest = state
            if at_day == day:
                known_day = max(known_day, of_day)
            if month_of(int(at_day)) == month_of(day):
                known_month = max(known_month, of_month)
            _STATE.pack_into(self._memory, at, full_requests, full_tokens, at_day, known_day, known_month, *rest)
        finally:
            self._unlock(row)

    def running(self, name: str) -> int:
        """Return how many responses of a key are being answered on this machine."""
        self._own_slot()
        return self._count(self._row(name))

    def use(self, name: str) -> Use:
        """Return what a key uses on this machine."""
        state = _STATE.unpack_from(self._memory, _offset(self._row(name)) + _TAG_BYTES)
        return Use(state[5], state[6], self.running(name))

    def charge(self, name: str, limits: Limits, others: Use, since: float) -> None:
        """Take from the buckets what other machines have let in since a time of the clock; they run so many responses.

        It counts from the beginning of that time, so that what has flowed in meanwhile is not missed.
        """
        row = self._row(name)
        at = _offset(row) + _TAG_BYTES
        self._lock(row)
        try:
            full_requests, full_tokens, *rest, _ = _STATE.unpack_from(self._memory, at)
            if limits.requests is not None and others.requests:
                full_requests = limits.requests.take(full_requests, since, others.requests)
            if limits.tokens is not None and others.tokens:
                full_tokens = limits.tokens.take(full_tokens, since, others.tokens)
            _STATE.pack_into(self._memory, at, full_requests, full_tokens, *rest, others.running)
        finally:
            self._unlock(row)

    def leads(self) -> bool:
        """Whether this process speaks for the machine: one does, and the next one after its end."""
        return self._try_lock(_LEADER_LOCK)

    def now(self) -> float:
        """Return the time of the clock."""
        return self._clock()

    def _row(self, name: str) -> int:
        """Return the row of a key: the one with its tag, or the first free one."""
        row = self._rows.get(name)
        if row is not None:
            return row
        tag = hashlib.blake2b(name.encode(), digest_size=_TAG_BYTES).digest()
        self._lock(_TAGS_LOCK)
        try:
            for row in range(_MAX_ROWS):
                at = _offset(row)
                found = self._memory[at : at + _TAG_BYTES]
                if found == tag:
                    break
                if not any(found):
                    self._memory[at : at + _TAG_BYTES] = tag
                    break
            else:
                row = _MAX_ROWS - 1  # shared by all that are too many: too strict rather than not at all
        finally:
            self._unlock(_TAGS_LOCK)
        self._rows[name] = row
        return row

    def _begin(self, name: str) -> int:
        """Return the row of a key that this process uses for the first time."""
        self._own_slot()
        return self._row(name)

    def _own_slot(self) -> int:
        """Return the number of this process, whose lock it holds until it ends."""
        if self._process is not _process:
            self._process = _process
            self._own.clear()
            self._slot = next(slot for slot in range(_MAX_WORKERS) if self._try_lock(_FIRST_SLOT_LOCK + slot))
            self._clear(self._slot)
        return self._slot

    def _counts(self, row: int) -> tuple[int, ...]:
        return _COUNTS.unpack_from(self._memory, _offset(row) + _COUNTS_AT)

    def _count(self, row: int) -> int:
        counts = self._counts(row)
        return sum(count for slot, count in enumerate(counts) if count and self._is_alive(slot))

    def _is_alive(self, slot: int) -> bool:
        """Whether the process of a slot still runs; one that was killed may stay a zombie for a while."""
        if slot == self._slot:
            return True
        if not self._try_lock(_FIRST_SLOT_LOCK + slot):
            return True
        self._unlock(_FIRST_SLOT_LOCK + slot)
        return False

    def _add(self, row: int, by: int) -> None:
        """Count responses in progress in this process, which alone writes its counts."""
        count = self._own[row] = max(0, min(self._own.get(row, 0) + by, 0xFFFF))
        _COUNT.pack_into(self._memory, row * _ROW_BYTES + _COUNTS_AT + self._slot * _COUNT.size, count)

    def _clear(self, slot: int) -> None:
        for row in range(_MAX_ROWS):
            at = _offset(row)
            if not any(self._memory[at : at + _TAG_BYTES]):
                return
            _COUNT.pack_into(self._memory, at + _COUNTS_AT + slot * _COUNT.size, 0)

    def _lock(self, number: int) -> None:
        lockf(self._file, LOCK_EX, 1, number)

    def _try_lock(self, number: int) -> bool:
        try:
            lockf(self._file, LOCK_EX | LOCK_NB, 1, number)
        except OSError:
            return False
        return True

    def _unlock(self, number: int) -> None:
        lockf(self._file, LOCK_UN, 1, number)


def _offset(row: int) -> int:
    return row * _ROW_BYTES


def _on_day(state: tuple[float, ...], today: int) -> tuple[float, ...]:
    """Return a state as of today: what was used on an earlier day, or in an earlier month, no longer counts."""
    full_requests, full_tokens, day, _, of_month, *rest = state
    if day >= today:  # later: the clock was set back
        return state
    of_month = of_month if month_of(int(day)) == month_of(today) else 0.0
    return full_requests, full_tokens, float(today), 0.0, of_month, *rest
