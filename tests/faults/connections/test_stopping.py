"""A request that arrives on a kept connection in the moment in which its worker begins to stop is answered whole."""

import os
import signal
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.support import chat
from tests.support.client import Exchange, judged
from tests.support.servers.service import Service
from tests.support.servers.upstream import LIMIT, Gate, Upstream, stream

JSON = {"Content-Type": "application/json", "Authorization": "Bearer sk-test"}


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_request_that_crosses_the_stop(tmp_path: Path, upstream: Upstream, provider: Upstream, size: int) -> None:
    """The worker is halted, so that the request and the signal are both there when it goes on.

    It has seen that the client is still connected once it has sent a sign of life.
    """
    gate = Gate()
    upstream.plays(stream(chat.text("Hel"), gate, chat.text("lo."), chat.end()))
    body = b'{"model": "m", "stream": true, "input": "%s"}' % (b"a" * size)
    with Service(tmp_path, upstream_url=provider.url, workers=1, keep_alive=1) as service:
        connection = HTTPConnection(service.host, service.port, timeout=LIMIT)
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b'{"status":"ok"}'
        (worker,) = service.workers
        halt(worker)
        connection.putrequest("POST", "/v1/responses")
        for name, value in {**JSON, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders(body[:100_000])
        os.kill(worker, signal.SIGTERM)
        os.kill(worker, signal.SIGCONT)
        connection.send(body[100_000:])
        with Exchange(connection) as exchange:
            assert exchange.status == 200
            exchange.read_until(b": keep-alive")
            gate.set()
            events = judged(exchange.rest())
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == "Hello."


def halt(process: int) -> None:
    """Stop a process for a while; return once it has stopped."""
    os.kill(process, signal.SIGSTOP)
    deadline = monotonic() + LIMIT
    while "T (stopped)" not in Path(f"/proc/{process}/status").read_text():
        assert monotonic() < deadline
        sleep(0.01)
