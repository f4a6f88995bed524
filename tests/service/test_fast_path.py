"""The law of the fast path: the same bytes come back with it as without, ids and dates aside."""

import json
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.adapter.api.request.test_recorded_requests import recorded
from tests.support.chat import completion, end, text
from tests.support.servers.gunicorn import gunicorn
from tests.support.servers.service import Service
from tests.support.servers.upstream import ReceivedRequest, Script, Upstream, stream, whole

VARYING = re.compile(
    rb"\b(req|resp|msg|conv|call)_[0-9a-f]{32}|Date: [^\r]*|openai-processing-ms: [0-9]+"
    rb"|\"(created|completed)_at\":[0-9]+|\r\n[0-9A-F]{1,8}\r\n"
)
"""Ids, dates, and the sizes of chunks, which depend on how the provider's bytes arrive."""
LAST = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
"""Ends each connection."""
GET = b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


class WithFastPath(Service):
    command: ClassVar = ("-m", "tests.support.servers.fast_path_switch", "count")


class WithoutFastPath(Service):
    command: ClassVar = ("-m", "tests.support.servers.fast_path_switch", "off")


Both = tuple[Service, Service]


@pytest.fixture(scope="module")
def both(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folders = tmp_path_factory.mktemp("with"), tmp_path_factory.mktemp("without")
    options = {"upstream_url": provider.url, "workers": 1, "body_timeout": 1, "max_body_bytes": 1 << 20}
    with WithFastPath(folders[0], **options) as first, WithoutFastPath(folders[1], **options) as second:
        yield first, second
        assert "plain request" in first.log
        assert "plain request" not in second.log


@pytest.fixture(autouse=True)
def answers(provider: Upstream) -> Iterator[None]:
    def answer(received: ReceivedRequest) -> Script:
        if "fail" in str(received.messages[-1]):
            return whole({"error": {"message": "overloaded"}}, 503)
        if "much" in str(received.messages[-1]):
            return stream(*(text("x" * 10_000) for _ in range(200)), end())
        return stream(text("Hel", "lo") + end()) if received.json.get("stream") else whole(completion("Hello"))

    provider.otherwise = answer
    yield
    provider._complaints.clear()  # recorded requests use what this provider does not know
    provider.reset()


def talk(service: Service, pieces: list[bytes], pause: float = 0.0, read_after: float = 0.0) -> bytes:
    """Return all that comes back on one connection, with what varies removed."""
    received = bytearray()
    with closing(socket.create_connection((service.host, service.port), timeout=15)) as peer:
        with suppress(ConnectionError):
            for piece in [*pieces, LAST]:
                peer.sendall(piece)
                time.sleep(pause)
        time.sleep(read_after)
        with suppress(ConnectionError):
            while data := peer.recv(1 << 16):
                received += data
    return VARYING.sub(b"", bytes(received))


def assert_same(both: Both, *pieces: bytes, pause: float = 0.0, read_after: float = 0.0) -> bytes:
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda service: talk(service, list(pieces), pause, read_after), both)
    assert first == second
    return first


def post(body: bytes | dict[str, Any], *fields: str, line: str = "POST /v1/responses HTTP/1.1") -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    usual = ["Host: 127.0.0.1", "Content-Type: application/json", f"Content-Length: {len(data)}"]
    named = {field.partition(":")[0].lower() for field in fields}
    lines = [line, *(field for field in usual if field.partition(":")[0].lower() not in named)]
    return "\r\n".join([*lines, *filter(None, fields), "", ""]).encode("latin-1") + data


