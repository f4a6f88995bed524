"""Search with embeddings, in several stores, and what a client may ask of it."""

import json
import math
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import gevent
import pytest
from msgspec.structs import replace

from adapter.hosting.file_search.embeddings import Embedder, order_by_nearness
from adapter.hosting.file_search.filters import read_filter
from adapter.hosting.file_search.ranking import fuse_ranks
from adapter.hosting.file_search.search import FileSearch, SearchOptions
from adapter.hosting.file_search.terms import split_terms
from adapter.settings.tools.backends import FileSearchSettings
from adapter.sharing.offload import Offload
from adapter.store.files.memory import MemoryFileStore
from adapter.store.vectors.values import NewChunk, StoredVectorFile, StoredVectorStore
from tests.adapter.store.files.conformance import OURS, keep
from translators.errors import UpstreamError

MEANINGS = {"car": (1.0, 0.0), "automobile": (0.98, 0.2), "banana": (0.0, 1.0)}


def vector(text: str) -> bytes:
    """Return the embedding of a text: that of the first word in it that has a meaning here."""
    found = next((meaning for word, meaning in MEANINGS.items() if word in text), (0.5, 0.5))
    length = math.hypot(*found)
    return array("f", [value / length for value in found]).tobytes()


class Meanings(Embedder):
    """Embeddings by the table."""

    def __init__(self) -> None:
        self.down = False

    def embed(self, texts: Sequence[str], bearer: str | None = None) -> list[bytes] | None:
        return None if self.down else [vector(text) for text in texts]

    embed_queries = embed


@pytest.fixture
def store() -> MemoryFileStore:
    return MemoryFileStore()


def add(store: MemoryFileStore, name: str, *texts: str, of: str = "vs_1", attributes: str = "{}") -> StoredVectorStore:
    try:
        vector_store = store.vectors.vector_store(of, OURS)
    except Exception:
        store.vectors.create_store(StoredVectorStore(of, OURS, 0, time.time()))
        vector_store = store.vectors.vector_store(of, OURS)
    keep(store, f"file-{name}", b"x", filename=f"{name}.txt")
    store.vectors.add_files([StoredVectorFile(vector_store.number, f"file-{name}", OURS, 0, attributes.encode())])
    job = store.vectors.take_due("me", 1.0, 1e12)
    assert job is not None
    chunks = [NewChunk(at, text, tuple(split_terms(text)), vector(text)) for at, text in enumerate(texts)]
    store.vectors.add_chunks(job, chunks, 1e12)
    words = sum(len(chunk.terms) for chunk in chunks)
    store.vectors.finish(replace(job, status="completed", chunks=len(texts), words=words, bytes=1))
    return vector_store


@pytest.fixture
def offload() -> Iterator[Offload]:
    with closing(Offload(100)) as offload:
        yield offload


def test_embeddings_find_what_words_do_not(store: MemoryFileStore, offload: Offload) -> None:
    of = add(store, "a", "An automobile drives.")
    add(store, "b", "A banana grows.")
    add(store, "c", "The car park is full of fruit.")
    embedder = Meanings()
    both = FileSearch(store, OURS, offload, embedder)
    found = both.run([of], ["car"], SearchOptions())
    assert [one.filename for one in found][:2] == ["c.txt", "a.txt"]
    assert found[1].score == pytest.approx(0.98, abs=0.01)
    words = SearchOptions(embedding_weight=0.0)
    assert [one.filename for one in both.run([of], ["car"], words)] == ["c.txt"]
    assert [one.filename for one in both.run([of], ["car"], SearchOptions(score_threshold=0.9))] == ["c.txt", "a.txt"]
    embedder.down = True
    assert [one.filename for one in both.run([of], ["car"], SearchOptions())] == ["c.txt"]


def test_several_stores_and_queries_give_each_chunk_once(store: MemoryFileStore, offload: Offload) -> None:
    one = add(store, "a", "red apple", "green pear")
    two = add(store, "b", "apple pie", of="vs_2")
    search = FileSearch(store, OURS, offload)
    found = search.run([one, two], ["apple", "red apple", "pear"], SearchOptions())
    assert sorted((hit.filename, hit.text) for hit in found) == [
        ("a.txt", "green pear"), ("a.txt", "red apple"), ("b.txt", "apple pie"),
    ]  # fmt: skip
    assert all(0 < hit.score <= 1 for hit in found)
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    assert len(search.run([one, two], ["apple", "pear"], SearchOptions(limit=1))) == 1
    assert search.run([one], ["zebra"], SearchOptions()) == search.run([one], ["?"], SearchOptions()) == []


