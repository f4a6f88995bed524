"""HTTP calls of one upstream. What a caller sends along (its key) comes from `flow/caller.py`.

`Upstream.send_chat` starts one `POST /chat/completions` and returns a `Call`. On an idle connection the request is
written at once, and the caller waits for the answer on that connection. What takes time, a new connection or a body
that the provider does not read yet, is left to a greenlet. Either way the caller can wait for a grace window, keep its
client's connection alive meanwhile, or give up. Nothing is retried here, since the provider may have the request. Every
failure is an UpstreamError; why a provider could not be reached is in the log.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPException
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import gevent
import requests
import structlog
from msgspec.structs import replace as replace_members
from urllib3 import Timeout

from adapter.event_loop.arrivals import Take
from adapter.event_loop.client_watch import ClientWatch
from adapter.event_loop.heartbeat import TICK_SECONDS, Heartbeat
from adapter.settings.upstreams import UpstreamSettings
from adapter.sharing.offload import LARGE_BYTES
from adapter.telemetry.catalog import UPSTREAM_CALLS
from adapter.telemetry.traces.spans import current_trace, trace_headers
from adapter.upstream.http.causes import find_cause, find_cause_after_sending, without_frames
from adapter.upstream.http.head import Head
from adapter.upstream.http.reader import BodyCut, BodyReader, open_body
from adapter.upstream.http.transport import SentRequest, Transport, copy_request, prepare_request
from adapter.upstream.http.ways import connection_options
from adapter.upstream.redaction import Redactor
from adapter.upstream.secret_files import SecretFiles
from translators.errors import UNSENT, Cause, UpstreamError, answer_too_large
from translators.failures.classes import classify_http_error

log = structlog.get_logger()

_MAX_REASON_CHARS: Final = 300
"""Of the reason for a failed call in the log: the system's, OpenSSL's or the provider's words."""
USER_AGENT: Final = "responses-adapter"
"""By which an adapter recognizes the requests of one, itself included (`api/about/models.py`, `api/forwarded.py`)."""
_PUBLIC_PARAMETERS: Final = frozenset({"api-version"})
"""Of a query: no secrets, and their values may be in a provider's errors."""
_LASTING: Final[frozenset[Cause]] = frozenset({"certificate", "not http"})
"""Why a provider cannot be reached until the operator changes something: another try is of no use."""
_MAX_ERROR_BODY_BYTES: Final = 64 * 1024
"""Read of an error's body: more than any error has, other than a web page."""
_ERROR_BODY_SECONDS: Final = 2.0
"""For the body of an error, which mostly comes with its head; the client's disconnect is not checked meanwhile."""
_LOOKUP_SECONDS: Final = 30.0
"""For a list of models or a token count, which no model has to think about."""
_MAX_LOOKUP_BYTES: Final = 8 * 1024 * 1024
"""Of such an answer: room for the longest lists of models, and no more memory than one long chat answer."""
_MAX_IDLE_CONNECTIONS: Final = 4096
"""Kept for reuse: more than a worker has streams (`server/server.py`), so none is closed for lack of room."""


Sending: TypeAlias = "gevent.Greenlet[..., SentRequest | UpstreamError]"
"""A greenlet that sends a request."""


