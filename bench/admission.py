"""Measure what keys, limits, budgets, metrics and the look for overload cost a request, all together.

    python -m bench.admission

What a request calls is called here, with a named key and without, in rounds in which both take turns; the figures are
CPU time in microseconds: the lowest round with it less the lowest without, and the median of the differences of each
round. To compare machines, divide by the time of a plain Python loop of a thousand additions. The numbers of calls are
exact, whatever else the machine does. Scrapes are measured with 300 series, and with the time that streams of
the same worker wait at most.
"""

import math
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import pairwise
from statistics import median
from typing import Final

from adapter.api.auth import authenticate, read_key
from adapter.event_loop.client_watch import ClientWatch
from adapter.flow.caller import Caller
from adapter.flow.observation import observe_end
from adapter.settings.caller_keys import CallerKey, digest_of
from adapter.settings.settings import Settings
from adapter.sharing.admission import Gate, rate_limit_headers
from adapter.sharing.keys import CallerKeys
from adapter.sharing.overload import Overload
from adapter.store.keys.usage_recorder import UsageRecorder
from adapter.store.memory import MemoryStore
from adapter.telemetry import catalog
from adapter.telemetry.exposition import render
from adapter.telemetry.snapshots import Snapshots
from adapter.telemetry.traces.spans import tracing
from translators.responses.response import InputTokensDetails, OutputTokensDetails, Response, Usage

TARGET_MICROSECONDS: Final = 25.0
SCRAPE_MILLISECONDS: Final = 30.0
_ROUNDS: Final = 25
_CALLS: Final = 1000
_KEY: Final = "ra-key-for-the-benchmark-0123456789"

Part = Callable[[], object]


def measure(parts: Mapping[str, Part]) -> dict[str, list[float]]:
    """Return the CPU time of each part in microseconds, in each of some rounds, in which the parts take turns."""
    times: dict[str, list[float]] = {name: [] for name in parts}
    order = list(parts.items())
    for _ in range(_ROUNDS):
        random.shuffle(order)
        for name, part in order:
            began = time.process_time_ns()
            for _ in range(_CALLS):
                part()
            times[name].append((time.process_time_ns() - began) / _CALLS / 1000)
    return times


def count_calls(part: Part) -> tuple[int, int]:
    """Return how many functions of Python, and how many of C, a part calls."""
    counts = Counter[str]()
    part()
    sys.setprofile(lambda _, event, __: counts.update((event,)))
    part()
    sys.setprofile(None)
    return counts["call"], counts["c_call"]


class Request:
    """What a request of a key with all limits does beside being answered."""

    def __init__(self) -> None:
        key = CallerKey(
            name="team", digests=frozenset({digest_of(_KEY)}), tenant="team", models=("gpt-*", "fast"),
            requests_per_minute=1_000_000, tokens_per_minute=1_000_000_000, concurrent=1000,
            tokens_per_day=10**12, tokens_per_month=10**12,
        )  # fmt: skip
        store = MemoryStore()
        self.environ = {"HTTP_AUTHORIZATION": f"Bearer {_KEY}"}
        self.keys = CallerKeys(Settings(keys=(key,)))
        self.gate = Gate(has_keys=True, key_tokens=store.key_tokens)
        self.recorder = UsageRecorder(store)
        self.overload = Overload(max_lag=1.0, max_responses=2500, responses=catalog.IN_FLIGHT.values)
        usage = Usage(100, InputTokensDetails(10), 50, OutputTokensDetails(5), 150)
        self.response = Response(id="resp_0", created_at=0, model="fast", status="completed", usage=usage)
        self.watch = ClientWatch()

    def keyed(self) -> None:
        """Identify the caller, take what its key has, count the response, and settle what it cost."""
        key = read_key(self.environ)
        who = authenticate(key, self.keys)
        caller = Caller(who.tenant, who.key, key, self.watch)
        assert caller.key is not None
        caller.admission = self.gate.admit(caller.key, "fast", 1000, 1000)
        assert caller.admission is not None
        rate_limit_headers(caller.admission.limits, caller.admission.levels)
        self._count(caller)

    def keyless(self) -> None:
        """Only count the response."""
        self._count(Caller("", None, None, self.watch))

    def _count(self, caller: Caller) -> None:
        self.overload.check()
        tracing.begin(None, None)
        catalog.IN_FLIGHT.add(("http",))
        observe_end(caller, self.response, "default", "http", 1.0, 0.5, (), self.recorder)
        catalog.HTTP_REQUESTS.add(("/v1/responses", "POST", "200"))


def measure_scrape() -> tuple[float, float]:
    """Return the CPU time of a scrape of 300 series, and of the longest piece of it, both in milliseconds."""
    catalog.clear()
    for number in range(100):
        for status in ("completed", "failed", "incomplete"):
            catalog.RESPONSES.add(("default", f"model-{number}", status, "http"))
    for number in range(30):
        catalog.RESPONSE_SECONDS.observe(1.0, ("default", f"model-{number}", "http"))
    snapshots = Snapshots()
    whole, longest = float("inf"), float("inf")
    for _ in range(_ROUNDS):
        began = time.process_time_ns()
        times = [began]
        for number, _ in enumerate(render(snapshots.merged())):
            if number % 100 == 99:
                times.append(time.process_time_ns())
        times.append(time.process_time_ns())
        whole = min(whole, (times[-1] - began) / 1e6)
        longest = min(longest, max(after - before for before, after in pairwise(times)) / 1e6)
    catalog.clear()
    return whole, longest


def main() -> int:
    request = Request()
    machine: Part = lambda: sum(range(1000))  # noqa: E731
    parts = {"all": request.keyed, "metrics": request.keyless, "nothing": lambda: None, "machine": machine}
    calls = {name: count_calls(part) for name, part in parts.items()}
    times = measure(parts)
    print(f"{'µs, in pairs of rounds':<58} {'lowest':>6} {'median':>6}   calls of Python and C")
    total = math.inf
    for text, with_it, without in (
        ("a loop of 1000 additions", "machine", "nothing"),
        ("metrics and the look for overload", "metrics", "nothing"),
        ("a named key with its limits, budgets, headers and usage", "all", "metrics"),
        ("all together", "all", "nothing"),
    ):
        pairs = [after - before for after, before in zip(times[with_it], times[without], strict=True)]
        total = min(times[with_it]) - min(times[without])
        python, c = (after - before for after, before in zip(calls[with_it], calls[without], strict=True))
        print(f"{text:<58} {total:6.1f} {median(pairs):6.1f}   {python:3} + {c}")
    scrape, longest = measure_scrape()
    print(f"target: all together {TARGET_MICROSECONDS:.0f} µs")
    print(f"a scrape of 300 series and 30 histograms: {scrape:.1f} ms (target {SCRAPE_MILLISECONDS:.0f} ms)")
    print(f"of it, what streams wait for at most: {longest:.1f} ms")
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")
    return 0 if total <= TARGET_MICROSECONDS and scrape <= SCRAPE_MILLISECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
