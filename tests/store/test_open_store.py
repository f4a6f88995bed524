"""Which URLs name a store, and what the others are told."""

import re

import pytest

from adapter.store import open_store


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql+psycopg://db/responses", "'postgresql+psycopg:' is not supported yet. Supported: sqlite:///"),
        ("postgresql://db/responses", "'postgresql:' is not supported yet"),
        ("redis://localhost", "'redis:' is not supported yet"),
        ("rediss://localhost", "'rediss:' is not supported yet"),
        (
            "mysql://db",
            "'mysql://db' is not a store. Supported: sqlite:///relative/path.db, sqlite:////absolute/path.db",
        ),
        ("var/adapter.db", "'var/adapter.db' is not a store"),
        ("", "'' is not a store"),
        ("sqlite:", "names no SQLite file"),
        ("sqlite:var/adapter.db", "names no SQLite file"),
        ("sqlite://var/adapter.db", "names no SQLite file"),
        ("sqlite:///", "names no SQLite file"),
        ("sqlite:///:memory:", "for a store in memory, memory:"),
        ("sqlite:///var/adapter.db?mode=ro", "without options"),
        ("memory://", "'memory:' takes nothing behind it"),
    ],
)
def test_a_url_that_names_no_store(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)) as refused:
        open_store(url, cache_bytes=0)
    assert "\n" not in str(refused.value)
