"""Base requests: a body whose base is known gives the same chat request, snapshot and errors as one that is not."""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapter.api.request.schemas import parse_create
from adapter.history.known_inputs import KnownInputs
from translators.dialects.dialect import Dialect
from translators.dialects.presets import PRESETS
from translators.errors import RequestError
from translators.notes import Notes
from translators.responses.echo import first_snapshot
from translators.responses.request import MAX_MADE, CreateRequest
from translators.responses.tools import FunctionTool
from translators.to_chat.history import History
from translators.to_chat.request import chat_request
from translators.tools.names import ToolNames
from translators.wire import encode

FUNCTION = {
    "type": "function",
    "name": "f",
    "parameters": {"type": "object", "properties": {"input": {"type": "string"}}},
}
SEALED = {"type": "function", "name": "s", "strict": True, "parameters": {"type": "object", "encrypted": True}}
LOADED = {"type": "additional_tools", "tools": [{"type": "function", "name": "g"}]}
CALL = {"type": "function_call", "call_id": "c", "name": "an.odd name", "arguments": "{}"}
ODD_NAME = ToolNames().flatten(CALL["name"])
OUTPUT = {"type": "function_call_output", "call_id": "c", "output": "done"}
SCHEMA = {"type": "json_schema", "name": "n", "strict": True, "schema": {"type": "object", "properties": {}}}

MEMBERS: dict[str, list[Any]] = {
    "instructions": ["Be brief.", "", None, '"input":', "\0", 7],
    "tools": [[FUNCTION], [FUNCTION, SEALED], [{"type": "web_search"}], [], [{"type": "function"}], None],
    "tool_choice": [
        "auto", "none", "required", {"type": "function", "name": "f"}, {"type": "function", "name": "g"},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}, "?",
    ],
    "text": [{"format": SCHEMA}, {"format": {"type": "json_object"}, "verbosity": "low"}, {"format": 1}],
    "reasoning": [{"effort": "low"}, {"effort": "none"}, {"context": "current_turn"}, {"effort": "?"}],
    "conversation": ["conv_1", None],
    "stream": [True, False, None],
    "stream_options": [{"include_obfuscation": False}],
    "parallel_tool_calls": [False],
    "temperature": [0.5, 3],
    "top_logprobs": [2],
    "service_tier": ["flex", "auto"],
    "prompt_cache_key": ["input"],
    "max_tool_calls": [1],
    "seed": [1],
    "input ": [1],
}  # fmt: skip
INPUTS: list[Any] = [
    "Hi", "", "input", ":", ",", '":"', "\0", "é", "x" * 9000, None, 7, [], {}, [7],
    [{"role": "user", "content": "Hi"}], [{"role": "user", "content": "Hi"}, CALL, OUTPUT], [OUTPUT], [CALL],
    [LOADED, {"role": "user", "content": "Hi"}],
    [{"role": "system", "content": "Sys."}, {"role": "user", "content": "Hi"}],
    [{"role": "user", "content": "x" * 9000}], [{"role": "user", "content": "x" * 9000}, CALL, OUTPUT],
    [{"role": "user", "content": "x" * 9000}, {"role": "user", "content": "\0"}],
    [{"role": "user", "content": "Hi"}, {"type": "compaction_trigger"}], [{"type": "compaction_trigger"}, OUTPUT],
    [{"type": "configuration_update", "reasoning": {"effort": "high"}}, {"role": "user", "content": "Hi"}],
    [{"role": "user", "content": "Hi"}] * 9,
]  # fmt: skip
CALLING = [{"role": "user", "content": "Hi"}, CALL, OUTPUT]
LABELS: list[dict[str, Any]] = [
    {}, {"metadata": {}}, {"metadata": None}, {"metadata": {"a": "1"}}, {"metadata": {"a": "2"}},
    {"metadata": {"a": 7}}, {"metadata": {"a": "\0"}}, {"metadata": {"input": "Hi"}}, {"metadata": "Hi"},
    {"client_metadata": {"turn": "1"}}, {"client_metadata": {"turn": "22"}, "metadata": {"a": "1"}},
    {"client_metadata": "\0", "metadata": {"a": "\0"}}, {"client_metadata": [1, 2]}, {"client_metadata": 7},
]  # fmt: skip
LOADING = [LOADED, {"role": "user", "content": "Hi"}]
PREVIOUS: list[Any] = ["resp_1", "resp_2", "input", "Hi", "", "r\0", "x" * 600, 7, None]
DIALECTS = [
    Dialect(),
    PRESETS["openai"],
    PRESETS["perplexity"],
    PRESETS["bedrock"],
    PRESETS["gemini"],
    PRESETS["mistral"],
]
STYLES: list[dict[str, Any]] = [{}, {"separators": (",", ":")}, {"indent": 1}, {"ensure_ascii": False}]

