"""How many recorded answers the core translates exactly, per provider: `python -m tests.recordings.report`.

Exact means the recorded text, reasoning, refusal, calls, finish and usage, and for a stream a grammatical
one besides. A recording that the core gets wrong is listed with what it should say and what was made of it.
`--fidelity` takes another class of recordings than `raw`; `all` takes every one.
"""

import argparse
import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.recordings.reader import Answer, read_completion, read_stream
from tests.recordings.replay import answer_of, replay
from tests.support.grammar import check_stream

RECORDINGS = Path(__file__).parents[3] / "shared/wire/providers"
PIECE = 1460
"""Bytes that arrive at a time: a packet's worth."""


class Recording(NamedTuple):
    """A recorded answer; `fidelity` says how true to the wire it is."""

    path: Path
    provider: str
    kind: str
    fidelity: str

    def told(self) -> Answer:
        read = read_stream if self.kind == "stream" else read_completion
        return read(self.path.read_bytes())

    def made(self) -> Answer:
        return answer_of(check_stream(replay(self.path.read_bytes(), PIECE)))


def recordings(fidelity: str) -> Iterator[Recording]:
    with (RECORDINGS / "INDEX.tsv").open() as index:
        for row in csv.DictReader(index, delimiter="\t"):
            if row["kind"] in ("stream", "json") and fidelity in ("all", row["fidelity"]):
                path = RECORDINGS / row["file"]
                yield Recording(path, row["provider"], row["kind"], row["fidelity"])


def misses(recording: Recording) -> list[str]:
    """Return what the core got wrong, a line for each difference."""
    told = recording.told()
    try:
        made = recording.made()
    except Exception as error:  # whatever goes wrong is a miss
        return [f"{type(error).__name__}: {str(error)[:300]}"]
    if told.usage is None:
        made.usage = None  # the core estimates then
    return [
        f"{name}: {_short(should)} became {_short(is_)}"
        for name, should in vars(told).items()
        if (is_ := vars(made)[name]) != should
    ]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 120 else f"{text[:60]}…{text[-55:]}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Replay recorded answers through the core.")
    parser.add_argument("--fidelity", default="raw", help="class of recordings (default: raw), or all")
    wanted = parser.parse_args().fidelity
    seen: Counter[str] = Counter()
    right: Counter[str] = Counter()
    wrong: list[tuple[Recording, list[str]]] = []
    for recording in recordings(wanted):
        seen[recording.provider] += 1
        if found := misses(recording):
            wrong.append((recording, found))
        else:
            right[recording.provider] += 1
    for provider in sorted(seen):
        print(_row(provider, right[provider], seen[provider]))
    print(_row("all", right.total(), seen.total()))
    for recording, found in wrong:
        print(f"\n{recording.path.relative_to(RECORDINGS)}")
        print(*(f"    {line}" for line in found), sep="\n")


def _row(provider: str, right: int, seen: int) -> str:
    return f"{provider:28} {right:4} of {seen:4}  {100 * right / seen:6.2f} %"


if __name__ == "__main__":
    main()
