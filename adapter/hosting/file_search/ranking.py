"""How well chunks answer a query: BM25 by its terms, and the fusion of two orders.

A score by terms is a chunk's BM25 divided by the most that any chunk could have for this query, so it is between 0 and
1 and means the same for every query and store. Source: Wikipedia, Okapi BM25; Wikipedia, Reciprocal rank fusion.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from adapter.hosting.file_search.terms import STOP_WORDS, split_terms
from adapter.store.vectors.values import FoundChunk, Totals

_SATURATION: Final = 1.2
_LENGTH: Final = 0.75
"""The usual parameters: how soon more of the same term says no more, and how much a chunk's length counts."""
_RANK_OFFSET: Final = 60
"""Of reciprocal rank fusion: how little the first ranks count more than the next."""
_MAX_TERMS: Final = 32
_COMMON: Final = 0.25
"""A term that this part of the chunks has says little about any of them."""

Place = tuple[str, int]
"""File and number of a chunk."""


def query_terms(query: str) -> list[str]:
    """Return the different terms of a query, without stop words if anything else is in it."""
    terms = list(dict.fromkeys(split_terms(query)))
    return [term for term in terms if term not in STOP_WORDS] or terms


def weigh_terms(counts: Mapping[str, int], totals: Totals) -> dict[str, float]:
    """Return the weight of each term by its rarity, for the rarest 32."""
    chunks = max(totals.chunks, 1)
    weights = {term: math.log(1 + (chunks - count + 0.5) / (count + 0.5)) for term, count in counts.items()}
    return dict(sorted(weights.items(), key=lambda one: -one[1])[:_MAX_TERMS])


def find_by(weights: Mapping[str, float], counts: Mapping[str, int], totals: Totals) -> dict[str, float]:
    """Return the terms that are worth looking for: not the common ones, as long as there are others.

    Common terms are in the ranking all the same; to find chunks by them alone costs most and says least.
    """
    return {term: weight for term, weight in weights.items() if counts[term] <= totals.chunks * _COMMON} or {**weights}


def score_chunks(
    chunks: Iterable[FoundChunk], weights: Mapping[str, float], totals: Totals, missing: int = 0
) -> list[tuple[float, FoundChunk]]:
    """Return the chunks with their scores between 0 and 1, best first.

    `missing`: how many terms of the query no chunk has; each counts as the rarest of those that there are.
    """
    average = totals.words / totals.chunks if totals.chunks else 1.0
    most = (sum(weights.values()) + missing * max(weights.values(), default=0.0)) * (_SATURATION + 1)
    scored = []
    for chunk in chunks:
        length = _SATURATION * (1 - _LENGTH + _LENGTH * chunk.length / (average or 1.0))
        score = sum(
            weights[term] * count * (_SATURATION + 1) / (count + length) for term, count in chunk.counts.items()
        )
        scored.append((score / most if most else 0.0, chunk))
    return sorted(scored, key=lambda one: (-one[0], one[1].file, one[1].number))


def fuse_ranks(orders: Sequence[tuple[float, Sequence[Place]]]) -> list[Place]:
    """Return the places in several orders, best first, by reciprocal rank fusion; each order has a weight."""
    fused: Counter[Place] = Counter()
    for weight, order in orders:
        for rank, place in enumerate(order, 1):
            fused[place] += weight / (_RANK_OFFSET + rank)  # type: ignore[assignment]
    return sorted(fused, key=lambda place: (-fused[place], place))
