"""Real clients against the running service: an answer, a streamed one, two tools at once, a turn behind that, an answer
of a given shape, and one about an image (`make test-clients`).

`programs/` holds a program for each, which does all of that and prints what it got as JSON. The provider behind the
service answers by what was asked (`answers`), and the strict reader of its requests looks on.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.clients.install import OLDER, PYTHON, available, node_clients, older_openai, python_client
from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import ReceivedRequest, Script, Upstream, stream, whole

PROGRAMS = Path(__file__).with_name("programs")
LIMIT = 120
PLACE = '{"name":"sea","deep":true}'


def answers(received: ReceivedRequest) -> Script:
    """Return what the provider says to a request."""
    said: dict[str, Any] = received.messages[-1]
    text = said["content"] if isinstance(said["content"], str) else said["content"][0]["text"]
    if text == "Look.":
        return _calling(received, "look", ['{"at":"sea"}', '{"at":"sky"}'])
    if text == "Where?" and "response_format" not in received.json:
        return _calling(received, "Place", [PLACE])  # this client shapes an answer by a tool
    if text == "Where?":
        assert received.json["response_format"]["json_schema"]["schema"]["required"] == ["name", "deep"]
        return _saying(received, PLACE[:9], PLACE[9:])
    if text == "What is this?":
        assert said["content"][1]["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
        return _saying(received, "A sh", "ip.")
    return _saying(received, "Bl", "ue.") if said["role"] == "tool" else _saying(received, "Hel", "lo.")


def _calling(received: ReceivedRequest, tool: str, arguments: list[str]) -> Script:
    name = next(one["function"]["name"] for one in received.json["tools"] if tool in one["function"]["name"])
    calls = {f"call_{number}": text for number, text in enumerate(arguments, 1)}
    if received.json.get("stream"):
        told = [chat.call(index, id, name, text) for index, (id, text) in enumerate(calls.items())]
        return stream(*told, chat.end("tool_calls"))
    functions = {id: {"name": name, "arguments": text} for id, text in calls.items()}
    called = [{"id": id, "type": "function", "function": function} for id, function in functions.items()]
    return whole(chat.completion(tool_calls=called, finish="tool_calls"))


def _saying(received: ReceivedRequest, *pieces: str) -> Script:
    if received.json.get("stream"):
        return stream(chat.text(*pieces), chat.end())
    return whole(chat.completion("".join(pieces)))


def run(command: list[str], service: Service, **environ: str) -> Any:
    """Return what a program prints."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(service.directory), **environ}
    ran = subprocess.run([*command, service.url], env=environ, capture_output=True, text=True, timeout=LIMIT)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def is_as_answered(printed: list[Any]) -> None:
    """Check what a program prints; LiteLLM cuts a stream into pieces of its own."""
    text, pieces, looked, again, shaped, seen = printed
    assert (text, "".join(pieces), looked, again) == ("Hello.", "Hello.", "Blue.", "Hello.")
    assert len(pieces) == 2
    assert shaped == {"name": "sea", "deep": True}
    assert seen == "A ship."


@pytest.mark.clients
@pytest.mark.parametrize("name", PYTHON)
def test_python(name: str, service: Service, upstream: Upstream) -> None:
    upstream.otherwise = answers
    program = PROGRAMS / f"use_{name.replace('-', '_')}.py"
    directory = available(python_client, name)
    is_as_answered(run([sys.executable, str(program)], service, PYTHONPATH=str(directory)))


@pytest.mark.clients
@pytest.mark.parametrize("program", sorted(PROGRAMS.glob("use_*.mjs")), ids=lambda program: program.stem)
def test_node(program: Path, service: Service, upstream: Upstream, tmp_path: Path) -> None:
    upstream.otherwise = answers
    directory = available(node_clients)
    (tmp_path / "node_modules").symlink_to(directory / "node_modules")
    copy = tmp_path / program.name
    copy.write_bytes(program.read_bytes())
    is_as_answered(run([str(directory / "node_modules/.bin/node"), str(copy)], service))


@pytest.mark.parametrize(
    "version", [*(pytest.param(version, marks=pytest.mark.clients) for version in OLDER), openai.__version__]
)
def test_openai_of_some_year(version: str, service: Service, upstream: Upstream) -> None:
    """It accumulates our streams as the newest does, which alone needs no download."""
    upstream.plays(
        stream(chat.thinking("Hm."), chat.text("Hel", "lo."), chat.end()),
        stream(chat.call(0, "call_1", "look", '{"at":', '"sea"}'), chat.call(1, "call_2", "look", '{"at":"sky"}'),
               chat.end("tool_calls")),
        whole(chat.completion("Blue.")),
    )  # fmt: skip
    directory = available(older_openai, version) if version in OLDER else ""
    program = [sys.executable, str(PROGRAMS / "accumulate_openai.py")]
    assert run(program, service, PYTHONPATH=str(directory)) == {
        "version": version,
        "snapshots": ["Hel", "Hello."],
        "text": "Hello.",
        "tokens": 16,
        "pieces": ['{"at":', '"sea"}', '{"at":"sky"}'],
        "calls": [["call_1", "look", {"at": "sea"}], ["call_2", "look", {"at": "sky"}]],
        "answer": "Blue.",
        "retrieved": "Blue.",
    }
