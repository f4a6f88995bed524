"""A replay that only translates gives the chat request that was recorded, byte for byte; or says why it cannot."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.service.operators.test_inspector import OWN, Inspector
from tests.service.operators.test_metrics import free_port
from tests.support import chat
from tests.support.client import Answer
from tests.support.hosted import calls, mcp, says
from tests.support.servers.scripted_mcp import Reply, Request, ScriptedMCP, as_json, result, scripted_mcp, tool
from tests.support.servers.service import Service
from tests.support.servers.upstream import ReceivedRequest, Script, Upstream, stream, whole
from tests.support.websocket import Socket

LEARNED = "Unrecognized request argument supplied: stream_options"
TURNS = [
    {"role": role, "content": text * 100}
    for role, text in (("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"), ("user", "e"))
]


def answers(request: Request) -> Reply:
    if request.rpc == "tools/list":
        tools = [tool("roll")]
        return as_json(result(request, resultType="complete", tools=tools, ttlMs=0, cacheScope="private"))
    return as_json(result(request, resultType="complete", content=[{"type": "text", "text": "4"}]))


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedMCP]:
    with scripted_mcp() as server:
        server.answers = answers
        yield server


@pytest.fixture(scope="module")
def running(
    provider: Upstream, server: ScriptedMCP, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, Inspector]]:
    toml = f"""
