"""The cost of a turn by the length of the chain of `previous_response_id`s before it.

The cost of a single turn is within the noise, so the cost at a depth is the mean over a window of turns around it;
for the first turn it is the mean over as many new conversations. Before each window so many first turns are taken, too:
what history costs is the difference, and the machine's speed changes within a chain. The upstream counts a prompt in
bytes, so `input_tokens` shows how much history reached it. nginx has no chains, so there is no ratio.
"""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass

from bench.bodies import turn_body
from bench.measure import cpu_between, read_cpu, wait_until_quiet
from bench.servers import Server

WINDOWS = {1: range(1, 21), 10: range(6, 16), 100: range(91, 111), 500: range(491, 511)}
SCRIPT = "n50"
TURN_PATIENCE, CHAIN_PATIENCE = 20.0, 120.0


class ChainBroken(Exception):
    """A turn was not answered as it should be; the text says which and how."""


@dataclass(frozen=True)
class Depth:
    """The cost of a turn at one depth; `upstream_bytes` is the size of the prompt at that turn."""

    turn: int
    cpu_ms: float
    first_ms: float
    """What a first turn cost in the same minute."""
    upstream_bytes: int


class Conversation:
    """A chain in progress: its last response, and the bytes that the upstream read at each turn."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.last: str | None = None
        self.turns = 0
        self.upstream_bytes: dict[int, int] = {}

    def take_turn(self, connection: http.client.HTTPConnection) -> None:
        """Take the next turn. Raises ChainBroken."""
        self.turns += 1
        body = turn_body(SCRIPT, self.turns, self.last)
        headers = {"content-type": "application/json", "authorization": "Bearer sk-bench"}
        try:
            connection.request("POST", self.server.dialect.path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            response = json.loads(text)
            self.last = str(response["id"])
            self.upstream_bytes[self.turns] = int(response["usage"]["input_tokens"])
        except (OSError, http.client.HTTPException) as error:
            raise ChainBroken(f"turn {self.turns}: {error or type(error).__name__}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise ChainBroken(f"turn {self.turns}: status {answer.status}: {text[:300]!r}") from error


def measure_chain(server: Server) -> list[Depth]:
    """Return the cost at each depth, as far as the time allows. Raises ChainBroken."""
    deadline = time.monotonic() + CHAIN_PATIENCE
    measure_first_turns(server, 5)
    cpu_ms, upstream_bytes = measure_first_turns(server, len(WINDOWS[1]))
    depths = [Depth(1, cpu_ms, cpu_ms, upstream_bytes)]
    conversation = Conversation(server)
    for turn, window in list(WINDOWS.items())[1:]:
        advance(conversation, window.start - 1, deadline)
        first_ms, _ = measure_first_turns(server, len(window))
        wait_until_quiet(server.pid)
        before = read_cpu(server.pid)
        advance(conversation, window.stop - 1, deadline)
        wait_until_quiet(server.pid)
        seconds, _ = cpu_between(before, read_cpu(server.pid))
        depths.append(Depth(turn, 1000 * seconds / len(window), first_ms, conversation.upstream_bytes[turn]))
    return depths


def measure_first_turns(server: Server, count: int) -> tuple[float, int]:
    """Begin so many conversations; return CPU milliseconds and upstream bytes of one first turn."""
    wait_until_quiet(server.pid)
    before = read_cpu(server.pid)
    connection = connect(server)
    for _ in range(count):
        conversation = Conversation(server)
        conversation.take_turn(connection)
    connection.close()
    wait_until_quiet(server.pid)
    seconds, _ = cpu_between(before, read_cpu(server.pid))
    return 1000 * seconds / count, conversation.upstream_bytes[1]


def advance(conversation: Conversation, turn: int, deadline: float) -> None:
    """Take turns up to and with the given one, on a connection of their own: servers close idle ones."""
    connection = connect(conversation.server)
    while conversation.turns < turn:
        if time.monotonic() > deadline:
            raise ChainBroken(f"turn {conversation.turns}: too slow, {CHAIN_PATIENCE:.0f} s are over")
        conversation.take_turn(connection)
    connection.close()


def connect(server: Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=TURN_PATIENCE)
