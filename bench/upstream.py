"""A chat-completions upstream that plays scripts: `POST /v1/chat/completions`, `GET /v1/models`, one process.

It is an MCP server too, at `POST /mcp`, for the scripts whose calls the server under test answers itself.

What the scripts are is told in `script`; here they are played. A peer that stops reading stops its stream.
The upstream must never be the bottleneck it helps to look for: answers are rendered once per script, requests
are searched and not parsed, and all streams of one pace share one timer.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import time
from collections import deque
from dataclasses import replace

from bench import script
from bench.script import MARK, MODELS, Script, completion, error_answer, read_script, render

# A key's closing quote never has a backslash before it, so these find keys and not text that speaks of them.
MODEL = re.compile(rb'"model"\s*:\s*"([^"]*)"')
STREAM = re.compile(rb'"stream"\s*:\s*true')
USAGE = re.compile(rb'"include_usage"\s*:\s*true')
TOOL_RESULT = re.compile(rb'"role"\s*:\s*"tool"')
MCP_CALL = re.compile(rb'"id"\s*:\s*(\d+).*?"method"\s*:\s*"([a-z/]+)"')
LENGTH = re.compile(rb"(?i)\r\ncontent-length:\s*(\d+)")

WRITES_PER_TURN = 16  # of one burst, before the other connections get theirs
MAX_HEAD, MAX_BODY = 64 << 10, 64 << 20


class Pacer:
    """Wakes all streams of one rate: they fall due in the order they came, so one queue and one timer do."""

    def __init__(self, rate: int) -> None:
        self.period = 1 / rate
        self.due: deque[tuple[float, Stream]] = deque()
        self.loop = asyncio.get_running_loop()

    def add(self, stream: Stream) -> None:
        """Give the stream its next delta one period from now, and one in each period after that."""
        self.due.append((self.loop.time() + self.period, stream))
        if len(self.due) == 1:
            self.loop.call_at(self.due[0][0], self.wake)

    def wake(self) -> None:
        now = self.loop.time()
        while self.due and self.due[0][0] <= now:
            moment, stream = self.due[0]
            if stream.step():
                self.due.append((moment + self.period, stream))
            self.due.popleft()
        if self.due:
            self.loop.call_at(self.due[0][0], self.wake)


class Stream:
    """A streamed answer under way on one connection, from its first byte to its last."""

    def __init__(self, played: Script, request: bytes, connection: Connection) -> None:
        self.script, self.connection = played, connection
        self.pieces = render(played)
        self.ending = script.ending(played, len(request), USAGE.search(request) is not None)
        self.left = played.deltas
        connection.transport.write(self.pieces.opening)
        self.go()

    def go(self) -> None:
        """Start, or go on after the peer had stopped reading."""
        if self.script.rate:
            self.connection.pacer(self.script.rate).add(self)
        else:
            asyncio.get_running_loop().call_soon(self.burst)

    def burst(self) -> None:
        for _ in range(WRITES_PER_TURN):
            if not self.step():
                return
        asyncio.get_running_loop().call_soon(self.burst)

    def step(self) -> bool:
        """Write the next deltas; return whether to continue without a new call."""
        transport = self.connection.transport
        if transport.is_closing():
            return False
        count = min(self.script.group, self.left)
        self.left -= count
        delta = self.pieces.before + MARK % (time.monotonic_ns() // 1000) + self.pieces.after
        if self.left == 0:
            transport.write(delta * count + self.pieces.closing + self.ending)
            self.connection.stream_done()
            return False
        transport.write(delta * count)
        return not self.connection.full


class Connection(asyncio.Protocol):
    """One peer, kept alive: one request is answered after the other."""

    transport: asyncio.Transport

    def __init__(self, pacers: dict[int, Pacer]) -> None:
        self.pacers = pacers
        self.received = bytearray()
        self.wanted = 0  # nothing to look at before so many bytes have come
        self.stream: Stream | None = None
        self.full = False  # the peer does not read: set by the transport's two calls below

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def pacer(self, rate: int) -> Pacer:
        if rate not in self.pacers:
            self.pacers[rate] = Pacer(rate)
        return self.pacers[rate]

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False
        if self.stream:
            self.stream.go()
        else:
            self.answer_requests()

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.answer_requests()

    def stream_done(self) -> None:
        self.stream = None
        self.answer_requests()

    def answer_requests(self) -> None:
        """Answer what has come whole, one after the other; a stream ends the round until it is done."""
        while self.received and len(self.received) >= self.wanted and not (self.stream or self.full):
            head_end = self.received.find(b"\r\n\r\n", 0, MAX_HEAD)
            if head_end < 0:
                if len(self.received) > MAX_HEAD:
                    self.give_up(b"431 Request Header Fields Too Large")
                return
            head = bytes(self.received[: head_end + 2])
            length = LENGTH.search(head)
            if length is None and head.startswith(b"POST"):
                self.give_up(b"411 Length Required")
                return
            self.wanted = head_end + 4 + int(length[1] if length else 0)
            if self.wanted > MAX_BODY:
                self.give_up(b"413 Content Too Large")
                return
            if len(self.received) < self.wanted:
                return
            body = bytes(self.received[head_end + 4 : self.wanted])
            del self.received[: self.wanted]
            self.wanted = 0
            self.transport.write(self.begin(head, body))

    def give_up(self, status: bytes) -> None:
        self.received.clear()
        self.transport.write(error_answer(status, status))
        self.transport.close()

    def begin(self, head: bytes, body: bytes) -> bytes:
        """Return the answer to one request, or nothing if it is a stream, which then is under way."""
        method, path = head.split(b" ", 2)[:2]
        if method == b"GET" and path.endswith(b"/models"):
            return MODELS
        if path == b"/mcp" and (called := MCP_CALL.search(body)):
            return script.call_result(called[1], called[2])
        if method != b"POST" or not path.endswith(b"/chat/completions"):
            return error_answer(b"404 Not Found", b"there are only /v1/chat/completions and /v1/models")
        model = MODEL.search(body)
        played = read_script(model[1]) if model else None
        if played is None:
            return error_answer(b"404 Not Found", b"the model is not a script such as n50 or n180r30")
        if played.hosted and TOOL_RESULT.search(body):
            played = replace(played, tool=b"")
        if not STREAM.search(body):
            return completion(played, len(body))
        self.stream = Stream(played, body, self)
        return b""


async def serve(port: int) -> None:
    """Serve on a loopback port until ended; print the port once it is open (0: a free one)."""
    pacers: dict[int, Pacer] = {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(pacers), "127.0.0.1", port, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Run the upstream by itself: `python -m bench.upstream --port 9100`."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.upstream",
        description=script.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="loopback port (default: a free one, printed)")
    try:
        asyncio.run(serve(parser.parse_args().port))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
