"""Embeddings by an upstream's `/v1/embeddings`: vectors whose nearness is that of meanings.

Vectors are cut to the configured number of dimensions, made one long, and stored as 32-bit floats. A failure is logged
and costs only this part of a search: what has no embedding is found by its terms alone.
Source: OpenAI API reference, Embeddings: create.
"""

import heapq
import math
from array import array
from collections.abc import Iterable, Sequence
from typing import Any, Final

import gevent
from msgspec import Struct, convert

from adapter.event_loop.client_watch import ClientWatch
from adapter.settings.tools.backends import FileSearchSettings
from adapter.telemetry.logs import log
from adapter.upstream.client import Upstream
from translators.errors import UpstreamError
from translators.wire import NotJSON, decode, encode

_BATCH: Final = 64
"""Texts in one request, which many servers have a limit for."""


class _Embedding(Struct, frozen=True):
    index: int
    embedding: list[float]


class _Answer(Struct, frozen=True):
    data: list[_Embedding]


class Embedder:
    """Makes embeddings with one model of an upstream."""

    def __init__(self, settings: FileSearchSettings, upstream: Upstream) -> None:
        self._settings = settings
        self._upstream = upstream

    def embed(self, texts: Sequence[str], bearer: str | None = None) -> list[bytes] | None:
        """Return the embedding of each text, None if they could not be made.

        `bearer`: the caller's key, for an upstream that is given it.
        """
        vectors: list[bytes] = []
        for start in range(0, len(texts), _BATCH):
            part = texts[start : start + _BATCH]
            try:
                vectors += self.ask(part, bearer)
            except UpstreamError as error:
                self._upstream.log_failure(error, model=self._settings.model)
                return None
            except (*NotJSON, ValueError) as error:
                log.warning("embeddings unusable", model=self._settings.model, reason=str(error))
                return None
        return vectors

    def embed_queries(self, texts: Sequence[str], bearer: str | None = None) -> list[bytes] | None:
        """Return the embeddings of what is searched for, as `embed` does; None, too, if they take too long."""
        vectors, is_late = None, True
        with gevent.Timeout(self._settings.query_timeout, False):
            vectors, is_late = self.embed(texts, bearer), False
        if is_late:
            log.warning("embeddings late", model=self._settings.model, seconds=self._settings.query_timeout)
        return vectors

    def ask(self, texts: Sequence[str], bearer: str | None = None) -> list[bytes]:
        """Return the embedding of each of a few texts; raise UpstreamError, NotJSON, ValueError."""
        members: dict[str, Any] = {"model": self._settings.model, "input": list(texts), "encoding_format": "float"}
        body = self._upstream.ask_embeddings(encode(members), bearer=bearer, watch=ClientWatch())
        data = sorted(convert(decode(body), _Answer).data, key=lambda one: one.index)
        if [one.index for one in data] != list(range(len(texts))):
            raise ValueError(f"{len(data)} embeddings for {len(texts)} texts")
        return [_pack(one.embedding[: self._settings.dimensions]) for one in data]


def _pack(vector: Sequence[float]) -> bytes:
    """Return a vector of length one as bytes; raise ValueError for one without a length."""
    length = math.sqrt(sum(value * value for value in vector))
    if not length or not math.isfinite(length):
        raise ValueError("an embedding without a length")
    return array("f", [value / length for value in vector]).tobytes()


def order_by_nearness(
    query: bytes, vectors: Iterable[tuple[str, int, bytes]], limit: int
) -> list[tuple[float, tuple[str, int]]]:
    """Return the places of the nearest vectors with their cosine, best first; vectors of another size are left out."""
    wanted = array("f", query)
    nearest = []
    for file, number, vector in vectors:
        if len(vector) == len(query):
            cosine = sum(map(float.__mul__, wanted, array("f", vector)))
            nearest.append((cosine, (file, number)))
    return heapq.nsmallest(limit, nearest, key=by_nearness)


def by_nearness(found: tuple[float, tuple[str, int]]) -> tuple[float, tuple[str, int]]:
    """Return what places with their cosine are sorted by."""
    return -found[0], found[1]
