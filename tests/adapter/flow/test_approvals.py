"""Calls that the client has to approve: requested, approved, declined, forgotten, forged."""

from typing import Any

import pytest

from tests.support import chat
from tests.support.app import KEYS
from tests.support.hosted import FakeServer, HostedApp, calls, mcp, says
from tests.support.servers.upstream import Upstream, stream

ROLL, WIPE = "mcp__dice__roll", "mcp__dice__wipe"
ASKS = mcp(require_approval="always")
USER = {"role": "user", "content": "Hi"}


@pytest.fixture
def dice() -> FakeServer:
    return FakeServer("dice", {"roll": lambda n=1: str(4 * n), "wipe": lambda: "gone", "get_count": lambda: "2"})


@pytest.fixture
def app(provider: Upstream, dice: FakeServer) -> HostedApp:
    return HostedApp(provider, dice)


def types(response: dict[str, Any]) -> list[str]:
    return [item["type"] for item in response["output"]]


def answer(request: dict[str, Any], approve: bool = True, **members: Any) -> dict[str, Any]:
    return {"type": "mcp_approval_response", "approval_request_id": request["id"], "approve": approve, **members}


@pytest.fixture
def asked(app: HostedApp, upstream: Upstream) -> dict[str, Any]:
    """A response that asks for approval."""
    upstream.plays(calls((ROLL, '{"n":1}')))
    return app.create(tools=[ASKS])


def test_a_request_for_approval_ends_the_response(app: HostedApp, dice: FakeServer, upstream: Upstream) -> None:
    upstream.plays(calls((ROLL, '{"n":1}')))
    events = app.stream(tools=[ASKS])
    assert [event["type"].removeprefix("response.") for event in events[6:]] == [
        "output_item.added", "output_item.done", "completed",
    ]  # fmt: skip
    request = events[-1]["response"]["output"][1]
    assert events[6]["item"] == events[7]["item"] == request
    assert {**request, "id": ""} == {
        "id": "", "type": "mcp_approval_request", "arguments": '{"n":1}', "name": "roll", "server_label": "dice",
    }  # fmt: skip
    assert dice.calls == []


def test_an_approved_call_is_run_before_the_model_is_asked(
    app: HostedApp, dice: FakeServer, asked: dict[str, Any], upstream: Upstream
) -> None:
    upstream.plays(says("You rolled 4."))
    request = asked["output"][1]
    events = app.stream(tools=[ASKS], previous_response_id=asked["id"], input=[answer(request)])
    second = events[-1]["response"]
    assert types(second) == ["mcp_call", "message"]
    assert (second["output"][0]["approval_request_id"], second["output"][0]["output"]) == (request["id"], "4")
    assert dice.calls == [("roll", {"n": 1})]
    assert len(upstream.requests) == 2
    _, turn, result = upstream.requests[1].messages
    assert turn["tool_calls"][0]["function"] == {"name": ROLL, "arguments": '{"n":1}'}
    assert (result["role"], result["content"]) == ("tool", "4")
    assert second["usage"]["total_tokens"] == 16


def test_the_turn_after_it_begins_with_the_same_prompt(
    app: HostedApp, asked: dict[str, Any], upstream: Upstream
) -> None:
    upstream.plays(calls((ROLL, '{"n":2}')), says("Both."), says("Bye."))
    never = mcp()
    second = app.create(tools=[never], previous_response_id=asked["id"], input=[answer(asked["output"][1])])
    assert types(second) == ["mcp_call", "mcp_call", "message"]
    app.create(tools=[never], previous_response_id=second["id"], input="Thanks")
    before, last, after = [received.messages for received in upstream.requests[1:]]
    assert last[: len(before)] == before
    assert after[: len(last)] == last


@pytest.mark.parametrize("reason", [None, "Too risky."])
def test_a_declined_call_has_no_item(
    app: HostedApp, dice: FakeServer, asked: dict[str, Any], reason: str | None, upstream: Upstream
) -> None:
    upstream.plays(says("I did not."), says("Bye."))
    declined = answer(asked["output"][1], False, reason=reason)
    second = app.create(tools=[ASKS], previous_response_id=asked["id"], input=[declined])
    assert types(second) == ["message"]
    assert dice.calls == []
    told = upstream.requests[1].messages[-1]["content"]
    assert told == "The user declined this call." + (f" {reason}" if reason else "")
    app.create(tools=[ASKS], previous_response_id=second["id"], input="Thanks")
    assert upstream.requests[2].messages[:3] == upstream.requests[1].messages


