"""The records of failures: bounded, and gone with a success."""

from adapter.upstream.routing import health
from adapter.upstream.routing.health import Candidate, Health
from translators.errors import UpstreamError

FAILED = UpstreamError("overloaded", status=503)


def candidate(number: int) -> Candidate:
    return Candidate("main", f"model-{number}", None, 1.0)


def test_those_that_failed_last_are_on_record() -> None:
    known = Health(lambda: 0.0)
    for number in range(health._MAX_RECORDS):
        known.record_failure(candidate(number), FAILED)
    known.record_failure(candidate(0), FAILED)
    known.record_failure(candidate(-1), FAILED)
    models = {one.model for one in known.list_failures()}
    assert len(models) == health._MAX_RECORDS
    assert {"model-0", "model--1"} <= models
    assert "model-1" not in models


def test_a_success_ends_the_record() -> None:
    known = Health(lambda: 0.0)
    known.record_failure(candidate(1), FAILED)
    known.record_failure(candidate(2), FAILED)
    known.record_success(candidate(1))
    assert [one.model for one in known.list_failures()] == ["model-2"]
