"""Stores of the files that clients upload; `open_file_store` returns the one beside a store of responses.

Each implements `protocols.py`, with the values of `values.py`.
"""

from pathlib import Path

from adapter.settings.store_url import StoreURL
from adapter.store.files.protocols import FileStore


def open_file_store(url: StoreURL) -> FileStore | None:
    """Return the file store beside the store at a URL; open nothing yet. None: Redis, which is no place for files."""
    match url.kind:
        case "memory":
            from adapter.store.files.memory import MemoryFileStore

            return MemoryFileStore()
        case "sqlite":
            from adapter.store.files.schemas import SQLITE
            from adapter.store.files.sql import SQLFileStore
            from adapter.store.sql.sqlite import SQLiteFile
            from adapter.store.vectors.sqlite import SQLiteChunks

            path = files_path(url.path)
            return SQLFileStore(SQLiteFile(str(path), schema=SQLITE), SQLiteChunks(), path.exists)
        case "postgresql":
            from adapter.store.files.schemas import POSTGRESQL
            from adapter.store.files.sql import SQLFileStore
            from adapter.store.sql.postgres import PostgreSQL
            from adapter.store.vectors.postgres import PostgreSQLChunks

            database = PostgreSQL(url.text, schema=POSTGRESQL, writers=1, readers=2)
            return SQLFileStore(database, PostgreSQLChunks())
        case "redis":
            return None


def files_path(path: str) -> Path:
    """Return the path of the file beside a SQLite store that has the files: `adapter.db` → `adapter-files.db`."""
    store = Path(path).absolute()
    return store.with_name(f"{store.stem}-files{store.suffix}")
