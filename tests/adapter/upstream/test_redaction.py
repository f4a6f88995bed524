import pytest

from adapter.upstream.redaction import Redactor


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
