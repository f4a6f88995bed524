"""The HTTP side of MCP: send one JSON-RPC message, and read the messages of the answer, a JSON body or an SSE stream.

Everything that is read is limited. Redirects are not followed. Closing an answer before its end cuts the connection,
which cancels the request; nothing here limits the time. Source: Model Context Protocol specification, Transports.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from http.client import HTTPException
from typing import Any, Final

import msgspec
from urllib3.exceptions import HTTPError
from urllib3.util import Url

from adapter.files.guard import FetchFailed, HostNotAllowed
from adapter.files.pinned import Unreachable
from adapter.hosting.mcp.connections import ServerConnections
from adapter.hosting.mcp.errors import MCPError, http_error, invalid_answer, rpc_error, unreachable
from adapter.telemetry.logs import log
from adapter.telemetry.traces.spans import trace_headers
from adapter.upstream.client import USER_AGENT
from adapter.upstream.http.framing import UnsizedBody
from adapter.upstream.http.head import Head
from adapter.upstream.http.reader import BodyCut, BodyReader, choose_framing
from adapter.upstream.http.transport import SentRequest, format_head
from translators.errors import UpstreamError
from translators.to_responses.sse import SSEDecoder

Message = dict[str, Any]
"""A JSON-RPC message."""
OnRequest = Callable[[Message], None]
"""Gets the requests that a server sends in its answer, and answers them or raises MCPError."""

EVENT_STREAM: Final = "text/event-stream"
_ACCEPT: Final = {"Content-Type": "application/json", "Accept": f"application/json, {EVENT_STREAM}"}
_MAX_ERROR_BYTES: Final = 64 * 1024
_MAX_CONTAINERS: Final = 200_000
_MAX_VALUES: Final = 1_000_000
"""Of a message, in which a few bytes can become an object of a hundred: more than any list or text result has."""
_encode: Final = msgspec.json.Encoder().encode


class Endpoint:
    """The URL of one server, with the headers that each request carries."""

    def __init__(self, url: Url, headers: Mapping[str, str], connections: ServerConnections) -> None:
        self.url = url
        host = url.netloc or ""
        self._headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", "Host": host, **headers}
        self._connections = connections

    def post(self, message: Message, headers: Mapping[str, str], url: Url | None = None) -> "Answer":
        """Send a message; raise MCPError. `url`: another one of the same host."""
        body = _encode(message)
        every = {**_ACCEPT, **headers, "Content-Length": str(len(body))}
        return self._send("POST", every, body, url, may_repeat=message.get("method") != "tools/call")

    def get(self, headers: Mapping[str, str]) -> "Answer":
        """Open the stream of the transport HTTP+SSE; raise MCPError."""
        return self._send("GET", {"Accept": EVENT_STREAM, **headers})

    def delete(self, headers: Mapping[str, str]) -> None:
        """End a session, as far as the server supports it; raise MCPError."""
        self._send("DELETE", {"Accept": "*/*", **headers}).discard()

    def _send(
        self, method: str, headers: Mapping[str, str], body: bytes = b"", url: Url | None = None,
        *, may_repeat: bool = True,
    ) -> "Answer":  # fmt: skip
        every = {**trace_headers(), **self._headers, **headers}
        head = format_head(method, (url or self.url).request_uri, every)
        try:
            answer = self._connections.send(b"%b\r\n%b" % (head, body), may_repeat=may_repeat)
        except (FetchFailed, HostNotAllowed, Unreachable, HTTPError, HTTPException, OSError) as error:
            log.info("request to a tool server failed", host=self.url.host, reason=type(error).__name__)
            raise unreachable() from None
        return Answer(*answer)


class Answer:
    """The answer to one request: `messages` reads it, `close` must be called."""

    def __init__(self, sent: SentRequest, head: Head) -> None:
        fields = head.fields
        self.status = head.status
        self.type = fields.get("content-type", "").partition(";")[0].strip().lower()
        self.session = fields.get("mcp-session-id")
        self._is_compressed = fields.get("content-encoding", "identity").lower() not in ("identity", "")
        framing = UnsizedBody() if self._is_compressed else choose_framing(head)
        self._body = BodyReader(sent, framing, head.keeps_connection, head.rest)

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

    def close(self, *, answered: bool = False) -> None:
        """Close it. `answered`: it has said what it had to, so its end is awaited beside, to use the connection again.

        Otherwise the connection is cut, unless the answer has ended.
        """
        self._body.close(answered=answered)

    def _streamed(self, max_bytes: int) -> Iterator[Message]:
        for payload in self.payloads(max_bytes, max_bytes):
            yield _decode(payload)

    def _pieces(self, max_bytes: int) -> Iterator[bytes]:
        if self._is_compressed:
            raise invalid_answer("The tool server's answer is compressed, which was not requested")
        left = max_bytes
        try:
            while (piece := self._body.read()) != b"":
                if piece is None:
                    continue  # a tick of the heartbeat
                left -= len(piece)
                if left < 0:
                    raise _too_large()
                yield piece
        except (BodyCut, UpstreamError):  # the latter: its framing is not valid
            raise invalid_answer("The connection broke before the tool server's answer was complete") from None


def find_result(answer: Answer, id: int, max_bytes: int, on_request: OnRequest) -> Message:
    """Return the result of request `id` from an answer, which is closed; raise MCPError.

    Notifications are skipped; `on_request` gets the server's own requests.
    """
    answered = False
    try:
        answer.check()
        if answer.status in (202, 204):
            raise invalid_answer(
                "The tool server did not answer the request itself; answers on another stream are not supported"
            )
        for message in answer.messages(max_bytes):
            if (result := read_message(message, id, on_request)) is not None:
                answered = True
                return result
    finally:
        answer.close(answered=answered)
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
