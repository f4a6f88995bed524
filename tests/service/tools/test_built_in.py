"""Web search, code and images in the running service, with the backends that its settings name."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import chat
from tests.support.hosted import calls, says
from tests.support.servers.scripted_mcp import Reply, Request, ScriptedMCP, as_json, scripted_mcp
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream

PIXEL = "iVBORw0KGgo="


def answers(request: Request) -> Reply:
    result = {"url": "https://example.com/a", "title": "A", "content": "Some text."}
    return as_json({"query": "x", "results": [result]})


@pytest.fixture(scope="module")
def searxng() -> Iterator[ScriptedMCP]:
    with scripted_mcp() as server:
        server.answers = answers
        yield server


@pytest.fixture(scope="module")
def running(
    provider: Upstream, searxng: ScriptedMCP, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    toml = f"""
[upstreams.a]
url = "{provider.url}"
[tools.web_search]
backend = "searxng"
url = "http://127.0.0.1:{searxng.server_port}"
[tools.code_interpreter]
command = {json.dumps([sys.executable, "-I", "-"])}
[tools.image_generation]
upstream = "a"
model = "painter"
"""
    with Service(tmp_path_factory.mktemp("running"), toml, workers=1) as service:
        yield service


def test_all_of_them_in_one_answer(running: Service, searxng: ScriptedMCP, upstream: Upstream) -> None:
    upstream.answers["/v1/images/generations"] = {"created": 1, "data": [{"b64_json": PIXEL}]}
    tools: list[dict[str, Any]] = [
        {"type": "web_search"}, {"type": "code_interpreter", "container": {"type": "auto"}},
        {"type": "image_generation"},
    ]  # fmt: skip
    upstream.plays(
        calls(
            ("web_search", '{"query":"x"}'), ("code_interpreter", '{"code":"print(6*7)"}'),
            ("image_generation", '{"prompt":"a cat"}'),
        ),
        says("See [1]."), says("Bye."),
    )  # fmt: skip
    events = running.stream(tools=tools, include=["code_interpreter_call.outputs"])
    response = events[-1]["response"]
    search, code, image, message = response["output"]
    assert (search["status"], code["outputs"]) == ("completed", [{"type": "logs", "logs": "42\n"}])
    assert (image["status"], image["result"]) == ("completed", PIXEL)
    assert message["content"][0]["annotations"][0]["url"] == "https://example.com/a"
    assert running.get(f"/v1/responses/{response['id']}").response == response
    running.create(tools=tools, previous_response_id=response["id"])
    live = upstream.requests[1].messages
    assert upstream.requests[2].messages[: len(live)] == live
    kinds = [json.loads(line)["kind"] for line in running.log.splitlines() if '"tool call"' in line]
    assert kinds == ["web_search", "code_interpreter", "image_generation"]


def test_an_image_that_the_provider_refuses(running: Service, upstream: Upstream) -> None:
    upstream.answers["/v1/images/generations"] = chat.error("Not this.")
    upstream.plays(calls(("image_generation", '{"prompt":"a cat"}')), says("No image."))
    response = running.create(tools=[{"type": "image_generation"}])
    assert (response["output"][0]["status"], response["output"][0]["result"]) == ("failed", "")
