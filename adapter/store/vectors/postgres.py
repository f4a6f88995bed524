"""Chunks in PostgreSQL: a GIN index over `tsvector`, which is written here as text and not made by a parser.

`ts_rank` of one term grows with its number in the chunk, and falls with the chunk's length; weighted by the rarity of
the term, it proposes what is then ranked exactly. Source: PostgreSQL docs, Text search.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final

from adapter.store.sql.writes import Row
from adapter.store.vectors.sqlite import places_query
from adapter.store.vectors.values import NewChunk

CREATE: Final = (
    """CREATE TABLE chunks (
        id BIGSERIAL PRIMARY KEY, store BIGINT NOT NULL, file VARCHAR(64) NOT NULL, number INTEGER NOT NULL,
        text VARCHAR NOT NULL, terms VARCHAR NOT NULL, vector BYTEA NOT NULL, found_by TSVECTOR NOT NULL,
        UNIQUE (store, file, number)
    )""",
    "CREATE INDEX chunks_found_by ON chunks USING gin (found_by)",
)
NUMBER: Final = "BIGSERIAL PRIMARY KEY"

_MAX_POSITIONS: Final = 255
"""Of one term in a `tsvector`."""
_COLUMNS: Final = "chunks.file, chunks.number, chunks.text, chunks.terms"
_COMPLETED: Final = "JOIN vector_files USING (store, file) WHERE vector_files.status = 'completed'"
_ADD: Final = """
    INSERT INTO chunks (store, file, number, text, terms, vector, found_by)
    VALUES (:of_store, :of_file, :number, :text, :terms, :vector, CAST(:found_by AS tsvector))
"""
_AMONG: Final = "chunks.file = ANY(:files)"


class PostgreSQLChunks:
    """The statements on chunks, for PostgreSQL."""

    erase: tuple[str, ...] = ("DELETE FROM chunks WHERE store = :of_store AND file = :of_file AND number >= :first",)

    def add(self, key: Row, chunk: NewChunk, prefix: str) -> list[tuple[str, Row]]:
        """Return the statements that store a chunk."""
        terms = [prefix + term for term in chunk.terms]
        found_by = " ".join(
            f"'{term}':{','.join(map(str, range(1, min(count, _MAX_POSITIONS) + 1)))}"
            for term, count in Counter(terms).items()
        )
        row = {
            **key, "number": chunk.number, "text": chunk.text, "terms": " ".join(terms), "vector": chunk.vector,
            "found_by": found_by,
        }  # fmt: skip
        return [(_ADD, row)]

    def count(self, terms: Collection[str]) -> tuple[str, Row]:
        """Return the query for the number of chunks with each term; terms have their prefix."""
        values: Row = {}
        for at, term in enumerate(terms):
            values[f"term_{at}"], values[f"query_{at}"] = term, f"'{term}'"
        query = " UNION ALL ".join(
            f"SELECT CAST(:term_{at} AS text), COUNT(*) FROM chunks WHERE found_by @@ CAST(:query_{at} AS tsquery)"
            for at in range(len(terms))
        )
        return query, values

    def find(self, weights: Mapping[str, float], files: Collection[str] | None) -> tuple[str, Row]:
        """Return the query for the best chunks; terms have their prefix."""
        values: Row = {"any": " | ".join(f"'{term}'" for term in weights)}
        for at, (term, weight) in enumerate(weights.items()):
            values[f"query_{at}"], values[f"weight_{at}"] = f"'{term}'", weight
        rank = " + ".join(
            f"CAST(:weight_{at} AS float) * ts_rank(found_by, CAST(:query_{at} AS tsquery), 1)"
            for at in range(len(weights))
        )
        among = ""
        if files is not None:
            values["files"] = list(files)
            among = f"AND {_AMONG}"
        return (
            f"""
            SELECT {_COLUMNS} FROM chunks {_COMPLETED} AND found_by @@ CAST(:any AS tsquery) {among}
            ORDER BY {rank} DESC LIMIT :rows
            """,
            values,
        )

    def vectors(self, files: Collection[str] | None) -> tuple[str, Row]:
        """Return the query for a page of embeddings behind an id."""
        among, values = ("", {}) if files is None else (f"AND {_AMONG}", {"files": list(files)})
        query = f"""
            SELECT chunks.id, chunks.file, chunks.number, chunks.vector FROM chunks {_COMPLETED}
            AND chunks.store = :of_store AND chunks.id > :last {among} ORDER BY chunks.id LIMIT :rows
        """
        return query, values

    def at(self, places: Collection[tuple[str, int]]) -> tuple[str, Row]:
        """Return the query for chunks by file and number."""
        return places_query(places, _COLUMNS, _COMPLETED)
