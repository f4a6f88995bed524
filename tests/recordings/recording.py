"""The recordings: what their `INDEX.tsv` lists, and how each of them came.

A recording of class `raw` is what the provider sent, byte for byte; the others were written down by somebody in
between, so what they say is true and how they say it may not be. Of some the packets are known in which they came.
"""

import csv
import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import pytest

from tests.support.beside import RECORDED_PROVIDERS

needed = pytest.mark.skipif(not RECORDED_PROVIDERS.exists(), reason=f"no recordings at {RECORDED_PROVIDERS}")

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_SUFFIX = re.compile(r"(\.error)?\.(sse|json|txt)$")


class Recording(NamedTuple):
    """A recorded answer. `kind` is stream, json or error; `file` its name below the recordings."""

    file: str
    provider: str
    kind: str
    status: int
    fidelity: str
    features: frozenset[str]

    @property
    def is_raw(self) -> bool:
        return self.fidelity == "raw"

    def body(self) -> bytes:
        return (RECORDED_PROVIDERS / self.file).read_bytes()

    def headers(self) -> dict[str, str]:
        """Return what is known of the answer's headers: content type, rate limits and when to try again."""
        headers: dict[str, str] = self._meta().get("headers") or {}
        return headers

    def request(self) -> Any:
        """Return the request that was answered; None where it was not recorded."""
        path = RECORDED_PROVIDERS / (_SUFFIX.sub("", self.file) + ".request.json")
        return json.loads(path.read_bytes()) if path.exists() else None

    def packets(self) -> list[bytes]:
        """Return the body as it came: in the packets that were recorded, else an event of the stream at a time."""
        body = self.body()
        sizes = self._meta().get("packets")
        if sizes is None:
            ends = [found.end() for found in _BLANK_LINE.finditer(body)]
        else:
            ends = list(accumulate(sizes))
            assert ends[-1] == len(body), self.file
        return [body[start:end] for start, end in pairwise([0, *ends, len(body)]) if end > start]

    def _meta(self) -> dict[str, Any]:
        path = RECORDED_PROVIDERS / (_SUFFIX.sub("", self.file) + ".meta.json")
        meta: dict[str, Any] = json.loads(path.read_bytes()) if path.exists() else {}
        return meta


@cache
def recordings(*kinds: str) -> list[Recording]:
    """Return the recordings of some kinds; none where there are none."""
    return [recording for recording in _every() if recording.kind in kinds]


def _every() -> Iterator[Recording]:
    if RECORDED_PROVIDERS.exists():
        with (RECORDED_PROVIDERS / "INDEX.tsv").open() as index:
            for row in csv.DictReader(index, delimiter="\t"):
                yield Recording(
                    row["file"], row["provider"], row["kind"], int(row["status"] or 0), row["fidelity"],
                    frozenset(row["features"].split()),
                )  # fmt: skip
