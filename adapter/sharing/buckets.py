"""A bucket that fills evenly and holds so many units, known by the one time at which it will be full.

Source: Wikipedia, Generic cell rate algorithm.
"""

from typing import NamedTuple

from msgspec import Struct


class Level(Struct, frozen=True):
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
        if full_at <= now:
            return Level(self.burst, 0.0)
        return Level(self.burst - (full_at - now) * self.per_minute / 60, full_at - now)

    def take(self, full_at: float, now: float, units: float) -> float:
        """Return when it is full after so many units were taken (negative: given back)."""
        return (full_at if full_at > now else now) + units * 60 / self.per_minute

    def wait_for(self, level: Level, units: float) -> float:
        """Return the seconds until so many units are there."""
        return max(0.0, (units - level.remaining) * 60 / self.per_minute)
