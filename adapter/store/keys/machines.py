"""Limits over several machines: what each lets in is counted by the others, too.

Once a second one worker of a machine writes to the store what its keys have used since the server started, and takes
from its own buckets what the others have used since it last looked. So a request never waits for the store, and a store
that is down makes machines count apart for as long. Within that second each machine may let in what its own buckets
hold; as they may be overdrawn, that is made up for afterwards. Budgets follow from the usages in the store.
"""

import time
from typing import Final

import gevent

from adapter.sharing.admission import UNLIMITED, Gate, limits_of
from adapter.sharing.keys import CallerKeys
from adapter.sharing.rates import Use
from adapter.store.base import StoreDown
from adapter.store.protocols import ValueStore
from adapter.telemetry.logs import log
from translators.wire import Decoder, NotJSON, encode

_PREFIX: Final = "machine/"
_LIFETIME_SECONDS: Final = 10.0
"""After so many without a word a machine is gone, and its responses in progress with it."""
_REPEAT_SECONDS: Final = 3.0
"""Without a change, a machine says the same again."""
_BUDGET_TICKS: Final = 2
"""Ticks between two readings of the budgets."""

_Uses = dict[str, Use]
"""By the name of the key."""
_decode: Final = Decoder(dict[str, tuple[float, float, float]]).decode


class Machines:
    """What the keys with limits use on the other machines. A member of the heartbeat."""

    def __init__(self, store: ValueStore, gate: Gate, keys: CallerKeys) -> None:
        assert gate.table is not None
        self._store = store
        self._gate = gate
        self._table = gate.table
        self._keys = keys
        self._seen: dict[str, _Uses] | None = None
        """By machine, as they were counted last; None: this worker has not looked yet."""
        self._seen_at = 0.0
        self._written: _Uses = {}
        self._written_at = 0.0
        self._ticks = 0
        self._is_down = False
        self._running: gevent.Greenlet[..., None] | None = None

    def tick(self) -> None:
        """Synchronise, if this worker speaks for the machine."""
        if (self._running is None or self._running.ready()) and self._table.leads():
            self._running = gevent.spawn(self._try_to_synchronise)

    def stop(self) -> None:
        """End what is under way, before the store is closed."""
        if self._running is not None:
            self._running.kill()

    def _try_to_synchronise(self) -> None:
        try:
            self.synchronise()
            self._is_down = False
        except StoreDown as error:
            if not self._is_down:
                self._is_down = True
                log.error("limits not shared", error=str(error))

    def synchronise(self) -> None:
        """Write what was used here, and count what was used elsewhere; raise StoreDown."""
        limited = {key.name: limits for key in self._keys.named() if (limits := limits_of(key)) != UNLIMITED}
        if not limited:
            return
        own = {name: use for name in limited if (use := self._table.use(name)).requests}
        now = time.time()
        if own and (own != self._written or now >= self._written_at + _REPEAT_SECONDS):
            self._store.set_value(f"{_PREFIX}{self._gate.machine}/", encode(own), now + _LIFETIME_SECONDS)
            self._written, self._written_at = own, now
        looked_at = self._table.now()
        others = self._read_others(now)
        seen, since = self._seen, self._seen_at
        self._seen, self._seen_at = others, looked_at
        for name, limits in limited.items():
            self._table.charge(name, limits, _use_since(name, others, others if seen is None else seen), since)
        self._ticks += 1
        if self._ticks % _BUDGET_TICKS == 0 and any(limits.has_budget for limits in limited.values()):
            self._gate.count_stored()

    def _read_others(self, now: float) -> dict[str, _Uses]:
        found = {}
        for place, value in self._store.values(_PREFIX, now).items():
            machine = place.removeprefix(_PREFIX).removesuffix("/")
            if machine == self._gate.machine:
                continue
            try:
                found[machine] = {name: Use(*use) for name, use in _decode(value).items()}
            except NotJSON:
                continue  # another version of this program wrote it
        return found


def _use_since(name: str, others: dict[str, _Uses], seen: dict[str, _Uses]) -> Use:
    """Return what the other machines have used of a key since they were seen, and what they run now."""
    requests = tokens = running = 0.0
    for machine, uses in others.items():
        use = uses.get(name)
        if use is not None:
            before = seen.get(machine, {}).get(name, _NOTHING)
            requests += max(0.0, use.requests - before.requests)
            tokens += use.tokens - before.tokens
            running += use.running
    return Use(requests, tokens, running)


_NOTHING: Final = Use(0.0, 0.0, 0.0)
