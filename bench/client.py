"""The load client: N persistent connections that repeat one request, in either dialect.

If the body has a slot, each request gets a number there that no other request of the run has.

Three bounds: a number of requests or a time after which none is started, a time after which open requests count as
unfinished, and a number of errors after which the run stops. The client finds every delta and parses none: a regular
expression finds the upstream's marks. The age of a delta is the time from its mark to its arrival here, and so includes
delays of the busy upstream, server and client; nginx's figure in the same run shows how much is not the server's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

from bench.answer import Answer, Malformed
from bench.load import SLOT, Dialect, Load, Outcome
from bench.script import LAST_WORD

MAX_REPORTED_BYTES = 300  # last bytes of an answer, for the report of a fault
MAX_ERRORS = 200
WATCH_SECONDS = 0.5


def microseconds() -> int:
    return time.monotonic_ns() // 1000


class Exchange:
    """One request in progress, and its answer so far."""

    def __init__(self, dialect: Dialect, streamed: bool) -> None:
        self.mark = dialect.mark
        self.last = dialect.last if streamed else LAST_WORD
        self.began = microseconds()
        self.answer = Answer()
        self.line = b""  # the beginning of a line whose end has not come yet
        self.latest = b""
        self.deltas = 0
        self.ended_well = False

    def feed(self, data: bytes, outcome: Outcome) -> None:
        """Read received bytes and record the deltas in them. Raises Malformed."""
        body = self.answer.feed(data)
        if not body:
            return
        text = self.line + body
        cut = len(text) if self.answer.whole else text.rfind(b"\n") + 1
        marks = self.mark.findall(text, 0, cut)
        if marks:
            now = microseconds()
            if not self.deltas:
                outcome.first_deltas.append(now - self.began)
            self.deltas += len(marks)
            outcome.ages.extend([now - int(mark) for mark in marks])
        self.ended_well = self.ended_well or text.find(self.last, 0, cut) >= 0
        self.line, self.latest = text[cut:], text[-MAX_REPORTED_BYTES:]

    def fault(self) -> str:
        """Return what is wrong with the answer, or nothing."""
        if self.answer.whole and self.answer.status == 200 and self.ended_well:
            return ""
        state = "ended" if self.answer.whole else "cut short"
        return f"status {self.answer.status}, {state} after {self.deltas} deltas: {self.latest!r}"


class Connection(asyncio.Protocol):
    """One connection: sends a request, reads the answer, and again, until either side closes."""

    transport: asyncio.Transport

    def __init__(self, run: Run) -> None:
        self.run = run
        self.exchange: Exchange | None = None
        self.lost = run.loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.run.connections.add(self)
        self.ask()

    def ask(self) -> None:
        if self.run.may_start():
            self.run.started += 1
            self.exchange = Exchange(self.run.dialect, self.run.load.streamed)
            self.transport.write(self.run.next_request())
        else:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is None:  # bytes without a request would be read as the next answer
            self.transport.abort()
            return
        waited = not exchange.deltas
        try:
            exchange.feed(data, self.run.outcome)
        except Malformed as error:
            self.conclude(exchange, str(error))
            self.transport.abort()
            return
        if waited and exchange.deltas:
            self.run.flowing += 1
        if exchange.answer.whole:
            self.conclude(exchange, exchange.fault())
            if exchange.answer.closes:
                self.transport.close()
            else:
                self.ask()

    def conclude(self, exchange: Exchange, fault: str) -> None:
        """Record how the exchange ended."""
        self.exchange = None
        if exchange.deltas:
            self.run.flowing -= 1
        self.run.note(fault)

    def connection_lost(self, error: Exception | None) -> None:
        self.run.connections.discard(self)
        if self.exchange is not None:
            self.exchange.answer.end()
            self.conclude(self.exchange, self.exchange.fault())
        self.lost.set_result(None)


class Run:
    """One load on one port."""

    def __init__(self, port: int, dialect: Dialect, load: Load) -> None:
        self.port, self.dialect, self.load = port, dialect, load
        self.ask_with("")
        self.outcome = Outcome()
        self.connections: set[Connection] = set()
        self.started = 0
        self.flowing = 0  # streams that have had their first delta and not their end
        self.loop = asyncio.get_running_loop()
        self.started_at = self.loop.time()

    def ask_with(self, fields: str) -> None:
        """From now on ask with these lines at the end of the head, each with its CRLF."""
        request = request_bytes(self.port, self.dialect, self.load.body, fields)
        self.request, *self.behind_slot = request.split(SLOT)

    def may_start(self) -> bool:
        """Return whether one more request is within the bounds."""
        load = self.load
        return (
            (not load.requests or self.started < load.requests)
            and (not load.seconds or self.loop.time() < self.started_at + load.seconds)
            and self.outcome.errors < MAX_ERRORS
        )

    def next_request(self) -> bytes:
        """Return the bytes of the next request, with a new number in its slot."""
        number = b"%0*d" % (len(SLOT), time.monotonic_ns())  # the length of the slot, which content-length counts
        return number.join((self.request, *self.behind_slot))

    def note(self, fault: str) -> None:
        """Count one ended exchange."""
        if fault:
            self.outcome.errors += 1
            self.outcome.first_error = self.outcome.first_error or fault
        else:
            self.outcome.completed += 1

    async def run_connection(self, delay: float) -> None:
        """Keep one connection open from `delay` seconds on until the load is done."""
        await asyncio.sleep(delay)
        while self.may_start():
            try:
                _, connection = await self.loop.create_connection(
                    partial(Connection, self), "127.0.0.1", self.port
                )
            except OSError as error:
                self.note(f"cannot connect: {error}")
                await asyncio.sleep(0.05)
            else:
                await connection.lost

    async def drive(self, watch: Callable[[int], None] | None) -> Outcome:
        """Run the load to its end; call `watch` twice a second with the number of open streams."""
        load = self.load
        waiting = {
            self.loop.create_task(self.run_connection(load.ramp * number / load.connections))
            for number in range(load.connections)
        }
        deadline = self.started_at + load.ramp + load.seconds + load.patience
        while waiting and self.loop.time() < deadline:
            _, waiting = await asyncio.wait(waiting, timeout=WATCH_SECONDS)
            if watch:
                watch(self.flowing)
        self.outcome.wall = self.loop.time() - self.started_at
        self.give_up()
        return self.outcome

    def give_up(self) -> None:
        """Count open requests as unfinished and abort their connections."""
        for connection in list(self.connections):
            if connection.exchange is not None:
                connection.exchange = None
                self.outcome.unfinished += 1
            connection.transport.abort()


def request_bytes(port: int, dialect: Dialect, body: bytes, fields: str = "") -> bytes:
    """Return one request as it goes over the wire."""
    head = (
        f"POST {dialect.path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer sk-bench\r\n"
        f"content-type: application/json\r\naccept: */*\r\ncontent-length: {len(body)}\r\n{fields}\r\n"
    )
    return head.encode() + body


def drive(port: int, dialect: Dialect, load: Load, watch: Callable[[int], None] | None = None) -> Outcome:
    """Drive the load against a loopback port and return what the client saw."""

    async def run() -> Outcome:
        return await Run(port, dialect, load).drive(watch)

    return asyncio.run(run())
