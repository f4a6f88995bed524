"""HTTP calls of one upstream. What a caller sends along (its key) comes from `flow/caller.py`.

`Upstream.send_chat` starts one `POST /chat/completions` and returns a `Call` (`call.py`). On an idle connection the
request is written at once, and the caller waits for the answer on that connection. What takes time, a new connection or
a body that the provider does not read yet, is left to a greenlet. Either way the caller can wait for a grace window,
keep its client's connection alive meanwhile, or give up. Nothing is retried here, since the provider may have the
request, unless it answers that it has not: a connection's 408 (`call.py`). Every failure is an UpstreamError; why a
provider could not be reached is in the log.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from itertools import chain
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

import gevent
import requests
from urllib3 import Timeout

from adapter.event_loop.client_watch import ClientWatch
from adapter.event_loop.heartbeat import TICK_SECONDS, Heartbeat
from adapter.settings.upstreams import UpstreamSettings
from adapter.sharing.offload import LARGE_BYTES
from adapter.telemetry.catalog import UPSTREAM_CALLS
from adapter.telemetry.logs import log
from adapter.telemetry.traces.spans import current_trace, trace_headers
from adapter.upstream.call import Call
from adapter.upstream.http.causes import find_cause, without_frames
from adapter.upstream.http.transport import Request, SentRequest, Transport, prepare_request
from adapter.upstream.http.ways import connection_options
from adapter.upstream.redaction import Redactor, secrets_of
from adapter.upstream.secret_files import find_secret_files
from translators.errors import Cause, UpstreamError, answer_too_large

_MAX_REASON_CHARS: Final = 300
"""Of the reason for a failed call in the log: the system's, OpenSSL's or the provider's words."""
USER_AGENT: Final = "responses-adapter"
"""By which an adapter recognizes the requests of one, itself included (`api/about/models.py`, `api/forwarded.py`)."""
_PUBLIC_PARAMETERS: Final = frozenset({"api-version"})
"""No secrets: their values may be in a provider's errors."""
_LASTING: Final[frozenset[Cause]] = frozenset({"certificate", "not http"})
"""Why a provider cannot be reached until the operator changes something: another try is of no use."""
_LOOKUP_SECONDS: Final = 30.0
"""For a list of models or a token count, which no model has to think about."""
_MAX_LOOKUP_BYTES: Final = 8 * 1024 * 1024
"""Of such an answer: room for the longest lists of models, and no more memory than one long chat answer."""
_MAX_KNOWN_KEYS: Final = 64
"""Of callers, or of the upstream itself, whose requests are prepared already."""


