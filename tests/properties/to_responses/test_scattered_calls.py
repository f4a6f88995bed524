"""No call is executed with another's arguments, or with invented ones, however a provider scatters them.

Source: docs/recordings.md; agno-agi/agno#8880; sgl-project/sglang#38198.
"""

import json
from collections import Counter

from hypothesis import given

from tests.properties.strategies.scattered_calls import TOOLS, Call, Object, told, untold
from tests.support.stream_harness import StreamHarness
from translators.responses.tools import FunctionTool
from translators.tools.names import ToolNames


def read(pieces: list[Object]) -> StreamHarness:
    chunks: list[Object] = [{"choices": [{"index": 0, "delta": {"tool_calls": [piece]}}]} for piece in pieces]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    return StreamHarness(names=ToolNames([FunctionTool(name) for name in TOOLS])).feed(chunks).finish()


def executable(harness: StreamHarness) -> list[Call]:
    return [
        (item["name"], json.loads(item["arguments"])) for item in harness.output if item["status"] == "completed"
    ]


@given(told())
def test_calls_whose_pieces_tell_come_out_exactly(case: tuple[list[Call], list[Object]]) -> None:
    made, pieces = case
    harness = read(pieces)
    assert harness.response["status"] == "completed"
    assert executable(harness) == made


@given(untold())
def test_where_nobody_can_tell_no_wrong_call_is_executed(case: tuple[list[Call], list[Object]]) -> None:
    made, pieces = case
    harness = read(pieces)
    if harness.response["status"] == "completed":
        assert executable(harness) == made
    else:
        assert harness.response["status"] == "failed"
        wanted, told_ = Counter(map(repr, made)), Counter(map(repr, executable(harness)))
        assert not told_ - wanted
