"""Calls of the upstream, through requests.

`Upstream.call` starts one `POST /chat/completions` at once and returns a `Call`; the request is sent and its head
awaited in a greenlet of its own, so that the caller can wait for a grace window, answer its client meanwhile, or give
up.
A request that died before any byte of its answer came (a kept-alive connection that the other side had closed) is sent
once more; nothing else is retried here. Every failure is an UpstreamError.
"""

import time
from collections.abc import Iterator
from itertools import chain
from typing import Final

import gevent
import requests
from urllib3 import Timeout
from urllib3.exceptions import ProtocolError

from adapter.event_loop.client_watch import ClientWatch
from adapter.event_loop.heartbeat import TICK_SECONDS, Heartbeat
from adapter.settings.upstreams import UpstreamSettings
from adapter.upstream.http.reader import BodyCut, BodyReader, open_body
from adapter.upstream.http.transport import Answer, Transport, copied, prepared
from translators.errors import UpstreamError
from translators.failures.classes import classify_http_error

_MOST_ERROR_BODY: Final = 64 * 1024
_ERROR_PATIENCE: Final = 2.0
"""Seconds for the body of an error, in which nobody looks after the client."""
_MOST_READS_BEHIND: Final = 16
"""Reads behind the end of an answer, which only the end of its body should need."""
_LEAST_SECRET: Final = 16
"""Characters; whatever is shorter stands in any text."""
_PATIENCE: Final = 30.0
"""Seconds that the answer to a question may take; no model thinks about it."""
_MOST_ANSWER: Final = 8 * 1024 * 1024


class Upstream:
    """One chat-completions provider: where it is, how it is spoken to, and the connections to it."""

    def __init__(self, settings: UpstreamSettings, heartbeat: Heartbeat) -> None:
        self.name = settings.name
        self.dialect = settings.dialect
        self.uses_callers_key = settings.callers_key
        base = settings.url
        self._root = base.removesuffix("/v1")
        self._heartbeat = heartbeat
        self._keys = [key.value for key in settings.keys]
        own = [*self._keys, *(of.value for of in settings.headers.values())]
        self._secrets = [value.encode() for value in own if len(value) >= _LEAST_SECRET]
        self._silence = settings.timeout
        session = requests.Session()
        self._transport = Transport(most_idle_connections=4096)
        plain = {"Accept-Encoding": "identity", **{name: of.value for name, of in settings.headers.items()}}
        self._post = prepared(
            session, "POST", base + "/chat/completions", {"Content-Type": "application/json", **plain}
        )
        self._models = prepared(session, "GET", base + "/models", plain)
        environment = session.merge_environment_settings(self._post.url, {}, True, None, None)
        self._options = {name: environment[name] for name in ("proxies", "verify", "cert")} | {
            "timeout": Timeout(connect=settings.connect_timeout, read=settings.timeout)
        }

    def call(self, body: bytes, *, bearer: str | None, key: int | None = None) -> "Call":
        """Send a chat request.

        `key` is which of its own keys goes along, `bearer` the caller's, which only some upstreams are given.
        """
        request = self._with_key(self._post, bearer, key)
        request.body = body
        request.headers["Content-Length"] = str(len(body))
        return Call(self, request, self._heartbeat, self._silence)

    def models(self, bearer: str | None, watch: ClientWatch) -> bytes:
        """Return the body of the upstream's model list; raise UpstreamError or ClientDisconnected."""
        return self._answer(self._with_key(self._models, bearer, 0), watch)

    def ask(self, path: str, body: bytes, *, bearer: str | None, watch: ClientWatch) -> bytes:
        """Return what a path beside `/v1` answers to a body; raise as `models` does."""
        request = self._with_key(self._post, bearer, 0)
        request.url = self._root + path
        request.body = body
        request.headers["Content-Length"] = str(len(body))
        return self._answer(request, watch)

    def _answer(self, request: requests.PreparedRequest, watch: ClientWatch) -> bytes:
        call = Call(self, request, self._heartbeat, _PATIENCE)
        try:
            for _ in range(int(_PATIENCE / TICK_SECONDS)):
                if call.wait(TICK_SECONDS):
                    return call.whole_body(_MOST_ANSWER)
                watch.check()
            raise _too_silent(_PATIENCE)
        finally:
            call.close()

    def without_secrets(self, body: bytes) -> bytes:
        """Return the body of an error without this upstream's keys and headers, which some gateways repeat there."""
        for secret in self._secrets:
            body = body.replace(secret, b"***")
        return body

    def send(self, request: requests.PreparedRequest) -> Answer:
        """Send a prepared request and return its answer, head read, body not; raise UpstreamError."""
        for last in (False, True):
            try:
                return self._transport.post(request, **self._options)
            except requests.ConnectTimeout:
                raise UpstreamError("The provider could not be reached in time.", status=503, retry_after=1.0) from None
            except requests.Timeout:
                raise _too_silent(self._silence) from None
            except requests.ConnectionError as error:
                if last or not _died_unanswered(error):
                    raise UpstreamError("The provider could not be reached.", status=503, retry_after=1.0) from None
            except requests.RequestException:
                raise UpstreamError("The provider's answer is not valid HTTP.") from None
        raise AssertionError("unreachable")

    def _with_key(
        self, template: requests.PreparedRequest, bearer: str | None, key: int | None
    ) -> requests.PreparedRequest:
        headers = dict(template.headers)
        sent = bearer if self.uses_callers_key else self._keys[key or 0] if self._keys else None
        if sent:
            headers["Authorization"] = f"Bearer {sent}"
        return copied(template, headers)


