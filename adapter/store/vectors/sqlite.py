"""Chunks in SQLite: FTS5 is the index, over the terms that the chunks' own table has.

The tokenizer `ascii` takes every character outside ASCII for a part of a word, so it finds exactly the terms that are
written with blanks between them. Source: SQLite docs, FTS5.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from adapter.store.sql.writes import Row
from adapter.store.vectors.values import NewChunk
from translators.wire import encode

CREATE: Final = (
    """CREATE TABLE chunks (
        id INTEGER PRIMARY KEY, store BIGINT NOT NULL, file VARCHAR(64) NOT NULL, number INTEGER NOT NULL,
        text VARCHAR NOT NULL, terms VARCHAR NOT NULL, vector BLOB NOT NULL,
        UNIQUE (store, file, number)
    )""",
    "CREATE VIRTUAL TABLE chunk_index USING fts5"
    "(terms, tokenize='ascii', content='chunks', content_rowid='id')",
    "CREATE VIRTUAL TABLE chunk_terms USING fts5vocab(chunk_index, row)",
)
NUMBER: Final = "INTEGER PRIMARY KEY AUTOINCREMENT"

_COLUMNS: Final = "chunks.file, chunks.number, chunks.text, chunks.terms"
_COMPLETED: Final = "JOIN vector_files USING (store, file) WHERE vector_files.status = 'completed'"
_ADD: Final = (
    """INSERT INTO chunks (store, file, number, text, terms, vector)
        VALUES (:of_store, :of_file, :number, :text, :terms, :vector)""",
    """INSERT INTO chunk_index (rowid, terms) SELECT id, terms FROM chunks
        WHERE store = :of_store AND file = :of_file AND number = :number""",
)
ERASE: Final = (
    """INSERT INTO chunk_index (chunk_index, rowid, terms) SELECT 'delete', id, terms FROM chunks
        WHERE store = :of_store AND file = :of_file AND number >= :first""",
    "DELETE FROM chunks WHERE store = :of_store AND file = :of_file AND number >= :first",
)
_AMONG: Final = "chunks.file IN (SELECT value FROM json_each(:files))"


class SQLiteChunks:
    """The statements on chunks, for SQLite."""

    erase: tuple[str, ...] = ERASE

    def add(self, key: Row, chunk: NewChunk, prefix: str) -> list[tuple[str, Row]]:
        """Return the statements that store a chunk."""
        terms = " ".join([prefix + term for term in chunk.terms])
        row = {**key, "number": chunk.number, "text": chunk.text, "terms": terms, "vector": chunk.vector}
        return [(_ADD[0], row), (_ADD[1], row)]

    def count(self, terms: Collection[str]) -> tuple[str, Row]:
        """Return the query for the number of chunks with each term; terms have their prefix."""
        values: Row = {f"term_{at}": term for at, term in enumerate(terms)}
        return " UNION ALL ".join(f"SELECT term, doc FROM chunk_terms WHERE term = :{name}" for name in values), values

    def find(self, weights: Mapping[str, float], files: Collection[str] | None) -> tuple[str, Row]:
        """Return the query for the best chunks; terms have their prefix."""
        values: Row = {"match": " OR ".join(f'"{term}"' for term in weights)}
        among = ""
        if files is not None:
            values["files"] = encode(list(files)).decode()
            among = f"AND rowid IN (SELECT id FROM chunks WHERE store = :of_store AND {_AMONG})"
        return (
            f"""
            SELECT {_COLUMNS} FROM (
                SELECT rowid AS found, rank FROM chunk_index WHERE chunk_index MATCH :match {among}
                ORDER BY rank LIMIT :rows
            ) JOIN chunks ON chunks.id = found {_COMPLETED} ORDER BY rank
            """,
            values,
        )

    def vectors(self, files: Collection[str] | None) -> tuple[str, Row]:
        """Return the query for a page of embeddings behind an id."""
        among, values = ("", {}) if files is None else (f"AND {_AMONG}", {"files": encode(list(files)).decode()})
        query = f"""
            SELECT chunks.id, chunks.file, chunks.number, chunks.vector FROM chunks {_COMPLETED}
            AND chunks.store = :of_store AND chunks.id > :last {among} ORDER BY chunks.id LIMIT :rows
        """
        return query, values

    def at(self, places: Collection[tuple[str, int]]) -> tuple[str, Row]:
        """Return the query for chunks by file and number."""
        return places_query(places, _COLUMNS, _COMPLETED)


def places_query(places: Collection[tuple[str, int]], columns: str, completed: str) -> tuple[str, Row]:
    """Return the query for chunks by file and number."""
    values: dict[str, Any] = {}
    for at, (file, number) in enumerate(places):
        values[f"file_{at}"], values[f"number_{at}"] = file, number
    any_of = " OR ".join(
        f"(chunks.file = :file_{at} AND chunks.number = :number_{at})" for at in range(len(places))
    )
    return f"SELECT {columns} FROM chunks {completed} AND chunks.store = :of_store AND ({any_of})", values
