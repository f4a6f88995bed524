"""A provider that plays scripts, down to the socket.

A script is the list of what the provider does with one request: bytes go out, each in a send of its own; a
`Gate` waits until the test opens it; RESET and CLOSE end the connection. `whole` and `stream` write the
usual ones. The next request to `/chat/completions` gets the next script, or what `otherwise` returns for
it. A request that a strict provider would refuse fails the test (`strict_chat`), whatever its script says.
Each connection has a thread that reads, so that the moment the peer leaves is known while an answer is
under way, and a thread that plays.
"""

import contextlib
import json
import queue
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from enum import Enum
from http.client import HTTPMessage, parse_headers
from typing import Any, Literal, Self

from tests.support.judges.strict_chat import complaints

LIMIT = 30.0
"""Seconds after which a test that waits for something has failed."""


class Ending(Enum):
    CLOSE = "close"
    """Close the connection as one that is done."""
    RESET = "reset"
    """Reset it: the peer's next read fails."""


CLOSE, RESET = Ending.CLOSE, Ending.RESET


class Gate(threading.Event):
    """A place in a script where the provider waits until the test calls `set`."""


Step = bytes | Gate | Ending
Script = list[Step]
Framing = Literal["chunked", "length", "close"]

_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


def head(status: int, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Server Error')}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def whole(body: object, status: int = 200, type: str = "application/json", **headers: str) -> Script:
    """Return the script of an answer in one piece; a body that is not bytes is written as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return [head(status, content_type=type, content_length=str(len(content)), **headers) + content]


def stream(*steps: Step, framing: Framing = "chunked", **headers: str) -> Script:
    """Return the script of a stream; one that ends in CLOSE or RESET is cut off there, its framing open."""
    framed = {"chunked": {"transfer_encoding": "chunked"}, "close": {"connection": "close"}}
    size = sum(len(step) for step in steps if isinstance(step, bytes))
    framing_headers = framed.get(framing) or {"content_length": str(size)}
    opening = head(200, content_type="text/event-stream", **framing_headers, **headers)
    script: Script = [opening, *(_framed(step, framing) for step in steps)]
    if framing == "close":
        script.append(CLOSE)
    elif framing == "chunked" and not isinstance(steps[-1], Ending):
        script.append(b"0\r\n\r\n")
    return script


def _framed(step: Step, framing: Framing) -> Step:
    if framing == "chunked" and isinstance(step, bytes):
        return b"%x\r\n%b\r\n" % (len(step), step)
    return step


def drip(data: bytes) -> list[bytes]:
    """Return bytes one by one, each to be sent on its own."""
    return [data[at : at + 1] for at in range(len(data))]


class ReceivedRequest:
    """A request as it arrived, and whether its connection has been closed since."""

    def __init__(self, method: str, path: str, headers: HTTPMessage, body: bytes) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.closed = threading.Event()
        """Set when the peer has closed the connection."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.json["messages"]
        return found


class Upstream:
    """The provider; a context manager. `requests` are those to /chat/completions since the last `reset`."""

    def __init__(self) -> None:
        self.requests: list[ReceivedRequest] = []
        self.otherwise: Callable[[ReceivedRequest], Script] | None = None
        self.models: object = {"object": "list", "data": [{"id": "m", "object": "model", "created": 1}]}
        self.answers: dict[str, object] = {}
        """What other paths answer."""
        self.takes: frozenset[str] = frozenset()
        """Members of a request that this provider knows beside OpenAI's."""
        self._scripts: list[Script] = []
        self._complaints: list[str] = []
        self._changed = threading.Condition()
        self._connections: list[_Connection] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        host, port = self._listener.getsockname()
        return f"http://{host}:{port}/v1"

    def plays(self, *scripts: Script) -> None:
        """Give the next requests these scripts, in order."""
        with self._changed:
            self._scripts += scripts

    def received(self, count: int = 1) -> ReceivedRequest:
        """Return the `count`-th request, waiting for it if need be."""
        with self._changed:
            came = self._changed.wait_for(lambda: len(self.requests) >= count, LIMIT)
        assert came, f"{len(self.requests)} requests reached the provider, not {count}"
        return self.requests[count - 1]

    def reset(self) -> None:
        """Open every gate and forget everything; AssertionError for a script never played, or an invalid request."""
        with self._changed:
            left, self._scripts = self._scripts, []
            found, self._complaints = self._complaints, []
            self.requests = []
            self.otherwise = None
            self.takes = frozenset()
            self.answers = {}
            for connection in self._connections:
                connection.open_gates()
        assert not left, f"{len(left)} scripts were not played"
        assert not found, f"a strict provider would refuse: {found}"

    def next_script(self, received: ReceivedRequest) -> Script:
        path = received.path.partition("?")[0]
        if not path.endswith("/chat/completions"):
            if received.path in self.answers:
                return whole(self.answers[received.path])
            known = path.endswith("/models")
            return whole(self.models) if known else whole({"error": "no such path"}, 404)
        with self._changed:
            self.requests.append(received)
            self._complaints += complaints(
                received.json,
                developer_role=True,
                system_anywhere=True,
                reasoning_field="reasoning_content",
                also=self.takes,
            )
            self._changed.notify_all()
            if self._scripts:
                return self._scripts.pop(0)
            otherwise = self.otherwise
        return otherwise(received) if otherwise else whole({"error": "the test has no script for this"}, 500)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            connection.open_gates()
            connection.end(CLOSE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                self._connections.append(_Connection(peer, self))


class _Connection:
    def __init__(self, peer: socket.socket, upstream: Upstream) -> None:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._peer = peer
        self._upstream = upstream
        self._received: queue.Queue[ReceivedRequest | None] = queue.Queue()
        self._gates: list[Gate] = []
        self._ended = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        threading.Thread(target=self._play, daemon=True).start()

    def open_gates(self) -> None:
        for gate in self._gates:
            gate.set()

    def end(self, how: Ending) -> None:
        if self._ended.is_set():
            return
        self._ended.set()
        with contextlib.suppress(OSError):
            if how is RESET:
                self._peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._peer.shutdown(socket.SHUT_RD if how is RESET else socket.SHUT_RDWR)
        self._reader.join()
        self._peer.close()

    def _read(self) -> None:
        received = None
        with contextlib.suppress(OSError), self._peer.makefile("rb") as incoming:
            while line := incoming.readline():
                method, path, _ = line.decode().split()
                headers = parse_headers(incoming)
                body = incoming.read(int(headers.get("content-length", 0)))
                received = ReceivedRequest(method, path, headers, body)
                self._received.put(received)
        if received is not None and not self._ended.is_set():
            received.closed.set()
        self._received.put(None)

    def _play(self) -> None:
        while received := self._received.get():
            script = self._upstream.next_script(received)
            self._gates += [step for step in script if isinstance(step, Gate)]
            try:
                self._perform(script)
            except OSError:
                received.closed.set()
                break
        self.end(CLOSE)

    def _perform(self, script: Iterable[Step]) -> None:
        for step in script:
            if isinstance(step, bytes):
                self._peer.sendall(step)
            elif isinstance(step, Gate):
                assert step.wait(LIMIT), "the test never opened a gate"
            else:
                self.end(step)