ABSENT = object()
members = st.dictionaries(st.sampled_from(sorted(MEMBERS)), st.integers(0, 6), max_size=4)
turns = st.lists(
    st.tuples(
        st.sampled_from(INPUTS) | st.just(ABSENT), st.sampled_from(PREVIOUS) | st.just(ABSENT), st.integers(0, 1),
        st.integers(0, len(DIALECTS) - 1), st.sampled_from(LABELS),
    ),
    min_size=2, max_size=6,
)  # fmt: skip


def body_of(base: dict[str, int], turn: tuple[Any, ...], order: int, style: dict[str, Any]) -> bytes:
    input, previous, _, _, labels = turn
    body: dict[str, Any] = {"model": "m"} | {name: MEMBERS[name][at % len(MEMBERS[name])] for name, at in base.items()}
    body |= {name: one for name, one in (("input", input), ("previous_response_id", previous)) if one is not ABSENT}
    body |= labels
    names = sorted(body, key=lambda name: (name in MEMBERS) == bool(order % 2))
    if order > 1:
        names.reverse()
    return json.dumps({name: body[name] for name in names}, **style).encode()


def outcome(body: bytes, known: KnownInputs | None, dialect: Dialect) -> tuple[Any, ...]:
    """Return all that can be seen of a body: the request, its chat request and snapshot, or the error."""
    try:
        request = parse_create(body, max_items=8, passthrough=("seed",), known=None if known is None else known.of("t"))
    except RequestError as error:
        return error.message, error.param, error.code
    read = encode(replace(request, base=None))
    return read, first_snapshot(request, "resp_0", 1), *translated(request, dialect)


def translated(request: CreateRequest, dialect: Dialect) -> tuple[Any, ...]:
    notes = Notes()
    try:
        chat = chat_request(request, History(), dialect, notes, model="m", stream=request.stream)
    except RequestError as error:
        return error.message, error.param, error.code
    names = chat.names
    return (
        chat.json, list(notes), list(chat.notes), chat.functions, chat.answer_rules, names.with_encrypted,
        [names.may_call(flat) for flat in "fgs"], names.restore(ODD_NAME), names.flatten("f"), names.meant("f"),
    )  # fmt: skip


@given(st.lists(members, min_size=2, max_size=2), turns, st.integers(0, 3), st.sampled_from(STYLES))
@example(
    [{}, {}],
    [(":", ABSENT, 0, 0, {}), (": ", ABSENT, 0, 0, {}), (":", ABSENT, 0, 0, {})],
    1,
    {"separators": (",", ":")},
)
@example([{"tools": 0, "tool_choice": 4}, {}], [(one, ABSENT, 0, 0, {}) for one in (LOADING, "Hi", LOADING)], 0, {})
@example([{"tools": 0}, {}], [(one, ABSENT, 0, 0, {}) for one in (CALLING, "Hi", CALLING)], 0, {})
@example([{}, {}], [("Hi", one, 0, 0, {}) for one in ("resp_1", "resp_2", "r\0", "x" * 600, 7, None)], 0, {})
@example([{}, {}], [("Hi", ABSENT, 0, 0, one) for one in LABELS], 0, {})
@example([{}, {}], [("Hi", "resp_1", 0, 0, one) for one in LABELS], 1, {})
@example([{}, {}], [(INPUTS[at], ABSENT, 0, 0, one) for at in (8, 19, 20) for one in LABELS], 2, {})
def test_a_known_base_changes_nothing(
    bases: list[dict[str, int]], turns: list[tuple[Any, ...]], order: int, style: dict[str, Any]
) -> None:
    known = KnownInputs(1 << 20)
    for turn in turns:
        body, dialect = body_of(bases[turn[2]], turn, order, style), DIALECTS[turn[3]]
        assert outcome(body, known, dialect) == outcome(body, None, dialect)