[models]
"*" = "default"
fails-over = ["default", "second"]
[upstreams.second]
url = "{provider.url}"
dialect = "mistral"
[tools]
mcp_url_hosts = ["127.0.0.1:{server.server_port}"]
[tools.mcp.dice]
url = "{server.url}"
"""
    port = free_port()
    with Service(
        tmp_path_factory.mktemp("replays"), toml, upstream_url=provider.url, upstream_api_key=OWN, workers=1,
        admin_bind=f"127.0.0.1:{port}", inspector="all",
    ) as service:  # fmt: skip
        yield service, Inspector("127.0.0.1", port)


@pytest.fixture
def service(running: tuple[Service, Inspector], upstream: Upstream) -> Service:
    upstream.otherwise = greet
    return running[0]


@pytest.fixture
def inspector(running: tuple[Service, Inspector]) -> Inspector:
    return running[1]


def greet(received: ReceivedRequest) -> Script:
    return stream(chat.text("Hi"), chat.end()) if received.json.get("stream") else whole(chat.completion("Hi"))


def replayed(inspector: Inspector, model: str) -> tuple[Answer, dict[int, str]]:
    """Return the newest exchange of a model translated once more, and its recorded chat requests by attempt."""
    head = inspector.ended(f"?model={model}")[0]
    chats = inspector.one(head["id"])["recorded"]["chats"]
    return inspector.replay(id=head["id"]), {one["attempt"]: one["text"] for one in chats}


@pytest.mark.parametrize(
    ("name", "failure", "members", "compared", "number"),
    [
        ("plain", None, {}, 0, 1),
        ("secret", None, {"input": f"It is {OWN}."}, 0, 1),
        ("lesson", whole(chat.error(LEARNED), 400), {"stream": True}, 1, 2),
        ("fails-over", whole(chat.error("down"), 503), {}, 1, 2),
        ("truncated", whole(chat.error("too long", code="context_length_exceeded"), 400),
         {"input": TURNS, "truncation": "auto"}, 0, 2),
        ("compacted", None, {"input": TURNS, "context_management": [{"type": "compaction", "compact_threshold": 1000}],
                             "instructions": "Be brief. " * 600}, 0, 2),
        ("hosted", calls(("mcp__dice__roll", '{"n":1}')), {"stream": True, "tools": [mcp()]}, 0, 2),
        ("background", None, {"background": True, "stream": True}, 0, 1),
    ],
)  # fmt: skip
def test_it_equals_what_was_asked_first(
    service: Service, inspector: Inspector, upstream: Upstream, name: str, failure: Script | None,
    members: dict[str, Any], compared: int, number: int,
) -> None:  # fmt: skip
    upstream.plays(*filter(None, [failure]))
    if name == "hosted":
        upstream.plays(says("4."))
    assert service.post({"model": name, "input": "Hello", **members}).status == 200
    answer, chats = replayed(inspector, name)
    assert len(chats) == number
    assert answer.json["attempt"] == compared
    assert answer.json["chat"] == chats[compared]


def test_it_equals_what_a_websocket_asked(service: Service, inspector: Inspector) -> None:
    with Socket(service, None) as socket:
        first = socket.turn(model="spoken")
        socket.turn(model="spoken", previous_response_id=first["id"])
    inspector.ended("?model=spoken", 2)
    answer, chats = replayed(inspector, "spoken")
    assert answer.json["chat"] == chats[0]


def test_lessons_that_were_learned_since_are_told(service: Service, inspector: Inspector, upstream: Upstream) -> None:
    service.post({"model": "learns", "input": "Hello", "stream": True})
    (before,) = inspector.ended("?model=learns")
    upstream.plays(whole(chat.error(LEARNED), 400))
    service.post({"model": "learns", "input": "Hello", "stream": True})
    answer = inspector.replay(id=before["id"]).json
    assert "stream_options" not in answer["chat"]
    assert answer["lessons"] == ["stream_options"] != before["attempts"][0]["lessons"]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("tools", {"tools": [mcp(server_url="https://tools.example/path", authorization="s3cret")]}, "URLs or"),
        ("headers", {"tools": [mcp(headers={"x-key": "s3cret"})]}, "URLs or credentials were left out"),
        ("file", {"input": [{"role": "user", "content": [
            {"type": "input_file", "file_url": "https://files.example/s3cret.pdf"}]}]}, "URLs or credentials"),
    ],
)  # fmt: skip
def test_what_was_masked_is_asked_of_nobody(
    service: Service, inspector: Inspector, server: ScriptedMCP, name: str, content: dict[str, Any], why: str
) -> None:
    service.post({"model": name, "input": "Hello", **content})
    for sends in (False, True):
        before = len(server.requests)
        answer = inspector.replay(id=inspector.ended(f"?model={name}")[0]["id"], send=sends)
        assert answer.status == 409
        assert why in answer.error["message"]
        assert len(server.requests) == before


def test_a_sealed_summary_is_not_replayed(service: Service, inspector: Inspector) -> None:
    compacted = service.request("POST", "/v1/responses/compact", {"model": "compacts", "input": TURNS}).json["output"]
    assert service.post({"model": "continues", "input": [*compacted, {"role": "user", "content": "x"}]}).status == 200
    answer = inspector.replay(id=inspector.ended("?model=continues")[0]["id"])
    assert (answer.status, "a sealed summary was left out" in answer.error["message"]) == (409, True)


def test_no_secret_of_the_server_is_shown_with_what_is_stored_or_answered(
    service: Service, inspector: Inspector, upstream: Upstream
) -> None:
    upstream.otherwise = lambda received: whole(chat.completion(f"You mean {OWN}?"))
    id = service.request("POST", "/v1/conversations", {}).json["id"]
    service.post({"model": "knows", "input": f"It is {OWN}.", "conversation": id})
    service.post({"model": "knows", "input": "Hello"})
    plain = inspector.ended("?model=knows", 2)[0]["id"]
    shown = inspector.get(f"/inspector/api/conversations/{id}")
    texts = [item["json"]["content"][0]["text"] for item in shown.json["items"]]
    assert texts == [f"It is {'*' * len(OWN)}.", f"You mean {'*' * len(OWN)}?"]
    sent = inspector.replay(id=plain, send=True)
    assert sent.json["response"]["output"][0]["content"][0]["text"] == f"You mean {'*' * len(OWN)}?"
    assert OWN.encode() not in sent.body + shown.body
