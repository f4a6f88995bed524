"""Ids of calls as Mistral takes them: nine letters and digits."""

import re

from hypothesis import given
from hypothesis import strategies as st

from translators.to_chat.call_ids import short_call_id

NOBODY: frozenset[str] = frozenset()
ids = st.text(max_size=64) | st.from_regex("[A-Za-z0-9]{9}", fullmatch=True)


@given(st.lists(ids, max_size=8))
def test_calls_of_a_turn_have_ids_of_their_own(call_ids: list[str]) -> None:
    taken: set[str] = set()
    for call_id in call_ids:
        id = short_call_id(call_id, taken)
        assert re.fullmatch("[A-Za-z0-9]{9}", id)
        assert id not in taken
        taken.add(id)


@given(ids)
def test_an_id_is_replaced_by_the_same_one_each_time(call_id: str) -> None:
    assert short_call_id(call_id, NOBODY) == short_call_id(call_id, NOBODY)


def test_an_id_that_is_right_stays() -> None:
    assert short_call_id("abcDEF123", NOBODY) == "abcDEF123"
    assert short_call_id("abcDEF123", {"abcDEF123"}) != "abcDEF123"


def test_other_ids_do_not() -> None:
    assert short_call_id("call_1", NOBODY) == "dBlv5y5M3"
    assert short_call_id("\ud800", NOBODY) != short_call_id("", NOBODY)
