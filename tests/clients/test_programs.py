"""Real clients against the running service (`make test-clients`): an answer, a streamed one, two tools at once, and a
turn behind that.

`programs/` holds a program for each, which prints what it got. The provider behind the service answers "Hi", calls the
tool `look` twice when told to look, and says what the tool said; the strict reader of its requests looks on.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.install import PYTHON, available, node_clients, python_client
from tests.support import chat
from tests.support.service import Service
from tests.support.upstream import Asked, Script, Upstream, stream, whole

pytestmark = pytest.mark.clients

PROGRAMS = Path(__file__).with_name("programs")
LIMIT = 120


def answers(asked: Asked) -> Script:
    """Return what the provider says to a request."""
    said: dict[str, Any] = asked.messages[-1]
    text = said["content"] if isinstance(said["content"], str) else said["content"][0]["text"]
    streamed = asked.json.get("stream", False)
    if text == "Look.":
        name = next(tool["function"]["name"] for tool in asked.json["tools"] if "look" in tool["function"]["name"])
        places = {"call_1": '{"at":"sea"}', "call_2": '{"at":"sky"}'}
        if streamed:
            calls = [chat.call(index, id, name, place) for index, (id, place) in enumerate(places.items())]
            return stream(*calls, chat.end("tool_calls"))
        functions = {id: {"name": name, "arguments": place} for id, place in places.items()}
        called = [{"id": id, "type": "function", "function": function} for id, function in functions.items()]
        return whole(chat.completion(tool_calls=called, finish="tool_calls"))
    pieces = ["Bl", "ue."] if said["role"] == "tool" else ["Hel", "lo."]
    return stream(chat.text(*pieces), chat.end()) if streamed else whole(chat.completion("".join(pieces)))


def run(command: list[str], service: Service, **environ: str) -> Any:
    """Return what a program prints."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(service.directory), **environ}
    ran = subprocess.run([*command, service.url], env=environ, capture_output=True, text=True, timeout=LIMIT)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def is_as_answered(printed: list[Any]) -> None:
    """Check what a program prints; LiteLLM cuts a stream into pieces of its own."""
    text, pieces, looked, again = printed
    assert (text, "".join(pieces), looked, again) == ("Hello.", "Hello.", "Blue.", "Hello.")
    assert len(pieces) == 2


@pytest.mark.parametrize("name", PYTHON)
def test_python(name: str, service: Service, upstream: Upstream) -> None:
    upstream.otherwise = answers
    program = PROGRAMS / f"use_{name.replace('-', '_')}.py"
    directory = available(python_client, name)
    is_as_answered(run([sys.executable, str(program)], service, PYTHONPATH=str(directory)))


@pytest.mark.parametrize("program", sorted(PROGRAMS.glob("*.mjs")), ids=lambda program: program.stem)
def test_node(program: Path, service: Service, upstream: Upstream, tmp_path: Path) -> None:
    upstream.otherwise = answers
    directory = available(node_clients)
    (tmp_path / "node_modules").symlink_to(directory / "node_modules")
    copy = tmp_path / program.name
    copy.write_bytes(program.read_bytes())
    is_as_answered(run([str(directory / "node_modules/.bin/node"), str(copy)], service))
