"""How long a retry waits, and how many an upstream gets."""

import pytest

from adapter.upstream.routing.retries import RetryBudget, delay_before, is_temporary
from translators.errors import Cause, ProviderError, UpstreamError

BUSY = UpstreamError("Busy.", status=503, retry_after=4.0, provider_error=ProviderError(status=503))
REFUSED = UpstreamError("The provider could not be reached.", status=503, retry_after=1.0, cause="refused")


def test_delays_grow_and_differ_up_to_a_limit() -> None:
    delays = [delay_before(retries, REFUSED) for retries in range(20)]
    for retries, delay in enumerate(delays[:7]):
        assert 0.25 * 2**retries <= delay <= 1.25 * 0.25 * 2**retries
    assert max(delays) <= 1.25 * 30
    assert len({delay_before(0, REFUSED) for _ in range(5)}) == 5


def test_no_delay_is_shorter_than_the_provider_asks() -> None:
    assert all(4.0 <= delay_before(0, BUSY) <= 5.0 for _ in range(20))


@pytest.mark.parametrize(
    ("status", "cause", "retry", "expected"),
    [
        (503, "name", True, True), (503, "tls", True, True), (503, "certificate", False, False),
        (503, "broken", True, False), (500, "silence", True, False), (500, "answer", True, False),
    ],
)  # fmt: skip
def test_what_may_be_sent_again(status: int, cause: Cause, retry: bool, expected: bool) -> None:
    assert is_temporary(UpstreamError("No.", status=status, cause=cause, retry=retry)) is expected


def test_an_outage_costs_an_upstream_a_share_of_its_requests() -> None:
    now = 0.0
    budget = RetryBudget(lambda: now)
    sent = 0
    for _ in range(1000):  # 100 requests a second
        now += 0.01
        budget.requests += 1
        sent += budget.take(0.0) is not None
    assert 200 <= sent <= 230, "a fifth, one a second, and ten that were saved up"


def test_who_waits_gets_a_retry_later() -> None:
    budget = RetryBudget(lambda: 0.0)
    waits = [budget.take(60.0) for _ in range(20)]
    assert waits == [*[0.0] * 10, *map(float, range(1, 11))]
    assert budget.take(5.0) is None
