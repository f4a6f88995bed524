"""Input in pieces that bring little and cost as much as large ones does not stop a worker for others."""

import gzip
import socket
import threading
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress

import pytest
from zstandard import ZstdCompressor

from tests.faults.connections.test_floods import check_others, connect, flood, frame, handshake, healthz
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream

ATTACK_BYTES = 4 << 20


@pytest.fixture(scope="module")
def alone(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("alone"), upstream_url=provider.url, workers=1) as service:
        yield service


def head(fields: bytes, path: bytes = b"/v1/responses", type: bytes = b"application/json") -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %b\r\n%b\r\n\r\n" % (path, type, fields)


def encoded(coding: bytes, piece: bytes, start: bytes = b"") -> bytes:
    """Return a request with a compressed body, of which most pieces decode to nothing."""
    body = start + piece * (ATTACK_BYTES // len(piece))
    return head(b"Content-Encoding: %b\r\nContent-Length: %d" % (coding, len(body))) + body


CHUNKED = b"Transfer-Encoding: chunked"
CHUNKS = b"1\r\n \r\n" * 10_000
UPLOAD = b"multipart/form-data; boundary=b"
ZSTD_FRAME = b"\x28\xb5\x2f\xfd\x00\x58"
"""A frame without checksum and content size, up to its first block. Source: RFC 8878 §3.1.1."""

ATTACKS = {
    "chunks of one byte": (head(CHUNKED), CHUNKS),
    "the same, whole": (b"", head(CHUNKED) + CHUNKS + b"0\r\n\r\n"),
    "the same for a path that does not exist": (head(CHUNKED, b"/nothing"), CHUNKS),
    "the same in an upload": (head(CHUNKED, b"/v1/files", UPLOAD) + b"5\r\n--b\r\n\r\n", CHUNKS),
    "chunk extensions": (head(CHUNKED), b"1;" + b"a=b;" * 1900 + b"a\r\n \r\n"),
    "a chunk extension without end": (head(CHUNKED) + b"1;", b"a;"),
    "trailers without end": (head(CHUNKED) + b"2\r\n{}\r\n0\r\n", b"X: y\r\n"),
    "continuations of one byte": (b"ws" + frame(1, b"x", final=False), frame(0, b"x", final=False)),
    "gzip members": (b"", encoded(b"gzip", gzip.compress(b""))),
    "deflate blocks": (b"", encoded(b"deflate", b"\x00\x00\x00\xff\xff", zlib.compress(b"")[:2])),
    "zstd frames": (b"", encoded(b"zstd", ZstdCompressor().compress(b""))),
    "zstd blocks": (b"", encoded(b"zstd", bytes(3), ZSTD_FRAME)),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_others_do_not_wait(alone: Service, name: str) -> None:
    beginning, data = ATTACKS[name]

    def attack(over: threading.Event) -> None:
        while not over.is_set():
            with suppress(OSError), closing(connect(alone)) as peer:
                if beginning.startswith(b"ws"):
                    handshake(peer, alone)
                peer.sendall(beginning.removeprefix(b"ws"))
                flood(peer, data, over)

    check_others(attack, lambda: healthz(alone))


def test_segments_of_one_byte(alone: Service) -> None:
    def attack(over: threading.Event) -> None:
        with ExitStack() as stack:
            peers = []
            for start in (head(b"Content-Length: 9000000"), head(CHUNKED), b"GET /"):
                peers.append(stack.enter_context(closing(connect(alone))))
                peers[-1].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                peers[-1].sendall(start)
            while not over.is_set():
                for peer in peers:
                    with suppress(OSError):  # the server refuses a head that grows too long
                        peer.sendall(b"1")

    check_others(attack, lambda: healthz(alone))


def test_a_chunked_body_arrives_whole_however_it_is_cut(alone: Service) -> None:
    body = b'{"model":"m","input":"x","temperature":"' + bytes(range(97, 123)) * 9000 + b'"}'
    for size in (15, 4095, 70_000):  # of the first, few enough to be accepted
        pieces = (body[at : at + size] for at in range(0, len(body), size))
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        with closing(connect(alone)) as peer:
            peer.sendall(head(CHUNKED) + chunks + b"0\r\n\r\n" + b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            answers = b""
            while not answers.endswith(b'{"status":"ok"}'):
                answers += peer.recv(65_536)
        assert answers.startswith(b"HTTP/1.1 400 "), size
        assert b'"param":"temperature"' in answers, (size, answers)


def test_chunks_that_bring_nothing_are_refused_soon(alone: Service) -> None:
    with closing(connect(alone)) as peer:
        peer.sendall(head(CHUNKED) + CHUNKS * 2 + b"1\r\n \r\n")
        answer = b""
        while part := peer.recv(65_536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"TooManyTinyChunks" in answer


def test_pieces_of_messages_that_bring_nothing_close_the_connection(alone: Service) -> None:
    with closing(connect(alone)) as peer:
        handshake(peer, alone)
        received = b""
        with suppress(ConnectionError):
            peer.sendall(frame(1, b"x", final=False) + frame(0, b"x" * 15, final=False) * 1000)
            while part := peer.recv(65_536):
                received += part
    assert b"Too many control frames or empty frames." in received
