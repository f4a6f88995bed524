"""Failures of other servers that run tools, as their users reported them, and the tests that show that ours has none.

| failure | tests |
|---|---|
| a second response begins in the stream, indexes occur twice | test_any_rounds_with_any_outcomes_obey_the_laws |
| the client's own functions are run | test_hosted_and_client_calls_in_one_answer, test_an_unknown_name_is_the_clients |
| a later round sends the history twice | test_each_prompt_begins_with_the_last_one_and_so_does_the_next_turn |
| the finish reason of a round is seen, with an empty message | test_a_call_is_run_and_the_model_goes_on |
| calls are not run behind some providers | test_a_call_is_run_behind_every_provider |
| any request with tools is refused | test_python, test_node |
| `require_approval` is ignored | test_every_form_of_the_rule, test_the_operator_can_require_more_than_the_client |
| files and citations are lost in a later turn | test_a_later_turn_knows_the_results_and_their_numbers |
| calls beyond `max_tool_calls` have no result | test_the_limit_of_calls |
| `max_tool_calls` does not limit tools of MCP servers | test_the_limit_of_calls |
| a request for approval is missing in the response | test_a_request_for_approval_ends_the_response |
| a response cannot go on after an approval | test_an_approved_call_is_run_before_the_model_is_asked |
| no `mcp_list_tools.failed` | test_an_answer_without_a_server_whose_list_fails |
| a declaration of an MCP server reaches the provider | test_a_declaration_never_reaches_the_provider |
| several servers are taken for one | test_two_servers_with_a_tool_of_the_same_name |
| connections or lists are shared between credentials | test_a_list_is_cached_as_long_as_the_server_allows |
| `allowed_tools` is not applied | test_only_allowed_tools_are_shown, test_a_tool_that_is_not_allowed_is_not_run |
| the caller's headers reach tool servers | test_a_server_gets_its_own_headers_alone |
| events of calls are not streamed | test_every_transport_is_the_same |
| a declared tool is silently not run, or ends the server | test_what_is_not_configured, test_an_unknown_label |
| a reference to a request for approval beside its answer is refused | test_a_reference_to_an_item_that_the_chain_has |
| a search is dropped, or its citations are missing in a stream | test_a_search_and_two_looks_at_a_page |
| an error 424 without the server and the reason | test_a_list_that_fails_is_424 |
| an empty `nextCursor` is followed for ever | test_an_empty_cursor_is_the_end |
| a list answered on another stream is taken for an empty one | test_a_list_that_is_answered_elsewhere |
| items are missing at the end | test_any_rounds_with_any_outcomes_obey_the_laws, test_it_is_the_same_unstreamed |
| two sessions, each call twice | test_a_server_with_sessions_is_initialized, test_a_fault_of_a_call |
| headers are not sent with the request for the list | test_a_server_gets_its_own_headers_alone |
| a second approval in a chain is refused | test_a_second_approval_in_a_chain |
| a tool's error is recorded as a success | test_an_error_of_a_tool_is_no_success, test_a_tool_that_reports_an_error |

What callers and servers send that is invalid, each its documented error; nothing hangs, and nothing is sent twice:

| invalid | tests |
|---|---|
| an unknown label | test_an_unknown_label |
| two tools of one label | test_labels_are_unique_and_servers_few |
| a URL that differs from the configured one | test_the_operator_s_credential_goes_to_no_other_url |
| headers with line ends, or of a reserved name | test_headers_that_are_not_sent |
| an approval that is forged, or given twice | test_an_invalid_approval |
| an approval of another tenant's request | test_tenants_share_no_request_for_approval |
| arguments that are no object | test_arguments_that_are_no_object_go_to_no_server |
| cursors without end | test_cursors_without_end_are_an_error, test_a_cursor_that_repeats_is_the_end |
| lines beyond the limit, wrong ids, redirects, servers that ask for input | test_a_fault_of_a_call |
| redirects to private addresses | test_a_fault_of_a_call, test_a_private_address_is_not_opened |
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapter import create_app
from adapter.hosting.mcp.errors import MCPError
from adapter.hosting.policy import ToolPolicy
from adapter.hosting.results import ToolResult
from adapter.settings.secret_values import Secret
from adapter.settings.settings import Settings
from adapter.settings.tools.servers import MCPServerSettings
from adapter.settings.tools.settings import ToolSettings
from tests.support import chat
from tests.support.hosted import FakeServer, HostedApp, calls, mcp, says
from tests.support.servers.scripted_mcp import Reply, Request, ScriptedMCP, as_json, raw, result, scripted_mcp, tool
from tests.support.servers.upstream import Upstream, whole
from translators.dialects.presets import PRESETS
from translators.responses.hosted.errors import ToolExecutionError

ROLL = "mcp__dice__roll"
TESTS = Path(__file__).parents[2]
CALL = {"id": "a", "type": "function", "function": {"name": ROLL, "arguments": "{}"}}


@pytest.fixture
def server() -> Iterator[ScriptedMCP]:
    with scripted_mcp() as server:
        yield server


def test_every_test_in_the_table_exists() -> None:
    found = (re.findall(r"^def (test_\w+)", path.read_text(), re.M) for path in TESTS.rglob("test_*.py"))
    defined = {name for names in found for name in names}
    assert set(re.findall(r"test_\w+", __doc__ or "")) <= defined


@pytest.mark.parametrize("dialect", PRESETS)
def test_a_call_is_run_behind_every_provider(dialect: str, provider: Upstream, upstream: Upstream) -> None:
    dice = FakeServer("dice", {"roll": lambda: "4"})
    answer = whole(chat.completion(tool_calls=[CALL], finish="stop"))  # some providers end so in spite of a call
    upstream.plays(answer, whole(chat.completion("4")))
    response = HostedApp(provider, dice, dialect=dialect).create(tools=[mcp()])
    assert [item["type"] for item in response["output"]] == ["mcp_list_tools", "mcp_call", "message"]
    assert len(dice.calls) == 1


def test_a_declaration_never_reaches_the_provider(provider: Upstream, upstream: Upstream) -> None:
    client = create_app(Settings(upstream_url=provider.url, store="memory:")).test_client()
    declared = mcp(server_url="http://169.254.169.254/mcp")
    answer = client.post("/v1/responses", json={"model": "m", "input": "Hi", "tools": [declared]})
    assert answer.status_code == 400
    assert upstream.requests == []


def test_a_server_gets_its_own_headers_alone(server: ScriptedMCP, provider: Upstream, upstream: Upstream) -> None:
    def answers(request: Request) -> Reply:
        if request.rpc == "tools/list":
            return as_json(result(request, resultType="complete", tools=[tool("roll")]))
        return as_json(result(request, resultType="complete", content=[{"type": "text", "text": "4"}]))

    server.answers = answers
    dice = MCPServerSettings(label="dice", url=server.url, authorization=Secret("of-the-server-1"))
    settings = Settings(upstream_url=provider.url, store="memory:", tools=ToolSettings(mcp={"dice": dice}))
    upstream.plays(calls((ROLL, "{}")), says("4"))
    sent = {"Authorization": "Bearer of-the-caller-1", "X-Tenant": "of-the-caller-2", "Cookie": "a=of-the-caller-3"}
    body = {"model": "m", "input": "Hi", "tools": [mcp()]}
    answer = create_app(settings).test_client().post("/v1/responses", json=body, headers=sent)
    assert answer.json["output"][1]["output"] == "4"
    assert server.calls == ["tools/list", "tools/call"]
    for request in server.requests:
        assert request.headers["Authorization"] == "Bearer of-the-server-1"
        assert "of-the-caller" not in str(request.headers)


def test_a_list_that_is_answered_elsewhere(server: ScriptedMCP) -> None:
    server.answers = lambda request: raw(status=202)
    client = ToolPolicy(ToolSettings()).connect(MCPServerSettings(label="x", url=server.url))
    with pytest.raises(MCPError, match="answers on another stream are not supported"):
        client.list_tools()
    client.close()


def test_an_error_of_a_tool_is_no_success(provider: Upstream, upstream: Upstream) -> None:
    def fail(**_: Any) -> ToolResult:
        return ToolResult("Error: boom", ToolExecutionError([{"type": "text", "text": "boom"}]))

    upstream.plays(calls(("mcp__dice__fail", "{}")), says("Sorry."))
    call = HostedApp(provider, FakeServer("dice", {"fail": fail})).create(tools=[mcp()])["output"][1]
    assert (call["status"], call["output"], call["error"]["type"]) == ("failed", None, "mcp_tool_execution_error")
    assert upstream.requests[1].messages[-1]["content"] == "Error: boom"
