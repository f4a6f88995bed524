"""Every answer that is not what was asked for, in OpenAI's envelope; and the headers that every answer has.

Protocol errors carry their own status and envelope. What Flask raises (unknown path, wrong method) and what the store
raises gets one here; anything else is a bug, is logged with its traceback, and leaves as a 500 that tells nothing.
Each request gets an id, which is in the answer and in every log line of the request. Texts and headers:
responses-api reference §6.5, §6.6, §6.10.
"""

import math
import os
import time
from typing import Final

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from adapter.api.request.body import discard_body
from adapter.api.request.prompts import UnusablePrompt
from adapter.event_loop.client_watch import ClientDisconnected
from adapter.store import base as store
from translators.errors import INTERNAL_MESSAGE, ProtocolError, RequestError, UpstreamError
from translators.wire import encode

log = structlog.get_logger()

_ID: Final = "adapter.request_id"
_BEGAN: Final = "adapter.began"
_LONGEST_PATH: Final = 200
_CLIENT_CLOSED_REQUEST: Final = 499


def init_errors(app: Flask) -> None:
    """Make an app answer every error in the envelope, and give each request its id."""
    app.before_request(_begin)
    app.after_request(_finish)
    app.register_error_handler(RequestError, _refused)
    app.register_error_handler(UnusablePrompt, _prompt_unusable)
    app.register_error_handler(UpstreamError, _upstream_failed)
    app.register_error_handler(store.NotFound, _not_found)
    app.register_error_handler(store.StoreDown, _store_down)
    app.register_error_handler(ClientDisconnected, _client_disconnected)
    app.register_error_handler(RecursionError, _too_deep)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _bug)


def _begin() -> None:
    environ = request.environ
    environ[_BEGAN] = time.perf_counter()
    environ[_ID] = id = f"req_{os.urandom(16).hex()}"
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=id)
    if given := environ.get("HTTP_X_CLIENT_REQUEST_ID"):
        structlog.contextvars.bind_contextvars(client_request_id=given[:_LONGEST_PATH])


def _finish(response: Response) -> Response:
    environ = request.environ
    discard_body(environ)
    headers = response.headers
    headers["x-request-id"] = environ[_ID]
    headers["openai-version"] = "2020-10-01"
    headers["openai-processing-ms"] = str(int((time.perf_counter() - environ[_BEGAN]) * 1000))
    return response


def _refused(error: ProtocolError) -> Response:
    log.info("refused", method=request.method, path=_path(), status=error.status, code=error.code, param=error.param)
    return _answer(error)


def _prompt_unusable(error: UnusablePrompt) -> Response:
    log.error("prompt cannot be used", prompt=error.id, reason=error.reason)
    return _answer(error)


def _upstream_failed(error: UpstreamError) -> Response:
    log.warning(
        "upstream failed", path=_path(), status=error.status, code=error.code,
        provider_status=error.provider_status or None,
    )  # fmt: skip
    return _answer(error)


def _not_found(error: store.NotFound) -> Response:
    what = "Conversation" if request.blueprint == "conversations" else "Response"
    return _refused(RequestError(f"{what} with id '{error}' not found.", status=404))


def _store_down(error: store.StoreDown) -> Response:
    log.error("store down", error=str(error))
    return _answer(UpstreamError("The store is not available. Please try again.", status=503, retry_after=1.0))


def _client_disconnected(error: ClientDisconnected) -> Response:
    log.info("client disconnected", method=request.method, path=_path())
    return Response(status=_CLIENT_CLOSED_REQUEST)


def _too_deep(error: RecursionError) -> Response:
    """Refuse what a decoder has just taken and an encoder does not take any more; nothing else here is recursive."""
    return _refused(RequestError("The request is nested too deeply.", code="invalid_value"))


def _http_error(error: HTTPException) -> Response | HTTPException:
    if error.code is None or error.code < 400:
        return error
    if isinstance(error, NotFound):
        return _refused(RequestError(f"Invalid URL ({request.method} {_path()})", status=404))
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        refusal = RequestError(f"Not allowed to {request.method} on {_path()}. Allowed: {allowed}.", status=405)
        answer = _refused(refusal)
        answer.headers["Allow"] = allowed
        return answer
    type = "invalid_request_error" if error.code < 500 else "server_error"
    return _refused(ProtocolError(error.description or error.name, status=error.code, type=type))


def _bug(error: Exception) -> Response:
    log.error("unhandled exception", method=request.method, path=_path(), exc_info=error)
    return _answer(ProtocolError(INTERNAL_MESSAGE, status=500, type="server_error", code="server_error"))


def _answer(error: ProtocolError) -> Response:
    response = Response(encode(error.envelope()), status=error.status, content_type="application/json")
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, UpstreamError):
        if error.retry_after is not None:
            response.headers["Retry-After"] = str(math.ceil(error.retry_after))
            response.headers["retry-after-ms"] = str(math.ceil(error.retry_after * 1000))
        if error.status == 429 or error.status >= 500:
            response.headers["x-should-retry"] = "true" if error.retry else "false"  # the openai packages obey this
    return response


def _path() -> str:
    return request.path[:_LONGEST_PATH]