def test_filters_hold_for_both_ways(store: MemoryFileStore, offload: Offload) -> None:
    of = add(store, "a", "A car.", attributes='{"year":1}')
    add(store, "b", "A car.", attributes='{"year":2}')
    options = SearchOptions(filter=read_filter({"type": "eq", "key": "year", "value": 2}, "filters"))
    for embedder in (None, Meanings()):
        (found,) = FileSearch(store, OURS, offload, embedder).run([of], ["car"], options)
        assert (found.filename, found.attributes) == ("b.txt", {"year": 2})


def test_a_deleted_file_is_not_found(store: MemoryFileStore, offload: Offload) -> None:
    of = add(store, "a", "A car.")
    store.delete_file("file-a", OURS)
    assert FileSearch(store, OURS, offload).run([of], ["car"], SearchOptions()) == []


def test_a_search_counts_as_a_use(store: MemoryFileStore, offload: Offload) -> None:
    of = replace(add(store, "a", "A car."), used_at=5.0)
    store.vectors.update_store(of)
    FileSearch(store, OURS, offload).run([of], ["car"], SearchOptions())
    assert store.vectors.vector_store("vs_1", OURS).used_at > 5.0


class Provider:
    """An upstream that embeds as a test says."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    def ask_embeddings(self, body: bytes, *, bearer: str | None, watch: object) -> bytes:
        self.asked.append(json.loads(body))
        if isinstance(self.answer, Exception):
            raise self.answer
        made = self.answer(self.asked[-1]["input"]) if callable(self.answer) else self.answer
        return json.dumps(made).encode()

    def log_failure(self, error: object, **where: object) -> None:
        pass


def embedder(answer: Any) -> tuple[Embedder, Provider]:
    provider = Provider(answer)
    return Embedder(FileSearchSettings(upstream="u", model="e", dimensions=2), provider), provider  # type: ignore[arg-type]


def test_embeddings_are_cut_and_of_length_one_and_in_the_order_of_the_texts() -> None:
    def answer(texts: list[str]) -> Any:
        return {"data": [{"index": at, "embedding": [3, 4, 99]} for at in range(len(texts))][::-1]}

    made, provider = embedder(answer)
    vectors = made.embed(["text"] * 70)
    assert vectors is not None
    assert [len(request["input"]) for request in provider.asked] == [64, 6]
    assert provider.asked[0] | {"input": 0} == {"model": "e", "input": 0, "encoding_format": "float"}
    assert [round(value, 6) for value in array("f", vectors[0])] == [0.6, 0.8]
    assert len(vectors) == 70


@pytest.mark.parametrize(
    "answer",
    [{}, {"data": []}, {"data": [{"index": 1, "embedding": [1]}]}, {"data": [{"index": 0, "embedding": [0, 0]}]},
     {"data": [{"index": 0, "embedding": ["x"]}]}, [], UpstreamError("down")],
)  # fmt: skip
def test_an_answer_that_is_no_embedding_costs_only_itself(answer: Any) -> None:
    assert embedder(answer)[0].embed(["text"]) is None


def test_a_search_does_not_wait_for_a_slow_model(log_lines: list[dict[str, Any]]) -> None:
    def answer(texts: list[str]) -> Any:
        gevent.sleep(pause)
        return {"data": [{"index": 0, "embedding": [3, 4]}]}

    made, _ = embedder(answer)
    pause = 0.0
    assert made.embed_queries(["text"]) is not None
    pause = 60.0
    began = time.monotonic()
    assert made.embed_queries(["text"]) is None
    assert 0.2 < time.monotonic() - began < 5
    assert [(line["event"], line["seconds"]) for line in log_lines] == [("embeddings late", 0.25)]


def test_orders() -> None:
    assert fuse_ranks([(1.0, [("a", 0), ("b", 0)]), (1.0, [("b", 0), ("c", 0)])]) == [("b", 0), ("a", 0), ("c", 0)]
    assert fuse_ranks([(9.0, [("a", 0)]), (1.0, [("b", 0), ("a", 0)])])[0] == ("a", 0)
    query = vector("car")
    near = order_by_nearness(query, [("a", 0, vector("banana")), ("b", 1, query), ("c", 0, b"\0")], 5)
    assert [place for _, place in near] == [("b", 1), ("a", 0)]
    assert near[0][0] == pytest.approx(1.0)
