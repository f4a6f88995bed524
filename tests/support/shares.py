"""Room without limits, for tests of what takes some."""

from adapter.sharing.shares import Holding, Shares


def no_limit() -> Holding:
    return Holding(Shares("bytes", 1 << 40, 1 << 40, advice="", retry_after=1.0), "")
