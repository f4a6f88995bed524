"""Codex CLI itself against the running service (`make test-clients`), set up as the README says, in an empty home.

Codex trusts nothing but what it can run: a text ends its turn, a shell command and a patch change files, and a later
run resumes the thread with everything said before. Models that it knows by name get other tools than those it does not:
`gpt-5.5` gets apply_patch as a custom tool.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.install import available, node_clients
from tests.support import chat
from tests.support.servers.service import ROOT, Service
from tests.support.servers.upstream import ReceivedRequest, Upstream, stream

pytestmark = pytest.mark.clients

LIMIT = 120
PATCH = """*** Begin Patch
*** Add File: sky.txt
+It is "blue".
*** End Patch
"""


class Codex:
    """Codex in a home and a directory of its own."""

    def __init__(self, program: Path, home: Path, service: Service, *, websocket: bool) -> None:
        self._program = program
        self.directory = home / "work"
        self.directory.mkdir()
        self._environ = {"PATH": os.environ["PATH"], "HOME": str(home)}
        settings = home / ".codex/config.toml"
        settings.parent.mkdir()
        told = re.search(r'```toml\n(model = .*?wire_api = "responses"\n)```', (ROOT / "README.md").read_text(), re.S)
        assert told is not None
        text = told[1].replace("http://127.0.0.1:8000/v1", service.url)
        settings.write_text(text + "supports_websockets = true\n" if websocket else text)

    def run(self, *arguments: str) -> list[str]:
        """Return what the model said in a run of `codex exec`."""
        command = [
            str(self._program), "exec", *arguments, "--json", "--skip-git-repo-check",
            "--dangerously-bypass-approvals-and-sandbox",
        ]  # fmt: skip
        ran = subprocess.run(
            command, cwd=self.directory, env=self._environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=LIMIT,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr
        events = map(json.loads, ran.stdout.splitlines())
        items = [event["item"] for event in events if event["type"] == "item.completed"]
        return [item["text"] for item in items if item["type"] == "agent_message"]


@pytest.fixture(params=["HTTP", "WebSocket"])
def codex(request: pytest.FixtureRequest, service: Service, tmp_path: Path) -> Iterator[Codex]:
    program = available(node_clients) / "node_modules/.bin/codex"
    before = connections(service)
    yield Codex(program, tmp_path, service, websocket=request.param == "WebSocket")
    assert (connections(service) > before) == (request.param == "WebSocket")


def connections(service: Service) -> int:
    """Count the WebSockets that have been used so far."""
    return service.log.count('"event":"websocket"')


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