LONG = {"role": "user", "content": "x" * 9000}
NEXT = [{"role": "assistant", "content": "y"}, {"role": "user", "content": "z"}]
BITS = [
    b"",
    b'"',
    b"]",
    b"}",
    b",",
    b"{",
    b"[",
    b"\\u0000",
    b"\xff",
    b'"input":1,',
    b" ",
    b'{"role":"user","content":"a"},',
]


@given(
    st.lists(st.tuples(st.integers(0, 140), st.integers(0, 30), st.sampled_from(BITS)), min_size=1, max_size=4),
    st.sampled_from(STYLES),
    st.booleans(),
)
def test_a_long_body_that_was_damaged(
    damages: list[tuple[int, int, bytes]], style: dict[str, Any], is_last: bool
) -> None:
    rest = {"instructions": "Be brief.", "metadata": {"a": "b"}, "client_metadata": {"turn": [1]}}
    known = KnownInputs(1 << 20)
    for added in (NEXT[:0], NEXT):
        members = {"model": "m", **(rest if is_last else {}), "input": [LONG, *added], **({} if is_last else rest)}
        body = json.dumps(members, **style).encode()
        assert outcome(body, known, DIALECTS[0]) == outcome(body, None, DIALECTS[0])
        for at, length, bit in damages:
            place = len(body) - at
            damaged = body[:place] + bit + body[place + length :]
            assert outcome(damaged, known, DIALECTS[0]) == outcome(damaged, None, DIALECTS[0])


def test_a_long_body_with_one_wrong_byte() -> None:
    known = KnownInputs(1 << 20)
    members = {"model": "m", "input": [LONG, *NEXT], "metadata": {"a": "b"}, "client_metadata": {"turn": [1]}}
    body = json.dumps(members).encode()
    outcome(body, known, DIALECTS[0])
    for place in range(len(body) - 170, len(body)):
        for byte in b'"]}{,x\\\xff':
            wrong = body[:place] + bytes([byte]) + body[place + 1 :]
            assert outcome(wrong, known, DIALECTS[0]) == outcome(wrong, None, DIALECTS[0])


def test_a_body_is_not_taken_for_one_with_another_base() -> None:
    known = KnownInputs(1 << 20)
    bodies = [
        b'{"model":"m","input":"Hi"}', b'{"model":"m","input":"Hi","input":"Hi"}', b'{"model":"m","input":"Hi"}}',
        b'{"model":"m","input":"Hi" "Hi"}', b'{"model":"m","input":"H\xff"}', b'{"model":"m","input":"Hi","model":"m"}',
        b'{"model":"m","input":"Ho","previous_response_id":"resp_1"}',
        b'{"model":"m","input":"Ho","previous_response_id":"resp_1","previous_response_id":"resp_2"}',
        b'{"previous_response_id":"resp_1","model":"m","input":"Ho"}',
        b'{"previous_response_id":"resp_\\u0031","model":"m","input":"Ho"}',
        b'{"model":"m","input":["Ho"],"previous_response_id":"resp_1"}',
        b'{"model":"m","input":"\\ud800"}', b'{"model":"m","in\\u0070ut":"Hi"}',
        b'{"model":"m","input":"previous_response_id"}',
        b'{"model":"Hi","input":"Hi"}',
        b'{"model":"Ho","input":"Ho"}',
    ]  # fmt: skip
    for body in bodies * 2:
        assert outcome(body, known, Dialect()) == outcome(body, None, Dialect())


def test_null_in_the_place_of_a_value() -> None:
    known = KnownInputs(1 << 20)
    for previous in ("ab", "cd", None, "ef"):
        members = {"model": "m", "input": [LONG], "previous_response_id": previous, "store": False}
        body = json.dumps(members).encode()
        assert outcome(body, known, DIALECTS[0]) == outcome(body, None, DIALECTS[0])


