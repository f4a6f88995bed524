"""Heads of answers, in whatever pieces and however untidy they come."""

import socket
from collections.abc import Iterator
from http.client import BadStatusLine, HTTPException, RemoteDisconnected

import pytest

from adapter.upstream.http.head import Head, HeadReader


class Pieces:
    """A socket that gives these bytes, one piece a read, and ends."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces: Iterator[bytes] = iter(pieces)

    def recv(self, size: int) -> bytes:
        return next(self._pieces, b"")


def read_head(source: Pieces | socket.socket) -> Head:
    reader = HeadReader()
    while (head := reader.feed(source.recv(65536))) is None:
        pass
    return head


PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Request-Id: a\r\n\r\n"


def seen(head: Head) -> tuple[int, dict[str, str], bytes]:
    return head.status, dict(head.fields), head.rest


def test_any_split_gives_the_same_head() -> None:
    whole = PLAIN + b"data: {}"
    expected = 200, {"content-type": "text/event-stream", "x-request-id": "a"}, b"data: {}"
    assert seen(read_head(Pieces(whole))) == expected
    assert [
        seen(read_head(Pieces(whole[:at], whole[at:])))[:2] for at in range(1, len(whole))
    ] == [expected[:2]] * (len(whole) - 1)
    bytewise = Pieces(*(whole[at : at + 1] for at in range(len(whole))))
    assert seen(read_head(bytewise)) == (*expected[:2], b"")


@pytest.mark.parametrize(
    ("text", "status", "fields"),
    [
        (b"HTTP/1.1 200 \r\nA: 1\r\n\r\n", 200, {"a": "1"}),
        (b"HTTP/1.1 503\r\nRetry-After: 2\r\n\r\n", 503, {"retry-after": "2"}),
        (b"HTTP/1.0 200 OK\nA:1\nB : 2\n\n", 200, {"a": "1", "b": "2"}),
        (b"HTTP/1.1 200 OK\r\n\r\n", 200, {}),
        (b"HTTP/1.1 200 OK\r\nA: 1\r\n  2\r\n\t3\r\nB: 4\r\n\r\n", 200, {"a": "1 2 3", "b": "4"}),
        (b"HTTP/1.1 200 OK\r\nVia: x\r\nVIA: y\r\n\r\n", 200, {"via": "x, y"}),
        (b"HTTP/1.1 200 OK\r\nno field\r\n: \r\nA: 1:2\r\n\r\n", 200, {"": "", "a": "1:2"}),
        (b"HTTP/1.1 200 OK\r\nA: \xe9\r\n\r\n", 200, {"a": "é"}),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + PLAIN, 200,
         {"content-type": "text/event-stream", "x-request-id": "a"}),
    ],
)  # fmt: skip
def test_forms(text: bytes, status: int, fields: dict[str, str]) -> None:
    assert seen(read_head(Pieces(text))) == (status, fields, b"")


def test_names_have_no_case() -> None:
    fields = read_head(Pieces(PLAIN)).fields
    assert fields.get("CONTENT-type") == "text/event-stream"
    assert fields.get("Content-Length") is None


@pytest.mark.parametrize(
    ("first", "said", "keeps"),
    [
        (b"HTTP/1.1 200 OK", b"", True),
        (b"HTTP/1.1 200 OK", b"Connection: Close\r\n", False),
        (b"HTTP/1.0 200 OK", b"", False),
        (b"HTTP/1.0 200 OK", b"Connection: keep-alive\r\n", True),
    ],
)
def test_what_happens_to_the_connection(first: bytes, said: bytes, keeps: bool) -> None:
    assert read_head(Pieces(first + b"\r\n" + said + b"\r\n")).keeps_connection is keeps


@pytest.mark.parametrize(
    "text",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20\r\n\r\n",
        b"HTTP/1.1 2000\r\n\r\n",
        b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: 1\r\n",
    ],
)
def test_what_is_no_head(text: bytes) -> None:
    with pytest.raises(BadStatusLine):
        read_head(Pieces(text))


def test_a_connection_that_ends_before_any_byte() -> None:
    with pytest.raises(RemoteDisconnected):
        read_head(Pieces())


def test_a_head_without_end() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"HTTP/1.1 200 OK\r\n" + b"A: 1\r\n" * 12_000)
        with pytest.raises(HTTPException, match="limit"):
            read_head(ours)


def test_what_the_body_needs_is_read_of_any_form_of_the_fields() -> None:
    fields = b"Transfer-ENCODING :\r\n chunked\r\nX-Content-Length: 1\ncontent-length:2\n"
    head = read_head(Pieces(b"HTTP/1.1 200 OK\n" + fields + b"\n"))
    assert head.framing == {"transfer-encoding": "chunked", "content-length": "2"}
