"""Calls that models write as text: read in each family's form, in any split, and nothing else is taken for one."""

import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support import chat
from tests.support.stream_harness import StreamHarness, contents
from translators.responses.tools import FunctionTool, NamespaceTool
from translators.to_responses.content.forms import AROUND_CALLS, BARE_CALL, CALL_FORMS, HARMONY_ENDS, HARMONY_OPENINGS
from translators.to_responses.content.functions import DeclaredFunctions
from translators.to_responses.content.marks import may_hold_mark, may_hold_minimax_mark
from translators.to_responses.content.splitter import MarkSplitter
from translators.tools.names import ToolNames

GET = {
    "type": "object",
    "properties": {
        "x": {"type": "integer"},
        "s": {"type": "string"},
        "o": {"type": "object", "properties": {"a": {"type": "number"}}},
        "l": {"type": "array", "items": {"type": "string"}},
    },
}
TOOLS = [
    {"type": "function", "function": {"name": "get", "parameters": GET}},
    {"type": "function", "function": {"name": "put", "parameters": {"type": "object"}}},
    {"type": "function", "function": {"name": "fs__read", "parameters": {"type": "object"}}},
]
NAMES = ToolNames([FunctionTool("get", GET), FunctionTool("put", {}), NamespaceTool("fs", [FunctionTool("read", {})])])
ONE = [("get", '{"x":1}')]
BOTH = [("get", '{"x":1}'), ("put", '{"x":2}')]

