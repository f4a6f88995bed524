"""Codex CLI itself against the running service (`make test-clients`), set up as the README says, in an empty home.

Codex trusts nothing but what it can run: a text ends its turn, a shell command and a patch change files, and a later
run resumes the thread with everything said before. Models that it knows by name get other tools than those it does not:
`gpt-5.5` gets apply_patch as a custom tool.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.codex import Codex, connections
from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import ReceivedRequest, Upstream, stream

pytestmark = pytest.mark.clients

PATCH = """*** Begin Patch
*** Add File: sky.txt
+It is "blue".
*** End Patch
"""


@pytest.fixture(params=["HTTP", "WebSocket"])
def codex(request: pytest.FixtureRequest, service: Service, tmp_path: Path) -> Iterator[Codex]:
    websocket = {"supports_websockets": True} if request.param == "WebSocket" else {}
    before = connections(service)
    yield Codex(tmp_path, service, "README.md", **websocket)
    assert (connections(service) > before) == (request.param == "WebSocket")


def called(upstream: Upstream, name: str, **arguments: Any) -> None:
    """Let the provider call a tool, and then say that it is done."""
    upstream.plays(
        stream(chat.thinking("Hm."), chat.call(0, "call_1", name, json.dumps(arguments)), chat.end("tool_calls")),
        stream(chat.text("It is ", "done."), chat.end()),
    )


def output(received: ReceivedRequest) -> str:
    """Return what Codex answered to the one call."""
    call, result = received.messages[-2:]
    assert call["reasoning_content"] == "Hm."  # it came back in what Codex keeps
    assert call["tool_calls"][0]["id"] == result["tool_call_id"] == "call_1"
    found: str = result["content"]
    return found


def test_a_text(codex: Codex, upstream: Upstream) -> None:
    upstream.plays(stream(chat.text("Hel", "lo."), chat.end()))
    assert codex.run("Say hello.") == ["Hello."]
    assert upstream.received().messages[-1] == {"role": "user", "content": "Say hello."}


def test_a_shell_command_and_a_thread_that_is_resumed(codex: Codex, upstream: Upstream) -> None:
    called(upstream, "exec_command", cmd="echo blue > sea.txt; cat sea.txt")
    assert codex.run("Look at the sea.") == ["It is done."]
    assert (codex.directory / "sea.txt").read_text() == "blue\n"
    assert "blue" in output(upstream.received(2))
    upstream.plays(stream(chat.text("Goodbye."), chat.end()))
    assert codex.run("resume", "--last", "Say goodbye.") == ["Goodbye."]
    *before, done, goodbye = upstream.received(3).messages
    assert before[-1]["tool_call_id"] == "call_1"
    assert done["content"] == "It is done."
    assert goodbye["content"] == "Say goodbye."


def test_a_patch(codex: Codex, upstream: Upstream) -> None:
    called(upstream, "apply_patch", input=PATCH)
    assert codex.run("--model", "gpt-5.5", "Tell of the sky.") == ["It is done."]
    assert (codex.directory / "sky.txt").read_text() == 'It is "blue".\n'
    assert "sky.txt" in output(upstream.received(2))
    functions = [tool["function"] for tool in upstream.received().json["tools"]]
    described = {function["name"]: function["description"] for function in functions}
    assert "Begin Patch" in described["apply_patch"]


def test_a_program_that_calls_tools(codex: Codex, upstream: Upstream) -> None:
    program = 'const ran = await tools.exec_command({cmd: "echo blue > sea.txt; echo done"}); text(ran);'
    called(upstream, "functions__exec", input=program)
    assert codex.run("--model", "gpt-5.6-terra", "Look at the sea.") == ["It is done."]
    assert (codex.directory / "sea.txt").read_text() == "blue\n"
    assert "done" in output(upstream.received(2))
