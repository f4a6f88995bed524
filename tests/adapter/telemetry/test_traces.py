"""Traces: the headers of W3C Trace Context, the spans of a request, and their way to a collector."""

import re
from typing import Any

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.telemetry.catalog import SPANS_DROPPED
from adapter.telemetry.traces.context import TraceContext, read_context
from adapter.telemetry.traces.exporter import Exporter
from adapter.telemetry.traces.spans import Span, Trace, Tracing, current_trace, encode_span

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"


def hexadecimal(digits: int) -> st.SearchStrategy[str]:
    return st.text("0123456789abcdef", min_size=digits, max_size=digits)


@given(hexadecimal(32), hexadecimal(16), hexadecimal(2))
def test_what_the_grammar_allows_is_read(trace: str, span: str, flags: str) -> None:
    found = read_context(f"00-{trace}-{span}-{flags}", None)
    if set(trace) == {"0"} or set(span) == {"0"}:
        assert found is None
    else:
        assert found is not None
        assert (found.trace_id, found.span_id, found.is_sampled) == (trace, span, bool(int(flags, 16) & 1))
        assert read_context(found.headers(span)["traceparent"], None) == found


@given(st.one_of(st.text(), st.from_regex(r"[0-9a-fA-F]{2}-[0-9a-fA-F]{31,33}-[0-9a-fA-F]{15,17}-[0-9a-f]{1,3}")))
def test_nothing_else_is_read(header: str) -> None:
    fields = r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"
    if re.fullmatch(rf"(?!ff){fields}|(?!00|ff){fields}-.*", header.strip(" \t")) is None:
        assert read_context(header, None) is None


