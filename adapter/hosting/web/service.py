"""One JSON request to a service that the operator configured: its address is checked, and its answer limited."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import gevent
import msgspec
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from adapter.files.guard import FetchFailed, Guard, HostNotAllowed, parse, read_at_most
from adapter.files.pinned import Unreachable
from adapter.telemetry.logs import log

_MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024


class ServiceError(Exception):
    """A service gave no usable answer. The message is for the model: it names neither address nor key."""


class ServiceRequest(NamedTuple):
    """A request below a service's base URL: GET with a query, or POST with a body."""

    path: str
    query: Mapping[str, str] = {}
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = {}


class _TooLate(BaseException):
    """The service did not answer in time. Raised where it is read, by a timer, so no handler there may take it."""


def fetch_json(base: str, request: ServiceRequest, seconds: float) -> dict[str, Any]:
    """Return the JSON object that a service answers; raise ServiceError."""
    url = parse(base.rstrip("/") + request.path + (f"?{urlencode(request.query)}" if request.query else ""))
    body = None if request.body is None else msgspec.json.encode(request.body)
    headers = {"Accept": "application/json", **request.headers}
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        with gevent.Timeout(seconds, _TooLate), closing(Guard([url.netloc or ""]).pin(url)) as host:
            method = "GET" if body is None else "POST"
            answer = host.request(method, url.request_uri, seconds=seconds, headers=headers, body=body)
            with closing(answer):
                data = _read(answer)
    except _TooLate:
        raise ServiceError(f"The service took longer than {seconds:g} s") from None
    except (FetchFailed, HostNotAllowed, Unreachable, HTTPError) as error:
        log.info("request to a service failed", host=url.host, reason=type(error).__name__)
        raise ServiceError("The service could not be reached") from None
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ServiceError("The service's answer is not a JSON object") from None


def _read(answer: BaseHTTPResponse) -> bytes:
    if not 200 <= answer.status < 300:
        raise ServiceError(f"HTTP {answer.status} from the service")
    data = read_at_most(answer, _MAX_ANSWER_BYTES)
    if data is None:
        raise ServiceError("The service's answer is larger than the limit")
    return data
