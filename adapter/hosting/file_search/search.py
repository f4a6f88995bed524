"""Search in vector stores: by terms, and by embeddings where a model is configured.

Results are chunks with a score between 0 and 1: the part of the query's weight that a chunk has, or, with embeddings,
its cosine similarity or that part, whichever is more. With embeddings the order is that of both ways together. Several
queries and stores give one list, in which a chunk has the best of its scores.
"""

import time
from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import Any, Final

from msgspec import Struct

from adapter.hosting.file_search.embeddings import Embedder, by_nearness, order_by_nearness
from adapter.hosting.file_search.filters import Filter, matches
from adapter.hosting.file_search.ranking import Place, find_by, fuse_ranks, query_terms, score_chunks, weigh_terms
from adapter.sharing.offload import Offload
from adapter.store.base import NotFound
from adapter.store.files.protocols import FileStore
from adapter.store.vectors.values import FoundChunk, StoredVectorStore
from translators.wire import decode

_CANDIDATES: Final = 60
"""Chunks that are ranked exactly, of each query in each store."""
_VECTORS_COMPARED: Final = 1000
"""Embeddings in memory at a time, some megabytes, and beside the event loop for some tens of milliseconds."""


class SearchOptions(Struct, frozen=True):
    """How a search is done."""

    limit: int = 10
    filter: Filter | None = None
    score_threshold: float = 0.0
    embedding_weight: float = 1.0
    text_weight: float = 1.0


class SearchResult(Struct, frozen=True):
    """A chunk that answers a query."""

    file_id: str
    filename: str
    score: float
    attributes: dict[str, Any]
    text: str


class _Ranked(Struct, frozen=True):
    """The chunks of one vector store that one query has found, best first."""

    order: list[Place]
    scores: dict[Place, float]


class FileSearch:
    """Searches the vector stores of one tenant."""

    def __init__(
        self, store: FileStore, tenant: str, offload: Offload, embedder: Embedder | None = None,
        bearer: str | None = None,
    ) -> None:  # fmt: skip
        self._store = store
        self._tenant = tenant
        self._offload = offload
        self._embedder = embedder
        self._bearer = bearer

    def run(
        self, stores: Sequence[StoredVectorStore], queries: Sequence[str], options: SearchOptions
    ) -> list[SearchResult]:
        """Return the best results; raise StoreDown."""
        vectors = self._embed(queries)
        found: list[tuple[float, int, SearchResult]] = []
        for store in stores:
            found += self._search_store(store, queries, vectors, options)
            self._store.vectors.mark_used(store, time.time())
        # By words, the score is what the order comes from; with embeddings, the order is that of both ways together.
        found.sort(key=(lambda one: (-one[0], one[1])) if vectors is None else (lambda one: (one[1], -one[0])))
        return [result for _, _, result in found[: options.limit]]

    def _embed(self, queries: Sequence[str]) -> list[bytes] | None:
        return None if self._embedder is None else self._embedder.embed_queries(queries, self._bearer)

    def _search_store(
        self, store: StoredVectorStore, queries: Sequence[str], vectors: Sequence[bytes] | None, options: SearchOptions
    ) -> list[tuple[float, int, SearchResult]]:
        """Return the results of one store, with what they are sorted by: the fused or plain score, and the rank."""
        files = None
        if options.filter is not None:
            files = _passing(options.filter, self._store.vectors.attributes(store.number))
        chunks: dict[Place, FoundChunk] = {}
        lists = [
            self._rank(store, query, None if vectors is None else vectors[at], files, options, chunks)
            for at, query in enumerate(queries)
        ]
        scores: dict[Place, float] = {}
        for ranked in lists:
            for place, score in ranked.scores.items():
                scores[place] = max(score, scores.get(place, 0.0))
        order = lists[0].order if len(lists) == 1 else fuse_ranks([(1.0, ranked.order) for ranked in lists])
        places = [place for place in order if scores[place] >= options.score_threshold][: options.limit]
        missing = [place for place in places if place not in chunks]
        for chunk in self._store.vectors.chunks_at(store.number, missing):
            chunks[chunk.file, chunk.number] = chunk
        known = {file: self._describe(store, file) for file in {file for file, _ in places}}
        results = []
        for rank, place in enumerate(places):
            if place in chunks and (described := known[place[0]]) is not None:
                name, attributes = described
                score = round(min(scores[place], 1.0), 4)
                result = SearchResult(place[0], name, score, attributes, chunks[place].text)
                results.append((scores[place], rank, result))
        return results

    def _rank(
        self, store: StoredVectorStore, query: str, vector: bytes | None, files: list[str] | None,
        options: SearchOptions, chunks: dict[Place, FoundChunk],
    ) -> _Ranked:  # fmt: skip
        """Return the chunks that one query finds in one store; add those that were read to `chunks`."""
        index = self._store.vectors
        terms = query_terms(query)
        totals, counts = index.totals(store.number), index.count_terms(store.number, terms)
        weights = weigh_terms(counts, totals)
        found = index.find_chunks(store.number, find_by(weights, counts, totals), files, _CANDIDATES, weights)
        scored = score_chunks(found, weights, totals, len(terms) - len(counts))
        scores: dict[Place, float] = {}
        for score, chunk in scored:
            place = (chunk.file, chunk.number)
            chunks[place], scores[place] = chunk, score
        order = list(scores)
        if vector is None or not options.embedding_weight:
            return _Ranked(order, scores)
        near = self._find_nearest(store, vector, files)
        for cosine, place in near:
            scores[place] = max(cosine, scores.get(place, 0.0))
        orders = [(options.embedding_weight, [place for _, place in near]), (options.text_weight, order)]
        return _Ranked(fuse_ranks(orders), scores)

    def _find_nearest(
        self, store: StoredVectorStore, vector: bytes, files: list[str] | None
    ) -> list[tuple[float, Place]]:
        """Return the places of the embeddings nearest to one, with their cosine, best first."""
        nearest: list[tuple[float, Place]] = []
        vectors = self._store.vectors.vectors(store.number, files)
        while some := list(islice(vectors, _VECTORS_COMPARED)):
            nearest += self._offload.run(self._tenant, partial(order_by_nearness, vector, some, _CANDIDATES))
            nearest = sorted(nearest, key=by_nearness)[:_CANDIDATES]
        return nearest

    def _describe(self, store: StoredVectorStore, file: str) -> tuple[str, dict[str, Any]] | None:
        """Return the name and the attributes of a file; None: it was deleted meanwhile."""
        try:
            name = self._store.file(file, self._tenant, time.time()).filename
            return name, decode(self._store.vectors.vector_file(store.number, file).attributes)
        except NotFound:
            return None


def _passing(filter: Filter, attributes: dict[str, bytes]) -> list[str]:
    """Return the files whose attributes pass a filter."""
    return [file for file, given in attributes.items() if matches(filter, decode(given))]
