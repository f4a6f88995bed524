"""Traces of a running service, as the provider and a collector get them."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep
from typing import Any

import pytest

from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import Gate, Upstream, stream, whole

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1", "baggage": "secret=1"}
TWO_UPSTREAMS = """
[upstreams.other]
url = "{url}"

[models]
"either" = ["default", {{ upstream = "other", weight = 0 }}]
"*" = "default"
"""
COLLECTORS_KEY = "collectors-0123456789abcdef"


class Collector(ThreadingHTTPServer):
    """Takes OTLP in JSON, and answers with `status`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.spans: list[dict[str, Any]] = []
        self.status = 200

    def of_trace(self, count: int) -> list[dict[str, Any]]:
        """Return the spans of the trace, once there are so many."""
        until = monotonic() + 10
        while len(found := [span for span in self.spans if span["traceId"] == TRACE]) < count:
            assert monotonic() < until, found
            sleep(0.05)
        return found


class Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        assert (self.path, self.headers["content-type"]) == ("/v1/traces", "application/json")
        assert self.headers["authorization"] == f"Bearer {COLLECTORS_KEY}"
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        for resource in body["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                self.server.spans += scope["spans"]
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def traced(
    collector: Collector, provider: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    url = f"http://127.0.0.1:{collector.server_port}"
    with Service(
        tmp_path_factory.mktemp("traces"), upstream_url=provider.url, workers=1, log_level="debug",
        otlp_endpoint=url, otlp_headers=f"Authorization: Bearer {COLLECTORS_KEY}, X-Scope-OrgID: team",
        toml=TWO_UPSTREAMS.format(url=provider.url),
    ) as service:  # fmt: skip
        yield service


def values(span: dict[str, Any]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values())) for one in span["attributes"]}


def test_a_trace_goes_to_the_provider_always(service: Service, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("One.")), whole(chat.completion("Two.")))
    service.request("POST", "/v1/responses", {"model": "m", "input": "Hi"}, headers=HEADERS)
    service.create("Hi")
    first, second = upstream.received(1), upstream.received(2)
    version, trace, span, flags = first.headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert span != PARENT
    assert first.headers["tracestate"] == "vendor=1"
    assert "baggage" not in first.headers
    assert "traceparent" not in second.headers
    assert f'"trace_id":"{TRACE}"' in service.log


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
def test_a_request_its_call_and_its_attempts(
    traced: Service, collector: Collector, upstream: Upstream, streams: bool
) -> None:
    collector.spans.clear()
    answer = stream(chat.text("Hello."), chat.end()) if streams else whole(chat.completion("Hello."))
    name = "top_p" if streams else "temperature"
    rejected = f"Unsupported parameter: '{name}' is not supported with this model."
    upstream.plays(whole(chat.error(rejected, param=name, code="unsupported_parameter"), status=400), answer)
    body = {"model": "m", "input": "Hi", "stream": streams, "store": False, name: 0.5}
    traced.request("POST", "/v1/responses", body, headers=HEADERS)
    spans = collector.of_trace(4)
    request = next(span for span in spans if span["kind"] == 2)
    call = next(span for span in spans if span["name"] == "chat m")
    attempts = [span for span in spans if span["name"] == "POST"]
    assert request["parentSpanId"] == PARENT
    assert call["parentSpanId"] == request["spanId"]
    assert {span["parentSpanId"] for span in attempts} == {call["spanId"]}
    assert values(request)["http.route"] == "/v1/responses"
    assert [values(span)["adapter.why"] for span in attempts] == ["first", "lesson"]
    assert [values(span)["http.response.status_code"] for span in attempts] == ["400", "200"]
    assert {values(call)[f"gen_ai.usage.{name}"] for name in ("input_tokens", "output_tokens")}
    assert "Hi" not in json.dumps(spans)
    sent = {received.headers["traceparent"].split("-")[2] for received in upstream.requests}
    assert sent == {span["spanId"] for span in attempts}


def test_a_failover_is_two_attempts_of_one_call(traced: Service, collector: Collector, upstream: Upstream) -> None:
    collector.spans.clear()
    upstream.plays(whole(chat.error("Overloaded."), status=503), whole(chat.completion("Hello.")))
    body = {"model": "either", "input": "Hi", "store": False}
    assert traced.request("POST", "/v1/responses", body, headers=HEADERS).status == 200
    spans = collector.of_trace(4)
    (request,) = [span for span in spans if span["kind"] == 2]
    (call,) = [span for span in spans if span["name"] == "chat either"]
    first, second = sorted((span for span in spans if span["name"] == "POST"), key=lambda one: one["startTimeUnixNano"])
    assert (request["parentSpanId"], call["parentSpanId"]) == (PARENT, request["spanId"])
    assert first["parentSpanId"] == second["parentSpanId"] == call["spanId"]
    assert [values(span)["adapter.why"] for span in (first, second)] == ["first", "failover"]
    assert {values(span)["gen_ai.provider.name"] for span in (first, second)} == {"default", "other"}


def test_a_client_that_leaves_ends_its_spans(traced: Service, collector: Collector, upstream: Upstream) -> None:
    collector.spans.clear()
    gate = Gate()
    upstream.plays(stream(chat.text("Hel"), gate, chat.end()))
    body = {"model": "m", "input": "Hi", "store": False, "stream": True}
    with traced.open("POST", "/v1/responses", body, headers=HEADERS) as answer:
        answer.read_until(b'"Hel"')
    try:
        spans = collector.of_trace(3)
        assert all(int(span["endTimeUnixNano"]) >= int(span["startTimeUnixNano"]) > 0 for span in spans)
        assert {span["name"] for span in spans} == {"POST /v1/responses", "chat m", "POST"}
    finally:
        gate.set()


def test_a_collector_that_fails_delays_nothing(traced: Service, collector: Collector, upstream: Upstream) -> None:
    collector.status = 500
    try:
        upstream.plays(*(whole(chat.completion("Hello.")) for _ in range(5)))
        began = monotonic()
        for _ in range(5):
            traced.create("Hi")
        assert monotonic() - began < 5
        until = began + 20
        while "spans not exported" not in traced.log:
            assert monotonic() < until
            sleep(0.1)
        assert COLLECTORS_KEY not in traced.log
    finally:
        collector.status = 200
