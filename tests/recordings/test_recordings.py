"""The recordings through the core: nearly all of them exactly right, whatever pieces they arrive in."""

from collections.abc import Iterator

import pytest

from tests.recordings.replay import replay
from tests.recordings.report import RECORDINGS, Recording, misses, recordings

pytestmark = pytest.mark.skipif(not RECORDINGS.exists(), reason=f"no recordings at {RECORDINGS}")

WANTED = 0.95
"""Share of the raw recordings that has to be exactly right."""


def test_the_raw_recordings_are_translated_exactly() -> None:
    every = list(recordings("raw"))
    wrong = {recording.path.name: found for recording in every if (found := misses(recording))}
    assert len(every) > 700
    assert len(wrong) <= (1 - WANTED) * len(every), wrong


def streams() -> Iterator[Recording]:
    """Yield the first raw stream of each provider."""
    seen: set[str] = set()
    if RECORDINGS.exists():
        for recording in recordings("raw"):
            if recording.kind == "stream" and recording.provider not in seen:
                seen.add(recording.provider)
                yield recording


@pytest.mark.parametrize("recording", list(streams()), ids=lambda recording: recording.provider)
def test_the_pieces_do_not_matter(recording: Recording) -> None:
    body = recording.path.read_bytes()
    whole = replay(body, len(body))
    assert replay(body, 1) == whole
    assert replay(body, 61) == whole
