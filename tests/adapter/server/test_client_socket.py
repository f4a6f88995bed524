"""What leaves a worker for a client, and when."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any

import gevent
import gevent.socket
import pytest

from adapter.event_loop.client_watch import ClientWatch
from adapter.server.client_sockets import ClientSocket, ListeningSocket
from adapter.server.worker import Worker, close_for_reading, end_wait, http_date


@pytest.fixture
def ends() -> Iterator[tuple[ClientSocket, socket.socket]]:
    """The worker's end of a connection, and the client's, which never waits."""
    ours, client = socket.socketpair()
    client.setblocking(False)
    server = ClientSocket(ours.family, ours.type, ours.proto, fileno=ours.detach())
    with client:
        yield server, client
    server.close()


def test_a_head_leaves_at_once_unless_told_otherwise(ends: tuple[ClientSocket, socket.socket]) -> None:
    server, client = ends
    server.sendall(b"head")
    assert client.recv(99) == b"head"


def test_a_held_head_leaves_with_what_follows_and_the_rest_at_once(ends: tuple[ClientSocket, socket.socket]) -> None:
    server, client = ends
    ClientWatch(server).delay_headers()
    server.sendall(b"head")
    with pytest.raises(BlockingIOError):
        client.recv(99)
    server.sendall(b"body")
    assert client.recv(99) == b"headbody"
    server.sendall(b"more")
    assert client.recv(99) == b"more"


def test_what_does_not_fit_waits_for_the_next_write(ends: tuple[ClientSocket, socket.socket]) -> None:
    server, client = ends
    assert server.send_chunk_now(b"first")
    data = bytes(8 << 20)
    assert not server.send_chunk_now(data)
    flushing = gevent.spawn(server.sendall, b"last")
    received = bytearray()
    while not flushing.ready() or received[-4:] != b"last":
        with suppress(BlockingIOError):
            received += client.recv(1 << 20)
        gevent.sleep(0)
    assert received == b"5\r\nfirst\r\n800000\r\n" + data + b"\r\nlast"


def test_what_is_sent_soon_leaves_with_the_next_write(ends: tuple[ClientSocket, socket.socket]) -> None:
    server, client = ends
    server.send_soon(b"head")
    with pytest.raises(BlockingIOError):
        client.recv(99)
    assert server.send_chunk_now(b"first")
    assert client.recv(99) == b"head5\r\nfirst\r\n"
    server.send_soon(b"more")
    server.sendall(b"last")
    assert client.recv(99) == b"morelast"
    gevent.sleep(0)
    with pytest.raises(BlockingIOError):
        client.recv(99)


def test_what_is_sent_soon_does_not_wait_for_the_next_write(ends: tuple[ClientSocket, socket.socket]) -> None:
    server, client = ends
    server.send_soon(b"head")
    gevent.sleep(0)
    assert client.recv(99) == b"head"
    server.sendall(b"more")
    assert client.recv(99) == b"more"


def test_what_is_sent_soon_and_does_not_fit_is_in_front_of_the_next_write(
    ends: tuple[ClientSocket, socket.socket],
) -> None:
    server, client = ends
    head = bytes(8 << 20)
    server.send_soon(head)
    gevent.sleep(0)
    flushing = gevent.spawn(server.sendall, b"last")
    received = bytearray()
    while not flushing.ready() or received[-4:] != b"last":
        with suppress(BlockingIOError):
            received += client.recv(1 << 20)
        gevent.sleep(0)
    assert received == head + b"last"


def test_what_has_arrived_is_read_at_once_and_what_has_not_is_awaited(ends: tuple[ClientSocket, socket.socket]) -> None:
    server, client = ends
    client.sendall(b"one")
    assert server.take_request(99) == b"one"
    assert server.take_request(99) is None
    waiting = gevent.spawn(server.await_request, 99)
    gevent.sleep(0)
    assert not waiting.ready()
    client.sendall(b"two")
    assert waiting.get(timeout=2) == b"two"
    client.shutdown(socket.SHUT_WR)
    assert server.take_request(99) == b""


def test_a_wait_for_a_request_that_is_too_long_ends_at_the_next_tick(ends: tuple[ClientSocket, socket.socket]) -> None:
    server, _ = ends
    worker: Any = SimpleNamespace(_waiting={}, _keepalive=-1.0, alive=True)
    server.has_asked = True
    waiting = gevent.spawn(Worker.await_request, worker, server, 99)
    gevent.sleep(0)
    Worker.tick(worker)
    assert waiting.get(timeout=2) == b""
    assert worker._waiting == {}


def test_a_wait_ends_unless_a_request_has_arrived() -> None:
    with tcp_pair() as (server, client):
        client.sendall(b"GET /")
        end_wait(server)
        assert server.recv(99) == b"GET /"
        client.sendall(b"healthz")
        assert server.recv(99) == b"healthz", "what follows is read, too"
        assert not server.takes_no_more
        end_wait(server)
        assert server.takes_no_more
        assert server.recv(99) == b""


def test_an_end_that_the_server_has_made_is_not_the_clients() -> None:
    with tcp_pair() as (server, client):
        watch = ClientWatch(server)
        close_for_reading(server)
        assert not watch.disconnected()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()  # breaks the connection
        assert watch.disconnected()
    with tcp_pair() as (server, client):
        client.close()
        assert ClientWatch(server).disconnected()


@contextmanager
def tcp_pair() -> Iterator[tuple[ClientSocket, socket.socket]]:
    """Both ends of a connection of this machine, as far as possible without delays."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ours, _ = listener.accept()
    server = ClientSocket(ours.family, ours.type, ours.proto, fileno=ours.detach())
    with client:
        yield server, client
    server.close()


def test_other_servers_need_not_know_how_to_hold() -> None:
    ClientWatch().delay_headers()
    with socket.socket() as plain:
        ClientWatch(plain).delay_headers()


def test_the_date_is_that_of_the_second() -> None:
    assert http_date(784111777.9) == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert abs((parsedate_to_datetime(http_date()) - datetime.now(UTC)).total_seconds()) < 2


def test_a_listening_socket_knows_its_name_after_it_is_closed() -> None:
    ours = socket.create_server(("127.0.0.1", 0))
    name = ours.getsockname()
    listener = ListeningSocket(ours.family, ours.type, ours.proto, fileno=ours.detach())
    client = socket.create_connection(name)
    accepted, _ = listener.accept()
    listener.close()
    assert listener.getsockname() == name
    assert type(accepted) is gevent.socket.socket
    accepted.close()
    client.close()
