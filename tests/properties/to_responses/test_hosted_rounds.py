"""The laws of a stream over any number of rounds: laws 11 to 13, and all others again.

`check_stream` has laws 1 to 6 and 8 for the whole stream: one lifecycle, numbers and indexes that run through, an item
at a time, and the events of a hosted item together.
"""

import json
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapter.hosting.results import ToolResult
from tests.support.judges.grammar import check_stream
from tests.support.judges.sse import read_json
from tests.support.stream_harness import NOW, StreamHarness
from translators.errors import UpstreamError
from translators.open_items.mcp import OpenApprovalRequest, OpenMCPCall, OpenMCPList
from translators.responses.events import TERMINAL
from translators.responses.hosted.errors import MCPHTTPError
from translators.responses.ids import round_of
from translators.responses.tools import FunctionTool, NamespaceTool
from translators.to_responses.expectations import Expectations
from translators.tools.names import QualifiedName, ToolNames
from translators.wire import encode

NAMES = ToolNames([NamespaceTool("mcp__dice", [FunctionTool("roll")]), FunctionTool("weather")])
HOSTED = frozenset({QualifiedName("roll", "mcp__dice")})
RESULTS = [ToolResult("4"), ToolResult(""), ToolResult("no", MCPHTTPError(502, "no"))]

PIECES = st.sampled_from(["text", "thinking", "hosted", "client"])
ROUNDS = st.lists(st.lists(PIECES, min_size=1, max_size=5), min_size=1, max_size=4)
ENDS = st.sampled_from([*RESULTS, "skip", "ask", "cancel", "fail", "stop"])
"""What becomes of a hosted call: it has a result, gets no item, needs approval, or the response breaks off in it."""


def delta(piece: str, at: int) -> dict[str, Any]:
    if piece == "text":
        return {"content": f"word {at} "}
    if piece == "thinking":
        return {"reasoning_content": f"thought {at} "}
    name = "mcp__dice__roll" if piece == "hosted" else "weather"
    function = {"name": name, "arguments": json.dumps({"n": at})}
    return {"tool_calls": [{"index": at, "id": f"call_{at}", "function": function}]}


def feed_round(harness: StreamHarness, pieces: list[str]) -> None:
    harness.stream.expect(Expectations(names=NAMES, hosted=HOSTED))
    harness.feed({"choices": [{"index": 0, "delta": delta(piece, at)}]} for at, piece in enumerate(pieces))
    usage = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
    harness.feed([{"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}], "usage": usage}])
    harness.emitted += harness.stream.finish(NOW + 1, done=True)


def open_call(end: object, arguments: str, opened: list[Any], index: int, digits: str) -> Any:
    kind, prefix = (OpenApprovalRequest, "mcpr") if end == "ask" else (OpenMCPCall, "mcp")
    opened.append(kind(index, f"{prefix}_{digits}", label="dice", name="roll", arguments=arguments))
    return opened[0]


def run_calls(harness: StreamHarness, draw: Any) -> bool:
    """Settle the calls of a round; return False if the response ended in one of them."""
    items = harness.stream.hosted_calls()
    for call in items.waiting():
        end = draw(ENDS)
        if end == "skip":
            harness.emitted += items.skip(call)
            continue
        opened: list[Any] = []
        harness.emitted += items.open(partial(open_call, end, call.arguments, opened), call)
        if end in ("cancel", "fail", "stop"):
            stream = harness.stream
            harness.emitted += stream.cancel() if end == "cancel" else stream.fail(UpstreamError("Out of order."))
            return False
        if end != "ask":
            opened[0].settle(end)
        harness.emitted += items.close()
    return True


@given(ROUNDS, st.data())
def test_any_rounds_with_any_outcomes_obey_the_laws(rounds: list[list[str]], data: st.DataObject) -> None:
    harness = StreamHarness(names=NAMES, hosted=HOSTED)
    items = harness.stream.hosted_calls()
    harness.emitted += items.open(partial(open_list, tools=[])) + items.close()
    asked = 0
    for pieces in rounds:
        feed_round(harness, pieces)
        asked += 1
        if harness.stream.is_over:
            break
        if not run_calls(harness, data.draw):
            break
        assert harness.stream.hosted_calls().waiting() == []
        if pieces is rounds[-1]:
            harness.emitted += harness.stream.end(NOW + 1)
        else:
            harness.stream.begin_round()
    events = [read_json(encode(event)) for event in harness.emitted]
    terminal = check_stream(events)
    assert terminal == read_json(encode(harness.stream.response))
    assert sum(isinstance(event, TERMINAL) for event in harness.emitted) == 1
    assert terminal["usage"]["total_tokens"] == 10 * asked
    shown = [round_of(item["id"]) for item in terminal["output"][1:]]
    assert shown == sorted(shown), "items of one round are together"
    assert len({item["id"] for item in terminal["output"]}) == len(terminal["output"])


def open_list(index: int, digits: str, tools: list[dict[str, Any]]) -> OpenMCPList:
    return OpenMCPList(index, f"mcpl_{digits}", label="dice", tools=tools)


@given(st.lists(PIECES, min_size=1, max_size=6))
def test_a_round_without_hosted_calls_ends_the_response(pieces: list[str]) -> None:
    plain, hosting = StreamHarness(names=NAMES), StreamHarness(names=NAMES, hosted=HOSTED)
    pieces = ["client" if piece == "hosted" else piece for piece in pieces]
    for harness in (plain, hosting):
        for at, piece in enumerate(pieces):
            harness.feed([{"choices": [{"index": 0, "delta": delta(piece, at)}]}])
        harness.feed([{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}]).finish()
    assert plain.events == hosting.events


def test_the_thinking_of_a_later_round_may_repeat_that_of_an_earlier_one() -> None:
    harness = StreamHarness(names=NAMES, hosted=HOSTED)
    for pieces in (["thinking", "hosted"], ["thinking", "text"]):
        feed_round(harness, pieces)
        for call in harness.stream.hosted_calls().waiting():
            harness.emitted += harness.stream.hosted_calls().skip(call)
        if not harness.stream.is_over:
            harness.stream.begin_round()
    assert [item["type"] for item in harness.output] == ["reasoning", "reasoning", "message"]