class Upstream:
    """One configured way to a provider: its URL, its keys and headers, and the connections to it."""

    def __init__(self, settings: UpstreamSettings, heartbeat: Heartbeat) -> None:
        self.name = settings.name
        self._host = urlsplit(settings.url).netloc
        self.dialect = settings.dialect
        self.uses_callers_key = settings.callers_key
        self._secret_files = SecretFiles(settings, self._use)
        self._secrets: list[str] = []
        """Those that were replaced, too: they may still be in answers on their way."""
        self._max_silence = settings.timeout
        self._session = requests.Session()
        self._transport = Transport(_MAX_IDLE_CONNECTIONS, heartbeat)
        self._options = connection_options(settings) | {
            "timeout": Timeout(connect=settings.connect_timeout, read=settings.timeout)
        }
        self._use(settings)

    def _use(self, settings: UpstreamSettings) -> None:
        """Send the keys, headers and query of these settings from now on."""
        words = [word for header in settings.headers.values() for word in (header.value, *header.value.split())]
        query = [value.value for name, value in settings.query.items() if name not in _PUBLIC_PARAMETERS]
        self._keys = [key.value for key in settings.keys]
        self._secrets += [secret for secret in (*self._keys, *words, *query) if secret not in self._secrets]
        self._redactor = Redactor(self._secrets)
        self._endpoint = settings.endpoint
        self._root = replace(settings, url=settings.url.removesuffix("/v1")).endpoint
        headers = {"Accept-Encoding": "identity", "User-Agent": USER_AGENT}
        headers |= {name: of.value for name, of in settings.headers.items()}
        to_chat = settings.endpoint("/chat/completions")
        self._chat_request = prepare_request(
            self._session, "POST", to_chat, {"Content-Type": "application/json", **headers}
        )
        self._models_request = prepare_request(self._session, "GET", settings.endpoint("/models"), headers)

    def send_chat(
        self, body: bytes, *, bearer: str | None, key: int | None = None, delay: float = 0.0, model: str = ""
    ) -> "Call":
        """Send a chat request, after `delay` seconds.

        `key`: index of the upstream's own key. `bearer`: the caller's key, sent only if the upstream uses it. `model`:
        its name there, for the trace.
        """
        self._secret_files.refresh()
        request = self._with_key(self._chat_request, bearer, key)
        if (trace := current_trace()) is not None:
            request.headers.update(trace.begin_attempt(self.name, self._host, model))
        request.body = body
        request.headers["Content-Length"] = str(len(body))
        return self._start(request, bearer, self._max_silence, delay)

    def forward(
        self, path: str, body: bytes, *, bearer: str | None, key: int | None, delay: float, via: str | None
    ) -> "Call":
        """Send a client's own request to a path below `/v1`, as `send_chat` does; `via`: adapters before this one."""
        request = self._to(path, body, bearer, key)
        request.headers.update({} if via is None else {"Via": via})
        return self._start(request, bearer, self._max_silence, delay)

    def fetch_models(self, bearer: str | None, watch: ClientWatch) -> bytes:
        """Return the body of the upstream's model list; raise UpstreamError or ClientDisconnected."""
        self._secret_files.refresh()
        return self._fetch(self._with_key(self._models_request, bearer, 0), bearer, watch)

    def post(self, path: str, body: bytes, *, bearer: str | None, watch: ClientWatch) -> bytes:
        """Return the answer to a POST to a path next to `/v1`; raise UpstreamError or ClientDisconnected."""
        return self._fetch(self._to(path, body, bearer, is_beside_v1=True), bearer, watch)

    def ask_embeddings(self, body: bytes, *, bearer: str | None, watch: ClientWatch) -> bytes:
        """Return the answer of the embeddings API; raise UpstreamError or ClientDisconnected."""
        return self._fetch(self._to("/embeddings", body, bearer), bearer, watch)

    def ask_images(
        self, path: str, body: bytes, content_type: str, *, bearer: str | None, watch: ClientWatch, seconds: float
    ) -> Iterator[bytes]:
        """Yield the answer of the images API at `path` as it comes; raise UpstreamError or ClientDisconnected."""
        request = self._to(path, body, bearer)
        request.headers["Content-Type"] = content_type
        return self._read_pieces(request, bearer, watch, seconds)

    def _to(
        self, path: str, body: bytes, bearer: str | None, key: int | None = 0, *, is_beside_v1: bool = False
    ) -> requests.PreparedRequest:
        """Return a POST to another path of the upstream, below `/v1` or beside it."""
        self._secret_files.refresh()
        request = self._with_key(self._chat_request, bearer, key)
        request.headers.update(trace_headers())
        request.url = self._root(path) if is_beside_v1 else self._endpoint(path)
        request.body, request.headers["Content-Length"] = body, str(len(body))
        return request

    def _start(
        self, request: requests.PreparedRequest, bearer: str | None, max_silence: float, delay: float = 0.0
    ) -> "Call":
        if delay or len(request.body or b"") >= LARGE_BYTES:  # others run between translating and copying megabytes
            return Call(self, None, gevent.spawn_later(delay, _begin_and_send, self, request), bearer, max_silence)
        sent = self.begin(request)
        sending = gevent.spawn(_send, self, request, sent) if sent is None or sent.unwritten else None
        return Call(self, sent, sending, bearer, max_silence)

    def begin(self, request: requests.PreparedRequest) -> SentRequest | None:
        """Write a prepared request on an idle connection, as far as it fits at once; None: there is none."""
        return self._transport.begin(request)

    def _fetch(self, request: requests.PreparedRequest, bearer: str | None, watch: ClientWatch) -> bytes:
        """Return an answer of at most `_MAX_LOOKUP_BYTES`; raise UpstreamError or ClientDisconnected."""
        parts: list[bytes] = []
        size = 0
        for piece in self._read_pieces(request, bearer, watch, _LOOKUP_SECONDS):
            parts.append(piece)
            size += len(piece)
            if size > _MAX_LOOKUP_BYTES:
                raise answer_too_large(retry=True)
        return b"".join(parts)

    def _read_pieces(
        self, request: requests.PreparedRequest, bearer: str | None, watch: ClientWatch, seconds: float
    ) -> Iterator[bytes]:
        """Yield an answer as it comes; raise UpstreamError, also after `seconds`, or ClientDisconnected."""
        call = self._start(request, bearer, min(seconds, self._max_silence))
        until = time.monotonic() + seconds
        try:
            while not call.wait(TICK_SECONDS):
                _check(watch, until, seconds)
            while (piece := call.read()) != b"":
                _check(watch, until, seconds)
                if piece is not None:
                    yield piece
        finally:
            call.close()

    def redactor(self, bearer: str | None) -> Redactor:
        """Return what removes the secrets that a call was sent with from its errors; `bearer` is the caller's key."""
        return Redactor([*self._secrets, bearer]) if self.uses_callers_key and bearer else self._redactor

    def send(self, request: requests.PreparedRequest, begun: SentRequest | None) -> SentRequest:
        """Send a prepared request, or the rest of it if it was begun; raise UpstreamError."""
        try:
            return self._transport.finish(request, begun, **self._options)
        except (requests.RequestException, OSError) as error:
            raise self.unreachable(*find_cause(without_frames(error))) from None

    def unreachable(self, cause: Cause, reason: str) -> UpstreamError:
        """Return the error for a request that the provider has not got."""
        message = "The provider could not be reached" + (" in time." if cause == "connect timeout" else ".")
        return UpstreamError(
            message, status=503, retry_after=1.0, retry=cause not in _LASTING, cause=cause,
            reason=self._redactor(reason),
        )  # fmt: skip

    def _with_key(
        self, template: requests.PreparedRequest, bearer: str | None, key: int | None
    ) -> requests.PreparedRequest:
        headers, keys = dict(template.headers), self._keys
        sent = bearer if self.uses_callers_key else keys[key or 0] if keys else None
        if sent:
            headers["Authorization"] = f"Bearer {sent}"
        return copy_request(template, headers)

    def log_failure(self, error: UpstreamError, **where: Any) -> None:
        """Log why a call failed: its cause, and the words of the system or the provider; `where` says more about it."""
        provider = error.provider_error
        reason = error.reason or (f"{provider.words} {provider.details}".strip() if provider else "") or error.message
        UPSTREAM_CALLS.add((self.name, _outcome(error)))
        log.warning(
            "upstream unreachable" if error.is_unsent else "upstream call failed",
            upstream=self.name, host=self._host, cause=error.cause, provider_status=error.provider_status or None,
            reason=self._redactor(reason)[:_MAX_REASON_CHARS], **where,
        )  # fmt: skip