@pytest.mark.parametrize(
    ("header", "is_read"),
    [
        (PARENT, True), (f" {PARENT}\t", True), (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", True),
        (f"cc-{TRACE}-{SPAN}-01.more", False), (f"{PARENT}-more", False), (f"ff-{TRACE}-{SPAN}-01", False),
        (PARENT.upper(), False), (f"00-{'0' * 32}-{SPAN}-01", False), (f"00-{TRACE}-{'0' * 16}-01", False), ("", False),
    ],
)  # fmt: skip
def test_versions_and_odd_headers(header: str, is_read: bool) -> None:
    assert (read_context(header, None) is not None) == is_read


def test_unknown_flags_are_not_passed_on_and_the_state_is() -> None:
    found = read_context(f"00-{TRACE}-{SPAN}-ff", " vendor=a,other=b ")
    assert found is not None
    assert found.headers(SPAN) == {"traceparent": f"00-{TRACE}-{SPAN}-03", "tracestate": "vendor=a,other=b"}
    for state in ("x" * 513, "a=\u00e9", "a=b\r\nX: y"):
        found = read_context(PARENT, state)
        assert found is not None
        assert "tracestate" not in found.headers(SPAN)


def test_which_requests_have_a_trace() -> None:
    tracing, spans = Tracing(), list[Span]()
    assert tracing.begin(None, None) is None
    assert tracing.begin("odd", None) is None
    trace = tracing.begin(PARENT, "a=b")
    assert trace is current_trace()
    assert trace is not None
    assert not trace.is_recorded
    assert trace.headers()["traceparent"].startswith(f"00-{TRACE}-")
    assert SPAN not in trace.headers()["traceparent"], "the call has a span of its own"
    tracing.configure(starts=False, sample=1.0, deliver=spans.append)
    own = tracing.begin(None, None)
    assert own is not None
    assert own.is_recorded
    assert own.headers() == {}, "no trace was started, so the provider gets no header"
    unsampled = tracing.begin(f"00-{TRACE}-{SPAN}-00", None)
    assert unsampled is not None
    assert not unsampled.is_recorded
    tracing.configure(starts=True, sample=0.0, deliver=spans.append)
    own = tracing.begin(None, None)
    assert own is not None
    assert not own.is_recorded
    assert own.headers()["traceparent"].endswith("-02")
    tracing.begin(None, None)


def test_a_request_lasts_as_long_as_its_stream() -> None:
    spans: list[Span] = []
    trace = Trace(TraceContext(TRACE, SPAN, 1), SPAN, is_passed_on=True, deliver=spans.append)
    trace.begin_attempt("one", "one.example", "m")
    trace.end_attempt(503, "status")
    trace.reason = "failover"
    trace.begin_attempt("two", "two.example", "m")
    trace.open_call()
    trace.end_attempt(200)
    trace.answer("POST", "/v1/responses", 200)
    assert spans == []
    trace.close_call("m", 1.0, {}, [{"adapter.note.param": "seed"}], failed=False)
    first, second, call, request = spans
    assert [span.parent for span in spans] == [call.id, call.id, request.id, SPAN]
    assert [span.name for span in spans] == ["POST", "POST", "chat m", "POST /v1/responses"]
    assert (first.failed, second.failed) == (True, False)
    assert (second.attributes["adapter.why"], second.attributes["adapter.attempt"]) == ("failover", 2)
    assert all(0 < span.start <= span.end for span in spans)
    assert encode_span(request)["parentSpanId"] == SPAN
    assert encode_span(call)["events"][0]["attributes"] == [
        {"key": "adapter.note.param", "value": {"stringValue": "seed"}}
    ]


def test_a_request_without_a_call_ends_with_its_answer() -> None:
    spans: list[Span] = []
    trace = Trace(TraceContext(TRACE, "", 1), "", is_passed_on=False, deliver=spans.append)
    trace.answer("GET", "/v1/models", 503)
    trace.answer("GET", "/v1/models", 503)
    (span,) = spans
    assert span.failed
    assert "parentSpanId" not in encode_span(span)


class Answers:
    """A collector that answers so, in place of its connections."""

    def __init__(self, exporter: Exporter, *answers: str) -> None:
        self.bodies: list[bytes] = []
        self._answers = list(answers)
        exporter._post = self.post  # type: ignore[method-assign]

    def post(self, body: bytes) -> str:
        self.bodies.append(body)
        return self._answers.pop(0)


def span() -> Span:
    made = Span(TraceContext(TRACE, SPAN, 1), SPAN, "", "server", "GET /", 1)
    made.end = 2
    return made


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Exporter:
    monkeypatch.setattr("adapter.telemetry.traces.exporter._PAUSE_SECONDS", 0.0)
    SPANS_DROPPED.clear()
    return Exporter("http://127.0.0.1:1", {})


def send(exporter: Exporter, ticks: int = 5) -> None:
    for _ in range(ticks):
        exporter.tick()
    if exporter._sending is not None:
        exporter._sending.join()


def test_spans_are_sent_in_batches(exporter: Exporter) -> None:
    collector = Answers(exporter, "", "", "")
    for _ in range(1100):
        exporter.add(span())
    send(exporter, ticks=1)
    assert [body.count(b'"spanId"') for body in collector.bodies] == [512, 512, 76]
    assert SPANS_DROPPED.values == {}


def test_a_batch_is_tried_twice_and_then_dropped(exporter: Exporter) -> None:
    collector = Answers(exporter, "status 500", "", "status 500", "status 500")
    for _ in range(2):
        exporter.add(span())
        send(exporter)
    assert len(collector.bodies) == 4
    assert SPANS_DROPPED.values == {(): 1}


def test_the_queue_is_bounded(exporter: Exporter) -> None:
    for _ in range(2048 + 10):
        exporter.add(span())
    assert SPANS_DROPPED.values == {(): 10}


def test_a_collector_that_never_answers_delays_the_end_for_a_moment(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapter.telemetry.traces.exporter._LAST_SECONDS", 0.05)

    def hang(body: bytes) -> Any:
        gevent.sleep(60)

    exporter._post = hang  # type: ignore[method-assign]
    exporter.add(span())
    exporter.close()


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "http://127.0.0.1:9/otlp/"])
def test_a_collector_that_is_not_there(endpoint: str) -> None:
    exporter = Exporter(endpoint, {})
    assert "refused" in exporter._post(b"{}")
    assert exporter._path == ("/otlp/v1/traces" if "otlp" in endpoint else "/v1/traces")
