"""The start of an HTTP request, and the header fields that every answer has.

Each request gets an id, which is in the answer and in each of its log lines. A request that the fast path could not
answer (`server/fast_path.py`) starts once: it keeps its id, and its error is raised again where the others are.
Source: OpenAI guide, Error codes.
"""

import os
import time
from typing import Any, Final

from adapter.sharing.admission import Admission, rate_limit_headers
from adapter.telemetry.logs import log_context
from adapter.telemetry.traces.spans import tracing

IDS: Final = "adapter.ids"
"""Variables of the WSGI environment. This one has the ids of the request, as in `log_context`."""
ADMISSION: Final = "adapter.admission"
START: Final = "adapter.start"
"""When the request began, on the monotonic clock."""
ADMITTED: Final = "adapter.admitted"
"""The caller and the request, if the fast path has admitted it for Flask to answer."""
RECORDING: Final = "adapter.recording"
"""The recording of the request, if the inspector has one."""
_RESUMED: Final = (START, IDS, ADMISSION, ADMITTED, RECORDING)
MAX_LOGGED_CHARACTERS: Final = 200
"""Of a path or of the client's own request id, in the log and in messages: both are as long as the client likes."""


class StartedRequest:
    """A request that the fast path has started, and the error in which it ended there; None: Flask goes on with it."""

    __slots__ = ("error", "variables")

    def __init__(self, environ: dict[str, Any], error: Exception | None) -> None:
        self.variables: dict[str, Any] = {name: environ[name] for name in _RESUMED if name in environ}
        self.error = error


def start_request(environ: dict[str, Any]) -> None:
    """Give a request its id and start, or raise the error of a request that the fast path has started."""
    connection: Any = environ.get("gunicorn.socket")
    started: StartedRequest | None = getattr(connection, "started", None)
    if started is not None:
        connection.started = None
        environ.update(started.variables)
        if started.error is None:
            return
        try:
            raise started.error
        finally:
            del started  # its frame would hold the error, and the error its frame
    trace = tracing.begin(environ.get("HTTP_TRACEPARENT"), environ.get("HTTP_TRACESTATE"))
    environ[START] = time.monotonic()
    environ[IDS] = ids = {"request_id": f"req_{os.urandom(16).hex()}"}
    if trace is not None:
        ids["trace_id"] = trace.context.trace_id
    if client_id := environ.get("HTTP_X_CLIENT_REQUEST_ID"):
        ids["client_request_id"] = client_id[:MAX_LOGGED_CHARACTERS]
    log_context.set(ids)


def answer_fields(environ: dict[str, Any]) -> dict[str, str]:
    """Return the header fields that the answer to a request has, whatever it is."""
    admission: Admission | None = environ.get(ADMISSION)
    return {
        **({} if admission is None else rate_limit_headers(admission.limits, admission.levels)),
        "x-request-id": environ[IDS]["request_id"],
        "openai-version": "2020-10-01",
        "openai-processing-ms": str(int((time.monotonic() - environ[START]) * 1000)),
    }
