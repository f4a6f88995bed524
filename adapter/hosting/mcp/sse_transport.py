"""The transport of revision 2024-11-05, HTTP+SSE: requests are POSTed, and all answers arrive on one GET stream.

The stream's first event names the URL for the requests, which must be of the same host. One request at a time uses the
stream; one that is given up takes the stream with it, so that no answer is read as that of a later request.
Source: Model Context Protocol specification, Transports (2024-11-05).
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Final

import msgspec
from gevent.lock import BoundedSemaphore
from urllib3.util import Url

from adapter.files.guard import FetchFailed, parse
from adapter.hosting.mcp.endpoint import Answer, Endpoint, Message, read_message
from adapter.hosting.mcp.errors import MCPError, invalid_answer
from adapter.hosting.mcp.revisions import (
    answer_request,
    identify,
    initialize_params,
    notification,
    read_revision,
)

_MAX_STREAM_BYTES: Final = 64 * 1024 * 1024
"""Of one stream, which carries all answers of a response."""
_MAX_EVENT_BYTES: Final = 12 * 1024 * 1024


class StreamConnection:
    """Requests over HTTP+SSE."""

    def __init__(self, endpoint: Endpoint, ids: Iterator[int]) -> None:
        self._endpoint = endpoint
        self._ids = ids
        self._turn = BoundedSemaphore(1)
        self._stream: _Stream | None = None
        self.revision = ""
        self.identity = ""

    def request(
        self, method: str, params: Message, *, max_bytes: int, headers: Mapping[str, str]
    ) -> Message:
        with self._turn:
            whole = False
            try:
                stream = self._stream or self._open()
                result = stream.request(next(self._ids), method, params)
                whole = True
                return result
            except MCPError as error:
                whole = error.status != 0
                raise
            finally:
                if not whole:
                    self._drop()

    def close(self) -> None:
        self._drop()

    def _open(self) -> "_Stream":
        answer = self._endpoint.get({})
        try:
            answer.check()
            self._stream = stream = _Stream(self._endpoint, answer)
        except BaseException:
            answer.close()
            raise
        stream.find_target()
        result = stream.request(next(self._ids), "initialize", initialize_params())
        self.revision = read_revision(result)
        self.identity = identify(result.get("serverInfo"))
        stream.post(notification("notifications/initialized", {}))
        return stream

    def _drop(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


class _Stream:
    """An open GET stream, and where its requests are posted."""

    def __init__(self, endpoint: Endpoint, answer: Answer) -> None:
        self._endpoint = endpoint
        self._answer = answer
        self._payloads = answer.payloads(_MAX_EVENT_BYTES, _MAX_STREAM_BYTES)
        self._target: Url = endpoint.url

    def find_target(self) -> None:
        """Read the stream's first event, the URL for requests; raise MCPError if it is that of another host."""
        own = self._endpoint.url
        try:
            named = next(self._payloads, b"").decode()
            target = parse(named or "none:", own.url)
        except (FetchFailed, UnicodeDecodeError):
            raise invalid_answer("The tool server names no valid URL for requests") from None
        if (target.scheme, target.host, target.port) != (own.scheme, own.host, own.port):
            raise invalid_answer("The tool server names another host for requests")
        self._target = target

    def request(self, id: int, method: str, params: Message) -> Message:
        self.post({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
        for payload in self._payloads:
            try:
                message = msgspec.json.decode(payload, type=Message)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise invalid_answer("The tool server's answer is not JSON-RPC") from None
            result = read_message(message, id, lambda request: self.post(answer_request(request)))
            if result is not None:
                return result
        raise invalid_answer("The tool server ended its stream without a result")

    def post(self, message: Message) -> None:
        answer = self._endpoint.post(message, {}, self._target)
        with closing(answer):
            answer.check()
            answer.discard()

    def close(self) -> None:
        self._answer.close()
