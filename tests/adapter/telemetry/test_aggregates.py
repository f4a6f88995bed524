"""Counting, and adding up what several processes have counted."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.telemetry import aggregates, catalog
from adapter.telemetry.aggregates import Counter, Gauge, Histogram, Metric, add_each
from adapter.telemetry.exposition import render

BUCKETS = (0.1, 1.0)


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    before = Metric.series_count
    yield
    Metric.series_count = before
    Metric.dropped = 0


def text(*metrics: Metric) -> str:
    return "".join(render(metrics))


def test_what_is_shown() -> None:
    calls, waiting = Counter("calls_total", "Calls.", "name", "code"), Gauge("waiting", "Who waits.")
    seconds = Histogram("seconds", "How long.", buckets=BUCKETS)
    calls.add(("a\"b\\c\n", "200"))
    calls.add(("a\"b\\c\n", "200"), 2)
    waiting.set(4.5)
    for value in (0.05, 0.1, 0.5, 7):
        seconds.observe(value)
    assert text(calls, waiting, seconds) == (
        "# HELP calls_total Calls.\n# TYPE calls_total counter\n"
        'calls_total{name="a\\"b\\\\c\\n",code="200"} 3\n'
        "# HELP waiting Who waits.\n# TYPE waiting gauge\nwaiting 4.5\n"
        "# HELP seconds How long.\n# TYPE seconds histogram\n"
        'seconds_bucket{le="0.1"} 2\nseconds_bucket{le="1"} 3\nseconds_bucket{le="+Inf"} 4\n'
        "seconds_sum 7.65\nseconds_count 4\n"
    )


def test_a_metric_without_observations_is_not_shown() -> None:
    assert text(Counter("calls_total", "Calls.")) == ""


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 10)), max_size=30), st.integers(1, 4))
def test_the_sum_of_workers_is_what_one_would_have_counted(observed: list[tuple[str, float]], workers: int) -> None:
    whole = Histogram("seconds", "How long.", "name", buckets=BUCKETS)
    parts = [whole.like() for _ in range(workers)]
    for number, (name, value) in enumerate(observed):
        whole.observe(value, (name,))
        parts[number % workers].observe(value, (name,))  # type: ignore[attr-defined]
    total = whole.like()
    for part in parts:
        for labels, value in part.values.items():
            total.merge(labels, value)
    assert total.values.keys() == whole.values.keys()
    for labels, series in whole.values.items():
        assert total.values[labels] == pytest.approx(series)


def test_gauges_are_added_or_the_greatest_is_taken() -> None:
    running, version = Gauge("running", "Running."), Gauge("build", "Version.", of_workers="max")
    for gauge in (running, version):
        gauge.merge((), 1)
        gauge.merge((), 1)
    assert running.values == {(): 2}
    assert version.values == {(): 1}


def test_the_number_of_series_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregates, "MAX_SERIES", Metric.series_count + 2)
    calls = Counter("calls_total", "Calls.", "name")
    for name in "abcab":
        calls.add((name,))
    add_each((calls, (name,), 1) for name in "acb")
    assert calls.values == {("a",): 3, ("b",): 3}
    assert Metric.dropped == 2
    calls.clear()
    calls.add(("c",))
    assert calls.values == {("c",): 1}


def test_labels_of_models_and_members_are_bounded() -> None:
    catalog.clear()
    names = {catalog.model_label(f"model-{number}", answered=True) for number in range(1000)}
    assert len(names) == 101
    assert "other" in names
    assert catalog.model_label("model-0", answered=True) == "model-0"
    assert catalog.model_label("gibberish", answered=False) == "unknown"
    assert catalog.member_label("input[3].content[0].text") == "input"
    assert catalog.member_label("tools[0].name") == "tools"
    assert catalog.member_label("what the caller made up") == "other"
    assert catalog.member_label(None) == "none"
    catalog.clear()
