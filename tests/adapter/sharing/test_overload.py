"""A worker that has too much to do."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from adapter.sharing.overload import Overload, Overloaded
from adapter.telemetry.catalog import IN_FLIGHT
from tests.support.app import make_app


class Worker:
    """A worker whose event loop is late by so much, once a second."""

    def __init__(self, **settings: Any) -> None:
        self.running = {"http": 1.0, "sse": 0.0}
        given = {"max_lag": 1.0, "max_responses": 100, **settings}
        self.overload = Overload(responses=self.running, **given)

    def is_late(self, *lags: float) -> None:
        for lag in lags:
            self.overload.observe_lag(lag)

    def refused(self, requests: int = 100) -> int:
        count = 0
        for _ in range(requests):
            try:
                self.overload.check()
            except Overloaded:
                count += 1
        return count


def test_one_long_turn_refuses_nothing() -> None:
    worker = Worker()
    worker.is_late(0.1, 5.0, 0.2, 1.0, 1.0)
    assert worker.refused() == 0


def test_the_part_that_is_refused_grows_while_it_is_late_and_shrinks_afterwards() -> None:
    worker = Worker()
    worker.is_late(1.5, 1.5)
    parts = [worker.refused()]
    for lag in (1.5, 1.5, 1.5, 1.5, 0.1, 0.1):
        worker.is_late(lag)
        parts.append(worker.refused())
    assert parts == [25, 50, 75, 100, 100, 87, 75]
    worker.is_late(*[0.0] * 8)
    assert worker.refused() == 0


def test_its_begin_and_its_end_are_logged(log_lines: list[dict[str, Any]]) -> None:
    worker = Worker()
    worker.is_late(*[2.0] * 5, *[0.0] * 10)
    assert [line["event"] for line in log_lines] == ["overloaded", "no longer overloaded"]


def test_without_a_bound_any_lag_will_do() -> None:
    worker = Worker(max_lag=0.0)
    worker.is_late(*[60.0] * 5)
    assert worker.refused() == 0


def test_responses_at_a_time() -> None:
    worker = Worker(max_responses=3)
    worker.running["sse"] = 1
    assert worker.refused() == 0
    worker.running["sse"] = 2
    assert worker.refused() == 100


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/responses/compact", "/v1/responses/input_tokens"])
def test_it_is_refused_before_its_body_is_read(path: str) -> None:
    others = sum(IN_FLIGHT.values.values())  # of tests that have left one open
    client: FlaskClient = make_app(max_responses=others + 1).test_client()
    IN_FLIGHT.add(("http",))
    try:
        answer = client.post(path, data=b"not even JSON")
    finally:
        IN_FLIGHT.add(("http",), -1)
    assert answer.status_code == 503
    assert answer.json["error"]["code"] == "server_is_overloaded"  # type: ignore[index]
    assert (answer.headers["Retry-After"], answer.headers["x-should-retry"]) == ("2", "true")
    assert client.post(path, data=b"not even JSON").status_code == 415