CALLS: dict[str, tuple[str, str, list[tuple[str, str]]]] = {
    "Kimi": (
        "Look.<|tool_calls_section_begin|><|tool_call_begin|>functions.get:0<|tool_call_argument_begin|>"
        '{"x":1}<|tool_call_end|><|tool_call_begin|>functions.put:1<|tool_call_argument_begin|>{"x":2}'
        "<|tool_call_end|><|tool_calls_section_end|>",
        "Look.", BOTH,
    ),
    "Kimi without a section": (
        '<|tool_call_begin|>functions.get:0<|tool_call_argument_begin|>{"x":1}<|tool_call_end|>', "", ONE,
    ),
    "an older name of Hermes' mark": ('<function_call>{"name": "get", "arguments": {"x": 1}}</function_call>', "", ONE),
    "Hermes": (
        'ok\n<tool_call>\n{"name": "get", "arguments": {"x": 1}}\n</tool_call>\n'
        '<tool_call>{"name": "put", "arguments": {"x": 2}}</tool_call>\n',
        "ok\n", BOTH,
    ),
    "Hermes, the closing mark in a string": (
        '<tool_call>{"name": "get", "arguments": {"s": "a </tool_call> b"}}</tool_call>done',
        "done", [("get", '{"s":"a </tool_call> b"}')],
    ),
    "Hermes, never closed": ('<tool_call>{"name": "get", "arguments": {"x": 1}}', "", ONE),
    "Hermes, the first one never closed": (
        '<tool_call>{"name": "get", "arguments": {"x": 1}}\n'
        '<tool_call>{"name": "put", "arguments": {"x": 2}}</tool_call>',
        "", BOTH,
    ),
    "Hermes, the opening mark in a string": (
        '<tool_call>{"name": "get", "arguments": {"s": "<tool_call>"}}</tool_call>',
        "", [("get", '{"s":"<tool_call>"}')],
    ),
    "Hermes, text behind it": (
        '<tool_call>{"name": "get", "arguments": {"x": 1}}</tool_call>\n\nDone.', "\n\nDone.", ONE,
    ),
    "Hermes, arguments as a string": (
        '<tool_call>{"name": "get", "arguments": "{\\"x\\":1}"}</tool_call>', "", ONE,
    ),
    "Hermes, a member of a namespace": (
        '<tool_call>{"name": "fs.read", "arguments": {}}</tool_call>', "", [("fs__read", "{}")],
    ),
    "a list in tags": (
        '<tool_calls>[{"name": "get", "arguments": {"x": 1}}, {"name": "put", "arguments": {"x": 2}}]</tool_calls>',
        "", BOTH,
    ),
    "Qwen3-Coder": (
        "<tool_call>\n<function=get>\n<parameter=x>\n1\n</parameter>\n<parameter=s>\n2\n\n</parameter>\n</function>\n"
        "</tool_call>",
        "", [("get", '{"x":1,"s":"2\\n"}')],
    ),
    "Qwen3-Coder without its opening tag": (
        "<function=get>\n<parameter=x>\n1\n</parameter>\n</function>\n</tool_call>", "", ONE,
    ),
    "Seed-OSS": (
        "<seed:tool_call>\n<function=get>\n<parameter=x>1</parameter>\n</function>\n</seed:tool_call>", "", ONE,
    ),
    "Llama 3.1, function tags": ('<function=get>{"x": 1}</function>', "", ONE),
    "Llama 3, behind a mark": (
        '<|python_tag|>{"name": "get", "parameters": {"x": 1}}; {"name": "put", "parameters": {"x": 2}}<|eom_id|>',
        "", BOTH,
    ),
    "Llama 3, without a mark": ('\n{"type": "function", "name": "get", "parameters": {"x": 1}}', "", ONE),
    "Llama 4": ("<|python_start|>[get(x=1), put(x=2)]<|python_end|>", "", BOTH),
    "GLM": (
        "<tool_call>get\n<arg_key>x</arg_key>\n<arg_value>1</arg_value>\n<arg_key>s</arg_key>\n<arg_value>1"
        "</arg_value>\n</tool_call>",
        "", [("get", '{"x":1,"s":"1"}')],
    ),
    "DSML": (
        '<｜DSML｜tool_calls>\n<｜DSML｜invoke name="get">\n<｜DSML｜parameter name="x" string="false">1'
        '</｜DSML｜parameter>\n<｜DSML｜parameter name="s" string="true">5</｜DSML｜parameter>\n</｜DSML｜invoke>\n'
        "</｜DSML｜tool_calls>",
        "", [("get", '{"x":1,"s":"5"}')],
    ),
    "DSML with JSON": (
        '<｜DSML｜function_calls><｜DSML｜invoke name="get">{"x":1}</｜DSML｜invoke></｜DSML｜function_calls>', "", ONE,
    ),
    **{f"DSML with {bars}": (
        f'Hm.<{bars}DSML{bars}tool_calls>\n<{bars}DSML{bars}invoke name="get">\n<{bars}DSML{bars}parameter name="s"'
        f' string="true">5</{bars}DSML{bars}parameter>\n</{bars}DSML{bars}invoke>\n</{bars}DSML{bars}tool_calls>',
        "Hm.", [("get", '{"s":"5"}')],
    ) for bars in ("｜｜", "||", "‖")},
    "LongCat": (
        "<longcat_tool_call>get\n<longcat_arg_key>x</longcat_arg_key>\n<longcat_arg_value>1</longcat_arg_value>\n"
        "</longcat_tool_call>", "", ONE,
    ),
    "Step 3": (
        '<｜tool_calls_begin｜><｜tool_call_begin｜>function<｜tool_sep｜><steptml:invoke name="get">'
        '<steptml:parameter name="x">1</steptml:parameter></steptml:invoke><｜tool_call_end｜><｜tool_calls_end｜>',
        "", ONE,
    ),
    "Hunyuan": (
        '<tool_calls>\n<tool_call>get\n```json\n{"x": 1}\n```\n</tool_call>\n'
        '<tool_call>put\n```json\n{"x": 2}\n```\n</tool_call>\n</tool_calls>', "", BOTH,
    ),
    "a fenced object": ('```json\n{"name": "get", "arguments": {"x": 1}}\n```', "", ONE),
    "MiniMax M2": (
        '<minimax:tool_call>\n<invoke name="get">\n<parameter name="x">1</parameter>\n</invoke>\n</minimax:tool_call>',
        "", ONE,
    ),
    "MiniMax M3": (
        "]<]minimax[>[<tool_call>\n]<]minimax[>[<invoke name=\"get\">]<]minimax[>[<x>1]<]minimax[>[</x>"
        "]<]minimax[>[<o>]<]minimax[>[<a>2.5]<]minimax[>[</a>]<]minimax[>[</o>]<]minimax[>[<l>]<]minimax[>[<item>p"
        "]<]minimax[>[</item>]<]minimax[>[</l>]<]minimax[>[</invoke>]<]minimax[>[</tool_call>",
        "", [("get", '{"x":1,"o":{"a":2.5},"l":["p"]}')],
    ),
    "DeepSeek R1": (
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get\n```json\n{\"x\":1}\n```<｜tool▁call▁end｜>"
        "<｜tool▁calls▁end｜><｜end▁of▁sentence｜>",
        "", ONE,
    ),
    "DeepSeek V3.1": (
        '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get<｜tool▁sep｜>{"x":1}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
        "", ONE,
    ),
    "Mistral": ('[TOOL_CALLS][{"name": "get", "arguments": {"x": 1}}]', "", ONE),
    "Mistral with names": ('[TOOL_CALLS]get{"x": 1}[TOOL_CALLS]put[CALL_ID]abc[ARGS]{"x": 2}', "", BOTH),
    "Gemma": (
        '<|tool_call>call:get{s:<|"|>a, b:c<|"|>,x:1,o:{a:1.5},l:[<|"|>p<|"|>]}<tool_call|>',
        "", [("get", '{"s":"a, b:c","x":1,"o":{"a":1.5},"l":["p"]}')],
    ),
    "Command A": (
        '<|START_ACTION|>[{"tool_call_id": "0", "tool_name": "get", "parameters": {"x": 1}}]<|END_ACTION|>', "", ONE,
    ),
    "Granite": ('<|tool_call|>[{"name":"get","arguments":{"x":1}}]', "", ONE),
    "Nemotron": ('<TOOLCALL>[{"name":"get","arguments":{"x":1}}]</TOOLCALL>', "", ONE),
    "Apertus": ('<|tools_prefix|>[{"get": {"x": 1}}]<|tools_suffix|>', "", ONE),
    "harmony": (
        'Look.<|channel|>commentary to=functions.get <|constrain|>json<|message|>{"x":1}<|call|>', "Look.", ONE,
    ),
    "harmony, the recipient first": (
        '<|start|>assistant to=functions.get<|channel|>commentary json<|message|>{"x":1}<|call|>', "", ONE,
    ),
}
TEXTS = {
    "html": "a <b>bold</b> [x](y) <",
    "words about marks": "Use `<tool_call>` and `</tool_call>`; <tool_call> is a tag.",
    "no declared function": '<tool_call>{"name": "rm", "arguments": {}}</tool_call> rest',
    "one of two is not declared": '<tool_calls>[{"name":"get","args":{}},{"name":"rm","args":{}}]</tool_calls>!',
    "cut": '<tool_call>{"name": "get", "argu',
    "half a mark": "Hm. <|tool_call",
    "marks around nothing": "<|tool_calls_section_begin|> <|tool_calls_section_end|>Hm.",
    "JSON with a name": '{"name": "rm", "parameters": {"x": 1}}',
    "JSON and words": '{"name": "get", "parameters": {"x": 1}} is what I would write',
    "other JSON": '{"answer": 1}',
    "a list of numbers": "[1, 2]",
    "words in place of arguments": "<function=get>ls -la</function>",
    "words in an invoke tag": '<invoke name="get">the list</invoke>',
    "arguments in unknown tags": "<tool_call>get\n<arg_word>x</arg_word>\n<arg_value>1</arg_value></tool_call>",
    "arguments that are none": '<tool_call>{"name": "get", "arguments": [1]}</tool_call>',
    "a header without a body": "<|channel|>" + "x" * 300,
    "white space": "\n\n",
}  # fmt: skip


