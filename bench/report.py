"""The report of a run: a table, a JSON object, and one verdict for the exit status."""

from __future__ import annotations

from statistics import median

from bench.build import describe_python
from bench.load import Outcome, milliseconds
from bench.measure import Memory
from bench.results import Results, Sample, cost, is_valid, total
from bench.scenarios import (
    HOSTED_TARGET_ROUNDS,
    IDLE_TARGET_MB,
    OPEN,
    OPEN_TARGET_KB,
    RECORDINGS,
    SHORT,
    START_TARGET_SECONDS,
    TIMED,
    Recording,
    Scenario,
)

LAST_TURN = 500
CHAIN_TARGET = 0.6  # of what a turn costs more than the first one in the relay
BUSY_SHARE = 0.8  # share of a core from which the client or the upstream may delay deltas itself
COLUMNS = ("scenario", "cost", "nginx", "relay", "tested", "ratio", "least", "rounds", "target", "")
Row = tuple[str, ...]


def format_table(results: Results) -> str:
    """Return the report as text."""
    tested = results.tested
    heads = tuple(tested if column == "tested" else column for column in COLUMNS)
    parts = [align([heads, *cost_rows(results)])]
    if seen := client_rows(results):
        heads = ("clients saw", "server", "answered", "failed", "deltas/s", "first delta ms", "delta age ms")
        parts.append(align([heads, *seen]))
    notes = list(dict.fromkeys([describe_python(), *results.notes, *make_notes(results)]))
    if notes:
        parts.append("\n".join(f"* {note}" for note in notes))
    return "\n\n".join(parts) + "\n"