PLAIN = {"model": "m", "input": "Hi"}
STREAMED = {**PLAIN, "stream": True}
BODIES: dict[str, Any] = {
    "plain": PLAIN,
    "streamed": STREAMED,
    "not stored": {**PLAIN, "store": False},
    "with notes": {**STREAMED, "metadata": {"a": "b"}, "tools": [{"type": "web_search"}], "top_logprobs": 3},
    "padded": {**STREAMED, "stream_options": {"include_obfuscation": False}},
    "background": {**PLAIN, "background": True},
    "continued": {**PLAIN, "previous_response_id": "resp_" + "0" * 32},
    "refused by the provider": {**PLAIN, "input": "fail"},
    "refused as a stream": {**STREAMED, "input": "fail"},
    "unknown member": {**PLAIN, "max_tokens": 3},
    "no model": {"input": "Hi"},
    "no object": b"[1]",
    "no JSON": b"{",
    "no UTF-8": b'{"model":"\xff"}',
    "empty": b"",
    "long": {**PLAIN, "input": "x" * 400_000},
    "too long": {**PLAIN, "input": "x" * (2 << 20)},
}
FIELDS: dict[str, list[str]] = {
    "a key": ["Authorization: Bearer sk-test"],
    "a malformed key": ["Authorization: Basic x"],
    "names in any case": ["host: 127.0.0.1", "CONTENT-TYPE: application/json", "x-CLIENT-request-ID: mine"],
    "spaces around values": ["Content-Type: \t application/json \t", "X-A:"],
    "a parameter of the type": ["Content-Type: application/json; charset=utf-8"],
    "another type": ["Content-Type: text/plain"],
    "no type": ["Content-Type:"],
    "repeated": ["Accept: a", "Accept: b"],
    "repeated Host": ["Host: 127.0.0.1", "Host: 127.0.0.1"],
    "no Host": ["Host:"],
    "a foreign Host": ["Host: example.org"],
    "an Origin": ["Origin: http://example.org"],
    "its own Origin": ["Origin: http://127.0.0.1"],
    "an underscore": ["X_A: 1"],
    "a folded line": ["X-A: 1", " 2"],
    "a space before the colon": ["X-A : 1"],
    "no colon": ["X-A"],
    "a control character": ["X-A: \x01"],
    "beyond ASCII": ["X-A: \xe9"],
    "close": ["Connection: close"],
    "keep-alive": ["Connection: Keep-Alive", "Keep-Alive: timeout=5"],
    "an upgrade": ["Connection: Upgrade", "Upgrade: h2c"],
    "Expect": ["Expect: 100-continue"],
    "another Expect": ["Expect: x"],
    "forwarded": ["X-Forwarded-Proto: https", "X-Forwarded-For: 10.0.0.1"],
    "forwarded in two ways": ["X-Forwarded-Proto: https", "X-Forwarded-Ssl: off"],
    "a coding": ["Content-Encoding: identity"],
    "a wrong coding": ["Content-Encoding: gzip"],
    "an unknown coding": ["Content-Encoding: br"],
    "chunked and a length": ["Transfer-Encoding: chunked"],
    "a length with a sign": ["Content-Length: +5"],
    "two lengths": ["Content-Length: 29", "Content-Length: 29"],
    "two lengths that differ": ["Content-Length: 29", "Content-Length: 5"],
    "a list of lengths": ["Content-Length: 29, 29"],
    "a length and one with an underscore": ["Content-Length: 29", "Content_Length: 5"],
    "a length of other digits": ["Content-Length: \xb2\xb8"],
    "a longer length than the body": ["Content-Length: 30"],
    "Expect twice": ["Expect: 100-continue", "Expect: 100-continue"],
    "a coding of the transfer with an underscore": ["Transfer_Encoding: chunked"],
    "variables of the environment": ["Script-Name: /x", "Path-Info: /healthz", "Wsgi-Input: x", "Gunicorn-Socket: x"],
    "a line end in a value": ["X-A: 1\nContent-Length: 5"],
    "a return in a value": ["X-A: 1\rContent-Length: 5"],
    "a name that is empty": [": 1"],
    "close among others": ["Connection: keep-alive, close"],
    "close in a second line": ["Connection: keep-alive", "Connection: close"],
    "a key twice": ["Authorization: Bearer sk-a", "Authorization: Bearer sk-b"],
    "many": [f"X-{number}: 1" for number in range(90)],
    "too many": [f"X-{number}: 1" for number in range(150)],
    "a long one": ["X-A: " + "a" * 60_000],
    "too long a one": ["X-A: " + "a" * 70_000],
}  # fmt: skip
LINES = (
    "POST /v1/responses HTTP/1.0", "POST /v1/responses?x=1 HTTP/1.1", "POST //v1/responses HTTP/1.1",
    "POST /v1/responses/ HTTP/1.1", "post /v1/responses HTTP/1.1", "POST  /v1/responses HTTP/1.1",
    "POST /v1/responses HTTP/1.2", "PUT /v1/responses HTTP/1.1", "POST http://x/v1/responses HTTP/1.1",
    "POST http://127.0.0.1/v1/responses HTTP/1.1", "POST /v1/responses# HTTP/1.1", "POST /v1/%72esponses HTTP/1.1",
    "\r\nPOST /v1/responses HTTP/1.1", " POST /v1/responses HTTP/1.1", "POST /v1/responses HTTP/1.1 ",
)  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_any_body(both: Both, name: str) -> None:
    assert_same(both, post(BODIES[name]) + post(PLAIN))


