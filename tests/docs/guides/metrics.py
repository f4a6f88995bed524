"""The table of metrics in docs/metrics.md, made from their catalog.

`python -m tests.docs.guides.metrics` rewrites it between its two marks; the rest of the page is written by hand.
"""

from pathlib import Path

from adapter.telemetry.aggregates import Metric
from adapter.telemetry.catalog import METRICS

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
BEGIN = "<!-- metrics: written by python -m tests.docs.guides.metrics -->\n"
END = "<!-- end of metrics -->\n"


def table() -> str:
    head = "| metric | type | labels | meaning |\n|---|---|---|---|\n"
    return head + "".join(map(_row, METRICS.values()))


def _row(metric: Metric) -> str:
    labels = ", ".join(metric.labels) or "–"
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |\n"


def render(page: str) -> str:
    """Return the page with a current table."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table() + END + after


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text()))
