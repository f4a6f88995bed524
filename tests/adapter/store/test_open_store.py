"""Which URLs name a store, and what the others are told."""

import re

import pytest

from adapter.store import open_store


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql+psycopg:db", "Write postgresql+psycopg://user:password@host:port/database."),
        ("postgresql+asyncpg://db/responses", "'postgresql+asyncpg:' is not a kind of store"),
        ("redis://me:s3cret@localhost/0?colour=red", "Write redis://user:password@host:port/number"),
        ("rediss://me:s3cret@localhost:port", "Write redis://user:password@host:port/number"),
        ("redis://me:s3cret@localhost?socket_timeout=soon", "Write redis://user:password@host:port/number"),
        (
            "mysql://me:s3cret@db",
            "'mysql:' is not a kind of store. Supported: sqlite:///relative/path.db, sqlite:////absolute/path.db",
        ),
        ("var/adapter.db", "'var/adapter.db:' is not a kind of store"),
        ("", "':' is not a kind of store"),
        ("sqlite:", "names no SQLite file"),
        ("sqlite:var/adapter.db", "names no SQLite file"),
        ("sqlite://var/adapter.db", "names no SQLite file"),
        ("sqlite:///", "names no SQLite file"),
        ("sqlite:///:memory:", "for a store in memory, memory:"),
        ("sqlite:///var/adapter.db?mode=ro", "without options"),
        ("memory://", "'memory:' takes nothing after it"),
    ],
)
def test_a_url_that_names_no_store(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)) as refused:
        open_store(url)
    assert "\n" not in str(refused.value)
    assert "s3cret" not in str(refused.value)