def test_a_value_that_is_in_a_body_twice() -> None:
    known = KnownInputs(1 << 20)
    for twice, once in (("1", "1"), ("2", "1"), ("1", "2")):
        tool = {**FUNCTION, "parameters": {"type": "object", "properties": {}, "default": {"a": twice}}}
        body = json.dumps({"model": "m", "tools": [tool], "metadata": {"a": once}, "input": [LONG]}).encode()
        assert outcome(body, known, DIALECTS[0]) == outcome(body, None, DIALECTS[0])


def test_what_is_made_of_a_base_is_made_once_and_only_for_its_tenant() -> None:
    known = KnownInputs(1 << 20)

    def read(input: str, tenant: str = "t") -> CreateRequest:
        body = {"model": "m", "input": input, "tools": [FUNCTION], "metadata": {"trace": f"of {input}"}}
        return parse_create(
            json.dumps(body | {"client_metadata": input * 2}).encode(), max_items=8, known=known.of(tenant)
        )

    first, second, other = read("One"), read("Two"), read("Two", "u")
    assert first.base is second.base is not other.base
    assert first.tools is second.tools is not other.tools
    assert [first_snapshot(one, "resp_0", 1).metadata["trace"] for one in (first, second)] == ["of One", "of Two"]
    dialect = Dialect()
    heads = [chat_request(one, History(), dialect, Notes(), model="m", stream=False) for one in (first, second, other)]
    assert heads[0].functions is heads[1].functions is not heads[2].functions
    changed = replace(second, tools=())
    assert chat_request(changed, History(), dialect, Notes(), model="m", stream=False).functions == ()
    assert first_snapshot(replace(second, store=False), "resp_0", 1).store is False


def test_a_lesson_changes_what_is_made_of_a_base() -> None:
    known = KnownInputs(1 << 20)
    body = b'{"model":"m","input":"Hi","max_output_tokens":99}'
    taught = Dialect(token_limit="max_completion_tokens")
    for dialect in (Dialect(), taught, Dialect(), *(Dialect(name=str(at)) for at in range(9)), taught):
        assert outcome(body, known, dialect) == outcome(body, None, dialect)
        for entry in known.bases._bases.values():
            assert len(entry.base.made) <= MAX_MADE


def test_it_stays_within_its_bytes() -> None:
    known = KnownInputs(200_000)
    for at in range(60):
        body = json.dumps({"model": "m", "input": f"Hi {at}", "instructions": f"{at}" * 1000}).encode()
        outcome(body, known, Dialect())
    assert 0 < known.bases._bases.currsize <= 100_000
    outcome(json.dumps({"model": "m", "input": "Hi", "instructions": "x" * 20_000}).encode(), known, Dialect())
    assert known.bases._bases.currsize <= 100_000


def test_requests_that_are_changed_to_the_same_have_one_base() -> None:
    known = KnownInputs(1 << 20)
    body = b'{"model":"m","input":"a","tools":[{"type":"web_search"}]}'
    request = parse_create(body, max_items=8, known=known.of("t"))

    def changed(request: CreateRequest, name: str) -> CreateRequest:
        return known.bases.of_changed(replace(request, tools=(FunctionTool(name),)))

    one, same, other = changed(request, "f"), changed(request, "f"), changed(request, "g")
    assert one.base is not None
    assert one.base is same.base
    assert one.tools is same.tools
    assert one.base is not request.base
    assert other.base is not one.base
    assert other.tools == (FunctionTool("g"),)
    unknown = replace(request, base=None)
    assert changed(unknown, "f").base is None


def test_a_changed_request_that_is_too_large_has_no_base_of_its_own() -> None:
    known = KnownInputs(20_000)
    request = parse_create(b'{"model":"m","input":"a"}', max_items=8, known=known.of("t"))
    large = replace(request, tools=(FunctionTool("f", "x" * 2000),))
    assert request.base is not None
    assert known.bases.of_changed(large).base is request.base
