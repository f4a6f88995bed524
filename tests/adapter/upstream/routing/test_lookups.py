"""Look-ups are asked once more where that is safe and may help."""

import time

import pytest

from adapter.event_loop.heartbeat import Heartbeat
from adapter.settings.upstreams import UpstreamSettings
from adapter.upstream.client import Upstream
from adapter.upstream.routing import retries
from adapter.upstream.routing.lookups import look_up
from adapter.upstream.routing.registry import Registry
from tests.adapter.upstream.routing.test_registry import CRASHED, MISTAKE, SPENT, UNREACHABLE
from translators.dialects.presets import PRESETS
from translators.errors import UpstreamError


class LookUp:
    """Fails with some errors, then answers."""

    def __init__(self, *errors: UpstreamError) -> None:
        self.errors = list(errors)
        self.tries = 0

    def __call__(self) -> str:
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)
        return "models"


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Upstream:
    monkeypatch.setattr(retries, "FIRST_DELAY", 0.001)
    return Upstream(settings(), Heartbeat())


def settings() -> UpstreamSettings:
    return UpstreamSettings(
        name="a", url="http://127.0.0.1:1/v1", dialect=PRESETS["default"], connect_timeout=2, timeout=5
    )


def registry(tries: int = 2) -> Registry:
    return Registry([settings()], {}, time.monotonic, retries=tries)


def test_a_temporary_failure(upstream: Upstream) -> None:
    ask = LookUp(UNREACHABLE, UNREACHABLE)
    assert look_up(upstream, registry(), ask) == "models"
    assert ask.tries == 3


@pytest.mark.parametrize("error", [CRASHED, MISTAKE, SPENT])
def test_a_lasting_failure(upstream: Upstream, error: UpstreamError) -> None:
    ask = LookUp(error)
    with pytest.raises(UpstreamError):
        look_up(upstream, registry(), ask)
    assert ask.tries == 1


def test_tries_are_bounded(upstream: Upstream) -> None:
    ask = LookUp(*[UNREACHABLE] * 9)
    with pytest.raises(UpstreamError):
        look_up(upstream, registry(), ask)
    assert ask.tries == 3


def test_a_long_outage_uses_up_the_budget(upstream: Upstream) -> None:
    ask, shared = LookUp(*[UNREACHABLE] * 99), registry(tries=4)
    for _ in range(6):
        with pytest.raises(UpstreamError):
            look_up(upstream, shared, ask)
    assert ask.tries < 6 + 12
