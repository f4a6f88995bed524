"""Requests on idle connections: written at once as far as they fit, and never twice."""

import socket
from collections.abc import Iterator
from threading import Thread

import pytest
import requests

from adapter.event_loop.heartbeat import Heartbeat
from adapter.upstream.http.head import Head
from adapter.upstream.http.transport import Request, SentRequest, Transport, prepare_request

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
LONG = b"x" * (16 << 20)
"""More than the kernel buffers."""


class Provider:
    """Accepts connections; the test reads and answers."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1/chat/completions"

    def accept(self) -> socket.socket:
        self._listener.settimeout(10)
        connection, _ = self._listener.accept()
        connection.settimeout(10)
        return connection

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.close()


@pytest.fixture
def transport() -> Iterator[Transport]:
    transport = Transport(Heartbeat())
    yield transport
    transport.close()


def request_to(provider: Provider) -> Request:
    return prepare_request(requests.Session(), "POST", provider.url, {})


def read_request(connection: socket.socket, size: int) -> bytes:
    """Return the body of one request, which is so long."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    body = bytearray(data.partition(b"\r\n\r\n")[2])
    while len(body) < size:
        body += connection.recv(1 << 20)
    return bytes(body)


def head_of(sent: SentRequest) -> Head:
    while (head := sent.await_head()) is None:
        pass
    return head


def open_connection(provider: Provider, transport: Transport) -> socket.socket:
    """Return the provider's end of a connection that is idle now."""
    request = request_to(provider)
    assert transport.begin(request, b"{}") is None  # there is none yet
    sent = transport.finish(request, b"{}", None, timeout=10)
    connection = provider.accept()
    assert read_request(connection, 2) == b"{}"
    connection.sendall(OK)
    assert head_of(sent).status == 200
    sent.release()
    return connection


def test_an_idle_connection_takes_the_request_at_once(provider: Provider, transport: Transport) -> None:
    with open_connection(provider, transport) as connection:
        for body in (b"[1]", b"[2]"):
            sent = transport.begin(request_to(provider), body)
            assert sent is not None
            assert not sent.unwritten
            assert read_request(connection, 3) == body
            connection.sendall(OK)
            assert head_of(sent).status == 200
            sent.release()


def test_a_long_request_is_written_once(provider: Provider, transport: Transport) -> None:
    with open_connection(provider, transport) as connection:
        request = request_to(provider)
        sent = transport.begin(request, LONG)
        assert sent is not None
        assert 0 < len(sent.unwritten) < len(LONG)
        received: list[bytes] = []
        reading = Thread(target=lambda: received.append(read_request(connection, len(LONG))))
        reading.start()
        assert transport.finish(request, LONG, sent, timeout=10) is sent
        reading.join()
        assert received == [LONG]
        connection.sendall(OK)
        assert head_of(sent).status == 200
        sent.release()


def test_a_long_request_that_the_provider_cannot_have_is_sent_anew(provider: Provider, transport: Transport) -> None:
    connection = open_connection(provider, transport)
    request = request_to(provider)
    sent = transport.begin(request, LONG)
    assert sent is not None
    connection.close()  # with bytes unread, so that the connection is reset
    received: list[bytes] = []

    def read_again() -> None:
        with provider.accept() as second:
            received.append(read_request(second, len(LONG)))

    reading = Thread(target=read_again)
    reading.start()
    again = transport.finish(request, LONG, sent, timeout=10)
    reading.join()
    assert again is not sent
    assert received == [LONG]
    again.close()


def test_a_dead_idle_connection_takes_none(provider: Provider, transport: Transport) -> None:
    open_connection(provider, transport).close()
    assert transport.begin(request_to(provider), b"{}") is None


def test_an_answer_that_was_not_read_closes_its_connection(provider: Provider, transport: Transport) -> None:
    with open_connection(provider, transport) as connection:
        sent = transport.begin(request_to(provider), b"[1]")
        assert sent is not None
        assert read_request(connection, 3) == b"[1]"
        assert type(sent.unwritten) is bytes, "a view, even an empty one, keeps the request in memory"
        sent.close()
        sent.close()
        assert connection.recv(1) == b""
        assert transport.begin(request_to(provider), b"[2]") is None


def test_a_connection_is_given_back_only_once(provider: Provider, transport: Transport) -> None:
    first = transport.finish(request_to(provider), b"1", None, timeout=10)
    with provider.accept() as peer:
        read_request(peer, 1)
        peer.sendall(OK)
        assert first.await_head() is not None
        first.release()
        second = transport.begin(request_to(provider), b"2")
        assert second is not None
        first.release()
        assert transport.begin(request_to(provider), b"3") is None, "a connection on which an answer is awaited"
        first.close()
        assert read_request(peer, 1) == b"2"
        peer.sendall(OK)
        assert second.await_head() is not None
        second.close()