class Upstream:
    """One configured way to a provider: its URL, its keys and headers, and the connections to it."""

    def __init__(self, settings: UpstreamSettings, heartbeat: Heartbeat) -> None:
        self.name = settings.name
        self._host = urlsplit(settings.url).netloc
        self.dialect = settings.dialect
        self.uses_callers_key = settings.callers_key
        self._secret_files = find_secret_files(settings, self._use)
        self._secrets: list[str] = []
        """Those that were replaced, too: they may still be in answers on their way."""
        self._max_silence = settings.timeout
        self._session = requests.Session()
        self._transport = Transport(heartbeat)
        self._options = connection_options(settings) | {
            "timeout": Timeout(connect=settings.connect_timeout, read=settings.timeout)
        }
        self._use(settings)

    def _use(self, settings: UpstreamSettings) -> None:
        """Send the keys, headers and query of these settings from now on."""
        given = [*settings.headers.items(), *settings.query.items()]
        words = [secrets_of(name, of) for name, of in given if name not in _PUBLIC_PARAMETERS]
        self._keys = [key.value for key in settings.keys]
        self._secrets += [secret for secret in (*self._keys, *chain(*words)) if secret not in self._secrets]
        self._redactor = Redactor(self._secrets)
        self._endpoint = settings.endpoint
        self._root = replace(settings, url=settings.url.removesuffix("/v1")).endpoint
        headers = {"Accept-Encoding": "identity", "User-Agent": USER_AGENT}
        headers |= {name: of.value for name, of in settings.headers.items()}
        to_chat = settings.endpoint("/chat/completions")
        chat_request = prepare_request(self._session, "POST", to_chat, {"Content-Type": "application/json", **headers})
        self._chat_request = lru_cache(_MAX_KNOWN_KEYS)(partial(_with_key, chat_request))
        """The chat request with a key, but for its body."""
        self._models_request = prepare_request(self._session, "GET", settings.endpoint("/models"), headers)

    def send_chat(
        self, body: bytes, *, bearer: str | None, key: int | None = None, delay: float = 0.0, model: str = ""
    ) -> Call:
        """Send a chat request, after `delay` seconds.

        `key`: index of the upstream's own key. `bearer`: the caller's key, sent only if the upstream uses it. `model`:
        its name there, for the trace.
        """
        own_or_callers = self._key(bearer, key)
        request = self._chat_request(own_or_callers)
        if (trace := current_trace()) is not None:
            request = request.with_headers(trace.begin_attempt(self.name, self._host, model))
        return self._start(request, body, bearer, self._max_silence, delay)

    def forward(
        self, path: str, body: bytes, *, bearer: str | None, key: int | None, delay: float, via: str | None
    ) -> Call:
        """Send a client's own request to a path below `/v1`, as `send_chat` does; `via`: adapters before this one."""
        request = self._to(path, bearer, key, {} if via is None else {"Via": via})
        return self._start(request, body, bearer, self._max_silence, delay)

    def fetch_models(self, bearer: str | None, watch: ClientWatch) -> bytes:
        """Return the body of the upstream's model list; raise UpstreamError or ClientDisconnected."""
        own_or_callers = self._key(bearer)
        return self._fetch(_with_key(self._models_request, own_or_callers), None, bearer, watch)

    def post(self, path: str, body: bytes, *, bearer: str | None, watch: ClientWatch) -> bytes:
        """Return the answer to a POST to a path next to `/v1`; raise UpstreamError or ClientDisconnected."""
        return self._fetch(self._to(path, bearer, is_beside_v1=True), body, bearer, watch)

    def ask_embeddings(self, body: bytes, *, bearer: str | None, watch: ClientWatch) -> bytes:
        """Return the answer of the embeddings API; raise UpstreamError or ClientDisconnected."""
        return self._fetch(self._to("/embeddings", bearer), body, bearer, watch)

    def ask_images(
        self, path: str, body: bytes, content_type: str, *, bearer: str | None, watch: ClientWatch, seconds: float
    ) -> Iterator[bytes]:
        """Yield the answer of the images API at `path` as it comes; raise UpstreamError or ClientDisconnected."""
        request = self._to(path, bearer, headers={"Content-Type": content_type})
        return self._read_pieces(request, body, bearer, watch, seconds)

    def _to(
        self, path: str, bearer: str | None, key: int | None = 0, headers: Mapping[str, str] = MappingProxyType({}),
        *, is_beside_v1: bool = False,
    ) -> Request:  # fmt: skip
        """Return a POST to another path of the upstream, below `/v1` or beside it."""
        own_or_callers = self._key(bearer, key)
        url = self._root(path) if is_beside_v1 else self._endpoint(path)
        return self._chat_request(own_or_callers).with_headers({**trace_headers(), **headers}, url)

    def _key(self, bearer: str | None, key: int | None = 0) -> str | None:
        """Return the key with which a request is sent now, None for none. Call it first: the secrets may be new."""
        if self._secret_files is not None:
            self._secret_files.refresh()
        if self.uses_callers_key:
            return bearer
        return self._keys[key or 0] if self._keys else None

    def _start(
        self, request: Request, body: bytes | None, bearer: str | None, max_silence: float, delay: float = 0.0
    ) -> Call:
        anew = partial(gevent.spawn, self._finish, request, body, None)
        if delay or (body and len(body) >= LARGE_BYTES):  # others run between translating and copying megabytes
            return Call(self, None, gevent.spawn_later(delay, self._send, request, body), bearer, max_silence, anew)
        sent = self._transport.begin(request, body)
        sending = gevent.spawn(self._finish, request, body, sent) if sent is None or sent.unwritten else None
        return Call(self, sent, sending, bearer, max_silence, anew)

    def _send(self, request: Request, body: bytes | None) -> SentRequest | UpstreamError:
        """Send a request, on an idle connection if there is one; return an error, as a greenlet must (`Sending`)."""
        begun = self._transport.begin(request, body)
        return self._finish(request, body, begun) if begun is None or begun.unwritten else begun

    def _finish(self, request: Request, body: bytes | None, begun: SentRequest | None) -> SentRequest | UpstreamError:
        """Send the rest of a request, or all of it on a new connection; return an error as `_send` does."""
        try:
            return self._transport.finish(request, body, begun, **self._options)
        except (requests.RequestException, OSError) as error:
            return self.unreachable(*find_cause(without_frames(error)))

    def _fetch(self, request: Request, body: bytes | None, bearer: str | None, watch: ClientWatch) -> bytes:
        """Return an answer of at most `_MAX_LOOKUP_BYTES`; raise UpstreamError or ClientDisconnected."""
        parts: list[bytes] = []
        size = 0
        for piece in self._read_pieces(request, body, bearer, watch, _LOOKUP_SECONDS):
            parts.append(piece)
            size += len(piece)
            if size > _MAX_LOOKUP_BYTES:
                raise answer_too_large(retry=True)
        return b"".join(parts)

    def _read_pieces(
        self, request: Request, body: bytes | None, bearer: str | None, watch: ClientWatch, seconds: float
    ) -> Iterator[bytes]:
        """Yield an answer as it comes; raise UpstreamError, also after `seconds`, or ClientDisconnected."""
        call = self._start(request, body, bearer, min(seconds, self._max_silence))
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

    def unreachable(self, cause: Cause, reason: str) -> UpstreamError:
        """Return the error for a request that the provider has not got."""
        message = "The provider could not be reached" + (" in time." if cause == "connect timeout" else ".")
        return UpstreamError(
            message, status=503, retry_after=1.0, retry=cause not in _LASTING, cause=cause,
            reason=self._redactor(reason),
        )  # fmt: skip

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


def _with_key(request: Request, key: str | None) -> Request:
    return request.with_headers({"Authorization": f"Bearer {key}"}) if key else request


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
