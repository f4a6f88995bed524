"""Forwarding: a client's own chat-completions or embeddings request, sent to a provider without translation.

Routing, retries, failover and the circuit breaker are those of responses; nothing is stored, noted or learned. Until
the provider answers with 2xx, errors are raised. From then on its bytes go to the client as they come: whole answers at
once, streams piece by piece, and the provider is not read faster than the client reads. A stream that breaks ends with
an error as its last event, and without `[DONE]`, so that no client takes it for complete.
Source: docs/decisions/0041-forwarding.md.
"""

import os
import re
import time
from collections.abc import Generator, Iterator
from typing import Final

from adapter.event_loop.client_watch import ClientDisconnected, ClientWatch
from adapter.event_loop.heartbeat import TICK_SECONDS
from adapter.flow.caller import Caller
from adapter.flow.flow import check_request, stopping_error
from adapter.flow.observation import (
    FORWARDED_TRANSPORT,
    code_of,
    log_forwarded,
    observe_forwarded,
    settle,
)
from adapter.services import FlowServices
from adapter.telemetry.catalog import IN_FLIGHT, RETRIES, UPSTREAM_CALLS
from adapter.upstream.call import Call
from adapter.upstream.redaction import LineRedactor, Redactor
from adapter.upstream.routing.health import Candidate
from translators.chat.forwarded import ForwardedRequest
from translators.errors import ProtocolError, UpstreamError, answer_too_large
from translators.responses.response import Usage
from translators.to_responses.usage import AnswerTokens
from translators.wire import encode

CHAT: Final = "/chat/completions"
EMBEDDINGS: Final = "/embeddings"
"""What is forwarded: the paths below `/v1`."""
_NO_SUCH_PATH: Final = (404, 405)
"""Statuses of a provider that makes no embeddings: its models are not to be avoided for that."""
_DONE: Final = re.compile(rb"^data: ?\[DONE\]", re.MULTILINE)
"""The last event of a stream, a line that no text of the model can be."""


