"""Rare forms of calls, thinking, counts and keep-alives: read as meant, in any split of the bytes."""

import json
from typing import Any

import pytest

from tests.support import chat
from tests.support.stream_harness import StreamHarness, contents
from tests.translators.to_responses.test_marks import NAMES, TOOLS

CALL = ("call", "get", {"x": 1})
HI = ("output_text", "Hi")
HM = ("summary_text", "Hm.")

CONTENTS: dict[str, tuple[str, list[Any]]] = {
    "Phi 4 mini": ('functools[{"name": "get", "arguments": {"x": 1}}]', [CALL]),
    "Python": ("[get(x=1), get(x=2)]", [CALL, ("call", "get", {"x": 2})]),
    "Gemma 3": ("```tool_code\nprint(default_api.get(x=1))\n```", [CALL]),
    "a function's name as an attribute": ('Hi<function name="get">{"x": 1}</function>', [HI, CALL]),
    "elements": ("<tool_use>\n<name>get</name>\n<arguments>{}</arguments>\n</tool_use>", [("call", "get", {})]),
    "a link": ("[get](http://x)", [("output_text", "[get](http://x)")]),
    "a module": ("functools is a module", [("output_text", "functools is a module")]),
    "code": ("```tool\nget(x=1)\n```", [("output_text", "```tool\nget(x=1)\n```")]),
    "Llama 3 in Python": ("<|python_tag|>get(x=1)", [CALL]),
    "a block": ('```tool_call\n{"name": "get", "arguments": {"x": 1}}\n```', [CALL]),
    "Qwen 2.5": ('<tools>\n{"name": "get", "arguments": {"x": 1}}\n</tools>', [CALL]),
    **{tag: (f"<{tag}>Hm.</{tag}>Hi", [HM, HI])
       for tag in ("reason", "analysis", "scratchpad", "reflection", "thoughts", "THINK", "Think", "THINKING")},
    "bars": ("<|think|>Hm.<|/think|>Hi", [HM, HI]),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTENTS)
def test_content(name: str) -> None:
    content, expected = CONTENTS[name]
    for size in (1, 4, len(content)):
        pieces = [content[start : start + size] for start in range(0, len(content), size)]
        deltas = [{"content": piece} for piece in pieces]
        assert contents(read(*deltas).output) == expected


def call(name: str, *arguments: str) -> list[dict[str, Any]]:
    head = {"index": 0, "id": "a", "function": {"name": name, "arguments": arguments[0]}}
    rest = [{"index": 0, "function": {"arguments": piece}} for piece in arguments[1:]]
    return [{"tool_calls": [piece]} for piece in (head, *rest)]


DELTAS: dict[str, tuple[list[dict[str, Any]], list[Any]]] = {
    "arguments in the name": (call('get{"x": 1}', "{}"), [CALL]),
    "a dictionary in Python": (call("get", "{'x': 1}"), [CALL]),
    "in pieces": (call("get", *"{'x': 1}"), [CALL]),
    "arguments under another name": (
        [{"tool_calls": [{"id": "a", "function": {"name": "get", "input": {"x": 1}}}]}], [CALL]
    ),
    "words of Python": (call("get", '{"x": True, "y": None}'), [("call", "get", {"x": True, "y": None})]),
    "a trailing comma": (call("get", '{"x": 1,}'), [CALL]),
    "a whole call as the arguments": (call("get", '{"name": "get", "arguments": {"x": 1}}'), [CALL]),
    "one of a name with a prefix": (call("functions.get", '{"name": "get", "arguments": {"x": 1}}'), [CALL]),
    "one in pieces": (call("get", *'{ "name":"get","parameters" : {"x": 1}}'), [CALL]),
    "one encoded twice": (call("get", '{"name": "get", "arg', 'uments": "{\\"x\\": 1}"}'), [CALL]),
    "arguments that begin like one": (call("get", *'{"name": "go"}'), [("call", "get", {"name": "go"})]),
    "arguments that are one, and more": (
        call("get", '{"name": "get", "arguments": {}, "x": 1}'),
        [("call", "get", {"name": "get", "arguments": {}, "x": 1})],
    ),
    "a list of one object": (call("get", '[{"x"', ": 1}]"), [CALL]),
    "no function around a call": (
        [{"tool_calls": [{"index": 0, "id": "a", "name": "get", "arguments": '{"x":'}]},
         {"tool_calls": [{"index": 0, "arguments": "1}"}]}],
        [CALL],
    ),
    **{name: ([{name: "Hm"}, {name: "."}, {"content": "Hi"}], [HM, HI])
       for name in ("thought", "reasoningContent", "cot_summary")},
    **{f"{name} beside text": ([{name: "Hm.", "content": "Hi"}], [HM, HI])
       for name in ("thought", "reasoningContent", "cot_summary", "reasoning_content")},
    "thinking beside a call": ([{"thought": "Hm.", **call("get", '{"x": 1}')[0]}], [HM, CALL]),
}  # fmt: skip


