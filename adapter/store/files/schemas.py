"""The tables of a file store in each kind of database."""

from typing import Final

from adapter.store.files import tables
from adapter.store.sql.migrations import Schema

_VERSION_TABLE: Final = "file_schema_version"

SQLITE: Final = Schema(tables.CREATE, tables.VERSION, version_table=_VERSION_TABLE)
POSTGRESQL: Final = Schema(tables.CREATE, tables.VERSION, version_table=_VERSION_TABLE)
