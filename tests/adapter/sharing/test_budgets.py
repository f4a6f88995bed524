"""Budgets of tokens for a day and a month."""

import datetime
import os
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapter.settings.caller_keys import CallerKey
from adapter.sharing.admission import Admission, BudgetExceeded, Gate
from adapter.sharing.periods import date_of, day_from, end_of_period, month_of, utc_day
from adapter.sharing.rates import Limits, RateTable, Spent

BUDGETS = Limits(day_tokens=1000, month_tokens=2500)
NOV_29 = day_from("2026-11-29")


class Today:
    day = NOV_29

    def __call__(self) -> int:
        return self.day


@pytest.fixture
def today() -> Today:
    return Today()


@pytest.fixture
def table(today: Today) -> RateTable:
    return RateTable(today=today)


def use(table: RateTable, tokens: float, estimate: float = 0) -> str:
    """Answer a request that costs so many tokens; return the limit that refuses it."""
    levels = table.take("key", BUDGETS, estimate)
    if not levels.refused_by:
        table.release("key", None, 0, cost=tokens, taken=estimate, day=levels.day)
    return levels.refused_by


def test_a_day_and_a_month(table: RateTable, today: Today) -> None:
    assert [use(table, 600) for _ in range(3)] == ["", "", "day"]
    today.day += 1
    assert [use(table, 600) for _ in range(3)] == ["", "", "day"], "1200 were used the day before"
    today.day += 1  # December
    assert [use(table, 999) for _ in range(3)] == ["", "", "day"]
    assert table.spent("key") == Spent(1998, 1998)
    today.day += 1
    assert [use(table, 600) for _ in range(2)] == ["", "month"]


def test_what_is_estimated_counts_until_the_response_ends(table: RateTable) -> None:
    levels = table.take("key", BUDGETS, 1000)
    assert use(table, 1) == "day"
    table.release("key", None, 0, cost=10, taken=1000, day=levels.day)
    assert use(table, 1) == ""
    assert table.spent("key").day == 11


def test_a_response_counts_on_the_day_on_which_it_ends(table: RateTable, today: Today) -> None:
    levels = table.take("key", BUDGETS, 900)
    today.day += 1
    table.release("key", None, 0, cost=300, taken=900, day=levels.day)
    assert table.spent("key") == Spent(300, 300)


def test_the_store_raises_what_is_known_and_never_lowers_it(table: RateTable, today: Today) -> None:
    use(table, 100)
    table.raise_spent("key", today.day, 50, 700)
    assert table.spent("key") == Spent(100, 700)
    today.day += 1
    table.raise_spent("key", today.day - 1, 5000, 5000)  # read before midnight
    assert table.spent("key") == Spent(0, 5000)


def test_a_clock_that_was_set_back_gives_nothing_back(table: RateTable, today: Today) -> None:
    use(table, 2000)
    today.day -= 5
    assert use(table, 1) == "day"


@given(st.integers(0, 60_000))
def test_periods_end_where_the_next_begin(day: int) -> None:
    ends = end_of_period(day, month=True)
    assert ends.day == 1
    assert month_of(utc_day(ends.timestamp())) == month_of(day) + 1
    assert utc_day(end_of_period(day, month=False).timestamp()) == day + 1
    assert day_from(date_of(day).isoformat()) == day


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 700), st.integers(0, 700)), max_size=30))
def test_no_day_uses_more_than_its_budget_and_the_last_response(steps: list[tuple[int, int, int]]) -> None:
    today = Today()
    table = RateTable(today=today)
    used: dict[int, int] = {}
    for pause, cost, estimate in steps:
        today.day += pause
        if not use(table, cost, estimate):
            used[today.day] = used.get(today.day, 0) + cost
    assert all(tokens < 1000 + 700 for tokens in used.values())


def key(**members: int) -> CallerKey:
    return CallerKey(name="team", digests=frozenset(), tenant="team", **members)


def gate_with(stored: Mapping[tuple[str, str], int]) -> Gate:
    return Gate(has_keys=True, key_tokens=lambda since: stored)


def test_what_was_used_before_the_start_counts() -> None:
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    gate = gate_with({("team", today): 999, ("team", "2001-01-01"): 5000, ("other", today): 5000})
    limited = key(tokens_per_day=1000, tokens_per_month=5000)
    first = gate.admit(limited, "m", 400, None)
    assert isinstance(first, Admission)
    assert gate.budgets_left(limited) == {"day": -99, "month": 3901}
    first.settle(1)
    with pytest.raises(BudgetExceeded) as caught:
        gate.admit(limited, "m", 400, None)
    error = caught.value
    assert (error.status, error.code, error.type) == (429, "insufficient_quota", "insufficient_quota")
    assert not error.retry
    assert "has used its 1000 tokens of this day. More can be used from 20" in error.message
    assert error.headers["x-ratelimit-remaining-tokens"] == "0"
    assert error.retry_after is None, "Codex would wait for as long"


def test_a_request_that_no_answer_began_to_costs_no_budget() -> None:
    gate = gate_with({})
    limited = key(tokens_per_day=100)
    for began, left in ((False, 100), (True, 0)):
        admission = gate.admit(limited, "m", 400, None)
        assert isinstance(admission, Admission)
        admission.settle(None, began=began)
        assert gate.budgets_left(limited) == {"day": left}


def test_processes_share_a_budget() -> None:
    table = RateTable(today=Today())
    pid = os.fork()
    if pid == 0:
        use(table, 1000)
        os._exit(0)
    os.waitpid(pid, 0)
    assert use(table, 1) == "day"
