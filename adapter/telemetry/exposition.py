"""Metrics → Prometheus' text format, version 0.0.4. Source: Prometheus docs, Exposition formats."""

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final

from adapter.telemetry.aggregates import Histogram, Labels, Metric, Value

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


def render(metrics: Iterable[Metric]) -> Iterator[str]:
    """Yield the text of each metric that has been observed, in pieces of one series or a few lines."""
    for metric in metrics:
        if not metric.values:
            continue
        yield f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {metric.kind}\n"
        for labels, value in metric.values.items():
            yield _histogram(metric, labels, value) if isinstance(metric, Histogram) else _number(metric, labels, value)


def _number(metric: Metric, labels: Labels, value: Value) -> str:
    assert not isinstance(value, list)
    return f"{metric.name}{_braces(_pairs(metric, labels))} {_format(value)}\n"


def _histogram(metric: Histogram, labels: Labels, series: Value) -> str:
    assert isinstance(series, list)
    pairs = _pairs(metric, labels)
    *counts, total = series
    cumulative = list(accumulate(counts))
    bounds = [*(f"{bound:g}" for bound in metric.buckets), "+Inf"]
    lines = []
    for bound, count in zip(bounds, cumulative, strict=True):
        labelled = _braces([*pairs, f'le="{bound}"'])
        lines.append(f"{metric.name}_bucket{labelled} {_format(count)}\n")
    braces = _braces(pairs)
    return (
        "".join(lines)
        + f"{metric.name}_sum{braces} {_format(total)}\n{metric.name}_count{braces} {_format(cumulative[-1])}\n"
    )


def _pairs(metric: Metric, labels: Labels) -> list[str]:
    return [f'{name}="{text.translate(_ESCAPES)}"' for name, text in zip(metric.labels, labels, strict=True)]


def _braces(pairs: list[str]) -> str:
    return "{" + ",".join(pairs) + "}" if pairs else ""


def _format(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
