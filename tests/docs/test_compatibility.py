"""docs/compatibility.md is the policy."""

from tests.docs.compatibility import PAGE, SECTIONS, render, tables
from translators import policy

TEXT = PAGE.read_text()


def test_the_tables_are_those_of_the_policy() -> None:
    assert render(TEXT) == TEXT, "stale: run python -m tests.docs.compatibility"


def test_every_table_has_a_section() -> None:
    shown = [id(table) for table in SECTIONS.values()]
    assert sorted(shown) == sorted(id(getattr(policy, name)) for name in policy.__all__ if name.isupper())


def test_missing_tables_would_be_noticed() -> None:
    assert tables() not in TEXT.replace(tables(), "")
    assert render(TEXT.replace(tables(), "")) == TEXT
