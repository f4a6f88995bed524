"""A call to a provider that the inspector records: when its answer comes, its bytes, and how it fails."""

from collections.abc import Sequence

from adapter.event_loop.arrivals import Take
from adapter.telemetry.inspector.recording import Attempt, Recording
from adapter.upstream.call import Call
from adapter.upstream.routing.health import Candidate
from translators.errors import UpstreamError


def record_call(
    call: Call, recording: Recording, candidate: Candidate, lessons: Sequence[str], delay: float, json: bytes
) -> "RecordedCall":
    """Record that a request has been sent to a candidate, or will be after `delay` seconds; return its call."""
    reason = recording.reason or ("next round" if recording.head.attempts else "first")
    attempt = Attempt(
        reason, candidate.upstream, candidate.model, candidate.key, tuple(lessons), recording.now, delay * 1000
    )
    recording.begin_attempt(attempt, json)
    return RecordedCall(call, recording, attempt)


class RecordedCall(Call):
    """The same call, seen by the inspector. How an answer breaks, its reader records (`Recording.fail_last`)."""

    def __init__(self, call: Call, recording: Recording, attempt: Attempt) -> None:
        self._call = call
        self._recording = recording
        self._attempt = attempt
        self._record = recording.chunk_taker(attempt)

    def wait(self, seconds: float) -> bool:
        try:
            has_come = self._call.wait(seconds)
        except UpstreamError as error:
            self._recording.fail_attempt(self._attempt, error, self._call.error_body)
            raise
        if has_come and self._attempt.head is None:
            self.head, self.status = self._call.head, self._call.status
            self._attempt.head, self._attempt.status = self._recording.now, self.status
        return has_come

    def read(self, take: Take | None = None) -> bytes | None:
        record = self._record
        if record is None:
            return self._call.read(take)
        if take is None:
            data = self._call.read()
            if data:
                record(data)
            return data

        def take_recorded(data: bytes) -> bool:
            record(data)
            return take(data)

        return self._call.read(take_recorded)

    def close(self, *, answered: bool = False) -> None:
        if self._attempt.ended is None:
            self._attempt.ended = self._recording.now
        self._call.close(answered=answered)