def split(pieces: list[str], tools: Any = TOOLS) -> tuple[str, str, list[tuple[str, str]]]:
    """Return the thinking, the text and the calls in content that comes in these pieces."""
    splitter = MarkSplitter(DeclaredFunctions(tools, NAMES))
    found = [piece for text in pieces for piece in splitter.feed(text)] + splitter.flush()
    assert all(text for _, text in found), "an empty piece"
    thinking = "".join(text for is_thinking, text in found if is_thinking)
    text = "".join(text for is_thinking, text in found if not is_thinking)
    return thinking, text, [(call.name, call.arguments) for call in splitter.calls]


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str) -> None:
    content, text, calls = CALLS[name]
    assert split([content]) == ("", text, calls)
    assert split(list(content)) == ("", text, calls)
    assert split([content], []) == ("", content, []) or content.startswith(HARMONY_OPENINGS)


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_no_call_stays_text(name: str) -> None:
    assert split([TEXTS[name]]) == ("", TEXTS[name], [])
    assert split(list(TEXTS[name])) == ("", TEXTS[name], [])


@pytest.mark.parametrize("tools", [TOOLS, []])
def test_harmony_without_a_call(tools: Any) -> None:
    content = "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>a < b<|return|>"
    assert split([content], tools) == split(list(content), tools) == ("Hm.", "a < b", [])