def test_a_request_that_the_user_ignores(app: HostedApp, asked: dict[str, Any], upstream: Upstream) -> None:
    upstream.plays(says("Fine."), says("Later."))
    second = app.create(tools=[ASKS], previous_response_id=asked["id"], input="Never mind")
    assert "not approved" in upstream.requests[1].messages[2]["content"]
    late = app.create(tools=[ASKS], previous_response_id=second["id"], input=[answer(asked["output"][1])])
    assert types(late) == ["mcp_call", "message"]
    assert upstream.requests[2].messages[: len(upstream.requests[1].messages)] == upstream.requests[1].messages


def test_several_requests_are_answered_in_one_input(
    app: HostedApp, dice: FakeServer, upstream: Upstream
) -> None:
    upstream.plays(calls((ROLL, '{"n":1}'), (WIPE, "{}"), (ROLL, '{"n":2}')), says("Done."))
    first = app.create(tools=[ASKS])
    one, two, three = first["output"][1:]
    given = [answer(three), answer(two, False), answer(one)]
    second = app.create(tools=[ASKS], previous_response_id=first["id"], input=given)
    assert types(second) == ["mcp_call", "mcp_call", "message"]
    assert sorted(dice.calls, key=str) == [("roll", {"n": 1}), ("roll", {"n": 2})]
    contents = [message["content"] for message in upstream.requests[1].messages[2:]]
    assert contents == ["4", "The user declined this call.", "8"]


RULES = [
    ("always", True, True), ("never", False, False), (None, True, True), ({}, True, True),
    ({"never": {"tool_names": ["roll"]}}, False, True), ({"never": {"read_only": True}}, True, False),
    ({"always": {"tool_names": ["roll"]}, "never": {"tool_names": ["roll", "get_count"]}}, True, False),
    ({"always": {"tool_names": ["get_count"]}}, True, True),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "roll", "count"), RULES)
def test_every_form_of_the_rule(
    app: HostedApp, rule: Any, roll: bool, count: bool, upstream: Upstream
) -> None:
    for name, asks in ((ROLL, roll), ("mcp__dice__get_count", count)):
        upstream.plays(calls((name, "{}")), *([] if asks else [says("Done.")]))
        response = app.create(tools=[mcp(require_approval=rule)])
        assert types(response)[1] == ("mcp_approval_request" if asks else "mcp_call")


def test_the_operator_can_require_more_than_the_client(provider: Upstream, upstream: Upstream) -> None:
    app = HostedApp(provider, FakeServer("dice", {"roll": lambda: "4"}, require_approval="always"))
    upstream.plays(calls((ROLL, "{}")))
    assert types(app.create(tools=[mcp()])) == ["mcp_list_tools", "mcp_approval_request"]


def test_a_client_that_keeps_its_own_history(app: HostedApp, dice: FakeServer, upstream: Upstream) -> None:
    upstream.plays(calls((ROLL, '{"n":1}')), says("4"), says("Bye."))
    first = app.create(tools=[ASKS], store=False)
    history = [USER, *first["output"], answer(first["output"][1], id=None, reason=None)]
    second = app.create(tools=[ASKS], store=False, input=history)
    assert types(second) == ["mcp_call", "message"]
    history += [*second["output"], {"role": "user", "content": "Thanks"}]
    app.create(tools=[ASKS], store=False, input=history)
    assert len(dice.calls) == 1
    assert upstream.requests[2].messages[:3] == upstream.requests[1].messages


def test_items_by_reference(app: HostedApp, dice: FakeServer, asked: dict[str, Any], upstream: Upstream) -> None:
    upstream.plays(says("4"))
    reference = {"type": "item_reference", "id": asked["output"][1]["id"]}
    second = app.create(tools=[ASKS], input=[USER, reference, answer(asked["output"][1])])
    assert types(second) == ["mcp_list_tools", "mcp_call", "message"]
    assert dice.calls == [("roll", {"n": 1})]


def test_a_conversation(app: HostedApp, dice: FakeServer, upstream: Upstream) -> None:
    conversation = app.client.post("/v1/conversations", json={}).json["id"]
    upstream.plays(calls((ROLL, '{"n":1}')), says("4"), says("Bye."))
    first = app.create(tools=[ASKS], conversation=conversation)
    second = app.create(tools=[ASKS], conversation=conversation, input=[answer(first["output"][1])])
    assert types(second) == ["mcp_call", "message"]
    app.create(tools=[ASKS], conversation=conversation)
    assert upstream.requests[2].messages[:3] == upstream.requests[1].messages
    again = app.post(tools=[ASKS], conversation=conversation, input=[answer(first["output"][1])])
    assert (again.status_code, again.json["error"]["param"]) == (400, "input[0].approval_request_id")
    assert len(dice.calls) == 1