def align(rows: list[Row]) -> str:
    """Return rows as columns: the first two to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if number < 2 or number == len(row) - 1 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def cost_rows(results: Results) -> list[Row]:
    rows = [timed_row(results, scenario) for scenario in TIMED if scenario.name in results.samples]
    rows += [recording_row(results, scenario) for scenario in RECORDINGS if scenario.name in results.recordings]
    tested = results.tested
    if (rounds := results.hosted_rounds()) is not None:
        rows.append(plain_row("hosted call", "chat rounds", {tested: rounds}, tested, HOSTED_TARGET_ROUNDS, True))
    if results.start:
        rows.append(plain_row("start", "CPU s", results.start, tested, START_TARGET_SECONDS, True))
    if results.idle:
        idle = {name: memory.pss / 1024 for name, memory in results.idle.items()}
        rows.append(plain_row("idle", "MB PSS", idle, tested, IDLE_TARGET_MB, True))
        alone = {name: memory.alone / 1024 for name, memory in results.idle.items()}
        rows.append(plain_row("idle alone", "MB", alone, tested, None, True))
    if results.open:
        each = {name: found.kb_each for name, found in results.open.items()}
        found = results.open[tested]
        whole = is_valid(found.outcome) and found.streams >= 0.98 * OPEN.connections
        rows.append(plain_row("open", "KB PSS/stream", each, tested, OPEN_TARGET_KB, whole))
    return rows + chain_rows(results)


def chain_rows(results: Results) -> list[Row]:
    """Return the cost of turns at some depths, and how much more it is than that of a first turn."""
    rows: list[Row] = []
    tested = results.tested
    for number_of_depth, first in enumerate((results.chains.get(tested) or [[]])[0]):
        at = {name: [chain[number_of_depth] for chain in chains] for name, chains in results.chains.items()}
        costs = {name: median(depth.cpu_ms for depth in depths) for name, depths in at.items()}
        more = {name: median(depth.cpu_ms - depth.first_ms for depth in depths) for name, depths in at.items()}
        sent = f"{first.upstream_bytes / 1000:.1f} KB upstream"
        cells = (number(costs.get("relay")), number(costs[tested]))
        rows.append((f"chain {first.turn}", "ms/turn", "", *cells, "", "", "", "", sent))
        if first.turn == LAST_TURN:
            share = more[tested] / more["relay"] if more.get("relay", 0.0) > 0 else None
            judged = "" if share is None else "ok" if share <= CHAIN_TARGET else "OVER"
            cells = (number(more.get("relay")), number(more[tested]))
            target = f"≤ {CHAIN_TARGET:g} relay"
            rows.append((f"chain {first.turn} − 1", "ms/turn", "", *cells, "", "", "", target, judged))
    if tested in results.chain_faults:
        rows.append(("chain", "ms/turn", "", "", "", "", "", "", "", "failed"))
    return rows


def timed_row(results: Results, scenario: Scenario) -> Row:
    samples, ratio = results.samples[scenario.name], results.ratio(scenario)
    if scenario.max_age_ms is None:
        unit, costs = f"CPU {scenario.unit}", {name: cost(rounds, scenario) for name, rounds in samples.items()}
    else:
        unit, costs = "p99 ms delta age", {name: last_age(total(rounds)) for name, rounds in samples.items()}
        ratio = None
    return (
        scenario.name,
        unit,
        number(costs.get("nginx")),
        number(costs.get("relay")),
        number(costs[results.tested]),
        f"{number(ratio.median)}×" if ratio else "",
        f"{number(ratio.least)}×" if ratio else "",
        f"{number(min(ratio.pairs))}–{number(max(ratio.pairs))}" if ratio and len(ratio.pairs) > 1 else "",
        describe_target(scenario),
        verdict(results, scenario),
    )


def recording_row(results: Results, scenario: Recording) -> Row:
    found = results.recordings[scenario.name]
    ratio, parts = found.ratio(), found.ratios_of_rounds()
    return (
        scenario.name,
        f"CPU {SHORT.unit}",
        "",
        "",
        number(found.recorded_ms()),
        f"{ratio:.3f}×" if ratio else "",
        "",
        f"{min(parts):.3f}–{max(parts):.3f}" if len(parts) > 1 else "",
        f"≤ {scenario.target:g}× short",
        recording_verdict(results, scenario),
    )


def recording_verdict(results: Results, scenario: Recording) -> str:
    """Return whether the target was met."""
    found = results.recordings[scenario.name]
    ratio = found.ratio()
    if ratio is None or not is_valid(found.outcome):
        return "failed"
    return "ok" if ratio <= scenario.target else "OVER"


def describe_target(scenario: Scenario) -> str:
    """Return the target of a scenario in the words of the table."""
    parts = [f"≤ {scenario.target:g}× {scenario.base}".rstrip()] if scenario.target else []
    if scenario.relay_target:
        parts.append(f"≤ {scenario.relay_target:g} relay")
    if scenario.max_age_ms:
        parts.append(f"≤ {scenario.max_age_ms:g}")
    if scenario.requests and not scenario.target:
        parts.append("0 failed")
    return ", ".join(parts)


def plain_row(
    name: str, unit: str, values: dict[str, float], tested: str, target: float | None, whole: bool
) -> Row:
    cells = (number(values.get("nginx")), number(values.get("relay")), number(values[tested]))
    if target is None:
        return (name, unit, *cells, "", "", "", "", "")
    judged = ("ok" if values[tested] <= target else "OVER") if whole else "failed"
    return (name, unit, *cells, "", "", "", f"≤ {target:g}", judged)


def verdict(results: Results, scenario: Scenario) -> str:
    """Return whether the target was met; empty without a target."""
    samples = results.samples[scenario.name]
    tested = total(samples[results.tested])
    if scenario.requests and tested.faults:
        return "failed"
    if not all(is_valid(total(rounds)) for name, rounds in samples.items() if name != "relay"):
        return "failed"
    if scenario.max_age_ms is not None:
        if "nginx" in samples and last_age(total(samples["nginx"])) > scenario.max_age_ms:
            return "noise"
        return "ok" if last_age(tested) <= scenario.max_age_ms else "OVER"
    if scenario.target is None:
        return "ok" if scenario.requests else ""
    ratio, relay_ratio = results.ratio(scenario), results.relay_ratio(scenario)
    if ratio is None:
        return "no floor"
    if scenario.relay_target and relay_ratio and relay_ratio.median > scenario.relay_target:
        return "OVER"
    return "ok" if ratio.median <= scenario.target else "OVER"


def last_age(outcome: Outcome) -> float:
    """Return the age, in milliseconds, of the latest but one in a hundred deltas."""
    return milliseconds(outcome.ages, 0.99).get("p99", 0.0)


def all_met(results: Results) -> bool:
    """Return whether no target was missed and nothing failed."""
    return not {"OVER", "failed"} & {row[-1] for row in cost_rows(results)}


def client_rows(results: Results) -> list[Row]:
    """Return the clients' figures; the age of a delta has a meaning only where deltas do not queue up."""
    rows: list[Row] = []
    for scenario, server, samples in list_samples(results):
        seen = total(samples)
        rows.append(
            (
                scenario.name,
                server,
                str(seen.completed),
                str(seen.faults),
                f"{seen.deltas / seen.wall:.0f}" if seen.deltas else "",
                spread(milliseconds(seen.first_deltas, 0.5, 0.99)),
                spread(milliseconds(seen.ages, 0.5, 0.95, 0.99)) if scenario.ramp else "",
            )
        )
    return rows


def list_samples(results: Results) -> list[tuple[Scenario, str, list[Sample]]]:
    """Return scenario, server and samples, in the order of the table."""
    return [
        (scenario, server, samples)
        for scenario in TIMED
        for server, samples in results.samples.get(scenario.name, {}).items()
    ]


def spread(percentiles: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.1f}" for name, value in percentiles.items())


def number(value: float | None) -> str:
    """Return three significant digits, without an exponent."""
    if value is None:
        return ""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 4
    return f"{value:.{digits}f}"


