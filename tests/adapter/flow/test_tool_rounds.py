"""Tools that the adapter runs: the rounds of one response, and the turns after it."""

import itertools
import json
from typing import Any

import gevent
import pytest

from adapter.hosting.results import Image, ToolResult
from adapter.sharing.shares import TenantSemaphore
from tests.support import chat
from tests.support.hosted import FakeServer, HostedApp, calls, mcp, says
from tests.support.servers.upstream import Upstream, stream, whole
from translators.responses.hosted.errors import ToolExecutionError

ROLL = "mcp__dice__roll"
WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}


def roll(n: int = 1) -> str:
    return str(4 * n)


def fail(**_: Any) -> ToolResult:
    return ToolResult("Error: boom", ToolExecutionError([{"type": "text", "text": "boom"}]))


@pytest.fixture
def dice() -> FakeServer:
    return FakeServer("dice", {"roll": roll, "get_count": roll, "fail": fail})


@pytest.fixture
def app(provider: Upstream, dice: FakeServer) -> HostedApp:
    return HostedApp(provider, dice)


def types(response: dict[str, Any]) -> list[str]:
    return [item["type"] for item in response["output"]]


def test_a_call_is_run_and_the_model_goes_on(app: HostedApp, dice: FakeServer, upstream: Upstream) -> None:
    upstream.plays(calls((ROLL, '{"n":1}')), says("You rolled 4."))
    events = app.stream(tools=[mcp()])
    assert [event["type"].removeprefix("response.") for event in events] == [
        "created", "in_progress",
        "output_item.added", "mcp_list_tools.in_progress", "mcp_list_tools.completed", "output_item.done",
        "output_item.added", "mcp_call.in_progress", "mcp_call_arguments.delta", "mcp_call_arguments.done",
        "mcp_call.completed", "output_item.done",
        "output_item.added", "content_part.added", "output_text.delta", "output_text.done", "content_part.done",
        "output_item.done", "completed",
    ]  # fmt: skip
    response = events[-1]["response"]
    call = response["output"][1]
    assert {**call, "id": ""} == {
        "id": "", "type": "mcp_call", "status": "completed", "approval_request_id": None, "arguments": '{"n":1}',
        "error": None, "name": "roll", "output": "4", "server_label": "dice",
    }  # fmt: skip
    assert response["usage"]["total_tokens"] == 32
    assert dice.calls == [("roll", {"n": 1})]


def test_it_is_the_same_unstreamed(app: HostedApp, upstream: Upstream) -> None:
    upstream.plays(calls((ROLL, "{}")), says("4"))
    response = app.create(tools=[mcp()])
    assert types(response) == ["mcp_list_tools", "mcp_call", "message"]
    assert app.get(response["id"]) == response


def test_each_prompt_begins_with_the_last_one_and_so_does_the_next_turn(app: HostedApp, upstream: Upstream) -> None:
    think = stream(
        chat.thinking("Hm"), chat.text("One moment."), chat.call(0, "a", ROLL, '{"n":1}'),
        chat.call(1, "b", ROLL, '{"n":2}'), chat.end("tool_calls"),
    )  # fmt: skip
    upstream.plays(think, calls(("mcp__dice__fail", "{}")), says("4 and 8."), says("Bye."), says("Bye."))
    first = app.create(tools=[mcp()])
    app.create(tools=[mcp()], previous_response_id=first["id"], input="Thanks")
    app.services.flow.chain_cache._cache.clear()
    app.create(tools=[mcp()], previous_response_id=first["id"], input="Thanks")
    *rounds, cached, rendered = [received.json for received in upstream.requests]
    assert cached == rendered
    for before, after in itertools.pairwise([*rounds, cached]):
        assert after["messages"][: len(before["messages"])] == before["messages"]
        assert after["tools"] == before["tools"]
    roles = [message["role"] for message in cached["messages"]]
    assert roles == ["user", "assistant", "tool", "tool", "assistant", "tool", "assistant", "user"]
    assert [message["content"] for message in cached["messages"] if message["role"] == "tool"] == [
        "4", "8", "Error: boom",
    ]  # fmt: skip


