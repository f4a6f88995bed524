"""Types of a load and its outcome, and the two dialects; `client` runs it."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Dialect:
    """How the client finds deltas and the end of an answer in one API.

    A mark (see `script`) counts only under the key that carries deltas; final events repeat the whole text with its
    marks under other keys.
    """

    name: str
    path: str
    mark: re.Pattern[bytes]
    last: bytes  # found in every stream that ended well, and in no other


CHAT = Dialect(
    name="chat",
    path="/v1/chat/completions",
    mark=re.compile(rb'"(?:content|arguments)": ?"[^"@]*@(\d{16})'),
    last=b"data: [DONE]",
)
RESPONSES = Dialect(
    name="responses",
    path="/v1/responses",
    mark=re.compile(rb'"delta": ?"[^"@]*@(\d{16})'),
    last=b'"response.completed"',
)


SLOT = b"<which request this is>"
"""The place in a body where the client puts a number that no other request has."""


@dataclass(frozen=True)
class Load:
    """A request, the number of connections that repeat it, and the bounds."""

    body: bytes  # every request is the same, but for a SLOT
    streamed: bool
    connections: int
    requests: int = 0  # at most so many in all; 0: any number
    seconds: float = 0.0  # start none after so many seconds; 0: only the number counts
    ramp: float = 0.0  # open the connections evenly over so many seconds
    patience: float = 30.0  # after the last start, wait so long for what is still open


@dataclass
class Outcome:
    """The client's figures. Times to first delta and ages of deltas are in microseconds."""

    completed: int = 0
    errors: int = 0
    unfinished: int = 0
    first_error: str = ""
    first_deltas: array[float] = field(default_factory=lambda: array("d"))
    ages: array[float] = field(default_factory=lambda: array("d"))
    wall: float = 0.0

    @property
    def faults(self) -> int:
        return self.errors + self.unfinished

    @property
    def deltas(self) -> int:
        return len(self.ages)

    def add(self, other: Outcome) -> None:
        """Add the outcome of another round of the same load."""
        self.completed += other.completed
        self.errors += other.errors
        self.unfinished += other.unfinished
        self.first_error = self.first_error or other.first_error
        self.first_deltas += other.first_deltas
        self.ages += other.ages
        self.wall += other.wall

    def summary(self) -> dict[str, object]:
        """Return the figures for a JSON report; times in milliseconds."""
        return {
            "completed": self.completed,
            "errors": self.errors,
            "unfinished": self.unfinished,
            "first_error": self.first_error or None,
            "deltas": self.deltas,
            "wall_s": round(self.wall, 3),
            "ttft_ms": milliseconds(self.first_deltas, 0.5, 0.99),
            "lag_ms": milliseconds(self.ages, 0.5, 0.95, 0.99),
        }


def milliseconds(values: array[float], *shares: float) -> dict[str, float]:
    """Return percentiles of microsecond values, in milliseconds, keyed `p50`; empty without values."""
    if not values:
        return {}
    ordered = sorted(values)
    last = len(ordered) - 1
    return {f"p{share * 100:g}": round(ordered[round(last * share)] / 1000, 3) for share in shares}
