"""The tables of scenarios: the request, the number of connections, and the target for the cost.

The same question is put to nginx in the chat dialect and to the adapter in the Responses dialect (`bodies`). A response
is stored only where the scenario says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.bodies import Body, big_body, encode, fresh_body, plain_body
from bench.load import RESPONSES, Dialect, Load
from bench.script import read_script


@dataclass(frozen=True)
class Scenario:
    """One kind of work. `target` is the most the adapter may cost, as a multiple of nginx (or of `base`)."""

    name: str
    what: str
    script: str
    streamed: bool
    connections: int
    per_deltas: bool  # the cost is given per 1000 deltas, otherwise per request
    target: float | None = None
    requests: int = 0  # 0: as many as the time allows; of a fixed number none may fail
    ramp: float = 0.0
    max_age_ms: float | None = None  # of 99 of 100 deltas when the client sees them
    stored: bool = False
    relay_target: float | None = None  # as a multiple of the relay
    base: str = ""  # the scenario whose cost on the same server it is compared with, in place of nginx's
    skips: tuple[str, ...] = ()  # servers that cannot do it
    asks: Callable[[Dialect, str, bool], Body] = plain_body

    @property
    def unit(self) -> str:
        return "ms/1000 deltas" if self.per_deltas else "ms/request"

    @property
    def deltas(self) -> int:
        """Return how many deltas the upstream sends in one stream."""
        script = read_script(self.script.encode())
        return script.deltas if script else 0

    def body(self, dialect: Dialect, script: str) -> bytes:
        """Return the request body in one dialect."""
        stored = {"store": self.stored} if dialect is RESPONSES else {}
        return encode(self.asks(dialect, script, self.streamed) | stored)

    def load(self, dialect: Dialect, seconds: float) -> Load:
        """Return the load of one round; the time is for scenarios that are not bounded by their number."""
        seconds = 0.0 if self.requests else seconds
        body = self.body(dialect, self.script)
        return Load(body, self.streamed, self.connections, self.requests, seconds, self.ramp)

    def warm_up(self, dialect: Dialect) -> Load:
        """Return a load that has been everywhere once: code imported, connections open, caches filled."""
        connections = min(self.connections, 32)
        script = "n16" if self.requests else self.script
        body = self.body(dialect, script)
        return Load(body, self.streamed, connections, requests=2 * connections)


TIMED = (
    Scenario("nonstream", "answers of 50 words, not streamed", "n50", False, 16, False, 20),
    Scenario(
        "stored", "the same, and stored; in turns with those that are not", "n50", False, 16, False, 1.35,
        stored=True, base="nonstream", skips=("nginx",),
    ),
    Scenario("burst", "streams of 400 deltas as fast as they go", "n400", True, 16, True, 1.5, relay_target=1.0),
    Scenario("short", "streams of 16 deltas: what a stream's start and end cost", "n16", True, 16, False, 6),
    Scenario("tools", "one function call in 100 argument deltas", "n100t", True, 16, True, 3, skips=("relay",)),
    Scenario(
        "hosted", "one call of an MCP tool: two chat rounds and the call", "n50h", False, 16, False, 300,
        skips=("relay",),
    ),
    Scenario("paced300", "300 streams of 30 deltas a second", "n180r30", True, 300, True, 3.4, 300, 2.0),
    Scenario(
        "lag600", "600 streams of 5 deltas a second: how late they come", "n30r5", True, 600, True, None, 600, 2.0, 10,
    ),
    Scenario("held1000", "1,000 open streams of 1 delta a second", "n6r1", True, 1000, True, None, 1000, 2.0),
    Scenario("big", "280 KB of agent history and tools, not streamed", "n50", False, 4, False, 14, asks=big_body),
    Scenario("fresh", "the same, but no request begins as another did", "n50", False, 4, False, asks=fresh_body),
)  # fmt: skip


@dataclass(frozen=True)
class Recording:
    """What the inspector's recording adds to a short stream. `target` is a multiple of one that is not recorded."""

    name: str
    what: str
    inspector: str  # what it records, a value of ADAPTER_INSPECTOR
    target: float


SHORT = next(scenario for scenario in TIMED if scenario.name == "short")
RECORDINGS = (
    Recording("heads", "short, and the inspector records heads, in turns with requests that decline", "heads", 1.03),
    Recording("contents", "the same, and it records contents, too", "all", 1.15),
)
OPEN = Scenario("open", "500 slow streams held open", "n32r4", True, 500, False, None, 500, 2.0)
SPECIAL = {
    "start": "CPU time from the start to the first answer",
    "idle": "memory before any load, MB of PSS",
    "open": "memory of each of 500 slow streams, KB of PSS",
    "chain": "turn 1, 10, 100, 500 of a previous_response_id chain (nginx has no such thing)",
}
HOSTED_TARGET_ROUNDS = 3
"""What a hosted call may cost beside its chat rounds, in chat rounds; the tool's own time is none of it."""
START_TARGET_SECONDS = 1.0
IDLE_TARGET_MB = 65
OPEN_TARGET_KB = 80
NAMES = (*(scenario.name for scenario in (*TIMED, *RECORDINGS)), *SPECIAL)
