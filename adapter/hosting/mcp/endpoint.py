"""The HTTP side of MCP: send one JSON-RPC message, and read the messages of the answer, a JSON body or an SSE stream.

Everything that is read is limited. Redirects are not followed. Closing an answer before its end cuts the connection,
which cancels the request. Source: Model Context Protocol specification, Transports.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any, Final

import msgspec
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Url

from adapter.files.guard import FetchFailed, Guard, HostNotAllowed
from adapter.files.pinned import PinnedHost, Unreachable
from adapter.hosting.mcp.errors import MCPError, http_error, invalid_answer, rpc_error, too_late, unreachable
from adapter.telemetry.logs import log
from adapter.telemetry.traces.spans import trace_headers
from translators.errors import UpstreamError
from translators.to_responses.sse import SSEDecoder

Message = dict[str, Any]
"""A JSON-RPC message."""
OnRequest = Callable[[Message], None]
"""Gets the requests that a server sends in its answer, and answers them or raises MCPError."""

EVENT_STREAM: Final = "text/event-stream"
_READ_BYTES: Final = 64 * 1024
_MAX_ERROR_BYTES: Final = 64 * 1024
_MAX_CONTAINERS: Final = 200_000
_MAX_VALUES: Final = 1_000_000
"""Of a message, in which a few bytes can become an object of a hundred: more than any list or text result has."""
_encode: Final = msgspec.json.Encoder().encode


class Endpoint:
    """The URL of one server, with the headers that each request carries. Its host is looked up once."""

    def __init__(self, url: Url, guard: Guard, headers: Mapping[str, str]) -> None:
        self.url = url
        self._guard = guard
        self._headers = dict(headers)
        self._host: PinnedHost | None = None

    def post(self, message: Message, headers: Mapping[str, str], seconds: float, url: Url | None = None) -> "Answer":
        """Send a message; raise MCPError. `url`: another one of the same host."""
        accept = {"Content-Type": "application/json", "Accept": f"application/json, {EVENT_STREAM}"}
        return self._send("POST", {**accept, **headers}, seconds, _encode(message), url)

    def get(self, headers: Mapping[str, str], seconds: float) -> "Answer":
        """Open the stream of the transport HTTP+SSE; raise MCPError."""
        return self._send("GET", {"Accept": EVENT_STREAM, **headers}, seconds)

    def delete(self, headers: Mapping[str, str], seconds: float) -> None:
        """End a session, as far as the server supports it; raise MCPError."""
        self._send("DELETE", headers, seconds).discard()

    def close(self) -> None:
        if self._host is not None:
            self._host.close()

    def _send(
        self, method: str, headers: Mapping[str, str], seconds: float, body: bytes | None = None, url: Url | None = None
    ) -> "Answer":
        try:
            if self._host is None:
                self._host = self._guard.pin(self.url)
            every = {**trace_headers(), **self._headers, **headers}
            answer = self._host.request(
                method, (url or self.url).request_uri, seconds=seconds, headers=every, body=body
            )
        except (FetchFailed, HostNotAllowed, Unreachable, HTTPError) as error:
            log.info("request to a tool server failed", host=self.url.host, reason=type(error).__name__)
            raise (too_late(seconds) if isinstance(error, ReadTimeoutError) else unreachable()) from None
        return Answer(answer, seconds)


class Answer:
    """The answer to one request: `messages` reads it, `close` must be called."""

    def __init__(self, response: BaseHTTPResponse, seconds: float) -> None:
        self._response = response
        self._seconds = seconds
        self.status = response.status
        self.type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        self.session = response.headers.get("mcp-session-id")

    def check(self) -> None:
        """Raise MCPError unless the status is a success: the JSON-RPC error in the body, if it is one."""
        if 200 <= self.status < 300:
            return
        if self.status >= 400 and self.type == "application/json":
            try:
                found = _decode(b"".join(self._pieces(_MAX_ERROR_BYTES)))
            except MCPError:
                raise http_error(self.status) from None
            if _is_error(found):
                raise _error_of(found, self.status)
        raise http_error(self.status)

    def messages(self, max_bytes: int) -> Iterator[Message]:
        """Yield the messages as they arrive; raise MCPError for what is none, and beyond `max_bytes` in all."""
        if self.type == EVENT_STREAM:
            yield from self._streamed(max_bytes)
            return
        if self.type != "application/json":
            raise invalid_answer("The tool server's answer is neither JSON nor an event stream")
        whole = _decode_any(b"".join(self._pieces(max_bytes)))
        for message in whole if isinstance(whole, list) else [whole]:  # revision 2025-03-26 knows batches
            if not isinstance(message, dict):
                raise invalid_answer("The tool server's answer is not JSON-RPC")
            yield message

    def payloads(self, max_event_bytes: int, max_bytes: int) -> Iterator[bytes]:
        """Yield the data of each event of a stream; raise MCPError beyond a limit."""
        decoder = SSEDecoder(max_event_bytes)
        try:
            for piece in self._pieces(max_bytes):
                yield from decoder.feed(piece)
            yield from decoder.flush()
        except UpstreamError:
            raise _too_large() from None

    def discard(self) -> None:
        """Read the rest, if it is short, so that the connection can be reused, and close."""
        with closing(self):
            try:
                sum(map(len, self._pieces(_MAX_ERROR_BYTES)))
            except MCPError:
                pass

    def close(self) -> None:
        self._response.close()

    def _streamed(self, max_bytes: int) -> Iterator[Message]:
        for payload in self.payloads(max_bytes, max_bytes):
            yield _decode(payload)

    def _pieces(self, max_bytes: int) -> Iterator[bytes]:
        if self._response.headers.get("content-encoding", "identity").lower() != "identity":
            raise invalid_answer("The tool server's answer is compressed, which was not requested")
        left = max_bytes
        try:
            while piece := self._response.read1(_READ_BYTES, decode_content=False):
                left -= len(piece)
                if left < 0:
                    raise _too_large()
                yield piece
        except ReadTimeoutError:
            raise too_late(self._seconds) from None
        except HTTPError:
            raise invalid_answer("The connection broke before the tool server's answer was complete") from None


def find_result(answer: Answer, id: int, max_bytes: int, on_request: OnRequest) -> Message:
    """Return the result of request `id` from an answer, which is closed; raise MCPError.

    Notifications are skipped; `on_request` gets the server's own requests.
    """
    with closing(answer):
        answer.check()
        if answer.status in (202, 204):
            raise invalid_answer(
                "The tool server did not answer the request itself; answers on another stream are not supported"
            )
        for message in answer.messages(max_bytes):
            if (result := read_message(message, id, on_request)) is not None:
                return result
    raise invalid_answer("The tool server's answer ended without a result")


def read_message(message: Message, id: int, on_request: OnRequest) -> Message | None:
    """Return the result in a message, None if it is not an answer; raise MCPError for an error or another's answer."""
    if "method" in message:
        if "id" in message:
            on_request(message)
        return None
    if _is_error(message) and message.get("id") in (id, None):
        raise _error_of(message, 200)
    result = message.get("result")
    if not isinstance(result, dict):
        raise invalid_answer("The tool server's answer is not JSON-RPC")
    if message.get("id") is True or message.get("id") != id:
        raise invalid_answer("The tool server answered another request")
    return result


def _is_error(message: Any) -> bool:
    error = message.get("error") if isinstance(message, dict) else None
    return isinstance(error, dict) and isinstance(error.get("code"), int)


def _error_of(message: Message, status: int) -> MCPError:
    error = message["error"]
    words = error.get("message")
    return rpc_error(error["code"], words if isinstance(words, str) else "", status, error.get("data"))


def _decode(data: bytes) -> Message:
    found = _decode_any(data)
    if not isinstance(found, dict):
        raise invalid_answer("The tool server's answer is not JSON-RPC")
    return found


def _decode_any(data: bytes) -> Any:
    if data.count(b"[") + data.count(b"{") > _MAX_CONTAINERS or data.count(b",") > _MAX_VALUES:
        raise _too_large()
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise invalid_answer("The tool server's answer is not JSON-RPC") from None


def _too_large() -> MCPError:
    return invalid_answer("The tool server's answer is larger than the limit")