def test_hosted_and_client_calls_in_one_answer(app: HostedApp, dice: FakeServer, upstream: Upstream) -> None:
    upstream.plays(calls((ROLL, "{}"), ("weather", "{}"), (ROLL, '{"n":2}')), says("Done."))
    first = app.create(tools=[mcp(), WEATHER])
    assert types(first) == ["mcp_list_tools", "mcp_call", "function_call", "mcp_call"]
    assert first["status"] == "completed"
    output = {"type": "function_call_output", "call_id": first["output"][2]["call_id"], "output": "sunny"}
    second = app.create(tools=[mcp(), WEATHER], previous_response_id=first["id"], input=[output])
    assert types(second) == ["message"]
    assert [message["content"] for message in upstream.requests[1].messages[2:]] == ["4", "sunny", "8"]
    assert len(dice.calls) == 2


def test_an_unknown_name_is_the_clients(app: HostedApp, dice: FakeServer, upstream: Upstream) -> None:
    upstream.plays(calls(("mcp__dice__other", "{}")))
    response = app.create(tools=[mcp()])
    assert types(response) == ["mcp_list_tools", "function_call"]
    assert dice.calls == []


def test_a_choice_is_forced_in_the_first_round_only(app: HostedApp, upstream: Upstream) -> None:
    upstream.plays(calls((ROLL, "{}")), says("4"))
    app.create(tools=[mcp()], tool_choice="required")
    assert [received.json.get("tool_choice") for received in upstream.requests] == ["required", None]


def test_the_limit_of_calls(app: HostedApp, dice: FakeServer, upstream: Upstream) -> None:
    upstream.plays(calls((ROLL, '{"n":1}'), (ROLL, '{"n":2}')), says("4"))
    response = app.create(tools=[mcp(), WEATHER], max_tool_calls=1)
    assert types(response) == ["mcp_list_tools", "mcp_call", "message"]
    assert response["max_tool_calls"] == 1
    assert dice.calls == [("roll", {"n": 1})]
    assert [tool["function"]["name"] for tool in upstream.requests[1].json["tools"]] == ["weather"]
    assert "limit" in upstream.requests[1].messages[-1]["content"]


@pytest.mark.parametrize("stored", [True, False])
def test_a_call_beyond_the_limit_is_the_same_in_the_next_turn(
    stored: bool, app: HostedApp, dice: FakeServer, upstream: Upstream
) -> None:
    upstream.plays(calls((ROLL, '{"n":1}'), (ROLL, '{"n":2}'), ("mcp__dice__fail", "{}")), says("4"), says("Bye."))
    first = app.create(tools=[mcp()], max_tool_calls=2, store=stored)
    assert types(first) == ["mcp_list_tools", "mcp_call", "mcp_call", "message"]
    app.services.flow.chain_cache._cache.clear()
    if stored:
        assert "not_run" not in str(first)
        app.create(tools=[mcp()], previous_response_id=first["id"], input="Thanks")
    else:
        history = [{"role": "user", "content": "Hi"}, *first["output"], {"role": "user", "content": "Thanks"}]
        app.create(tools=[mcp()], input=history)
    live = upstream.requests[1].messages
    assert [message["content"] for message in live[2:]] == ["4", "8", "Not run: the limit of tool calls is reached."]
    assert upstream.requests[2].messages[: len(live)] == live


def test_a_call_that_returned_the_same_twice_is_not_run_again(
    app: HostedApp, dice: FakeServer, upstream: Upstream
) -> None:
    same, failing = (ROLL, '{"n":1}'), ("mcp__dice__fail", "{}")
    upstream.plays(
        calls(same, failing), calls(same, same), calls(same, failing), calls(failing), says("4"), says("Bye.")
    )
    first = app.create(tools=[mcp()])
    assert [name for name, _ in dice.calls] == ["roll", "fail", "roll", "roll", "fail"]
    *_, repeated, _, failed, _ = first["output"]
    assert (repeated["status"], failed["status"]) == ("completed", "failed")
    assert repeated["output"].startswith("4\n[This call returned the same twice before.")
    assert "was not run again" in failed["error"]["content"][1]["text"]
    app.services.flow.chain_cache._cache.clear()
    app.create(tools=[mcp()], previous_response_id=first["id"], input="Thanks")
    live = upstream.requests[4].messages
    assert upstream.requests[5].messages[: len(live)] == live
    assert live[-1]["content"].startswith("Error: boom\n[This call")