class Call:
    """One request on its way: `wait` for its head, then `read` its body; `close` at any time, from any state.

    An answer that somebody follows is read with `begins` and `pieces`.
    """

    def __init__(
        self, upstream: Upstream, request: requests.PreparedRequest, heartbeat: Heartbeat, silence: float
    ) -> None:
        self._upstream = upstream
        self._heartbeat = heartbeat
        self._silence = silence
        self._quiet = 0.0
        """Seconds since the provider was last heard, counted in ticks."""
        self._body: BodyReader | None = None
        self._first: bytes | None = None
        self._sending = gevent.spawn(_outcome, upstream, request)

    def wait(self, seconds: float) -> bool:
        """Wait for the head of the answer; False if it has not come in time.

        Raises UpstreamError if sending failed or the status is not 2xx.
        """
        if self._body is not None:
            return True
        if not self._sending.ready():
            self._sending.join(seconds)
            if not self._sending.ready():
                return False
        response = self._sending.value
        if isinstance(response, UpstreamError):
            raise response
        self._body = open_body(response, self._heartbeat)
        if not 200 <= response.status < 300:
            body = self._upstream.without_secrets(self._error_body())
            own_key = not self._upstream.uses_callers_key
            raise classify_http_error(response.status, response.headers, body, own_key=own_key)
        return True

    def read(self) -> bytes | None:
        """Return bytes of the body, b"" at its end, None about once a second in silence.

        Raises UpstreamError when the connection breaks or stays silent too long.
        """
        if self._body is None:
            raise AssertionError("read before wait")
        try:
            data = self._body.read()
        except BodyCut:
            raise UpstreamError("The provider's connection broke before the answer was complete.") from None
        if data is None:
            self._quiet += TICK_SECONDS
            if self._quiet > self._silence:
                raise _too_silent(self._silence)
        else:
            self._quiet = 0.0
        return data

    def begins(self) -> bool:
        """Wait up to a second for the first bytes of the body, which `pieces` then yields, or for its end.

        Raises as `read` does.
        """
        if self._first is None:
            self._first = self.read()
        return self._first is not None

    def pieces(self) -> Iterator[bytes | None]:
        """Return the body as `read` does, up to its end."""
        return chain((self._first,), iter(self.read, b"")) if self._first else iter(())

    def whole_body(self, most: int) -> bytes:
        """Return the rest of the body; raise UpstreamError beyond `most` bytes."""
        pieces: list[bytes] = []
        size = 0
        while (data := self.read()) != b"":
            if data is None:
                continue
            pieces.append(data)
            size += len(data)
            if size > most:
                raise UpstreamError("The provider's answer is larger than this adapter's limits allow.")
        return b"".join(pieces)

    def _error_body(self) -> bytes:
        """Return as much of an error's body as comes soon; its status alone says enough."""
        body = b""
        until = time.monotonic() + _ERROR_PATIENCE
        try:
            while len(body) < _MOST_ERROR_BODY and time.monotonic() < until and (data := self.read()) != b"":
                body += data or b""
        except UpstreamError:
            pass
        return body

    def close(self, *, answered: bool = False) -> None:
        """Let go of the connection; an answer that has not ended is broken off, so that the provider stops.

        `answered`: all that matters has been read. What may still come, the end of the body, is read on the side, so
        that the connection can serve again.
        """
        if self._body is not None:
            if answered and not self._body.over:
                gevent.spawn(_read_out, self._body)
            else:
                self._body.close()
        elif self._sending.ready():
            if isinstance(self._sending.value, Answer):
                self._sending.value.close()
        else:
            self._sending.kill(block=False)


def _outcome(upstream: Upstream, request: requests.PreparedRequest) -> Answer | UpstreamError:
    """Send, and return the error instead of raising it: what a greenlet raises is printed."""
    try:
        return upstream.send(request)
    except UpstreamError as error:
        return error


def _read_out(body: BodyReader) -> None:
    """Read to the end of a body if that comes at once, and close it."""
    try:
        for _ in range(_MOST_READS_BEHIND):
            if not body.read():
                break
    except (BodyCut, UpstreamError):
        pass  # nobody waits for what was wrong with it
    finally:
        body.close()


def _died_unanswered(error: requests.ConnectionError) -> bool:
    """Tell whether a connection ended before any byte of the answer: what a stale kept-alive one does."""
    cause = error.args[0] if error.args else None
    return isinstance(cause, ProtocolError) and isinstance(cause.args[-1], ConnectionError)


def _too_silent(seconds: float) -> UpstreamError:
    return UpstreamError(f"The provider sent nothing for {seconds:.0f} seconds.")
