"""A WebSocket client of the service; every turn it reads is judged by all judges."""

import json
from typing import Any, Self

from websockets.sync.client import ClientConnection, connect

from tests.support.client import SECONDS, Client
from tests.support.judges import oracles
from tests.support.judges.grammar import check_stream

TERMINAL = ("response.completed", "response.incomplete", "response.failed")


class Socket:
    """One connection; a context manager."""

    def __init__(self, service: Client, key: str | None = "sk-test") -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.connection: ClientConnection = connect(
            f"ws://{service.host}:{service.port}/v1/responses", additional_headers=headers, max_size=None
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def send(self, input: Any = "Hi", **members: Any) -> None:
        self.connection.send(json.dumps({"type": "response.create", "model": "m", "input": input, **members}))

    def receive(self) -> dict[str, Any]:
        message = self.connection.recv(timeout=SECONDS)
        assert isinstance(message, str)
        value: dict[str, Any] = json.loads(message)
        return value

    def events(self) -> list[dict[str, Any]]:
        """Read the events of one turn to its end, judged."""
        events = [self.receive()]
        while events[-1]["type"] not in TERMINAL:
            assert events[-1]["type"] != "error", events[-1]
            events.append(self.receive())
        plain = [{name: value for name, value in event.items() if name != "stream_id"} for event in events]
        check_stream(plain)
        oracles.validate_with_openai(plain)
        for event in plain:
            oracles.validate_with_openapi(event)
        return events

    def turn(self, input: Any = "Hi", **members: Any) -> dict[str, Any]:
        """Take one turn; return its terminal response."""
        self.send(input, **members)
        response: dict[str, Any] = self.events()[-1]["response"]
        return response

    def refused(self, input: Any = "Hi", **members: Any) -> dict[str, Any]:
        """Ask for what cannot be; return the error, judged."""
        self.send(input, **members)
        return self.error()

    def error(self) -> dict[str, Any]:
        message = self.receive()
        assert message["type"] == "error", message
        assert isinstance(message["status"], int)
        error: dict[str, Any] = message["error"]
        assert error.keys() >= {"type", "code", "message", "param"}
        assert isinstance(error["code"], str)
        assert error["message"]
        return error