@pytest.mark.parametrize("name", FIELDS)
def test_any_fields(both: Both, name: str) -> None:
    assert_same(both, post(PLAIN, *FIELDS[name]))


@pytest.mark.parametrize("line", LINES)
def test_any_request_line(both: Both, line: str) -> None:
    assert_same(both, post(PLAIN, line=line))


@pytest.mark.parametrize("lines", [b"\n", b"\r", b"\r\r\n"])
def test_any_line_ends(both: Both, lines: bytes) -> None:
    head, _, body = post(PLAIN).partition(b"\r\n\r\n")
    for sent in (head.replace(b"\r\n", lines) + lines * 2 + body, head + lines * 2 + body):
        assert b" 400 " in assert_same(both, sent, pause=0.05)  # which error gunicorn finds depends on what has arrived


def test_a_connection_returns_to_the_fast_path(both: Both) -> None:
    before = both[0].log.count("plain request")
    assert_same(both, GET, post(BODIES["no JSON"]), post(PLAIN), post(PLAIN), pause=0.1)
    assert both[0].log.count("plain request") == before + 3


def test_slow_bodies(both: Both) -> None:
    data = post(STREAMED)
    answer = assert_same(both, data[:30], data[30:-5], data[-5:], pause=0.05)
    assert b"response.completed" in answer


def test_a_client_that_reads_late(both: Both) -> None:
    answer = assert_same(both, post({**STREAMED, "input": "much"}), read_after=0.2)
    assert answer.count(b'"delta":"' + b"x" * 10_000) == 200
    assert b"response.completed" in answer


def test_a_body_that_does_not_come(both: Both) -> None:
    assert b"408" in assert_same(both, post(PLAIN, "Content-Length: 5000"))


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_pipelines_in_any_split(both: Both, data: st.DataObject) -> None:
    kinds = {name: post(BODIES[name]) for name in ("plain", "streamed", "no JSON", "background")}
    kinds |= {"get": GET, "not found": post(b"{}", line="POST /v1/nothing HTTP/1.1")}
    sent = b"".join(kinds[name] for name in data.draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=5)))
    cuts = sorted(data.draw(st.lists(st.integers(1, len(sent)), max_size=4)))
    pieces = [sent[begin:stop] for begin, stop in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    assert_same(both, *pieces, pause=0.002)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 116), st.sampled_from(b"\t !:,;_-0Zaz\x80"), st.booleans())
def test_any_other_byte_in_the_head(both: Both, at: int, byte: int, has_known: bool) -> None:
    known = post(PLAIN, "X-A: b")
    sent = bytearray(known)
    if sent[at] not in b"\r\n":
        sent[at] = byte
    assert_same(both, known * has_known + bytes(sent))


@pytest.mark.parametrize(
    "length",
    ["0", "", "5", "029", "+29", "29 ", " 29", "29a", "29,29", "30", "29999999", "999999999", "2\r9", "29\r\nX: 1"],
)
def test_another_length_in_a_known_head(both: Both, length: str) -> None:
    assert len(json.dumps(PLAIN)) == 29
    assert_same(both, post(PLAIN) + post(PLAIN, f"Content-Length: {length}"))


def test_what_real_clients_send(both: Both) -> None:
    bodies = [body for _, body in recorded()]
    if not bodies:
        pytest.skip("no recorded clients")
    for body in bodies[:: max(1, len(bodies) // 30)]:
        assert_same(both, post(body))


def test_limits_that_gunicorn_has_been_given(provider: Upstream, tmp_path: Path) -> None:
    flags = ["--limit-request-fields", "5", "--limit-request-field_size", "300"]
    with gunicorn(tmp_path, provider, *flags) as (service, _):
        assert b"Hello" in talk(service, [post(PLAIN, "X-A: 1", "X-B: 2")])
        assert b" 431 " in talk(service, [post(PLAIN, "X-A: 1", "X-B: 2", "X-C: 3")])
        assert b" 431 " in talk(service, [post(PLAIN, "X-A: " + "a" * 300)])


def test_every_request_is_in_an_access_log_that_goes_to_syslog(provider: Upstream, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as syslog:
        syslog.bind(("127.0.0.1", 0))
        syslog.settimeout(15)
        flags = ["--log-syslog", "--log-syslog-to", f"udp://127.0.0.1:{syslog.getsockname()[1]}"]
        with gunicorn(tmp_path, provider, *flags) as (service, _):
            assert b"Hello" in talk(service, [post(PLAIN)])
            while b"POST /v1/responses" not in syslog.recv(1 << 16):
                pass
