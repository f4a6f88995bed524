"""Families of ids: all responses of a chain share one."""

from translators.responses.ids import Ids, family_from_name, family_of, seed


def test_a_family_goes_on_from_response_to_response() -> None:
    first = Ids(seed(1, 0xABCD_EF01_2345))
    assert (first.family, family_of(first.response)) == ("2345", "2345")
    second = Ids(seed(2, 0x1111_1111_1111, first.family))
    assert second.response == "resp_000000000002111111112345" + "00000000"
    assert family_of(second.item("msg")) == "2345"
    assert family_from_name("t/c") == family_from_name("t/c") != family_from_name("t/d")
    assert family_of("resp_68af") is family_of("") is None