@pytest.mark.parametrize("name", DELTAS)
def test_deltas(name: str) -> None:
    deltas, expected = DELTAS[name]
    assert contents(read(*deltas).output) == expected


def test_a_whole_call_that_is_cut_is_incomplete() -> None:
    answer = read(*call("get", '{"name": "get", "arguments": {"x":'), finish_reason="length")
    assert answer.response["status"] == "incomplete"


def test_arguments_that_begin_with_a_name_stream() -> None:
    answer = read(*call("get", '{"name"', ': "gone', 'fishing", "x":', " 1}"))
    assert [event["delta"] for event in answer.events if event["type"].endswith("arguments.delta")][:2] == [
        '{"name": "gone', 'fishing", "x":'
    ]  # fmt: skip


@pytest.mark.parametrize(
    "members",
    [
        {"usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 1, "thoughtsTokenCount": 2,
                           "totalTokenCount": 8}},
        {"prompt_eval_count": 5, "eval_count": 3},
        {"usage": {"prompt_eval_count": 5, "eval_count": 3}},
        {"usage": {"promptTokenCount": 5, "candidatesTokenCount": 3}},
    ],
)
def test_counts_of_other_apis(members: dict[str, Any]) -> None:
    last = {"choices": [{"delta": {}, "finish_reason": "stop"}], **members}
    answer = StreamHarness().read([chat.chunk({"content": "Hi"}), chat.block(last), b"data: [DONE]\n\n"])
    usage = answer.response["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (5, 3, 8)


@pytest.mark.parametrize("said", ["1", "2026-11-29T00:00:00Z", '"2026-11-29"', "Sun, 29 Nov 2026 00:00:00 GMT"])
def test_numbers_and_dates_keep_a_connection_alive(said: str) -> None:
    block = f"data: {said}\n\n".encode()
    answer = StreamHarness().read([block, chat.chunk({"content": "Hi"}), block, chat.end("stop")])
    assert contents(answer.output) == [HI]


def test_the_end_may_be_written_as_json() -> None:
    blocks = [chat.chunk({"content": "Hi"}), chat.chunk(finish="stop"), b'data: "[DONE]"\n\n']
    assert StreamHarness().read(blocks).response["status"] == "completed"


def test_an_answer_encoded_as_a_string() -> None:
    whole = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
    assert contents(StreamHarness().read([json.dumps(json.dumps(whole)).encode()]).output) == [HI]
    chunk = json.dumps(chat.chunk({"content": "Hi"})[6:].decode())
    assert contents(StreamHarness().read([f"data: {chunk}\n\n".encode(), chat.end("stop")]).output) == [HI]


def read(*deltas: dict[str, Any], finish_reason: str = "stop") -> StreamHarness:
    body = b"".join([*map(chat.chunk, deltas), chat.end(finish_reason)])
    options = {"names": NAMES, "functions": TOOLS}
    whole = StreamHarness(**options).read([body])
    split = StreamHarness(**options).read([body[at : at + 1] for at in range(len(body))])
    assert split.response == whole.response
    return whole
