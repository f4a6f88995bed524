"""Run each scenario on each server, in rounds; the servers take turns at going first.

All servers of a run are up all the time; an idle one costs nothing, and taking turns scenario by scenario
lets whatever else the machine is doing fall on both. Before a reading the server has been warmed up and has
gone quiet; after the load it may finish what it has put off, which then counts as its cost. A scenario that is compared
with another on the same server takes turns with it that are so short that what slows the machine slows both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import replace

from bench.chain import ChainBroken, measure_chain
from bench.client import drive
from bench.load import RESPONSES, Load, Outcome
from bench.measure import Memory, cpu_between, read_cpu, read_memory, wait_until_quiet
from bench.results import OpenStreams, Results, Sample, cost, join
from bench.scenarios import OPEN, TIMED, Scenario
from bench.servers import Server

Say = Callable[[str], None]
TURNS = 12  # of each, in a round of a scenario and its base


def run_rounds(
    servers: list[Server], upstream: Server, names: Collection[str], rounds: int, seconds: float, say: Say
) -> Results:
    """Measure the named scenarios on all servers; the one under test is the last of them."""
    results = Results([server.name for server in servers])
    scenarios = [scenario for scenario in TIMED if scenario.name in names]
    steps, done = rounds * sum(server.name not in scenario.skips for scenario in scenarios for server in servers), 0
    if "start" in names:
        results.start = {server.name: server.start_cpu for server in servers}
    measure_memory(results, servers, names, say)
    for number in range(1, rounds + 1):
        order = servers if number % 2 else servers[::-1]
        for scenario in scenarios:
            by_server = results.samples.setdefault(
                scenario.name, {name: [] for name in results.servers if name not in scenario.skips}
            )
            for server in order:
                if server.name in by_server:
                    sample = measure_load(scenario, server, upstream, seconds)
                    by_server[server.name].append(sample)
                    done += 1
                    say(f"{done:>3}/{steps}  {scenario.name:<10} {server.name:<8} {describe(sample, scenario)}")
        for server in order if "chain" in names else ():
            if server.dialect is RESPONSES and server.name not in results.chain_faults:
                measure_history(results, server, say)
    return results


def measure_load(scenario: Scenario, server: Server, upstream: Server, seconds: float) -> Sample:
    """Run one scenario once on one server."""
    if scenario.base:
        return measure_in_turns(scenario, server, upstream, seconds)
    drive(server.port, server.dialect, scenario.warm_up(server.dialect))
    wait_until_quiet(server.pid)
    return run_load(scenario.load(server.dialect, seconds), server, upstream, settles=True)


def measure_in_turns(scenario: Scenario, server: Server, upstream: Server, seconds: float) -> Sample:
    """Run a scenario and its base on one server, in turns; each gets the time of a round."""
    base = next(one for one in TIMED if one.name == scenario.base)
    both = base, scenario
    for one in both:
        drive(server.port, server.dialect, one.warm_up(server.dialect))
    wait_until_quiet(server.pid)
    samples: dict[str, list[Sample]] = {one.name: [] for one in both}
    for turn in range(TURNS):
        for one in both if turn % 2 else both[::-1]:
            load = one.load(server.dialect, seconds / TURNS)
            samples[one.name].append(run_load(load, server, upstream, settles=False))
    return replace(join(samples[scenario.name]), base_cost=cost(samples[base.name], base))


def run_load(load: Load, server: Server, upstream: Server, *, settles: bool) -> Sample:
    """Run a load. `settles`: what the server does afterwards, until it is quiet, is its cost, too."""
    before, upstream_before, own_before = read_cpu(server.pid), read_cpu(upstream.pid), time.process_time()
    outcome = drive(server.port, server.dialect, load)
    own, wall = time.process_time() - own_before, max(outcome.wall, 0.001)
    if settles:
        wait_until_quiet(server.pid)
    seconds_spent, lost = cpu_between(before, read_cpu(server.pid))
    upstream_spent, _ = cpu_between(upstream_before, read_cpu(upstream.pid))
    return Sample(seconds_spent, outcome, lost, own / wall, upstream_spent / wall)


def describe(sample: Sample, scenario: Scenario) -> str:
    """Return one line about a sample, for the progress output."""
    cost, outcome = sample.cost(scenario), sample.outcome
    figure = "no work done" if cost is None else f"{cost:.4g} {scenario.unit}"
    work = f"{outcome.deltas} deltas" if scenario.per_deltas else f"{outcome.completed} requests"
    return f"{figure}, {work}" + (f", {outcome.faults} FAILED" if outcome.faults else "")


def measure_memory(results: Results, servers: list[Server], names: Collection[str], say: Say) -> None:
    """Read the memory of servers that have done nothing yet, then with slow streams open."""
    for server in servers:
        wait_until_quiet(server.pid, patience=10.0)
        if "idle" in names:
            results.idle[server.name] = memory = read_memory(server.pid)
            say(f"idle        {server.name:<8} {memory.pss / 1024:.1f} MB in {memory.processes} processes")
    for server in servers:
        if "open" in names:
            results.open[server.name] = found = measure_open(server)
            say(f"open        {server.name:<8} {found.kb_each:.0f} KB for each of {found.streams} streams")


def measure_open(server: Server) -> OpenStreams:
    """Hold streams open and read the memory when most of them are."""
    drive(server.port, server.dialect, OPEN.warm_up(server.dialect))
    wait_until_quiet(server.pid)
    readings: list[tuple[int, Memory]] = [(0, read_memory(server.pid))]

    def watch(flowing: int) -> None:
        if flowing >= max(OPEN.connections // 2, readings[-1][0]):
            readings.append((flowing, read_memory(server.pid)))

    outcome: Outcome = drive(server.port, server.dialect, OPEN.load(server.dialect, 0.0), watch)
    streams, during = readings[-1]
    return OpenStreams(readings[0][1], during, streams, outcome)


def measure_history(results: Results, server: Server, say: Say) -> None:
    """Run one chain and add its depths to the results."""
    try:
        depths = measure_chain(server)
    except ChainBroken as error:
        results.chain_faults[server.name] = str(error)
        say(f"chain       {server.name:<8} FAILED: {error}")
        return
    results.chains.setdefault(server.name, []).append(depths)
    told = ", ".join(f"{depth.turn}: {depth.cpu_ms:.3g} (first {depth.first_ms:.3g})" for depth in depths)
    say(f"chain       {server.name:<8} CPU ms at turn {told}")
