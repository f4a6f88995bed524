"""The results of a run: samples of every scenario and server, and the figures computed from them.

A figure is the sum of the CPU time over all rounds, divided by the sum of the work. Ratios are made only of
samples of one run: the median of the pairs that were measured one after the other, and the lowest cost over the
lowest. Other work on the machine adds to both, never takes away, so the two bound the truth.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import mean, median

from bench.chain import Depth
from bench.load import Outcome
from bench.measure import Memory
from bench.recording import RecordingCost
from bench.scenarios import TIMED, Scenario

MAX_FAULT_SHARE = 0.01  # share of requests that may fail before a figure means nothing


@dataclass(frozen=True)
class Sample:
    """One round of one scenario on one server; CPU in seconds."""

    cpu: float
    outcome: Outcome
    lost: int  # processes of the server that ended meanwhile, whose CPU time is missing
    client_busy: float  # share of a core
    upstream_busy: float
    base_cost: float | None = None  # of the scenario's base, as it was measured in turns with it

    def cost(self, scenario: Scenario) -> float | None:
        """Return CPU milliseconds per unit of the scenario, or None if there was no work."""
        return cost([self], scenario)


def cost(samples: list[Sample], scenario: Scenario) -> float | None:
    """Return CPU milliseconds per unit over several rounds, or None if there was no work."""
    if scenario.per_deltas:
        units = sum(sample.outcome.deltas for sample in samples) / 1000
    else:
        units = float(sum(sample.outcome.completed for sample in samples))
    return 1000 * sum(sample.cpu for sample in samples) / units if units else None


def total(samples: list[Sample]) -> Outcome:
    """Return the outcome of several rounds as one."""
    outcome = Outcome()
    for sample in samples:
        outcome.add(sample.outcome)
    return outcome


def join(samples: list[Sample]) -> Sample:
    """Return several rounds as one."""
    return Sample(
        sum(sample.cpu for sample in samples),
        total(samples),
        sum(sample.lost for sample in samples),
        mean(sample.client_busy for sample in samples),
        mean(sample.upstream_busy for sample in samples),
    )


def is_valid(outcome: Outcome) -> bool:
    """Return whether so few requests failed that the figures are valid."""
    asked = outcome.completed + outcome.faults
    return outcome.completed > 0 and outcome.faults <= MAX_FAULT_SHARE * asked


@dataclass(frozen=True)
class OpenStreams:
    """Memory before and while streams were open, and how many were at the moment of the second reading."""

    before: Memory
    during: Memory
    streams: int
    outcome: Outcome

    @property
    def kb_each(self) -> float:
        return (self.during.pss - self.before.pss) / max(self.streams, 1)


@dataclass
class Results:
    """All samples and readings, by name of the scenario and of the server."""

    servers: list[str]
    samples: dict[str, dict[str, list[Sample]]] = field(default_factory=dict)
    start: dict[str, float] = field(default_factory=dict)
    """CPU seconds from the start to the first answer."""
    idle: dict[str, Memory] = field(default_factory=dict)
    open: dict[str, OpenStreams] = field(default_factory=dict)
    chains: dict[str, list[list[Depth]]] = field(default_factory=dict)
    chain_faults: dict[str, str] = field(default_factory=dict)
    recordings: dict[str, RecordingCost] = field(default_factory=dict)
    """Of the server under test, by name of the scenario."""
    notes: list[str] = field(default_factory=list)

    @property
    def tested(self) -> str:
        """Return the name of the server under test."""
        return self.servers[-1]

    def hosted_rounds(self) -> float | None:
        """Return what a hosted call costs beside its two chat rounds, in chat rounds, each of a `nonstream` request.

        None if one of the two scenarios was not measured.
        """
        costs = []
        for name in ("hosted", "nonstream"):
            scenario = next(scenario for scenario in TIMED if scenario.name == name)
            costs.append(cost(self.samples.get(name, {}).get(self.tested, []), scenario))
        hosted, plain = costs
        return (hosted - 2 * plain) / plain if hosted and plain else None

    def ratio(self, scenario: Scenario) -> Ratio | None:
        """Return how the server under test compares to nginx, or to itself in the scenario's base."""
        if scenario.base:
            samples = self.samples.get(scenario.name, {}).get(self.tested, [])
            return compare([sample.cost(scenario) for sample in samples], [sample.base_cost for sample in samples])
        return self._compare(scenario, "nginx")

    def relay_ratio(self, scenario: Scenario) -> Ratio | None:
        """Return how the server under test compares to the relay."""
        return self._compare(scenario, "relay")

    def _compare(self, scenario: Scenario, server: str) -> Ratio | None:
        """Return how the server under test compares to another in a scenario; None without both."""
        of = self.samples.get(scenario.name, {})
        above, below = ([one.cost(scenario) for one in of.get(name, [])] for name in (self.tested, server))
        return compare(above, below)


@dataclass(frozen=True)
class Ratio:
    """The cost of the server under test as a multiple of another's, or of its own in another scenario."""

    median: float
    """Of the pairs of one round."""
    least: float
    """The lowest cost of any round over the other's lowest."""
    pairs: tuple[float, ...]


def compare(above: list[float | None], below: list[float | None]) -> Ratio | None:
    """Return the ratio of costs that were measured in pairs; None if there are none."""
    pairs = [one / other for one, other in zip(above, below, strict=False) if one and other]
    if not pairs:
        return None
    return Ratio(median(pairs), min(filter(None, above)) / min(filter(None, below)), tuple(pairs))
