"""Every recorded error through the map: what becomes of it is what `errors.py` says by reading it."""

import pytest

from tests.recordings.comparison import failure
from tests.recordings.errors import CLASSES, Expected, expected
from tests.recordings.recording import Recording, needed, recordings
from translators.errors import UpstreamError

pytestmark = needed

REFUSED = recordings("error")
WITHIN = [
    recording for recording in recordings("stream", "json") if recording.features & {"in-stream-error", "error-in-200"}
]


def names(recording: Recording) -> str:
    return recording.file


@pytest.mark.parametrize("recording", [*REFUSED, *WITHIN], ids=names)
def test_the_envelope(recording: Recording) -> None:
    error = failure(recording)
    assert isinstance(error, UpstreamError)
    assert Expected(error.status, error.type, error.code, error.param) == expected(recording)
    assert error.message


@pytest.mark.parametrize("recording", [one for one in REFUSED if one.status in (429, 503)], ids=names)
def test_when_to_try_again_is_always_told(recording: Recording) -> None:
    error = failure(recording)
    assert isinstance(error, UpstreamError)
    assert error.retry_after is not None
    assert error.retry_after > 0


def test_every_row_is_needed() -> None:
    found = {id(CLASSES[at]) for recording in [*REFUSED, *WITHIN] for at in [row_of(recording)]}
    assert [row for row in CLASSES if id(row) not in found] == []


def row_of(recording: Recording) -> int:
    body = recording.body().decode("utf-8", "replace")
    return next(
        at
        for at, (provider, status, part, _) in enumerate(CLASSES)
        if provider in ("*", recording.provider) and status == recording.status and part in body
    )