def test_the_id_of_a_call() -> None:
    splitter = MarkSplitter(DeclaredFunctions(TOOLS, NAMES))
    splitter.feed(CALLS["Kimi"][0])
    assert [call.id for call in splitter.calls] == ["functions.get:0", "functions.put:1"]


def test_text_ahead_of_a_mark_goes_out_at_once() -> None:
    splitter = MarkSplitter(DeclaredFunctions(TOOLS, NAMES))
    assert splitter.feed("Hi <") == [(False, "Hi ")]
    assert splitter.feed("b> and") == [(False, "<b> and")]
    assert splitter.is_idle
    assert not splitter.is_over


def test_content_without_functions_is_not_held_back() -> None:
    splitter = MarkSplitter(DeclaredFunctions())
    assert splitter.feed("Hi <tool_") == [(False, "Hi <tool_")]
    assert splitter.is_over


MARKS = sorted(
    {*AROUND_CALLS, *HARMONY_OPENINGS, *HARMONY_ENDS, "<|message|>"}
    | {mark for form in (*CALL_FORMS, BARE_CALL) for mark in (form.opening, *form.closings) if mark}
)
words = st.sampled_from([*MARKS, '{"name": "get", "arguments": {"x": 1}}', "get", "functions.get:0", "{}", '{"x":1}',
                         "<parameter=x>1</parameter>", ' to=functions.get', "analysis", "\n", " ", "<", "x"])
marked = st.lists(words | st.sampled_from([content for content, _, _ in CALLS.values()]), max_size=6).map("".join)


@settings(max_examples=150)
@given(marked, st.data(), st.sampled_from([TOOLS, []]))
@example("<tool_call><tool_call>" + CALLS["Hermes"][0], None, TOOLS)
def test_any_split_equals_the_whole(content: str, data: st.DataObject | None, tools: Any) -> None:
    whole = split([content], tools)
    assert split(list(content), tools) == whole
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=4))) if data else []
    assert split([content[start:end] for start, end in pairwise([0, *cuts, len(content)])], tools) == whole


@given(st.text(alphabet="ab<>[]{}/=|\n ", max_size=60))
def test_text_is_not_changed(content: str) -> None:
    assert split([content]) == ("", content, [])


def test_no_mark_begins_with_another() -> None:
    assert [(one, other) for one in MARKS for other in MARKS if one != other and other.startswith(one)] == []
    assert {mark[0] for mark in MARKS} <= set("<[]")  # what the stream machine looks for


@pytest.mark.parametrize(
    "content",
    [
        "<tool_call>" * 5_000,
        "<tool_call>{" + "</tool_call>" * 5_000,
        '<tool_call>{"name": "' + "</tool_call>" * 5_000,
        "<invoke name=\"get\">" + "<a>" * 10_000 + "</invoke>",
        "<function=get>" + "<parameter=" * 5_000 + "</function>",
        "<tool_call>get" + "<arg_key>" * 5_000 + "</tool_call>",
        "<|channel|>" * 5_000,
        '<|tool_call>call:get{' + '<|"|>' * 5_001 + "}<tool_call|>",
        "<|python_start|>" + "[" * 5_000 + "<|python_end|>",
        '{"name": "get", "parameters": {' * 2_000,
    ],
)
def test_content_that_is_made_to_cost_much(content: str) -> None:
    started = time.process_time()
    split([content])
    split([content[start : start + 50] for start in range(0, len(content), 50)])
    assert time.process_time() - started < 1


@pytest.mark.parametrize("mark", [*(form.opening for form in CALL_FORMS), *AROUND_CALLS, *HARMONY_OPENINGS])
def test_what_may_be_a_mark_is_not_passed_over(mark: str) -> None:
    assert all(may_hold_minimax_mark(f"x{mark[:size]}") for size in range(1, len(mark)))
    assert may_hold_minimax_mark(f"x{mark}y")
    assert may_hold_mark(f"x{mark}y")