class Forwarding:
    """One forwarded request and its answer in progress. `close` it, however it ended."""

    def __init__(
        self, services: FlowServices, caller: Caller, path: str, request: ForwardedRequest, via: str | None
    ) -> None:
        """`path` is that below `/v1`. `via`: the adapters that have forwarded the request before, this one included."""
        self._services = services
        self._caller = caller
        self._path = path
        self._request = request
        self._via = via
        self._candidates = services.registry.draw_candidates(request.model, request.group or os.urandom(8).hex())
        self._call: Call | None = None
        self._tokens = AnswerTokens(request.body)
        self._usage: Usage | None = None
        self._is_complete = False
        self._error: str | None = None
        """The code of the error in which the request ended."""
        self._began = time.monotonic()
        self._recording = caller.recording
        if self._recording is not None:
            self._recording.steps.append(("response", None, FORWARDED_TRANSPORT))
        IN_FLIGHT.add((FORWARDED_TRANSPORT,))  # until `observe_forwarded`

    @property
    def watch(self) -> ClientWatch:
        return self._caller.watch

    def send(self) -> str:
        """Send the request until a provider answers it with 2xx; return the type of the answer.

        Raises the error of the last provider, or ClientDisconnected.
        """
        try:
            call = self._ask()
        except (ProtocolError, ClientDisconnected) as error:
            self._error = code_of(error)
            raise
        UPSTREAM_CALLS.add((self._candidates.current.upstream, "ok"))
        self._candidates.record_success()
        assert call.head is not None
        type: str = call.head.fields.get("content-type", "application/json")
        return type

    def _ask(self) -> Call:
        candidates = self._candidates
        candidate, delay = candidates.next(), 0.0
        while candidate is not None:
            upstream = self._services.upstreams[candidate.upstream]
            body = self._request.for_model(candidate.model)
            call = upstream.forward(
                self._path, body, bearer=self._caller.bearer, key=candidate.key, delay=delay, via=self._via
            )
            if self._recording is not None:
                call.recording = self._recording
                self._recording.begin_attempt(candidate.upstream, candidate.model, candidate.key, (), delay, body)
            self._call = call
            following = self._await_answer(call)
            if following is None:
                return call
            candidate, delay = following
        raise candidates.final_error() from None

    def _await_answer(self, call: Call) -> tuple[Candidate | None, float] | None:
        """Wait for the current candidate's answer; return None once it has begun, else what `_choose_next` returns.

        What ends the request from outside is raised: it is no failure of the candidate.
        """
        while True:
            try:
                if call.wait(TICK_SECONDS):
                    return None
            except UpstreamError as error:
                call.close()
                self._log_failure(error)
                return self._choose_next(error)
            check_request(self._services, self._caller, None)

    def _choose_next(self, error: UpstreamError) -> tuple[Candidate | None, float]:
        """Return the candidate that gets the request after an error, and the seconds until then; None: none does."""
        candidates, failed = self._candidates, self._candidates.current
        if self._path == EMBEDDINGS and error.provider_status in _NO_SUCH_PATH:
            error.code = "model_not_found"
            error.status = error.provider_status
        following = candidates.next() if candidates.record_failure(error) else None
        if following is not None:
            RETRIES.add((failed.upstream, "elsewhere"))
            self._explain_next("failover")
            return following, 0.0
        delay = candidates.next_retry()
        if delay is None:
            return None, 0.0
        RETRIES.add((failed.upstream, "later"))
        self._explain_next("retry")
        return candidates.current, delay

    def _explain_next(self, reason: str) -> None:
        if self._recording is not None:
            self._recording.reason = reason

    def read_whole(self) -> bytes:
        """Return the whole answer; raise UpstreamError or ClientDisconnected."""
        pieces: list[bytes] = []
        try:
            pieces.extend(self._read())
        except (UpstreamError, ClientDisconnected) as error:
            self._error = code_of(error)
            raise
        body = b"".join(pieces)
        self._usage = self._tokens.of_whole(body)
        self._is_complete = True
        return self._redactor().redact_answer(body)

    def pieces(self) -> Generator[bytes]:
        """Yield a streamed answer line by line as it comes; an error of the provider is its last event."""
        lines = LineRedactor(self._redactor())
        try:
            for data in self._read():
                self._tokens.feed(data)
                if found := lines.feed(data):
                    if _DONE.search(found):  # before the client knows of the end
                        self._settle_stream()
                    yield found
            if found := lines.end():
                yield found
            self._is_complete = True
        except ClientDisconnected as error:
            self._error = code_of(error)
        except UpstreamError as error:
            self._error = code_of(error)
            if self._recording is not None:
                self._recording.fail(error)
            yield b"\n\ndata: %b\n\n" % encode(error.envelope())
        finally:
            self._settle_stream()

    def _settle_stream(self) -> None:
        self._usage = self._tokens.of_stream()
        settle(self._caller, self._usage, began=True)

    def _read(self) -> Iterator[bytes]:
        call, size, limit = self._call, 0, self._services.limits.output_bytes
        assert call is not None
        try:
            while (data := call.read()) != b"":
                if data is None:
                    check_request(self._services, self._caller, None)
                    continue
                if size == 0 and self._recording is not None:
                    self._recording.steps.append(("first_token", time.monotonic()))
                size += len(data)
                if size > limit:
                    raise answer_too_large()
                if self._services.must_stop():
                    raise stopping_error()
                yield data
        except UpstreamError as error:
            self._log_failure(error)
            raise

    def _log_failure(self, error: UpstreamError) -> None:
        """Log why a call to the current candidate failed, unless the failure is not the provider's."""
        if error.cause:
            candidate = self._candidates.current
            upstream = self._services.upstreams[candidate.upstream]
            upstream.log_failure(error, model=candidate.model, key=candidate.key)
            if self._recording is not None:
                self._recording.fail_attempt(error)

    def _redactor(self) -> Redactor:
        return self._services.upstreams[self._candidates.current.upstream].redactor(self._caller.bearer)

    def close(self) -> None:
        """Close the call, settle what it cost, and log how it ended."""
        if self._call is not None:
            self._call.close(answered=self._is_complete)
        if not self._is_complete and self._error is None:
            self._error = "client_disconnected"
        upstream, seconds = self._candidates.current.upstream, time.monotonic() - self._began
        observe_forwarded(
            self._caller, self._path, self._request.model, upstream, self._error, self._usage, seconds,
            self._services.usage_recorder,
        )  # fmt: skip
        log_forwarded(self._caller, self._path, self._request.model, upstream, self._error, self._usage, seconds)
        if self._recording is not None:
            self._recording.close(self._status, self._usage)

    @property
    def _status(self) -> str:
        """How the request ended, in the words for responses."""
        if self._error is None:
            return "completed"
        return "cancelled" if self._error == "client_disconnected" else "failed"
