"""PostgreSQL: who waits for whom, what is indexed, and what an operator is told."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from adapter.store.base import Store
from adapter.store.postgres import PostgreSQL
from adapter.store.sql import SQLStore
from tests.store.conformance import Conformance
from tests.support import postgres


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture
def url(database: str) -> Iterator[str]:
    with postgres.schema(database) as url:
        yield url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with closing(SQLStore(PostgreSQL(url))) as store:
        yield store


class TestPostgreSQL(Conformance):
    pass
