import pytest

from adapter.settings.secret_values import Secret
from adapter.upstream.redaction import Redactor, secrets_of


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


@pytest.mark.parametrize(
    ("name", "value", "secrets"),
    [
        ("X-Team", "search", set()),
        ("X-Team", "env:search", {"search"}),
        ("X-Title", "My assistant", {"My assistant"}),
        ("X-Version", "2", set()),
        ("X-Id", "a-12 b-34", {"a-12 b-34", "a-12", "b-34"}),
        ("Authorization", "Bearer sk-1234", {"Bearer sk-1234", "sk-1234"}),
        ("authorization", "Basic dXNlcjpwYXNz", {"Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"}),
        ("X-API-Key", "word", {"word"}),
        ("key", "", set()),
        ("x-access-token", "abc", {"abc"}),
    ],
)
def test_ordinary_words_are_secrets_only_where_they_give_access(name: str, value: str, secrets: set[str]) -> None:
    given = Secret(value.removeprefix("env:"), value if value.startswith("env:") else "****")
    assert set(secrets_of(name, given)) == secrets