def make_notes(results: Results) -> list[str]:
    """Return notes on faults that make figures doubtful."""
    notes = []
    for scenario, server, samples in list_samples(results):
        seen, where = total(samples), f"{scenario.name} on {server}"
        if seen.faults:
            fault = seen.first_error or "no end came"
            notes.append(f"{where}: {seen.faults} of {seen.faults + seen.completed} failed: {fault}")
        if lost := sum(sample.lost for sample in samples):
            notes.append(
                f"{where}: {lost} processes of the server ended meanwhile; their CPU time is missing"
            )
        expected = seen.completed * scenario.deltas
        if scenario.streamed and not seen.faults and seen.deltas != expected:
            notes.append(f"{where}: {seen.deltas} delta events for {expected} deltas sent")
        if scenario.ramp and max(max(sample.client_busy, sample.upstream_busy) for sample in samples) > BUSY_SHARE:
            notes.append(f"{where}: client or upstream had no time left, so the ages are partly theirs")
    for name, cost_found in results.recordings.items():
        if faults := cost_found.outcome.faults:
            fault = cost_found.outcome.first_error or "no end came"
            notes.append(f"{name}: {faults} of {faults + cost_found.outcome.completed} failed: {fault}")
        if cost_found.lost:
            notes.append(f"{name}: {cost_found.lost} processes of the server ended meanwhile")
    for server, found in results.open.items():
        if not is_valid(found.outcome) or found.streams < OPEN.connections:
            fault = found.outcome.first_error or "the others were not open at the same time"
            notes.append(f"open on {server}: {found.streams} of {OPEN.connections} streams: {fault}")
    notes += [f"chain on {name}: {fault}" for name, fault in results.chain_faults.items()]
    for depths in results.chains.get(results.tested, ()):
        if depths[-1].upstream_bytes < depths[-1].turn * depths[0].upstream_bytes / 2:
            notes.append("chain: the upstream did not get the history")
    return notes


def to_json(results: Results) -> dict[str, object]:
    """Return everything for a JSON file."""
    return {
        "python": describe_python(),
        "servers": results.servers,
        "scenarios": {name: scenario_json(results, name) for name in results.samples},
        "recording": {
            scenario.name: recording_json(results, scenario)
            for scenario in RECORDINGS
            if scenario.name in results.recordings
        },
        "start_cpu_s": {server: round(seconds, 3) for server, seconds in results.start.items()},
        "idle": {server: memory_json(memory) for server, memory in results.idle.items()},
        "open": {
            server: {
                "before": memory_json(found.before),
                "during": memory_json(found.during),
                "streams": found.streams,
                "kb_each": round(found.kb_each, 1),
                **found.outcome.summary(),
            }
            for server, found in results.open.items()
        },
        "chain": {
            server: [[vars(depth) for depth in depths] for depths in chains]
            for server, chains in results.chains.items()
        },
        "notes": [*results.notes, *make_notes(results)],
        "targets_met": all_met(results),
    }


def scenario_json(results: Results, name: str) -> dict[str, object]:
    scenario = next(scenario for scenario in TIMED if scenario.name == name)
    ratio = results.ratio(scenario)
    return {
        "unit": f"CPU {scenario.unit}",
        "target": scenario.target,
        "ratio": round(ratio.median, 2) if ratio else None,
        "ratio_of_lowest": round(ratio.least, 2) if ratio else None,
        "ratio_of_rounds": [round(value, 2) for value in ratio.pairs] if ratio else [],
        "verdict": verdict(results, scenario) or None,
        "cost": {server: cost(samples, scenario) for server, samples in results.samples[name].items()},
        "rounds": {
            server: [sample_json(sample, scenario) for sample in samples]
            for server, samples in results.samples[name].items()
        },
    }


def sample_json(sample: Sample, scenario: Scenario) -> dict[str, object]:
    return {
        "cpu_s": round(sample.cpu, 4),
        "cost": sample.cost(scenario),
        "processes_lost": sample.lost,
        "client_busy": round(sample.client_busy, 3),
        "upstream_busy": round(sample.upstream_busy, 3),
        **sample.outcome.summary(),
    }


def recording_json(results: Results, scenario: Recording) -> dict[str, object]:
    found = results.recordings[scenario.name]
    ratio, cost_ms, declined = found.ratio(), found.recorded_ms(), found.declined_cost()
    return {
        "unit": f"CPU {SHORT.unit}",
        "target": scenario.target,
        "ratio": round(ratio, 4) if ratio else None,
        "ratio_of_rounds": [round(value, 4) for value in found.ratios_of_rounds()],
        "ratio_of_pairs": [round(value, 4) for value in found.pairs()],
        "verdict": recording_verdict(results, scenario),
        "cost": cost_ms,
        "cost_declined": 1000 * declined if declined else None,
        "cost_of_threads": 1000 * found.others_cost(),
        "processes_lost": found.lost,
        "windows": [vars(window) for window in found.windows],
        **found.outcome.summary(),
    }


def memory_json(memory: Memory) -> dict[str, int]:
    return {"pss_kb": memory.pss, "alone_kb": memory.alone, "processes": memory.processes}