@pytest.mark.parametrize("text", ["<div>x", "</p>", "x[0] = 1", "[a](b)", "if a < b: pass", "List<String> x", "<!-- x"])
def test_code_does_not_wait_for_marks(text: str) -> None:
    assert not may_hold_mark(text)


FUNCTIONS = [{"type": "function", "function": {"name": "get", "parameters": GET}}]
HERMES = '<tool_call>{"name": "get", "arguments": {"x": 1}}</tool_call>'


def read(*deltas: dict[str, Any], finish: str = "stop") -> StreamHarness:
    harness = StreamHarness(names=NAMES, functions=FUNCTIONS)
    return harness.read([*map(chat.chunk, deltas), chat.end(finish)])


@pytest.mark.parametrize(
    "deltas",
    [
        ({"content": HERMES},),
        ({"content": [{"type": "text", "text": HERMES[:20]}]}, {"content": [{"type": "text", "text": HERMES[20:]}]}),
        ({"content": "<think>Hm.</think>" + HERMES},),
        ({"content": "<think>Hm. " + HERMES},),
        ({"reasoning": "Hm. " + HERMES},),
    ],
)
def test_a_call_in_an_answer(deltas: tuple[dict[str, Any], ...]) -> None:
    answer = read(*deltas)
    assert contents(answer.output)[-1] == ("call", "get", {"x": 1})
    assert not any(kind == "output_text" for kind, *_ in contents(answer.output))
    assert ("content", "repaired") in answer.notes


def test_text_parts_keep_their_place_among_others() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    answer = read({"content": [{"type": "text", "text": "a <"}, image, {"type": "text", "text": "b"}]})
    assert contents(answer.output) == [("output_text", "a <"), ("image", "AA=="), ("output_text", "b")]


def test_a_call_that_is_cut_off_stays_text() -> None:
    answer = read({"content": HERMES[:40]}, finish="length")
    assert contents(answer.output) == [("output_text", HERMES[:40])]
    assert answer.response["status"] == "incomplete"
    assert ("content", "approximated") in answer.notes


def test_a_call_that_also_came_as_a_call_is_made_once() -> None:
    function = {"name": "get", "arguments": '{"x":1}'}
    one, other = {"content": HERMES}, {"tool_calls": [{"index": 0, "id": "a", "function": function}]}
    for deltas in ((one, other), (other, one), ({**one, **other},)):
        answer = read(*deltas)
        assert [item["call_id"] for item in answer.output] == ["a"]
        assert ("content", "dropped") in answer.notes


def test_a_failed_answer_makes_no_call() -> None:
    harness = StreamHarness(names=NAMES, functions=FUNCTIONS)
    answer = harness.read([chat.chunk({"content": HERMES}), chat.block({"error": {"message": "Broken."}})])
    assert answer.output == []


MINIMAX = '<]minimax[>[<invoke name="get">]<]minimax[>[<x>1]<]minimax[>[</x>]<]minimax[>[</invoke>'


@pytest.mark.parametrize("pieces", [("x[0]",), ("Hi ", "x[0]")])
@pytest.mark.parametrize(("model", "held"), [("qwen3-coder", ""), ("MiniMaxAI/MiniMax-M3", "]"), ("", "]")])
def test_only_text_that_may_be_minimaxs_waits_after_a_bracket(model: str, held: str, pieces: tuple[str, ...]) -> None:
    answer = StreamHarness(names=NAMES, functions=FUNCTIONS, model=model)
    answer.feed([{"choices": [{"delta": {"content": text}}]} for text in pieces])
    assert "".join(event.get("delta", "") for event in answer.events) + held == "".join(pieces)


def test_a_call_of_minimax_is_read_behind_a_bracket_that_has_gone_out() -> None:
    answer = StreamHarness(names=NAMES, functions=FUNCTIONS, model="m3")
    answer.read([*(chat.chunk({"content": text}) for text in ("Hi", "]", MINIMAX)), chat.end("stop")])
    assert contents(answer.output) == [("output_text", "Hi]"), ("call", "get", {"x": 1})]
