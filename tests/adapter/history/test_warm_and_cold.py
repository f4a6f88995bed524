"""What is known of earlier bodies changes nothing: neither what the provider is asked, nor what the client gets."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.adapter.api.request.test_recorded_requests import recorded
from tests.service.test_fast_path import post, talk
from tests.support.chat import completion, end, text
from tests.support.servers.service import Service
from tests.support.servers.upstream import ReceivedRequest, Script, Upstream, stream, whole

SEALED = re.compile(rb'\bcmp_[0-9a-f]{32}|"encrypted_content":"[^"]+"')
FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}
BASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "streamed": {"stream": True, "store": False},
    "with tools": {
        "tools": [FUNCTION, {"type": "web_search"}],
        "tool_choice": "required",
        "parallel_tool_calls": False,
    },
    "with a format": {"text": {"format": {"type": "json_object"}, "verbosity": "low"}, "top_logprobs": 3},
    "with effort": {"reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"]},
    "labelled": {"metadata": {"a": "b"}, "prompt_cache_key": "k", "user": "u", "service_tier": "flex"},
    "wrong": {"temperature": 3},
}
INPUTS: dict[str, Any] = {
    "words": "Hi",
    "other words": "Ho",
    "a conversation": [{"role": role, "content": "x" * 9000} for role in ("system", "user", "assistant", "user")],
    "an orphan": [{"type": "function_call_output", "call_id": "c", "output": "done"}],
    "nothing": [],
}


@pytest.fixture(scope="module")
def services(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Service]]:
    options = {"upstream_url": provider.url, "workers": 1}
    warm = Service(tmp_path_factory.mktemp("warm"), **options)
    with warm, Service(tmp_path_factory.mktemp("cold"), history_cache_bytes=0, **options) as cold:
        yield warm, cold


@pytest.fixture
def asked(provider: Upstream) -> Iterator[list[bytes]]:
    """What the provider was asked."""
    bodies: list[bytes] = []

    def answer(received: ReceivedRequest) -> Script:
        bodies.append(received.body)
        return stream(text("Hel", "lo") + end()) if received.json.get("stream") else whole(completion("Hello"))

    provider.otherwise = answer
    yield bodies
    provider._complaints.clear()  # recorded requests use what this provider does not know
    provider.reset()


@pytest.mark.parametrize("base", BASES)
def test_made_up_bodies(services: tuple[Service, Service], asked: list[bytes], base: str) -> None:
    bodies = [json.dumps({"model": "m", "input": input, **BASES[base]}).encode() for input in INPUTS.values()]
    assert_same(services, asked, bodies)


@pytest.mark.parametrize("client", sorted({name.partition("/")[0] for name, _ in recorded()}))
def test_recorded_bodies(services: tuple[Service, Service], asked: list[bytes], client: str) -> None:
    own = [body for name, body in recorded() if name.partition("/")[0] == client and not body.get("background")]
    assert_same(services, asked, [json.dumps(body).encode() for body in own[:12]])


def assert_same(services: tuple[Service, Service], asked: list[bytes], bodies: list[bytes]) -> None:
    """Assert that a service that knows the bodies of before does the same as one that knows nothing."""
    warm, cold = ([(answer_to(body, one), asked.copy(), asked.clear()) for body in bodies * 2] for one in services)
    assert warm == cold


def answer_to(body: bytes, service: Service) -> bytes:
    return SEALED.sub(b"", talk(service, [post(body)]))
