"""HTTP errors in OpenAI's envelope, and the headers that every answer has.

`error_reports.py` turns exceptions into errors; this module adds those that Flask raises (unknown path, wrong method)
and sends them. OpenAI's SDKs decide by the headers `x-should-retry` and `retry-after-ms` whether and when to retry.
Source: OpenAI guide, Error codes; openai-python 3.54.
"""

import math
from typing import Final

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from adapter.api.error_reports import report_error
from adapter.api.paths import find_meant_path, hint
from adapter.api.request.body import discard_body
from adapter.api.request.content_codings import ACCEPTED
from adapter.api.request.start import MAX_LOGGED_CHARACTERS, RECORDING, answer_fields, start_request
from adapter.event_loop.client_watch import ClientDisconnected
from adapter.sharing.admission import LimitExceeded
from adapter.telemetry.catalog import HTTP_REQUESTS
from adapter.telemetry.traces.spans import current_trace
from translators.errors import ProtocolError, RequestError, UpstreamError
from translators.wire import encode

_METHODS: Final = frozenset(("GET", "POST", "DELETE", "OPTIONS", "HEAD", "PUT", "PATCH"))


def init_errors(app: Flask) -> None:
    """Make an app answer every error in the envelope, and give each request its id."""
    app.before_request(_start_request)
    app.after_request(_finish_answer)
    app.register_error_handler(HTTPException, _answer_http_exception)
    app.register_error_handler(Exception, answer_exception)


def _start_request() -> None:
    start_request(request.environ)
    if request.routing_exception is not None:
        find_meant_path()


def _finish_answer(response: Response) -> Response:
    discard_body(request.environ)
    rule, method = request.url_rule, request.method
    route, method = rule.rule if rule else "none", method if method in _METHODS else "other"
    HTTP_REQUESTS.add((route, method, response.status[:3]))
    if (trace := current_trace()) is not None and route.startswith("/v1/"):
        trace.answer(method, route, response.status_code)
    response.headers.update(answer_fields(request.environ))
    return response


def answer_exception(error: Exception) -> Response:
    """Return the answer to a request that ended in an exception, and log it."""
    report = report_error(error, "Conversation" if request.blueprint == "conversations" else "Response")
    report.write_log(method=request.method, path=_path())
    if (recording := request.environ.get(RECORDING)) is not None:
        recording.refuse(report.error)
    if isinstance(error, ClientDisconnected):
        return Response(status=report.error.status)
    return _answer(report.error)


def _answer_http_exception(error: HTTPException) -> Response | HTTPException:
    if error.code is None or error.code < 400:
        return error
    if isinstance(error, NotFound):
        return answer_exception(RequestError(f"Invalid URL ({request.method} {_path()}){hint(_path())}", status=404))
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        answer = answer_exception(
            RequestError(f"Not allowed to {request.method} on {_path()}. Allowed: {allowed}.", status=405)
        )
        answer.headers["Allow"] = allowed
        return answer
    type = "invalid_request_error" if error.code < 500 else "server_error"
    return answer_exception(ProtocolError(error.description or error.name, status=error.code, type=type))


def _answer(error: ProtocolError) -> Response:
    response = Response(encode(error.envelope()), status=error.status, content_type="application/json")
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    elif error.status == 426:
        response.headers.update({"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"})
    elif error.code == "unsupported_content_encoding":
        response.headers["Accept-Encoding"] = ACCEPTED  # RFC 9110 §15.5.16
    if isinstance(error, LimitExceeded):
        response.headers.update(error.headers)
    if isinstance(error, UpstreamError):
        if error.retry_after is not None:
            response.headers["Retry-After"] = str(math.ceil(error.retry_after))
            response.headers["retry-after-ms"] = str(math.ceil(error.retry_after * 1000))
        if error.status == 429 or error.status >= 500:
            response.headers["x-should-retry"] = "true" if error.retry else "false"
    return response


def upgrade_required(message: str) -> RequestError:
    """Return the error for a GET that opens no WebSocket. With this status, Codex uses HTTP at once.

    Source: RFC 9110 §15.5.22; Codex CLI 0.169.
    """
    return RequestError(message, code="upgrade_required", status=426)


def _path() -> str:
    return request.path[:MAX_LOGGED_CHARACTERS]