def test_a_call_that_returns_something_else_is_run_again(provider: Upstream, upstream: Upstream) -> None:
    count = itertools.count()
    dice = FakeServer("dice", {"roll": lambda: str(next(count))})
    upstream.plays(*[calls((ROLL, "{}"))] * 4, says("3"))
    response = HostedApp(provider, dice).create(tools=[mcp()])
    assert [item["output"] for item in response["output"][1:5]] == ["0", "1", "2", "3"]


def test_the_last_round_has_no_tools(app: HostedApp, dice: FakeServer, upstream: Upstream) -> None:
    app.policy.rounds = 3  # type: ignore[misc]
    upstream.plays(calls((ROLL, "{}")), calls((ROLL, "{}")), says("Enough."))
    response = app.create(tools=[mcp()])
    assert types(response)[-1] == "message"
    assert [received.json.get("tool_choice") for received in upstream.requests] == [None, None, "none"]
    assert len(dice.calls) == 2


def test_a_model_that_calls_in_the_last_round_ends_the_response(
    app: HostedApp, dice: FakeServer, upstream: Upstream
) -> None:
    app.policy.rounds = 1  # type: ignore[misc]
    app.policy.calls = 1  # type: ignore[misc]
    upstream.plays(calls((ROLL, "{}")), calls((ROLL, "{}")))
    response = app.create(tools=[mcp()])
    assert (types(response), response["status"]) == (["mcp_list_tools", "mcp_call"], "completed")
    assert len(dice.calls) == 1


def test_an_empty_budget_of_tokens_ends_the_response(app: HostedApp, upstream: Upstream) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 20, "total_tokens": 29}
    upstream.plays(stream(chat.call(0, "a", ROLL, "{}"), chat.end("tool_calls", usage)))
    response = app.create(tools=[mcp()], max_output_tokens=20)
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    upstream.plays(stream(chat.call(0, "a", ROLL, "{}"), chat.end("tool_calls", usage)), says("4"))
    app.create(tools=[mcp()], max_output_tokens=30)
    assert upstream.requests[-1].json["max_tokens"] == 10


def test_a_format_is_judged_in_the_last_round(app: HostedApp, upstream: Upstream) -> None:
    form = {"type": "json_schema", "name": "n", "strict": True, "schema": {"type": "object", "required": ["n"]}}
    upstream.plays(
        stream(chat.text("Let me roll."), chat.call(0, "a", ROLL, "{}"), chat.end("tool_calls")), says('{"n": 4}'),
    )  # fmt: skip
    response = app.create(tools=[mcp()], text={"format": form})
    assert (response["status"], types(response)) == ("completed", ["mcp_list_tools", "message", "mcp_call", "message"])


def test_arguments_that_are_no_object_go_to_no_server(app: HostedApp, dice: FakeServer, upstream: Upstream) -> None:
    upstream.plays(calls((ROLL, "[1]")), says("Sorry."))
    response = app.create(tools=[mcp()])
    assert response["output"][1]["error"]["code"] == -32602
    assert dice.calls == []


def test_a_list_that_fails_is_424(app: HostedApp, dice: FakeServer, upstream: Upstream) -> None:
    dice.error = "HTTP 502 from the tool server"
    answer = app.post(tools=[mcp()])
    assert (answer.status_code, answer.json["error"]["type"]) == (424, "external_connector_error")
    assert "'dice'" in answer.json["error"]["message"]
    assert dice.error in answer.json["error"]["message"]


def test_a_list_in_the_context_is_used_again(app: HostedApp, dice: FakeServer, upstream: Upstream) -> None:
    upstream.plays(says("Hi."), says("Yes."), says("No."))
    first = app.create(tools=[mcp()])
    second = app.create(tools=[mcp()], previous_response_id=first["id"])
    assert types(second) == ["message"]
    whole = [{"role": "user", "content": "Hi"}, *first["output"], {"role": "user", "content": "And?"}]
    assert types(app.create(tools=[mcp()], input=whole)) == ["message"]
    assert dice.lists == 1
    assert upstream.requests[0].json["tools"] == upstream.requests[2].json["tools"]


