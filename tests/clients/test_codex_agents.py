"""Codex with agents: a parent has two children count, asks one of them again, is resumed, compacted, and goes on.

The children work at the same time, so the provider plays no script: it answers each request by what it contains.
Codex gives agents to unknown models by its feature `multi_agent_v2`, and by itself to some that it knows by name;
those call one tool at a time. A provider called OpenAI is asked to compact by `compaction_trigger`.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.clients.codex import Codex, connections
from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import ReceivedRequest, Script, Upstream, stream

pytestmark = pytest.mark.clients

CHILDREN = ("oaks", "elms")
FULL = {"prompt_tokens": 1_000_000, "completion_tokens": 7, "total_tokens": 1_000_007}
"""Token counts beyond any limit: Codex compacts before the next turn."""
SUMMARY = "There are three oaks and three elms, and three more oaks."
FROM_PARENT, FROM_CHILD = re.compile(r"\[Message from /root to /root/(\w+)\]"), "[Message from /root/{} to /root]"


class Model:
    """A chat model that is the parent and both children, and compacts; it knows only what a request says."""

    def __init__(self, fork_turns: str) -> None:
        self._fork_turns = fork_turns

    def __call__(self, received: ReceivedRequest) -> Script:
        contents = [str(message["content"]) for message in received.messages]
        asked = contents[-1]
        if "summary" in asked and "tool_calls" not in asked:
            return stream(chat.text(SUMMARY), chat.end())
        tasks = [match[1] for content in contents if (match := FROM_PARENT.match(content))]
        if tasks:
            return stream(chat.text(f"Three {tasks[-1]}."), chat.end())
        if "Rest." in asked:
            return stream(chat.text("I rest."), chat.end(usage=FULL))
        if any(SUMMARY in content for content in contents):
            return stream(chat.text("Nine trees."), chat.end())
        return self._next_call(received) or stream(chat.text("All are counted."), chat.end())

    def _next_call(self, received: ReceivedRequest) -> Script | None:
        """Return what the parent does next: give the two tasks, then one more, and wait for each answer."""
        calls = [call["function"] for message in received.messages for call in message.get("tool_calls", ())]
        begun = [json.loads(call["arguments"]) for call in calls if call["name"].endswith("__spawn_agent")]
        ordered = [call for call in calls if call["name"].endswith("__followup_task")]
        contents = [str(message["content"]) for message in received.messages]
        answers = [sum(FROM_CHILD.format(child) in content for content in contents) for child in CHILDREN]
        id = f"call_{len(calls)}"
        if len(begun) < len(CHILDREN):
            left = CHILDREN[len(begun) :]
            if "functions__exec" in declared(received):  # such a model calls one tool at a time
                left = left[:1]
            tasks = [
                call(f"{id}_{child}", at, "spawn_agent", task_name=child, message=f"Count the {child}.",
                     fork_turns=self._fork_turns)
                for at, child in enumerate(left)
            ]  # fmt: skip
            return stream(*tasks, chat.end("tool_calls"))
        if min(answers) < 1 or (ordered and answers[0] < 2):
            return stream(call(id, 0, "wait_agent", timeout_ms=10_000), chat.end("tool_calls"))
        if not ordered:
            again = call(id, 0, "followup_task", target="/root/oaks", message="Count the oaks once more.")
            return stream(again, chat.end("tool_calls"))
        return None


def call(id: str, index: int, name: str, **arguments: Any) -> bytes:
    return chat.call(index, id, f"collaboration__{name}", json.dumps(arguments))


def is_task(received: ReceivedRequest) -> bool:
    """Whether a parent has just given the reader of this request a task."""
    return FROM_PARENT.match(str(received.messages[-1]["content"])) is not None


def declared(received: ReceivedRequest) -> set[str]:
    return {tool["function"]["name"] for tool in received.json.get("tools", ())}


@pytest.mark.parametrize(
    ("model", "name", "websocket", "fork_turns"),
    [
        ("unknown-to-codex", "responses-adapter", False, "none"),
        ("unknown-to-codex", "OpenAI", True, "all"),
        ("gpt-5.6-terra", "OpenAI", False, "all"),
        ("gpt-5.6-terra", "responses-adapter", True, "none"),
        ("gpt-6-sol", "responses-adapter", False, "all"),
    ],
)
def test_a_parent_and_two_children(
    service: Service, upstream: Upstream, tmp_path: Path, model: str, name: str, websocket: bool, fork_turns: str
) -> None:
    upstream.otherwise = Model(fork_turns)
    before = connections(service)
    known = model.startswith("gpt-")
    codex = Codex(
        tmp_path, service, "docs/codex.md", model,
        name=name, supports_websockets=websocket, multi_agent_v2=not known,
    )  # fmt: skip
    assert codex.run("Have the trees counted.") == ["All are counted."]
    assert codex.run("resume", "--last", "Rest.") == ["I rest."]
    resumed = "\n".join(str(message["content"]) for message in upstream.requests[-1].messages)
    assert resumed.count("Three oaks.") == 2
    assert resumed.count("Three elms.") == 1
    before_compaction = len(upstream.requests)
    assert codex.run("resume", "--last", "How many are there?") == ["Nine trees."]
    assert len(upstream.requests) == before_compaction + 2
    asked, compacted = upstream.requests[before_compaction:]
    assert "Three elms." in json.dumps(asked.messages)
    assert "Three elms." not in json.dumps(compacted.messages)
    assert (connections(service) > before) == websocket
    read_by_children = [one.messages[-1]["content"] for one in upstream.requests if is_task(one)]
    assert any(content.endswith("Count the oaks once more.") for content in read_by_children)
    assert '"encrypted"' not in json.dumps([one.json.get("tools") for one in upstream.requests])


def test_the_older_agents_of_a_model_that_codex_does_not_know(
    service: Service, upstream: Upstream, tmp_path: Path
) -> None:
    def answer(received: ReceivedRequest) -> Script:
        contents = [str(message["content"]) for message in received.messages]
        if contents[-1] == "Count the oaks.":
            return stream(chat.text("Three oaks."), chat.end())
        if any("Three oaks." in content for content in contents):
            return stream(chat.text("They are counted."), chat.end())
        started = re.search(r'"agent_id":\s*"([^"]+)"', contents[-1])
        if started is None:
            task = {"message": "Count the oaks."}
            spawn = chat.call(0, "call_1", "multi_agent_v1__spawn_agent", json.dumps(task))
            return stream(spawn, chat.end("tool_calls"))
        wait = {"targets": [started[1]], "timeout_ms": 10_000}
        return stream(chat.call(0, "call_2", "multi_agent_v1__wait_agent", json.dumps(wait)), chat.end("tool_calls"))

    upstream.otherwise = answer
    codex = Codex(tmp_path, service, "README.md", "unknown-to-codex")
    assert codex.run("Have the oaks counted.") == ["They are counted."]
