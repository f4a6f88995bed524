"""A plain HTTP client: it neither retries nor hides anything, and it can leave at any moment.

Every stream it reads whole is judged by all judges, every error answer by its envelope; a test that uses it
need not.
"""

import json
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPMessage
from typing import Any, NamedTuple, Self

from tests.support.judges import oracles
from tests.support.judges.grammar import check_stream
from tests.support.judges.response import check_response
from tests.support.judges.sse import parse_sse

SECONDS = 30.0
"""After so many of silence a read fails."""

Body = dict[str, Any] | bytes | Iterator[bytes] | None
"""JSON, bytes, or pieces to be sent chunked."""


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        assert self.headers.get_content_type() == "application/json", f"{self.status} is not JSON: {self.body!r}"
        return json.loads(self.body)

    @property
    def response(self) -> dict[str, Any]:
        """The Response object of a 200, judged."""
        assert self.status == 200, f"{self.status}: {self.body!r}"
        value: dict[str, Any] = self.json
        check_response(value)
        oracles.validate_response_with_openai(value)
        oracles.validate_with_openapi(value)
        return value

    @property
    def error(self) -> dict[str, Any]:
        """The error object of a 4xx or 5xx, judged."""
        assert self.status >= 400, f"{self.status} is no error: {self.body!r}"
        value: dict[str, Any] = self.json
        assert value.keys() == {"error"}, value
        assert value["error"].keys() == {"message", "type", "param", "code"}, value
        assert value["error"]["message"], "an error without a message"
        assert "Traceback" not in value["error"]["message"], value
        return value["error"]


class Exchange:
    """A request under way, its answer read bit by bit."""

    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection
        self._answer = connection.getresponse()
        self.status = self._answer.status
        self.headers = self._answer.headers
        self.body = b""
        """What has been read so far."""

    def read_until(self, mark: bytes) -> bytes:
        """Read until the answer contains `mark`; return all of it that has come."""
        while mark not in self.body:
            piece = self._answer.read1(65536)
            assert piece, f"the answer ended without {mark!r}: …{self.body[-500:]!r}"
            self.body += piece
        return self.body

    def rest(self) -> bytes:
        """Read to the end; return the whole answer."""
        self.body += self._answer.read()
        return self.body

    def leave(self) -> None:
        """Close the connection, whatever is still to come."""
        self._answer.close()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()


class Client:
    """Requests to one service, each on a connection of its own."""

    def __init__(self, host: str, port: int, key: str | None = "sk-test") -> None:
        self.host = host
        self.port = port
        self.key = key

    def open(
        self, method: str, path: str, body: Body = None, headers: Mapping[str, str | None] | None = None
    ) -> Exchange:
        """Send a request and return when the head of the answer is here. A header that is None is left out."""
        content = json.dumps(body).encode() if isinstance(body, dict) else body
        every = {"Authorization": f"Bearer {self.key}" if self.key else None}
        if content is not None:
            every["Content-Type"] = "application/json"
        sent = {name: value for name, value in {**every, **(headers or {})}.items() if value is not None}
        connection = HTTPConnection(self.host, self.port, timeout=SECONDS)
        try:
            connection.request(method, path, content, sent)
            return Exchange(connection)
        except BaseException:
            connection.close()
            raise

    def request(
        self, method: str, path: str, body: Body = None, headers: Mapping[str, str | None] | None = None
    ) -> Answer:
        with self.open(method, path, body, headers) as exchange:
            return Answer(exchange.status, exchange.headers, exchange.rest())

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def delete(self, path: str) -> Answer:
        return self.request("DELETE", path)

    def post(self, body: Body) -> Answer:
        return self.request("POST", "/v1/responses", body)

    def create(self, input: Any = "Hi", **members: Any) -> dict[str, Any]:
        """Create a response, unstreamed; return it judged."""
        return self.post({"model": "m", "input": input, **members}).response

    def open_stream(self, input: Any = "Hi", **members: Any) -> Exchange:
        return self.open("POST", "/v1/responses", {"model": "m", "input": input, "stream": True, **members})

    def stream(self, input: Any = "Hi", **members: Any) -> list[dict[str, Any]]:
        """Create a response, streamed; return its events judged."""
        with self.open_stream(input, **members) as exchange:
            assert exchange.status == 200, exchange.rest()
            assert exchange.headers.get_content_type() == "text/event-stream"
            return judged(exchange.rest())


def judged(stream: bytes) -> list[dict[str, Any]]:
    """Return the events of a whole stream that every judge has passed."""
    events = parse_sse(stream)
    check_stream(events)
    oracles.validate_with_openai(events)
    for event in events:
        oracles.validate_with_openapi(event)
    return events
