"""Codex CLI itself against the running service (`make test-clients`), set up as the README says, in an empty home.

Codex trusts nothing but what it can run: a text ends its turn, a shell command and a patch change files, and a later
run resumes the thread with everything said before. Models that it knows by name get other tools than those it does not:
`gpt-5.5` gets apply_patch as a custom tool.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from adapter.commands.keys import table_of
from tests.clients.codex import Codex, connections
from tests.support import chat
from tests.support.client import Client
from tests.support.servers.service import Service
from tests.support.servers.upstream import ReceivedRequest, Upstream, stream, whole

pytestmark = pytest.mark.clients

LIMITED, SPENT = "ra-limited-0123456789", "ra-spent-0123456789"
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


def codex_with(key: str, folder: Path, service: Service) -> Codex:
    folder.mkdir()
    return Codex(folder, service, "README.md", http_headers={"Authorization": f"Bearer {key}"})


def test_it_waits_for_the_limit_of_a_minute_and_not_for_that_of_a_day(tmp_path: Path, provider: Upstream) -> None:
    keys = "\n".join([
        table_of("limited", LIMITED, requests_per_minute=12), table_of("spent", SPENT, tokens_per_day=10),
    ])  # fmt: skip
    usage = {"prompt_tokens": 60, "completion_tokens": 40, "total_tokens": 100}
    try:
        with Service(tmp_path, toml=keys, upstream_url=provider.url, workers=2) as service:
            provider.otherwise = lambda _: whole(chat.completion("Hello.", usage=usage))
            for key in (LIMITED, LIMITED, SPENT):
                client = Client(service.host, service.port, key)
                assert client.request("POST", "/v1/responses", {"model": "m", "input": "Hi"}).status == 200
            provider.otherwise = lambda _: stream(chat.text("Hel", "lo."), chat.end())
            assert codex_with(LIMITED, tmp_path / "one", service).run("Say hello.") == ["Hello."]
            assert '"event":"limit reached"' in service.log, "it was refused first"
            began = monotonic()
            with pytest.raises(AssertionError, match=r"has used its 10 tokens of this day|[Qq]uota"):
                codex_with(SPENT, tmp_path / "two", service).run("Say hello.")
            assert monotonic() - began < 20
    finally:
        provider.reset()
