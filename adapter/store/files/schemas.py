"""The tables of a file store in each kind of database."""

from typing import Final

from adapter.store.files import tables
from adapter.store.sql.migrations import Schema
from adapter.store.vectors import postgres, sqlite
from adapter.store.vectors import tables as vector_tables

_VERSION_TABLE: Final = "file_schema_version"


def _schema(number: str, chunks: tuple[str, ...]) -> Schema:
    vectors = [statement.replace("{number}", number) for statement in vector_tables.CREATE]
    return Schema((*tables.CREATE, *vectors, *chunks), tables.VERSION, version_table=_VERSION_TABLE)


SQLITE: Final = _schema(sqlite.NUMBER, sqlite.CREATE)
POSTGRESQL: Final = _schema(postgres.NUMBER, postgres.CREATE)