@pytest.mark.parametrize("allowed", [["roll"], {"tool_names": ["roll"]}, {"read_only": False}])
def test_only_allowed_tools_are_shown(app: HostedApp, allowed: Any, upstream: Upstream) -> None:
    upstream.plays(says("Hi."))
    response = app.create(tools=[mcp(allowed_tools=allowed)])
    names = [tool["name"] for tool in response["output"][0]["tools"]]
    assert "roll" in names
    assert "get_count" not in names
    functions = [tool["function"]["name"] for tool in upstream.requests[0].json["tools"]]
    assert functions == [f"mcp__dice__{name}" for name in names]


def test_secrets_are_not_shown(app: HostedApp, upstream: Upstream) -> None:
    upstream.plays(says("Hi."))
    url = "https://a:tok-secret@b.test/mcp?k=tok-secret"
    answer = app.post(tools=[mcp(authorization="tok-secret", headers={"X-Key": "tok-secret"}, server_url=url)])
    assert "tok-secret" not in answer.text
    assert answer.json["tools"] == [
        {
            "type": "mcp", "server_label": "dice", "server_url": "https://b.test/mcp", "headers": None,
            "allowed_tools": None, "require_approval": "never", "server_description": None,
        }
    ]  # fmt: skip
    assert "tok-secret" not in json.dumps(app.get(answer.json["id"]))


def test_a_tool_that_is_not_allowed_is_not_run(app: HostedApp, dice: FakeServer, upstream: Upstream) -> None:
    roll = {"type": "mcp", "server_label": "dice", "name": "roll"}
    choice = {"type": "allowed_tools", "mode": "auto", "tools": [roll]}
    upstream.plays(calls((ROLL, "{}"), ("mcp__dice__fail", "{}"), ("weather", "{}")), says("4"))
    response = app.create(tools=[mcp(), WEATHER], tool_choice=choice)
    assert types(response) == ["mcp_list_tools", "mcp_call", "message"]
    assert [name for name, _ in dice.calls] == ["roll"]


def test_an_answer_without_a_server_whose_list_fails(provider: Upstream, upstream: Upstream) -> None:
    broken, dice = FakeServer("broken", {}, on_list_failure="continue"), FakeServer("dice", {"roll": roll})
    broken.error = "The tool server could not be reached"
    upstream.plays(says("Hi."))
    events = HostedApp(provider, broken, dice).stream(tools=[mcp("broken"), mcp()])
    assert [event["type"] for event in events[2:6]] == [
        "response.output_item.added", "response.mcp_list_tools.in_progress", "response.mcp_list_tools.failed",
        "response.output_item.done",
    ]  # fmt: skip
    assert events[5]["item"]["error"] == broken.error
    assert [tool["function"]["name"] for tool in upstream.requests[0].json["tools"]] == [ROLL]


def test_two_servers_with_a_tool_of_the_same_name(provider: Upstream, upstream: Upstream) -> None:
    one, two = FakeServer("one", {"roll": lambda: "1"}), FakeServer("two", {"roll": lambda: "2"})
    upstream.plays(calls(("mcp__two__roll", "{}"), ("mcp__one__roll", "{}")), says("Both."))
    response = HostedApp(provider, one, two).create(tools=[mcp("one"), mcp("two")])
    run = [(item["server_label"], item["output"]) for item in response["output"][2:4]]
    assert run == [("two", "2"), ("one", "1")]


@pytest.mark.parametrize("name", ["roll", "other"])
def test_a_chosen_tool_of_a_server(app: HostedApp, name: str, upstream: Upstream) -> None:
    choice = {"type": "mcp", "server_label": "dice", "name": name}
    if name == "other":
        answer = app.post(tools=[mcp()], tool_choice=choice)
        assert (answer.status_code, answer.json["error"]["param"]) == (400, "tool_choice")
        return
    upstream.plays(calls((ROLL, "{}")), says("4"))
    response = app.create(tools=[mcp()], tool_choice=choice)
    assert response["tool_choice"] == choice
    chosen = [sent.json.get("tool_choice") for sent in upstream.requests]
    assert chosen == [{"type": "function", "function": {"name": ROLL}}, None]


