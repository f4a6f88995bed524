"""However candidates fail, and whatever time passes: none is tried twice or in its cooldown, none is forgotten."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapter.settings.models import read_models
from adapter.settings.secret_values import Secret
from adapter.settings.upstreams import UpstreamSettings
from adapter.upstream.routing.health import LONGEST_RETRY_AFTER, Candidate
from adapter.upstream.routing.registry import Registry
from translators.dialects.dialect import Dialect
from translators.errors import ProviderError, UpstreamError

WEIGHTS = st.integers(0, 3)
UPSTREAMS = st.lists(st.tuples(st.integers(0, 3), WEIGHTS), min_size=1, max_size=4)
OUTCOMES = st.sampled_from(["works", "mistake", "unknown", "limited", "spent", "key", "crash", "busy", "unreachable"])
ERRORS: dict[str, dict[str, Any]] = {
    "mistake": {"status": 400}, "unknown": {"status": 400, "code": "model_not_found"},
    "limited": {"status": 429, "retry_after": 9.0},
    "spent": {"status": 429, "code": "insufficient_quota", "retry": False},
    "key": {"status": 500, "retry": False}, "crash": {"status": 500}, "busy": {"status": 503, "retry_after": 1.0},
    "unreachable": {"status": 503, "retry_after": 1.0},
}  # fmt: skip


def error(outcome: str) -> UpstreamError:
    members = ERRORS[outcome]
    if outcome == "unreachable":
        return UpstreamError(outcome, cause="refused", **members)
    return UpstreamError(outcome, provider_error=ProviderError(status=members["status"]), **members)


@given(UPSTREAMS, st.lists(st.tuples(st.floats(0, 90), st.lists(OUTCOMES, min_size=12, max_size=12)), max_size=12))
def test_who_is_asked(shape: list[tuple[int, int]], requests: list[tuple[float, list[str]]]) -> None:
    upstreams = [
        UpstreamSettings(
            name=f"u{at}", url="http://h/v1", dialect=Dialect(), keys=(Secret("k"),) * keys, weight=weight,
            connect_timeout=1, timeout=1,
        )
        for at, (keys, weight) in enumerate(shape)
    ]  # fmt: skip
    now = 0.0
    registry = Registry(upstreams, read_models({}, {}), lambda: now)
    everybody = set(registry.list_candidates("m"))
    for number, (passed, outcomes) in enumerate(requests):
        now += passed
        candidates = registry.draw_candidates("m", str(number))
        asked: list[Candidate] = []
        served = False
        for outcome in outcomes:
            alone = {one: registry.health.cooldown(one) for one in everybody}
            current = candidates.next()
            if current is None:
                left = [one for one in everybody.difference(asked) if not alone[one]]
                assert {one.upstream for one in left} <= {one.upstream for one in asked}, "somebody was forgotten"
                break
            assert current not in asked
            assert len(everybody) == 1 or not alone[current]
            asked.append(current)
            if outcome == "works":
                candidates.record_success()
                assert not registry.health.cooldown(current)
                served = True
                break
            if not candidates.record_failure(error(outcome)):
                break
        if not served:
            verdict = candidates.final_error()
            assert verdict.retry_after is None or 0 < verdict.retry_after <= LONGEST_RETRY_AFTER
            assert asked or verdict.status == 503
