"""What the inspector's recording costs: requests that are recorded and requests that decline take turns in one load.

A server of its own, which records, is under one load without a pause. The requests of one window decline to be
recorded, those of the next do not, and so on; a window is so short that what slows the machine slows its neighbours,
too. Its cost is the CPU time of the main threads, in which requests are answered, per request that ended in it. A
recorded window is compared with the mean of the two declined ones beside it, and the median of these pairs counts. What
has been recorded is written by another thread, once a second and so in any window: the time of all other threads, up to
some seconds after the load, when they have finished, is divided among all recorded requests and added.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from bench.bodies import QUESTION
from bench.client import Run
from bench.load import Load, Outcome
from bench.measure import read_threads, tree, wait_until_quiet
from bench.scenarios import RECORDINGS, SHORT, Recording
from bench.servers import Server, ServerFailed, free_port

DECLINED = "x-adapter-inspect: off\r\n"
RECORDED = "x-adapter-nothing: off\r\n"  # means nothing, and costs as much to read
WINDOW_SECONDS = 0.2
ROUNDS_EACH = 2.5  # the load takes as long as so many rounds of another scenario
MIN_SECONDS = 8.0  # a shorter load has too few windows for a difference of some per cent
WARM_UP_SECONDS, LEAD_SECONDS = 1.0, 0.5
WRITTEN_SECONDS = 2.0  # after this time all that was recorded has been written
MAX_LISTED = 500  # more than the check makes; a search for more ends early and does not count them

Say = Callable[[str], None]
Start = Callable[[Path, Mapping[str, str]], AbstractContextManager[Server]]
"""Starts the server under test in a folder, with settings."""


@dataclass(frozen=True)
class Window:
    """A part of the load; CPU seconds of main threads."""

    recorded: bool
    cpu: float
    completed: int

    @property
    def cost(self) -> float | None:
        """Return CPU seconds per request, or None if none ended."""
        return self.cpu / self.completed if self.completed else None


@dataclass(frozen=True)
class RecordingCost:
    """What was measured under one load; CPU in seconds."""

    windows: tuple[Window, ...]
    others: float  # of all threads but the main ones, from the first window until everything was written
    outcome: Outcome
    rounds: int  # parts of the load whose ratios show the noise
    lost: int = 0  # processes of the server that ended meanwhile

    def pairs(self) -> list[float]:
        """Return the cost of each recorded window over that of the declined ones beside it, main threads only."""
        found = []
        for before, window, after in zip(self.windows, self.windows[1:], self.windows[2:], strict=False):
            if window.recorded and window.cost and before.cost and after.cost:
                found.append(window.cost / ((before.cost + after.cost) / 2))
        return found

    def declined_cost(self) -> float | None:
        """Return CPU seconds per declined request, the median of their windows."""
        costs = [window.cost for window in self.windows if not window.recorded and window.cost]
        return median(costs) if costs else None

    def others_cost(self) -> float:
        """Return CPU seconds of the other threads per recorded request."""
        return self.others / max(1, sum(window.completed for window in self.windows if window.recorded))

    def ratio(self) -> float | None:
        """Return the cost of a recorded request as a multiple of that of a declined one; None without windows."""
        return self._ratio_of(self.pairs())

    def ratios_of_rounds(self) -> list[float]:
        """Return the ratio of each part of the load, of as many as there are rounds."""
        pairs, rounds = self.pairs(), self.rounds
        cuts = [len(pairs) * number // rounds for number in range(rounds + 1)]
        ratios = [self._ratio_of(pairs[cuts[number] : cuts[number + 1]]) for number in range(rounds)]
        return [ratio for ratio in ratios if ratio is not None]

    def recorded_ms(self) -> float | None:
        """Return CPU milliseconds per recorded request."""
        declined, ratio = self.declined_cost(), self.ratio()
        return 1000 * declined * ratio if declined and ratio else None

    def _ratio_of(self, pairs: list[float]) -> float | None:
        declined = self.declined_cost()
        return median(pairs) + self.others_cost() / declined if pairs and declined else None


def measure_recordings(
    start: Start, folder: Path, names: Collection[str], rounds: int, seconds: float, say: Say
) -> dict[str, RecordingCost]:
    """Measure the named scenarios, each with a server of its own. Raises ServerFailed."""
    found = {}
    for scenario in RECORDINGS:
        if scenario.name in names:
            found[scenario.name] = cost = measure_recording(scenario, start, folder, rounds, seconds)
            say(f"{scenario.name:<11} {describe(cost)}")
    return found


def measure_recording(scenario: Recording, start: Start, folder: Path, rounds: int, seconds: float) -> RecordingCost:
    """Start a server that records, load it, end it. Raises ServerFailed."""
    place, admin_port = folder / scenario.name, free_port()
    place.mkdir()
    settings = {"ADAPTER_INSPECTOR": scenario.inspector, "ADAPTER_ADMIN_BIND": f"127.0.0.1:{admin_port}"}
    with start(place, settings) as server:
        check_recording(scenario, server, admin_port)
        asyncio.run(run_alone(server, SHORT.load(server.dialect, WARM_UP_SECONDS), RECORDED))
        wait_until_quiet(server.pid)
        length = LEAD_SECONDS + max(MIN_SECONDS, ROUNDS_EACH * seconds * rounds)
        return asyncio.run(run_in_turns(server, SHORT.load(server.dialect, length), rounds))


async def run_alone(server: Server, load: Load, fields: str) -> Outcome:
    """Run a load whose requests all have these fields in their heads."""
    run = Run(server.port, server.dialect, load)
    run.ask_with(fields)
    return await run.drive(None)


async def run_in_turns(server: Server, load: Load, rounds: int) -> RecordingCost:
    """Run a load whose requests take turns at being recorded, and read the clocks whenever they change."""
    pids = tree(server.pid)
    run = Run(server.port, server.dialect, load)
    run.ask_with(DECLINED)
    driven = asyncio.create_task(run.drive(None))
    await asyncio.sleep(LEAD_SECONDS)
    windows: list[Window] = []
    times, completed = read_threads(pids), run.outcome.completed
    others_before, recorded = times.others, False
    while not driven.done() and run.loop.time() + WINDOW_SECONDS < run.started_at + load.seconds:
        await asyncio.sleep(WINDOW_SECONDS)
        before, times = times, read_threads(pids)
        count = run.outcome.completed - completed
        completed += count
        windows.append(Window(recorded, times.main - before.main, count))
        recorded = not recorded
        run.ask_with(RECORDED if recorded else DECLINED)
    run.ask_with(DECLINED)
    outcome = await driven
    await asyncio.sleep(WRITTEN_SECONDS)
    others = read_threads(pids).others - others_before
    return RecordingCost(tuple(windows), others, outcome, rounds, len(set(pids) - set(tree(server.pid))))


def check_recording(scenario: Recording, server: Server, admin_port: int) -> None:
    """Let the server record some requests and others not, and see that it does. Raises ServerFailed."""
    warm_up = SHORT.warm_up(server.dialect)
    for fields in (RECORDED, DECLINED):
        asyncio.run(run_alone(server, warm_up, fields))
    time.sleep(WRITTEN_SECONDS)
    text = "" if scenario.inspector == "heads" else QUESTION  # found only where the contents are recorded
    if (count := count_recordings(admin_port, SHORT.script, text)) != warm_up.requests:
        raise ServerFailed(f"{scenario.name}: the inspector recorded {count} requests, not {warm_up.requests}")


def count_recordings(admin_port: int, model: str, text: str) -> int:
    """Return how many requests for a model, with a text, the inspector has recorded. Raises ServerFailed."""
    query = {"limit": MAX_LISTED, "model": model, "text": text}
    connection = http.client.HTTPConnection("127.0.0.1", admin_port, timeout=10)
    try:
        connection.request("GET", "/inspector/api/recordings?" + urlencode(query))
        return int(json.load(connection.getresponse())["total"])
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        raise ServerFailed(f"the inspector does not list its recordings: {error!r}") from error
    finally:
        connection.close()


def describe(cost: RecordingCost) -> str:
    """Return one line about a measurement, for the progress output."""
    ratio, declined, faults = cost.ratio(), cost.declined_cost(), cost.outcome.faults
    if ratio is None or declined is None:
        return "no work done" + (f", {faults} FAILED" if faults else "")
    figures = f"{ratio:.3f} of {1000 * declined:.4g} ms/request, {1e6 * cost.others_cost():.1f} µs of it in threads"
    return f"{figures}, {len(cost.pairs())} pairs" + (f", {faults} FAILED" if faults else "")
