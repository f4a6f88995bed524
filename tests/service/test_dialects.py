"""Conversations with every provider that has a preset, each played by one that refuses what it does not document.

One service has them all as upstreams; a model is called like its provider. In a turn the model thinks and calls a tool,
in the next it answers.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import chat
from tests.support.judges.provider_rules import refusals
from tests.support.servers.service import Service
from tests.support.servers.upstream import ReceivedRequest, Script, Upstream, stream, whole
from translators.dialects.presets import PRESETS

LOOK = {
    "type": "function", "name": "look", "strict": True,
    "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
}  # fmt: skip
MEMBERS: dict[str, Any] = {
    "instructions": "Be brief.", "tools": [LOOK], "parallel_tool_calls": True, "temperature": 0.5,
    "max_output_tokens": 500, "presence_penalty": 0.1, "user": "ada", "service_tier": "flex",
    "text": {"verbosity": "low"},
}  # fmt: skip
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
NO_CALLS = {"perplexity"}


def strict(received: ReceivedRequest) -> Script:
    """Refuse what breaks a rule; call, if nothing was looked at yet; else answer."""
    body = received.json
    if wrong := refusals(body["model"], body):
        return whole(chat.error("; ".join(wrong)), 400)
    calls = body["model"] not in NO_CALLS and received.messages[-1]["role"] != "tool"
    if not body.get("stream"):
        return whole(chat.completion(reasoning_content="Hm.", tool_calls=[CALL]) if calls else chat.completion("Done."))
    if calls:
        return stream(chat.thinking("Hm."), chat.call(0, "call_1", "look", "{}"), chat.end("tool_calls"))
    return stream(chat.text("Done."), chat.end())


@pytest.fixture(scope="module")
def providers() -> Iterator[Upstream]:
    with Upstream() as upstream:
        upstream.otherwise = strict
        yield upstream


@pytest.fixture(scope="module")
def service(providers: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    directory = tmp_path_factory.mktemp("dialects")
    with Service(directory, toml=_settings(providers.url), workers=1) as service:
        yield service


def _settings(url: str) -> str:
    tables = [f'[upstreams.to-{name}]\nurl = "{url}"\ndialect = "{name}"\n' for name in PRESETS]
    models = [f'{name} = "to-{name}"\n' for name in PRESETS]
    return "\n".join([*tables, "[models]", *models])


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("effort", [None, "none", "medium"])
def test_two_turns(service: Service, providers: Upstream, name: str, effort: str | None) -> None:
    del providers.requests[:]
    members = {**MEMBERS, "model": name, "reasoning": {"effort": effort}}
    first = service.create(**members)
    assert first["status"] == "completed", first["error"]
    calls = [item for item in first["output"] if item["type"] == "function_call"]
    assert [call["call_id"] for call in calls] == ([] if name in NO_CALLS else ["call_1"])
    outputs = [{"type": "function_call_output", "call_id": call["call_id"], "output": "done"} for call in calls]
    behind = outputs or [{"role": "user", "content": "And now?"}]
    events = service.stream(behind, **members, previous_response_id=first["id"])
    assert events[-1]["type"] == "response.completed", events[-1]
    assert events[-1]["response"]["output"][-1]["content"][0]["text"] == "Done."
    assert len(providers.requests) == 2, "nothing had to be asked again"


@pytest.mark.parametrize("name", sorted(PRESETS.keys() - NO_CALLS))
@pytest.mark.parametrize("choice", ["required", {"type": "function", "name": "look"}])
def test_a_call_that_must_be(service: Service, providers: Upstream, name: str, choice: Any) -> None:
    del providers.requests[:]
    events = service.stream(**MEMBERS, model=name, tool_choice=choice)
    assert [item["name"] for item in events[-1]["response"]["output"] if item["type"] == "function_call"] == ["look"]
    assert len(providers.requests) == 1
