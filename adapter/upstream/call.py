"""A request to a provider under way: sent, awaited, read, closed. `Upstream` in `client.py` starts it."""

import time
from collections.abc import Callable
from http.client import HTTPException
from typing import TYPE_CHECKING, Final, TypeAlias

import gevent
from msgspec import Struct
from msgspec.structs import replace

from adapter.event_loop.arrivals import Take
from adapter.event_loop.heartbeat import TICK_SECONDS
from adapter.upstream.http.causes import find_cause_after_sending
from adapter.upstream.http.head import Head
from adapter.upstream.http.reader import BodyCut, BodyReader, choose_framing
from adapter.upstream.http.transport import SentRequest
from translators.errors import UNSENT, UpstreamError
from translators.failures.classes import classify_http_error

if TYPE_CHECKING:
    from adapter.telemetry.inspector.recording import Recording
    from adapter.upstream.client import Upstream

_MAX_ERROR_BODY_BYTES: Final = 64 * 1024
"""Read of an error's body: more than any error has, other than a web page."""
_ERROR_BODY_SECONDS: Final = 2.0
"""For the body of an error, which mostly comes with its head; the client's disconnect is not checked meanwhile."""
_REQUEST_TIMEOUT: Final = 408
"""With this, and the end of the connection, a provider says that it has waited too long for a request. It can have sent
it while a request was on its way, which it has not got then. Source: RFC 9110 §15.5.9."""
_CROSSING_SECONDS: Final = 2 * TICK_SECONDS
"""Within which an answer comes that was sent before the request arrived; silence is counted in ticks."""

Sending: TypeAlias = "gevent.Greenlet[..., SentRequest | UpstreamError]"
"""A greenlet that sends a request, and returns an error instead of raising it: gevent prints what a greenlet raises."""


class Call(Struct, eq=False):
    """A request under way: `wait` for the head of its answer, then `read` its body; `close` it at any time."""

    _upstream: "Upstream"
    _sent: SentRequest | None
    _sending: "Sending | None"
    """The greenlet that sends what of the request is not sent yet; None: all of it is."""
    _bearer: str | None
    _max_silence: float
    _send_anew: "Callable[[], Sending] | None" = None
    """Sends the request on a new connection; None: it must not be sent again."""
    _silence: float = 0.0
    """Seconds without a byte from the provider, counted in ticks."""
    _body: BodyReader | None = None
    head: Head | None = None
    """Of the answer, once it has come."""
    has_ended: bool = False
    """Whether the body is known to have ended with what `read` has returned; else, the next read tells."""
    recording: "Recording | None" = None
    """Of the exchange whose last attempt this is; None: it is not recorded."""

    def wait(self, seconds: float) -> bool:
        """Wait for the head of the answer, at most until the next tick; return False if it has not come in time.

        Raises UpstreamError if sending failed or the status is not 2xx.
        """
        if self._body is not None:
            return True
        sent = self._sent if self._sending is None else self._join(self._sending, seconds)
        if sent is None:
            return False
        head: Head | None = None
        try:
            if seconds >= TICK_SECONDS:
                head = sent.await_head()
            else:
                with gevent.Timeout(seconds, False):
                    head = sent.await_head()
        except (OSError, HTTPException) as error:
            raise self._broken_off(error) from None
        if head is None:
            self._count_silence(min(seconds, TICK_SECONDS))
            return False
        send_anew, self._send_anew = self._send_anew, None
        has_waited = head.status == _REQUEST_TIMEOUT and not head.keeps_connection
        if has_waited and send_anew is not None and sent.reuses_connection:
            sent.close()
            self._sent, self._sending = None, send_anew()
            return False
        self._silence = 0.0
        self.head = head
        self._body = BodyReader(sent, choose_framing(head), head.keeps_connection, head.rest)
        if (recording := self.recording) is not None:
            recording.steps.append(("answered", time.monotonic(), head.status))
            if recording.contents is not None and head.status < 300:
                self._body.record = recording.add_chunk
        if not 200 <= head.status < 300:
            raise self._rejection(head)
        return True

    def _rejection(self, head: Head) -> UpstreamError:
        """Return the error that an answer is; raised by its caller, so that it is no variable of its own traceback."""
        body, redactor = self._read_error_body(), self._upstream.redactor(self._bearer)
        own_key = not self._upstream.uses_callers_key
        error = classify_http_error(head.status, head.fields, body, own_key=own_key).redacted(redactor)
        if error.provider_error is not None:
            error.provider_error = replace(error.provider_error, body=redactor.redact_object(body))
        return error

    def _join(self, sending: "Sending", seconds: float) -> SentRequest | None:
        """Wait until the request has been sent; return None if it takes longer. A bug in sending is raised here."""
        sending.join(seconds)
        if not sending.ready():
            return None
        sent: SentRequest | UpstreamError = sending.get()
        if isinstance(sent, UpstreamError):
            raise sent.copy()
        self._sent, self._sending = sent, None
        return sent

    def _broken_off(self, error: Exception) -> UpstreamError:
        """Return the error for a request whose connection broke before the head of an answer came."""
        cause, reason = find_cause_after_sending(error)
        if cause in UNSENT:
            return self._upstream.unreachable(cause, reason)
        message = "The provider's connection broke before an answer came."
        return UpstreamError(message, status=503, retry_after=1.0, cause=cause, reason=reason)

    def _count_silence(self, seconds: float) -> None:
        """Raise UpstreamError if the provider has sent nothing for too long."""
        self._silence += seconds
        if self._silence >= _CROSSING_SECONDS:
            self._send_anew = None
        if self._silence > self._max_silence:
            raise _silent_for(self._max_silence)

    def read(self, take: Take | None = None) -> bytes | None:
        """Return bytes of the body, b"" at its end, None about once a second in silence.

        `take` gets all bytes first, in the event loop; returned are those for which it returns False, and None about
        once a second. Raises UpstreamError when the connection breaks or stays silent too long.
        """
        body = self._body
        if body is None:
            raise AssertionError("read before wait")
        try:
            data = body.read(take)
        except BodyCut:
            message = "The provider's connection broke before the answer was complete."
            raise UpstreamError(message, cause="broken") from None
        if body.has_taken:
            self._silence, body.has_taken = 0.0, False
            self.has_ended = body.framing.over
        elif data is None:
            self._count_silence(TICK_SECONDS)
        return data

    def _read_error_body(self) -> bytes:
        """Return as much of an error's body as comes soon; if none does, the status must do."""
        body = b""
        end = time.monotonic() + _ERROR_BODY_SECONDS
        try:
            while len(body) < _MAX_ERROR_BODY_BYTES and time.monotonic() < end and (data := self.read()) != b"":
                body += data or b""
        except UpstreamError:
            pass
        if self.recording is not None:
            self.recording.add_error_body(body)
        return body

    def close(self, *, answered: bool = False) -> None:
        """Release the connection; cut it if the answer has not ended, so that the provider stops generating.

        `answered`: the content is complete. The end of the HTTP body, which may be still to come, is read in the
        background, so that the connection can be reused. Closed again, nothing happens.
        """
        body, sent, self._body, self._sent = self._body, self._sent, None, None
        if body is not None:
            body.close(answered=answered)
            return
        if self._sending is not None:
            sent = self._sending.value if isinstance(self._sending.value, SentRequest) else sent
            self._sending.kill(block=False)
        if sent is not None:
            sent.close()


def _silent_for(seconds: float) -> UpstreamError:
    return UpstreamError(f"The provider sent nothing for {seconds:.0f} seconds.", cause="silence")