@pytest.mark.parametrize(
    "fault",
    ["forged", "twice", "undeclared", "a tool that is not allowed", "answered before", "declined", "of another chain"],
)
def test_an_invalid_approval(
    app: HostedApp, dice: FakeServer, asked: dict[str, Any], fault: str, upstream: Upstream
) -> None:
    request, tools = asked["output"][1], [ASKS]
    given, previous = [answer(request)], asked["id"]
    if fault == "forged":
        given = [answer({"id": "mcpr_" + "0" * 32})]
    elif fault == "twice":
        given *= 2
    elif fault == "undeclared":
        tools = []
        app.policy.servers.clear()
    elif fault == "a tool that is not allowed":
        tools = [{**ASKS, "allowed_tools": ["wipe"]}]
    elif fault == "answered before":
        upstream.plays(says("4"))
        previous = app.create(tools=tools, previous_response_id=previous, input=given)["id"]
    elif fault == "declined":
        upstream.plays(says("I did not."))
        declined = [answer(request, False)]
        previous = app.create(tools=tools, previous_response_id=previous, input=declined)["id"]
    else:
        previous = None
    ran = list(dice.calls)
    refused = app.post(tools=tools, previous_response_id=previous, input=given)
    assert refused.status_code == 400, refused.text
    assert refused.json["error"]["param"] == f"input[{len(given) - 1}].approval_request_id"
    assert dice.calls == ran


def test_what_is_run_is_the_request_whatever_the_model_says(
    app: HostedApp, dice: FakeServer, asked: dict[str, Any], upstream: Upstream
) -> None:
    upstream.plays(stream(chat.text("Rolling 4."), chat.end()))
    app.create(tools=[ASKS], previous_response_id=asked["id"], input=[answer(asked["output"][1]), USER])
    assert dice.calls == [("roll", {"n": 1})]


def test_a_second_approval_in_a_chain(
    app: HostedApp, dice: FakeServer, asked: dict[str, Any], upstream: Upstream
) -> None:
    upstream.plays(calls((ROLL, '{"n":2}')), says("8"))
    second = app.create(tools=[ASKS], previous_response_id=asked["id"], input=[answer(asked["output"][1])])
    assert types(second) == ["mcp_call", "mcp_approval_request"]
    third = app.create(tools=[ASKS], previous_response_id=second["id"], input=[answer(second["output"][1])])
    assert types(third) == ["mcp_call", "message"]
    assert dice.calls == [("roll", {"n": 1}), ("roll", {"n": 2})]
    contents = [message["content"] for message in upstream.requests[2].messages if message["role"] == "tool"]
    assert contents == ["4", "8"]


def test_a_reference_to_an_item_that_the_chain_has(
    app: HostedApp, dice: FakeServer, asked: dict[str, Any], upstream: Upstream
) -> None:
    upstream.plays(says("4"))
    reference = {"type": "item_reference", "id": asked["output"][1]["id"]}
    given = [reference, answer(asked["output"][1])]
    second = app.create(tools=[ASKS], previous_response_id=asked["id"], input=given)
    assert types(second) == ["mcp_call", "message"]
    assert [message["role"] for message in upstream.requests[1].messages] == ["user", "assistant", "tool"]


def test_a_configured_server_need_not_be_declared_again(
    app: HostedApp, dice: FakeServer, asked: dict[str, Any], upstream: Upstream
) -> None:
    upstream.plays(says("4"))
    second = app.create(previous_response_id=asked["id"], input=[answer(asked["output"][1])])
    assert types(second) == ["mcp_call", "message"]
    assert dice.calls == [("roll", {"n": 1})]


def test_tenants_share_no_request_for_approval(provider: Upstream, dice: FakeServer, upstream: Upstream) -> None:
    app = HostedApp(provider, dice, api_keys=KEYS)
    one, two = [{"Authorization": f"Bearer {key}"} for key in KEYS]
    upstream.plays(calls((ROLL, "{}")))
    body = {"model": "m", "input": "Hi", "tools": [ASKS]}
    request = app.client.post("/v1/responses", json=body, headers=one).json["output"][1]
    given = [
        {"input": [answer(request)]},
        {"input": [{"type": "item_reference", "id": request["id"]}, answer(request)]},
        {"input": [answer(request)], "previous_response_id": f"resp_{request['id'][5:29]}00000000"},
    ]
    statuses = [app.client.post("/v1/responses", json={**body, **each}, headers=two).status_code for each in given]
    assert statuses == [400, 404, 400]
    assert dice.calls == []
