import pytest

from adapter.upstream.redaction import Redactor, mask_secrets, mask_tokens


@pytest.mark.parametrize(
    ("secrets", "text", "redacted"),
    [
        (["sk-own-0123456789"], "Bearer sk-own-0123456789, not xsk-own-0123456789x", "Bearer ***, not x***x"),
        (["sk-15"], "'sk-15' is wrong: sk-15.", "'***' is wrong: ***."),
        (["none"], "nonetheless, none", "nonetheless, ***"),
        (["key-12345", "key-12345-longer"], "key-12345-longer and key-12345", "*** and ***"),
        (["a.c+(d)e"], "abc+(d)e a.c+(d)e", "abc+(d)e ***"),
        ([], "nothing to hide", "nothing to hide"),
        ([""], "nothing to hide", "nothing to hide"),
    ],
)
def test_redaction(secrets: list[str], text: str, redacted: str) -> None:
    assert Redactor(secrets)(text) == redacted


@pytest.mark.parametrize("room", [0, 100_000])
def test_masks_are_as_long_as_what_they_hide(room: int) -> None:
    around = b"\0x" * (room // 2) + b" %b " + b"\0\n" * (room // 2)
    assert mask_secrets(around % b"sk-own-0123456789", ["sk-own-0123456789"]) == around % (b"*" * 17)
    assert mask_secrets(around % b'a\\"c-012345', ['a"c-012345']) == around % (b"*" * 11)
    assert mask_secrets(around % b"nonetheless", ["none"]) == around % b"nonetheless"
    assert mask_tokens(around % b"Bearer abcdefghijklmnop") == around % (b"Bearer " + b"*" * 16)
    assert mask_tokens(around % b"BEARER abcdefghijklmnop") == around % (b"BEARER " + b"*" * 16)
    assert mask_tokens(around % b"bearer of news") == around % b"bearer of news"
