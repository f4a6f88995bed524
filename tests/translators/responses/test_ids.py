"""Families of ids, and ids of calls as Mistral wants them: nine letters and digits (providers reference §1)."""

import re

from hypothesis import given
from hypothesis import strategies as st

from translators.responses.ids import Ids, family_named, family_of, seed, short_call_id

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


def test_a_family_goes_on_from_response_to_response() -> None:
    first = Ids(seed(1, 0xABCD_EF01_2345))
    assert (first.family, family_of(first.response)) == ("2345", "2345")
    second = Ids(seed(2, 0x1111_1111_1111, first.family))
    assert second.response == "resp_000000000002111111112345" + "00000000"
    assert family_of(second.item("msg")) == "2345"
    assert family_named("t/c") == family_named("t/c") != family_named("t/d")
    assert family_of("resp_68af") is family_of("") is None
