"""Long work on what a caller sends runs beside the event loop: other connections wait for milliseconds."""

import json
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from time import sleep, thread_time
from typing import Any

import pytest

from adapter.api.request.intake import parse_body
from adapter.settings.settings import Settings
from tests.faults.connections.test_floods import LONGEST, healthz
from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream, stream
from translators.errors import RequestError

MOST_REFUSAL_SECONDS = 0.01
"""Of the processor: three are usual, and this machine may be busy."""
ATTEMPTS = "abc"
"""A busy machine holds up one probe or another; what holds up the worker itself does so each time."""
SCHEMAS: dict[str, Callable[[str], dict[str, Any]]] = {
    "many properties": lambda x: {"type": "object", "properties": {f"{x}{n}": {"type": "string"} for n in range(900)}},
    "a long pattern": lambda x: {"pattern": "|".join(f"{x}{n}" for n in range(7000))},
}
"""Another one for each attempt, which no cache knows."""


@pytest.fixture(scope="module")
def alone(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("long"), upstream_url=provider.url, workers=1) as service:
        service.get("/healthz")
        yield service


def longest_wait(service: Service, body: dict[str, Any]) -> float:
    """Send a request; return how long another connection waited meanwhile, at most."""
    request = threading.Thread(target=service.post, args=(json.dumps({"model": "m", **body}).encode(),))
    request.start()
    waits = [healthz(service)]
    while request.is_alive():
        waits.append(healthz(service))
        sleep(0.01)
    return max(waits)


def of_schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {"input": "Hi", "text": {"format": {"type": "json_schema", "name": "n", "schema": schema, "strict": True}}}


def of_file(data: bytes, name: str) -> dict[str, Any]:
    part = {"type": "input_file", "filename": name, "file_data": b64encode(data).decode()}
    return {"input": [{"role": "user", "content": [part]}]}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema(alone: Service, upstream: Upstream, name: str) -> None:
    upstream.plays(stream(chat.text('"aaaa"'), chat.end()))
    alone.post({"model": "m", **of_schema({"type": "string"})})  # imports what checks schemas

    def wait(attempt: str) -> float:
        upstream.plays(stream(chat.text('"aaaa"'), chat.end()))
        return longest_wait(alone, of_schema(SCHEMAS[name](attempt)))

    assert any(wait(attempt) < LONGEST + 10 * healthz(alone) for attempt in ATTEMPTS)


@pytest.mark.parametrize("body", [
    of_file(bytes(4_000_000), "a.bin"),
    of_file(b"%PDF-1.4\n" + b"1 0 obj" * 10_000, "a.pdf"),
    {"input": [{"role": "user", "content": [{"type": "input_text", "text": "x"}] * 100_000}], "temperature": "hot"},
], ids=["base64", "PDF", "parts"])  # fmt: skip
def test_a_large_input(alone: Service, body: dict[str, Any]) -> None:
    assert any(longest_wait(alone, body) < LONGEST + 10 * healthz(alone) for _ in ATTEMPTS)


@pytest.mark.parametrize("item", [
    {"role": "user", "content": "x"},
    {"type": "message", "role": "user", "content": "x" * 30},
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
])  # fmt: skip
def test_a_refusal_by_number_is_cheap(item: dict[str, Any]) -> None:
    body = json.dumps({"model": "m", "input": [item] * 20_000}).encode()
    assert min(_refusal_seconds(body) for _ in range(20)) < MOST_REFUSAL_SECONDS


def _refusal_seconds(body: bytes) -> float:
    settings = Settings()
    begun = thread_time()
    with pytest.raises(RequestError, match="array too long"):
        parse_body(body, settings)
    return thread_time() - begun