def _check(watch: ClientWatch, until: float, seconds: float) -> None:
    watch.check()
    if time.monotonic() > until:
        raise UpstreamError(f"The provider took longer than {seconds:.0f} seconds.", cause="silence")


def _outcome(error: UpstreamError) -> str:
    """Return why a call failed, as a label."""
    if error.cause != "status":
        return error.cause or "answer"
    status = error.provider_status
    return "overloaded" if status == 429 else "rejected" if status < 500 else "failed"


class Call:
    """A request under way: `wait` for the head of its answer, then `read` its body; `close` it at any time."""

    def __init__(
        self,
        upstream: Upstream,
        sent: SentRequest | None,
        sending: "Sending | None",
        bearer: str | None,
        max_silence: float,
    ) -> None:
        """`sending` is the greenlet that sends what of the request is not `sent` yet; None: all of it is."""
        self._upstream = upstream
        self._sent = sent
        self._sending = sending
        self._bearer = bearer
        self._max_silence = max_silence
        self._silence = 0.0
        """Seconds without a byte from the provider, counted in ticks."""
        self._body: BodyReader | None = None
        self.head: Head | None = None
        """Of the answer, once it has come."""
        self.status = 0
        """Of the answer's head; 0: it has not come."""
        self.error_body = b""
        """What came with an error status."""

    def wait(self, seconds: float) -> bool:
        """Wait for the head of the answer, at most until the next tick; return False if it has not come in time.

        Raises UpstreamError if sending failed or the status is not 2xx.
        """
        if self._body is not None:
            return True
        sent = self._sent if self._sending is None else self._join(self._sending, seconds)
        if sent is None:
            return False
        head = self._await_head(sent, seconds)
        if head is None:
            self._count_silence(min(seconds, TICK_SECONDS))
            return False
        self._silence = 0.0
        self.head = head
        self._body = open_body(sent, head)
        self.status = head.status
        if not 200 <= head.status < 300:
            raise self._rejection(head)
        return True

    def _rejection(self, head: Head) -> UpstreamError:
        """Return the error that an answer is; raised by its caller, so that it is no variable of its own traceback."""
        body, redactor = self._read_error_body(), self._upstream.redactor(self._bearer)
        own_key = not self._upstream.uses_callers_key
        error = classify_http_error(head.status, head.fields, body, own_key=own_key).redacted(redactor)
        if error.provider_error is not None:
            error.provider_error = replace_members(error.provider_error, body=redactor.redact_object(body))
        return error

    def _join(self, sending: "Sending", seconds: float) -> SentRequest | None:
        """Wait until the request has been sent; return None if it takes longer."""
        sending.join(seconds)
        if not sending.ready():
            return None
        sent: SentRequest | UpstreamError = sending.value
        if isinstance(sent, UpstreamError):
            raise sent.copy()
        self._sent, self._sending = sent, None
        return sent

    def _await_head(self, sent: SentRequest, seconds: float) -> Head | None:
        try:
            if seconds >= TICK_SECONDS:
                return sent.await_head()
            with gevent.Timeout(seconds, False):
                return sent.await_head()
        except (OSError, HTTPException) as error:
            cause, reason = find_cause_after_sending(error)
            if cause in UNSENT:
                raise self._upstream.unreachable(cause, reason) from None
            message = "The provider's connection broke before an answer came."
            raise UpstreamError(message, status=503, retry_after=1.0, cause=cause, reason=reason) from None
        return None  # type: ignore[unreachable]  # after the timeout

    def _count_silence(self, seconds: float) -> None:
        """Raise UpstreamError if the provider has sent nothing for too long."""
        self._silence += seconds
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
        self.error_body = body
        return body

    def close(self, *, answered: bool = False) -> None:
        """Release the connection; cut it if the answer has not ended, so that the provider stops generating.

        `answered`: the content is complete. The end of the HTTP body, which may be still to come, is read in the
        background, so that the connection can be reused. Closed again, nothing happens.
        """
        body, sent, self._body, self._sent = self._body, self._sent, None, None
        if body is not None:
            if answered and not body.over:
                body.close_at_end()
            else:
                body.close()
            return
        if self._sending is not None:
            sent = self._sending.value if isinstance(self._sending.value, SentRequest) else sent
            self._sending.kill(block=False)
        if sent is not None:
            sent.close()


def _send(
    upstream: Upstream, request: requests.PreparedRequest, begun: SentRequest | None
) -> SentRequest | UpstreamError:
    """Send, and return an error instead of raising it: gevent prints what a greenlet raises."""
    try:
        return upstream.send(request, begun)
    except UpstreamError as error:
        return error.copy()


def _begin_and_send(upstream: Upstream, request: requests.PreparedRequest) -> SentRequest | UpstreamError:
    """Send, on an idle connection if there is one; return an error as `_send` does."""
    begun = upstream.begin(request)
    return _send(upstream, request, begun) if begun is None or begun.unwritten else begun


def _silent_for(seconds: float) -> UpstreamError:
    return UpstreamError(f"The provider sent nothing for {seconds:.0f} seconds.", cause="silence")
