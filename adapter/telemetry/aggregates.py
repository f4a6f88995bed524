"""Counters, gauges and histograms: how a worker counts.

A metric is one object for the whole process, like a logger, and each of its series is a row of a dict, so that an
observation is one look-up and one addition. Labels are tuples of text in the order of the metric's label names. The
number of series is bounded: what would be one too many is counted in `dropped` and nowhere else.

Of a metric without observations nothing is shown. Source: Prometheus docs, Instrumentation.
"""

from bisect import bisect_left
from collections.abc import Iterable
from copy import copy
from typing import ClassVar, Final, Literal, Self, TypeAlias

Labels: TypeAlias = tuple[str, ...]
Value: TypeAlias = float | list[float]
"""Of one series: a number, or of a histogram the counts of its buckets and, last, the sum of the values."""

MAX_SERIES: Final = 2000
"""Of a worker. A scrape of so many takes some 30 ms, and no label is expected to come near it."""


class Metric:
    """One metric. Its name, help and label names are those of the text format."""

    kind: ClassVar[Literal["counter", "gauge", "histogram"]]
    series_count: ClassVar[int] = 0
    """Of all metrics of this process."""
    dropped: ClassVar[int] = 0
    """Observations of series that would have been too many."""

    def __init__(self, name: str, help: str, *labels: str) -> None:
        self.name = name
        self.help = help
        self.labels = labels
        self.values: dict[Labels, Value] = {}

    def like(self) -> Self:
        """Return the same metric without series, to add up those of several processes in."""
        other = copy(self)
        other.values = {}
        return other

    def clear(self) -> None:
        """Forget all series."""
        Metric.series_count -= len(self.values)
        self.values.clear()

    def merge(self, labels: Labels, value: Value) -> None:
        """Add what another process has counted of a series."""
        raise NotImplementedError

    @staticmethod
    def _has_room() -> bool:
        if Metric.series_count >= MAX_SERIES:
            Metric.dropped += 1
            return False
        Metric.series_count += 1
        return True


class Counter(Metric):
    """A number that only grows."""

    kind = "counter"
    values: dict[Labels, float]  # type: ignore[assignment]

    def add(self, labels: Labels = (), amount: float = 1) -> None:
        values = self.values
        if labels in values:
            values[labels] += amount
        elif self._has_room():
            values[labels] = amount

    def merge(self, labels: Labels, value: Value) -> None:
        assert not isinstance(value, list)
        self.values[labels] = self.values.get(labels, 0) + value


Addition: TypeAlias = tuple[Counter, Labels, float]


def add_each(additions: Iterable[Addition]) -> None:
    """Add to several series, as `add` does to one; a request that ends does with one call."""
    for counter, labels, amount in additions:
        values = counter.values
        if labels in values:
            values[labels] += amount
        else:
            counter.add(labels, amount)


class Gauge(Counter):
    """A number that goes up and down. Of several processes the sum is shown, or the greatest."""

    kind = "gauge"  # type: ignore[assignment]

    def __init__(self, name: str, help: str, *labels: str, of_workers: Literal["sum", "max"] = "sum") -> None:
        super().__init__(name, help, *labels)
        self._takes_greatest = of_workers == "max"

    def set(self, value: float, labels: Labels = ()) -> None:
        if labels in self.values or self._has_room():
            self.values[labels] = value

    def merge(self, labels: Labels, value: Value) -> None:
        assert not isinstance(value, list)
        if self._takes_greatest:
            self.values[labels] = max(self.values.get(labels, value), value)
        else:
            super().merge(labels, value)


class Histogram(Metric):
    """How often values fell into each bucket, and their sum."""

    kind = "histogram"
    values: dict[Labels, list[float]]  # type: ignore[assignment]

    def __init__(self, name: str, help: str, *labels: str, buckets: tuple[float, ...]) -> None:
        """`buckets`: their upper bounds, ascending; one without a bound follows."""
        super().__init__(name, help, *labels)
        self.buckets = buckets

    def observe(self, value: float, labels: Labels = ()) -> None:
        series = self.values.get(labels)
        if series is None:
            if not self._has_room():
                return
            series = self.values[labels] = [0] * (len(self.buckets) + 2)
        series[bisect_left(self.buckets, value)] += 1
        series[-1] += value

    def merge(self, labels: Labels, value: Value) -> None:
        assert isinstance(value, list)
        series = self.values.get(labels)
        if series is None:
            self.values[labels] = list(value)
        elif len(series) == len(value):
            series[:] = map(sum, zip(series, value, strict=True))
