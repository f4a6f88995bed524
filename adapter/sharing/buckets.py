"""A bucket that fills evenly and holds so many units, known by the one time at which it will be full.

Source: Wikipedia, Generic cell rate algorithm.
"""

from typing import NamedTuple


class Level(NamedTuple):
    """What a bucket holds at a time."""

    remaining: float
    """Units; negative: overdrawn."""
    reset: float
    """Seconds until it is full."""


class Bucket(NamedTuple):
    """So many units a minute, of which `burst` may be taken at once."""

    per_minute: float
    burst: float

    def level(self, full_at: float, now: float) -> Level:
        """Return the level of a bucket that will be full at a time; one in the past: it is full."""
        reset = max(0.0, full_at - now)
        return Level(self.burst - reset * self.per_minute / 60, reset)

    def take(self, full_at: float, now: float, units: float) -> tuple[float, Level]:
        """Return when it is full after so many units were taken (negative: given back), and its level."""
        full_at = max(full_at, now) + units * 60 / self.per_minute
        return full_at, self.level(full_at, now)

    def wait_for(self, level: Level, units: float) -> float:
        """Return the seconds until so many units are there."""
        return max(0.0, (units - level.remaining) * 60 / self.per_minute)