def test_calls_run_at_the_same_time(provider: Upstream, upstream: Upstream) -> None:
    slow = FakeServer("dice", {"roll": lambda n=1: gevent.sleep(0.05) or str(n)})
    upstream.plays(calls(*[(ROLL, json.dumps({"n": n})) for n in range(10)]), says("Done."))
    response = HostedApp(provider, slow).create(tools=[mcp()])
    assert [item["output"] for item in response["output"][1:-1]] == [str(n) for n in range(10)]
    assert slow.most_running == 8


def test_a_worker_runs_only_so_many_calls_of_a_tenant(provider: Upstream, upstream: Upstream) -> None:
    slow = FakeServer("dice", {"roll": lambda n=1: gevent.sleep(0.02) or str(n)})
    app = HostedApp(provider, slow)
    app.policy.calls_at_once = TenantSemaphore(64, 2)  # type: ignore[misc]
    upstream.plays(calls(*[(ROLL, json.dumps({"n": n})) for n in range(6)]), says("Done."))
    response = app.create(tools=[mcp()])
    assert [item["output"] for item in response["output"][1:-1]] == [str(n) for n in range(6)]
    assert slow.most_running == 2


def test_only_the_first_call_is_run_if_the_client_wants_one_at_a_time(
    app: HostedApp, dice: FakeServer, upstream: Upstream
) -> None:
    upstream.plays(calls((ROLL, '{"n":1}'), (ROLL, '{"n":2}')), says("4"))
    app.create(tools=[mcp()], parallel_tool_calls=False)
    assert dice.calls == [("roll", {"n": 1})]


def test_the_connections_are_closed(app: HostedApp, dice: FakeServer, upstream: Upstream) -> None:
    upstream.plays(says("Hi."))
    app.create(tools=[mcp()])
    gevent.sleep(0)
    assert dice.closed == 1
    assert app.post(tools=[mcp()], tool_choice={"type": "mcp", "server_label": "dice", "name": "no"}).status_code == 400
    gevent.sleep(0)
    assert dice.closed == 2


def test_images_of_a_tool_reach_the_model_now_and_later(provider: Upstream, upstream: Upstream) -> None:
    result = ToolResult("[image image/png, 5 B]", images=(Image("image/png", "aGk="),))
    app = HostedApp(provider, FakeServer("dice", {"roll": lambda: result}), dialect="openai")
    upstream.plays(calls((ROLL, "{}")), says("A die."), says("Bye."))
    first = app.create(tools=[mcp()])
    assert "aGk=" not in json.dumps(first)
    app.services.flow.chain_cache._cache.clear()
    app.create(tools=[mcp()], previous_response_id=first["id"], input="Thanks")
    live, later = [received.messages for received in upstream.requests[1:]]
    assert later[: len(live)] == live
    assert live[-1]["content"][1]["image_url"]["url"] == "data:image/png;base64,aGk="


def test_a_long_result_is_cut_with_a_note(provider: Upstream, upstream: Upstream) -> None:
    result = ToolResult("4 [cut: 6 more bytes]", cut_bytes=6)
    app = HostedApp(provider, FakeServer("dice", {"roll": lambda: result}))
    upstream.plays(calls((ROLL, "{}")), says("4"))
    assert "end of a tool" in app.post(tools=[mcp()]).headers["x-adapter-notes"]


def test_a_later_round_is_asked_again_without_running_a_tool(
    app: HostedApp, dice: FakeServer, upstream: Upstream
) -> None:
    busy = whole(chat.error("Not now."), 503, retry_after_ms="1")
    upstream.plays(calls((ROLL, "{}")), busy, says("4"))
    events = app.stream(tools=[mcp()])
    assert types(events[-1]["response"]) == ["mcp_list_tools", "mcp_call", "message"]
    assert len(dice.calls) == 1
    assert upstream.requests[1].body == upstream.requests[2].body
