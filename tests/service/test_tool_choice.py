"""tool_choice and parallel_tool_calls where the provider does not see to them: the adapter does.

`learned` refusals are remembered for a model, so each test that teaches has a model of its own.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import Script, Upstream, stream, whole

TOOLS = [{"type": "function", "name": name, "parameters": {"type": "object"}} for name in ("look", "go")]
ONE = {"type": "function", "name": "go"}
LOOK, GO = chat.call(0, "c1", "look", "{}"), chat.call(1, "c2", "go", "{}")


@pytest.fixture(scope="module")
def ollama(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose provider honours no tool_choice."""
    directory = tmp_path_factory.mktemp("ollama")
    with Service(directory, upstream_url=provider.url, dialect="ollama", workers=1) as service:
        yield service


def calls(*blocks: bytes) -> Script:
    return stream(*blocks, chat.end("tool_calls"))


def names(events: list[dict[str, Any]]) -> list[str]:
    assert events[-1]["type"] == "response.completed", events[-1]
    return [item["name"] for item in events[-1]["response"]["output"] if item["type"] == "function_call"]


def test_none_leaves_the_tools_out(ollama: Service, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("Hi.")))
    ollama.create(tools=TOOLS, tool_choice="none")
    assert not upstream.received().json.keys() & {"tools", "tool_choice"}


@pytest.mark.parametrize(("choice", "wrong", "right", "called"), [
    ("required", chat.text("No."), LOOK, ["look"]),
    ({"type": "allowed_tools", "mode": "required", "tools": [ONE]}, chat.text("No."), GO, ["go"]),
    (ONE, LOOK, GO, ["go"]),
])  # fmt: skip
def test_a_call_is_asked_for_once_more(
    ollama: Service, upstream: Upstream, choice: Any, wrong: bytes, right: bytes, called: list[str]
) -> None:
    upstream.plays(calls(wrong), calls(right))
    assert names(ollama.stream(tools=TOOLS, tool_choice=choice)) == called
    assert "tool_choice" not in upstream.received().json
    assert "you must call" in upstream.received().messages[0]["content"]
    assert "did not call" in upstream.received(2).messages[-1]["content"]
    assert [message["role"] for message in upstream.received(2).messages[-2:]] == ["assistant", "user"]


def test_a_call_that_never_comes(ollama: Service, upstream: Upstream) -> None:
    upstream.plays(*[whole(chat.completion("No."))] * 2)
    answer = ollama.post({"model": "m", "input": "Hi", "tools": TOOLS, "tool_choice": "required"})
    assert (answer.status, answer.error["message"]) == (
        502, "The model did not call a tool, which tool_choice requires."
    )  # fmt: skip


def test_allowed_tools_are_those_that_are_shown(service_of_one: Service, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("Hi.")))
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [ONE]}
    service_of_one.create(tools=TOOLS, tool_choice=allowed)
    assert [tool["function"]["name"] for tool in upstream.received().json["tools"]] == ["go"]
    assert "tool_choice" not in upstream.received().json


def test_a_choice_that_is_refused_is_learned(service_of_one: Service, upstream: Upstream) -> None:
    refusal = whole(chat.error("Thinking mode does not support this tool_choice"), 400)
    upstream.plays(refusal, calls(LOOK), calls(LOOK))
    for _ in range(2):
        events = service_of_one.stream(model="thinker", tools=TOOLS, tool_choice="required")
        assert names(events) == ["look"]
    assert [received.json.get("tool_choice") for received in upstream.requests] == ["required", None, None]


def test_only_the_first_of_parallel_calls_is_kept(service_of_one: Service, upstream: Upstream) -> None:
    upstream.plays(calls(LOOK, GO), calls(LOOK, GO))
    assert names(service_of_one.stream(tools=TOOLS, parallel_tool_calls=False)) == ["look"]
    assert names(service_of_one.stream(tools=TOOLS)) == ["look", "go"]
