"""Sends spans to a collector: OTLP over HTTP, as JSON.

Spans wait in a bounded queue and are sent by a greenlet of their own, a batch at a time, so no request ever waits for
the collector. What does not fit, and a batch that was refused twice, is dropped and counted.
Source: OpenTelemetry protocol, OTLP/HTTP.
"""

import os
from collections import deque
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final
from urllib.parse import urlsplit

import gevent

from adapter.telemetry.catalog import SPANS_DROPPED
from adapter.telemetry.logs import log
from adapter.telemetry.traces.names import SCHEMA_URL
from adapter.telemetry.traces.spans import Span, encode_span
from translators.wire import encode

_SERVICE: Final = "responses-adapter"
_MAX_WAITING: Final = 2048
_BATCH: Final = 512
_TICKS: Final = 5
"""Of the heartbeat, between two batches that are not full."""
_TIMEOUT_SECONDS: Final = 10.0
_LAST_SECONDS: Final = 2.0
"""For the last batches of a worker that ends."""
_TRIES: Final = 2
_PAUSE_SECONDS: Final = 1.0
"""Between two tries."""


class Exporter:
    """The spans of one worker on their way. A member of the heartbeat."""

    def __init__(self, endpoint: str, headers: Mapping[str, str]) -> None:
        """`endpoint`: the collector's base URL, without /v1/traces. `headers`: for its keys; they are never logged."""
        at = urlsplit(endpoint)
        self._connect = HTTPSConnection if at.scheme == "https" else HTTPConnection
        self._address = at.hostname or "", at.port
        self._path = f"{at.path.rstrip('/')}/v1/traces"
        self._headers = {**headers, "Content-Type": "application/json"}
        self._waiting: deque[Span] = deque()
        self._sending: gevent.Greenlet[..., None] | None = None
        self._ticks = 0
        self._fails = False

    def add(self, span: Span) -> None:
        """Send a span that has ended, with others."""
        if len(self._waiting) >= _MAX_WAITING:
            SPANS_DROPPED.add()
        else:
            self._waiting.append(span)

    def tick(self) -> None:
        """Send what waits, if it is a whole batch or has waited for long."""
        self._ticks += 1
        is_due = len(self._waiting) >= _BATCH or (self._waiting and self._ticks % _TICKS == 0)
        if is_due and (self._sending is None or self._sending.ready()):
            self._sending = gevent.spawn(self._send_all)

    def close(self) -> None:
        """Send what is left, within a moment."""
        with gevent.Timeout(_LAST_SECONDS, False):
            if self._sending is not None:
                self._sending.join()
            self._send_all()
        SPANS_DROPPED.add((), len(self._waiting))
        self._waiting.clear()

    def _send_all(self) -> None:
        for _ in range(-(-len(self._waiting) // _BATCH)):
            batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
            self._send(batch)

    def _send(self, batch: list[Span]) -> None:
        body = encode(self._payload(batch))
        error = ""
        for attempt in range(_TRIES):
            if attempt:
                gevent.sleep(_PAUSE_SECONDS)
            error = self._post(body)
            if not error:
                self._fails = False
                return
        SPANS_DROPPED.add((), len(batch))
        if not self._fails:
            self._fails = True
            log.warning("spans not exported", error=error)

    def _post(self, body: bytes) -> str:
        """Send a body; return what went wrong, "" if nothing did."""
        connection = self._connect(*self._address, timeout=_TIMEOUT_SECONDS)
        try:
            with gevent.Timeout(_TIMEOUT_SECONDS, TimeoutError("no answer")):
                connection.request("POST", self._path, body, self._headers)
                status = connection.getresponse().status
        except (OSError, HTTPException) as error:
            return str(error) or type(error).__name__
        finally:
            connection.close()
        return "" if 200 <= status < 300 else f"status {status}"

    def _payload(self, batch: list[Span]) -> dict[str, Any]:
        resource = {"service.name": _SERVICE, "service.instance.id": f"{os.uname().nodename}:{os.getpid()}"}
        described = [{"key": name, "value": {"stringValue": value}} for name, value in resource.items()]
        spans = [encode_span(span) for span in batch]
        scoped = {"scope": {"name": _SERVICE}, "spans": spans, "schemaUrl": SCHEMA_URL}
        return {"resourceSpans": [{"resource": {"attributes": described}, "scopeSpans": [scoped]}]}
