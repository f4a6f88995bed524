"""Search finds what it should: questions about the standard library, by words alone and with embeddings as well."""

import builtins
import importlib
import inspect
import math
import os
import random
import re
import time
import zlib
from array import array
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from adapter.files.files import Files
from adapter.hosting.file_search.indexer import Indexer
from adapter.hosting.file_search.search import FileSearch, SearchOptions
from adapter.hosting.file_search.terms import STOP_WORDS, split_terms
from adapter.settings.settings import Settings
from adapter.settings.store_url import parse_store_url
from adapter.sharing.offload import Offload
from adapter.store.files import open_file_store
from adapter.store.files.protocols import FileStore
from adapter.store.memory import MemoryStore
from adapter.store.quota import Quota
from adapter.store.vectors.values import StoredVectorFile, StoredVectorStore
from tests.adapter.store.files.conformance import OURS, keep

MODULES = ("argparse", "asyncio", "collections", "csv", "datetime", "decimal", "difflib", "email.message", "fractions",
           "ftplib", "heapq", "http.client", "inspect", "io", "itertools", "json", "locale", "logging", "os", "pathlib",
           "random", "re", "shutil", "smtplib", "socket", "statistics", "string", "subprocess", "tarfile", "tempfile",
           "textwrap", "threading", "unittest", "urllib.request", "zipfile")  # fmt: skip


def documents() -> dict[str, str]:
    """Return the documentation strings of functions and classes that have more than a line, by name."""
    found = {}
    for name in MODULES:
        module = importlib.import_module(name)
        for member, value in sorted(vars(module).items()):
            text = inspect.getdoc(value) if inspect.isroutine(value) or inspect.isclass(value) else None
            inherited = text in (inspect.getdoc(getattr(builtins, "Exception")), inspect.getdoc(object))  # noqa: B009
            if text and not member.startswith("_") and len(text) > 200 and not inherited and text not in found.values():
                found[f"{name}.{member}"] = text
    return found


def questions(texts: dict[str, str], seed: int = 7) -> Iterator[tuple[str, str]]:
    """Yield for each document some words of one of its sentences, and the document's name."""
    generator = random.Random(seed)
    for name, text in texts.items():
        sentences = [part for part in re.split(r"(?<=[.!?])\s+|\n\n", text) if len(words(part)) >= 6]
        if sentences:
            chosen = words(generator.choice(sentences))
            yield " ".join(chosen[: generator.randint(4, 8)]), name


def words(sentence: str) -> list[str]:
    found = re.findall(r"[A-Za-z_]{3,}", sentence)
    return [word for word in found if not STOP_WORDS.issuperset(split_terms(word))]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FileStore]:
    url = os.environ.get("ADAPTER_TEST_RECALL_STORE", f"sqlite:///{tmp_path}/a.db")
    opened = open_file_store(parse_store_url(url))
    assert opened is not None
    with closing(opened):
        yield opened


def make_store(store: FileStore) -> StoredVectorStore:
    store.vectors.create_store(StoredVectorStore("vs_1", OURS, 0, time.time()))
    return store.vectors.vector_store("vs_1", OURS)


class Trigrams:
    """Stands in for an embedding model: texts that share groups of three letters are near each other."""

    def embed(self, texts: Sequence[str], bearer: str | None = None) -> list[bytes]:
        return [self._vector(text) for text in texts]

    embed_queries = embed

    def _vector(self, text: str) -> bytes:
        counts = [0.0] * 128
        letters = re.sub(r"\W+", " ", text.lower())
        for start in range(len(letters) - 2):
            counts[zlib.crc32(letters[start : start + 3].encode()) % len(counts)] += 1
        length = math.sqrt(sum(count * count for count in counts)) or 1.0
        return array("f", [count / length for count in counts]).tobytes()


def misspelled(question: str) -> str:
    """Return a question of which each longer word lacks a letter."""
    return " ".join(word[:2] + word[3:] if len(word) > 4 else word for word in question.split())


@pytest.mark.parametrize("way", ["keywords", pytest.param("hybrid", marks=pytest.mark.slow)])
def test_recall(store: FileStore, way: str) -> None:
    embedder: Any = Trigrams() if way == "hybrid" else None
    texts = documents()
    assert len(texts) >= 200
    texts = dict(list(texts.items())[:200])
    offload = Offload(100)
    with closing(offload):
        of = make_store(store)
        names = {}
        for number, (name, text) in enumerate(texts.items()):
            id = f"file-{number:04}"
            keep(store, id, text.encode(), filename=f"{name}.txt", created_at=int(time.time()))
            names[id] = name
        store.vectors.add_files([StoredVectorFile(of.number, id, OURS, 0) for id in names])
        quota = Quota(MemoryStore(), max_bytes=1 << 40, max_items=1 << 40)
        indexer = Indexer(store, Files(Settings(), offload, store), quota, lambda: embedder)
        indexer.wake()
        indexer.join()
        quota.stop()
        assert store.vectors.counts(of.number).completed == len(texts)
        search = FileSearch(store, OURS, offload, embedder)
        asked = list(questions(texts))
        exact = sum(name in best(search, of, question, names) for question, name in asked) / len(asked)
        odd = asked[::4]
        near = sum(name in best(search, of, misspelled(question), names) for question, name in odd) / len(odd)
    print(f"recall@5, {way}: {exact:.3f} of {len(asked)} questions, {near:.3f} of {len(odd)} with misspelled words")
    assert exact >= 0.85
    if way == "hybrid":
        assert near >= 0.75  # by words alone, two thirds of these documents are found


def best(search: FileSearch, of: StoredVectorStore, question: str, names: dict[str, str]) -> list[str]:
    """Return the names of the documents that the five best results come from."""
    return [names[result.file_id] for result in search.run([of], [question], SearchOptions(limit=5))]
