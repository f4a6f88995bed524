import json
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.telemetry.masks import contains, mask_secrets, mask_tokens


@pytest.mark.parametrize("room", [0, 100_000])
def test_masks_are_as_long_as_what_they_hide(room: int) -> None:
    around = b"\0x" * (room // 2) + b" %b " + b"\0\n" * (room // 2)
    assert mask_secrets(around % b"sk-own-0123456789", ["sk-own-0123456789"]) == around % (b"*" * 17)
    assert mask_secrets(around % b'a\\"c-012345', ['a"c-012345']) == around % (b"*" * 11)
    assert mask_secrets(around % b"nonetheless", ["none"]) == around % b"nonetheless"
    assert mask_tokens(around % b"Bearer abcdefghijklmnop") == around % (b"Bearer " + b"*" * 16)
    assert mask_tokens(around % b"BEARER abcdefghijklmnop") == around % (b"BEARER " + b"*" * 16)
    assert mask_tokens(around % b"bearer of news") == around % b"bearer of news"


@pytest.mark.parametrize(
    "written",
    [
        r"sk-a/b+c=d&0123", r"sk-a\/b+c=d&0123", r"sk-a/b\u002Bc=d\u00260123", r"sk-a/b+c\u003dd\u00260123",
        r"sk-a/b+c=d\u00260123", "sk-a%2Fb%2Bc%3Dd%260123", "sk-a%2fb%2bc%3dd%260123",
    ],
    ids=["as it is", "PHP", ".NET", "Gson", "Go", "in a URL", "in a URL, in lower case"],
)  # fmt: skip
def test_a_secret_is_masked_however_it_is_escaped(written: str) -> None:
    data = f'{{"text": "It is {written}."}}'.encode()
    assert mask_secrets(data, ["sk-a/b+c=d&0123"]) == data.replace(written.encode(), b"*" * len(written))


@pytest.mark.parametrize("secret", ["a", "1", ":", "{}", "id", "xyz", "null", "true", "false", "1234", "-1.5e+3"])
def test_what_any_json_has_is_no_secret(secret: str) -> None:
    data = json.dumps({"id": [1, 1234, None, True, False, -1.5e3], "a": "a null, xyz", "b": {}}).encode()
    data = data.replace(b"-1500.0", b"-1.5e+3")
    assert mask_secrets(data, [secret]) == data


def test_a_short_secret_is_masked() -> None:
    assert mask_secrets(b'{"key": "k-12", "none": "12345678"}', ["k-12", "12345678"]) == (
        b'{"key": "****", "none": "********"}'
    )


@given(
    text=st.text("ab ", min_size=1, max_size=12), data=st.text("ab \0", max_size=20), room=st.integers(0, 2000),
    nulls=st.booleans(),
)  # fmt: skip
def test_a_text_is_found_wherever_it_is(text: str, data: str, room: int, nulls: bool) -> None:
    around = (b"\0" if nulls else b"c") * room
    for place in (around + data.encode(), data.encode() + around, around + data.encode() + around):
        assert contains(place, text.encode()) == (text.encode() in place)
        assert contains(place + text.encode(), text.encode())


@pytest.mark.parametrize("unit", [b"a", b"ab", b"aab"])
def test_a_long_text_is_looked_for_in_no_more_time_than_a_short_one(unit: bytes) -> None:
    """The C library would take two seconds, in which a worker does nothing else."""
    data = unit * (4_000_000 // len(unit))
    began = thread_time()
    for size in (100, 250, 4000):
        assert not contains(data, data[: size - 1] + b"c")
        assert contains(data + data[: size - 1] + b"c", data[: size - 1] + b"c")
    assert thread_time() - began < 1
