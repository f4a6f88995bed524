"""Thinking goes to the client and back to its provider: in each provider's form, by the store and by the client.

A case is what a provider streams, and the assistant message that it must get back for it.
"""

import json
from itertools import pairwise
from typing import Any

import pytest

from tests.support import chat
from tests.support.judges.oracles import validate_with_openai
from tests.support.transparent_sealer import TransparentSealer
from translators.dialects.dialect import Dialect
from translators.dialects.presets import PRESETS
from translators.notes import Notes
from translators.reasoning.opaque import OpaqueReasoning
from translators.reasoning.thinking import SealPolicy, Thinking
from translators.responses.decoding.items import decode_items
from translators.responses.echo import first_snapshot
from translators.responses.events import Event, sse_frame
from translators.responses.ids import Ids, seed
from translators.responses.items import Item, Message, Reasoning
from translators.responses.request import CreateRequest, ReasoningConfig
from translators.responses.response import Response
from translators.to_chat.history import History
from translators.to_chat.request import chat_request
from translators.to_responses.answer import AnswerReader
from translators.to_responses.expectations import Expectations
from translators.to_responses.stream import ResponseStream
from translators.wire import decode, encode


def details(*entries: dict[str, Any], **members: Any) -> bytes:
    return chat.chunk({**members, "reasoning_details": list(entries)})


def blocks(*entries: dict[str, Any], **members: Any) -> bytes:
    return chat.chunk({**members, "thinking_blocks": list(entries)})


def block(piece: str, **members: Any) -> dict[str, Any]:
    return {"type": "thinking", "thinking": piece, **members}


def text(piece: str, **members: Any) -> dict[str, Any]:
    return {"type": "reasoning.text", "text": piece, "format": "anthropic-claude-v1", "index": 0, **members}


def gemini_call(index: int, name: str, **members: Any) -> bytes:
    head = {"index": index, "id": name, "type": "function", "function": {"name": name, "arguments": "{}"}}
    return chat.chunk({"tool_calls": [head | members]})


def signature(text: str) -> dict[str, Any]:
    return {"extra_content": {"google": {"thought_signature": text}}}


def call(id: str = "call_1", name: str = "look", **members: Any) -> dict[str, Any]:
    return {"id": id, "function": {"name": name, "arguments": "{}"}, "type": "function", **members}


def signed(text: str) -> dict[str, Any]:
    return {"type": "reasoning.text", "text": text, "format": "anthropic-claude-v1", "index": 0, "signature": "c2ln"}


SEALER = TransparentSealer()
LOOK = chat.call(0, "call_1", "look", "{}")
ENCRYPTED = {"type": "reasoning.encrypted", "data": "ZW5j", "format": "google-gemini-v1", "index": 0}
REDACTED = {"type": "redacted_thinking", "data": "ZW5j"}
PART = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}

FORMS: dict[str, tuple[str, bytes, dict[str, Any]]] = {
    "deepseek: reasoning_content": (
        "deepseek",
        chat.thinking("H", "m.") + LOOK,
        {"reasoning_content": "Hm.", "content": None, "tool_calls": [call()]},
    ),
    "deepseek: no thinking at all": (
        "deepseek", LOOK, {"reasoning_content": "", "content": None, "tool_calls": [call()]},
    ),
    "ollama: reasoning": (
        "ollama",
        chat.chunk({"reasoning": "Hm."}) + chat.text("Hi."),
        {"reasoning": "Hm.", "content": "Hi."},
    ),
    "groq: none": ("groq", chat.chunk({"reasoning": "Hm."}) + chat.text("Hi."), {"content": "Hi."}),
    "mistral: parts": (
        "mistral",
        chat.chunk({"content": [PART]}) + chat.text("Hi."),
        {"content": [PART, {"type": "text", "text": "Hi."}]},
    ),
    "mistral: parts and a call": (
        "mistral", chat.chunk({"content": [PART]}) + LOOK, {"content": [PART], "tool_calls": [call("dBlv5y5M3")]},
    ),
    "minimax: tags": (
        "minimax", chat.text("<think>", "Hm.", "</think>\n\n", "Hi."), {"content": "<think>Hm.</think>\n\nHi."},
    ),
    "openrouter: details that are only text": (
        "openrouter", details(text("Hm."), reasoning="Hm.") + chat.text("Hi."), {"reasoning": "Hm.", "content": "Hi."},
    ),
    "openrouter: signed": (
        "openrouter",
        details(text("H"), reasoning="H") + details(text("m."), reasoning="m.")
        + details(text("", signature="c2ln"), content="") + LOOK,
        {"content": None, "reasoning_details": [signed("Hm.")], "tool_calls": [call()]},
    ),
    "openrouter: two blocks, each signed": (
        "openrouter",
        details(text("A"), reasoning="A") + details(text("", signature="c2ln"))
        + details(text("B"), reasoning="B") + details(text("", signature="c2ln")) + LOOK,
        {"content": None, "reasoning_details": [signed("A"), signed("B")], "tool_calls": [call()]},
    ),
    "vercel: encrypted": (
        "vercel",
        details(text("Hm."), reasoning="Hm.") + details(ENCRYPTED) + details(ENCRYPTED) + LOOK,
        {"content": None, "reasoning_details": [text("Hm."), ENCRYPTED, ENCRYPTED], "tool_calls": [call()]},
    ),
    "openrouter: encrypted, without a word": (
        "openrouter",
        details(ENCRYPTED) + LOOK,
        {"content": None, "reasoning_details": [ENCRYPTED], "tool_calls": [call()]},
    ),
    "openrouter: encrypted, behind the answer": (
        "openrouter", chat.text("Hi.") + details(ENCRYPTED), {"content": "Hi.", "reasoning_details": [ENCRYPTED]},
    ),
    "openrouter: encrypted, ahead of the answer": (
        "openrouter", details(ENCRYPTED) + chat.text("Hi."), {"content": "Hi.", "reasoning_details": [ENCRYPTED]},
    ),
    "litellm: blocks, signed": (
        "default",
        blocks(block("H"), reasoning_content="H") + blocks(block("m."), reasoning_content="m.")
        + blocks(block("", signature="c2ln"), reasoning_content="") + LOOK,
        {"content": None, "thinking_blocks": [block("Hm.", signature="c2ln")], "tool_calls": [call()]},
    ),
    "litellm: blocks, once more at the end": (
        "default",
        chat.thinking("Hm.") + LOOK + blocks(block("Hm.", signature="c2ln"), REDACTED),
        {
            "reasoning_content": "Hm.", "content": None,
            "thinking_blocks": [block("Hm.", signature="c2ln"), REDACTED], "tool_calls": [call()],
        },
    ),
    "litellm: blocks that are only text": (
        "default", blocks(block("Hm."), reasoning_content="Hm.") + LOOK,
        {"reasoning_content": "Hm.", "content": None, "tool_calls": [call()]},
    ),
    "copilot: sealed": (
        "default",
        chat.chunk({"reasoning_text": "H"}) + chat.chunk({"reasoning_text": "m."})
        + chat.chunk({"reasoning_opaque": "c2ln"}) + LOOK,
        {"content": None, "reasoning_text": "Hm.", "reasoning_opaque": "c2ln", "tool_calls": [call()]},
    ),
    "copilot: sealed with the call, without a word": (
        "openai",
        chat.chunk({"reasoning_opaque": "c2ln", "tool_calls": [{"index": 0, "id": "call_1", "type": "function",
                    "function": {"name": "look", "arguments": "{}"}}]}),
        {"content": None, "reasoning_text": "", "reasoning_opaque": "c2ln", "tool_calls": [call()]},
    ),
    "copilot: text alone": (
        "default",
        chat.chunk({"reasoning_text": "Hm."}) + chat.text("Hi."),
        {"reasoning_content": "Hm.", "content": "Hi."},
    ),
    "gemini: a signed call": (
        "gemini",
        gemini_call(0, "look", **signature("c2ln")),
        {"content": None, "tool_calls": [call("look", **signature("c2ln"))]},
    ),
    "gemini: parallel calls, the first signed": (
        "gemini",
        chat.text("<thought>Hm.</thought>") + gemini_call(0, "look", **signature("c2ln")) + gemini_call(1, "find"),
        {"content": None, "tool_calls": [call("look", **signature("c2ln")), call("find", "find")]},
    ),
    "gemini: parallel calls, all signed": (
        "gemini",
        gemini_call(0, "look", **signature("c2ln")) + gemini_call(1, "find", **signature("c2lo")),
        {
            "content": None,
            "tool_calls": [call("look", **signature("c2ln")), call("find", "find", **signature("c2lo"))],
        },
    ),
    "gemini: a call signed too late": (
        "gemini",
        gemini_call(0, "look") + chat.chunk({"tool_calls": [{"index": 0, **signature("c2ln")}]}),
        {"content": None, "tool_calls": [call("look", **signature("c2ln"))]},
    ),
    "gemini: a signed answer": (
        "gemini",
        chat.chunk({"content": "Hi.", "extra_content": {"google": {"thought": False}}}) + chat.chunk(signature("c2ln")),
        {"content": "Hi.", **signature("c2ln")},
    ),
    "default: reasoning_content": (
        "default", chat.thinking("Hm.") + chat.text("Hi."), {"reasoning_content": "Hm.", "content": "Hi."},
    ),
}  # fmt: skip


def request(**members: Any) -> CreateRequest:
    return CreateRequest(model="m", raw_input=b"[]", **{"input": (Message("user", "Hello."),), **members})


class Played:
    """What became of a provider's answer."""

    def __init__(
        self, answer: bytes, *, always: bool = True, reasoning_as: Any = "summary", end: bytes = chat.end()
    ) -> None:
        self.notes = Notes()
        ids = Ids(seed(0, 0))
        stream = ResponseStream(
            first_snapshot(request(), ids.response, 0), ids,
            Expectations(seal_policy=SealPolicy(SEALER, always)), notes=self.notes, reasoning_as=reasoning_as,
        )  # fmt: skip
        self.events: list[Event] = stream.start()
        reader = AnswerReader(stream)
        self.events += reader.feed(answer + end)
        self.events += reader.finish(1)
        self.response: Response = stream.response

    @property
    def kinds(self) -> list[str]:
        return [item["type"] for item in plain(self.response.output)]

    @property
    def reasoning(self) -> list[dict[str, Any]]:
        return [item for item in plain(self.response.output) if item["type"] == "reasoning"]


def plain(value: object) -> Any:
    return decode(encode(value))


def outputs(response: Response) -> list[Item]:
    """Return what a client sends behind an answer: the outputs of its calls, or a further question."""
    calls = [item["call_id"] for item in plain(response.output) if item["type"] == "function_call"]
    sent = [{"type": "function_call_output", "call_id": id, "output": "done"} for id in calls]
    return list(decode_items(json.dumps(sent or [{"role": "user", "content": "And?"}]).encode()))


def assistant(items: list[Item], dialect: Dialect, history: History = History(), **members: Any) -> dict[str, Any]:  # noqa: B008
    """Return the first assistant message of a request, without its role."""
    body = chat_request(
        request(input=tuple(items), **members), history, dialect, Notes(), model="m", stream=False, sealer=SEALER
    )
    messages = decode(body.json)["messages"]
    found: dict[str, Any] = next(message for message in messages if message["role"] == "assistant")
    assert found.pop("role") == "assistant"
    return {"content": None, **found}


@pytest.mark.parametrize("always", [True, False], ids=["asked for", "not asked for"])
@pytest.mark.parametrize("form", FORMS)
def test_the_provider_gets_back_what_it_sent(form: str, always: bool) -> None:
    name, answer, expected = FORMS[form]
    dialect = PRESETS[name]
    played = Played(answer, always=always)
    validate_with_openai([plain(event) for event in played.events])

    extended = chat_request(request(), History(), dialect, Notes(), model="m", stream=False).history
    stored = extended.with_output(decode_items(encode(played.response.output)))
    assert assistant(outputs(played.response), dialect, stored) == expected

    carried = [Message("user", "Hello."), *decode_items(encode(played.response.output)), *outputs(played.response)]
    assert assistant(carried, dialect) == expected


@pytest.mark.parametrize("form", FORMS)
def test_thinking_told_as_content_goes_back_all_the_same(form: str) -> None:
    name, answer, expected = FORMS[form]
    played = Played(answer, reasoning_as="content")
    validate_with_openai([plain(event) for event in played.events])
    carried = [*decode_items(encode(played.response.output)), *outputs(played.response)]
    assert assistant(carried, PRESETS[name]) == expected


@pytest.mark.parametrize(
    ("always", "back"),
    [
        (True, {"reasoning_details": [text("Hm."), ENCRYPTED]}),
        (False, {"reasoning": "Hm.", "reasoning_details": [ENCRYPTED]}),
    ],
    ids=["asked for", "not asked for"],
)
def test_encrypted_details_behind_a_call(always: bool, back: dict[str, Any]) -> None:
    """When they come, the item of the text is done, and is sealed only if that was asked for (Gemini by Vercel)."""
    played = Played(details(text("Hm."), reasoning="Hm.") + LOOK + details(ENCRYPTED), always=always)
    carried = [*decode_items(encode(played.response.output)), *outputs(played.response)]
    assert assistant(carried, PRESETS["vercel"]) == {"content": None, "tool_calls": [call()], **back}


def test_a_sealed_item_needs_no_text() -> None:
    """Codex sends `content: null` and may leave out the summary."""
    (item,) = Played(chat.thinking("Hm.")).reasoning
    bare = decode_items(json.dumps([{**item, "summary": [], "content": None, "id": None}]).encode())
    assert assistant([*bare, Message("assistant", "Hi.")], Dialect())["reasoning_content"] == "Hm."


def test_what_is_sealed_counts_and_not_what_the_client_made_of_the_text() -> None:
    (item,) = Played(chat.thinking("Hm.")).reasoning
    changed = {**item, "summary": [{"type": "summary_text", "text": "Something else."}]}
    items = [*decode_items(json.dumps([changed]).encode()), Message("assistant", "Hi.")]
    assert assistant(items, Dialect())["reasoning_content"] == "Hm."


@pytest.mark.parametrize("sealed", ["gAAAAABm", "plain:bm90IEpTT04=", "plain:W10=", "plain:eyJ0ZXh0IjoxfQ=="])
def test_what_cannot_be_opened_is_dropped_with_a_note_and_the_text_goes_back(sealed: str) -> None:
    item = {
        "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": sealed,
    }  # fmt: skip
    items = (*decode_items(json.dumps([{"role": "user", "content": "?"}, item]).encode()), Message("assistant", "Hi."))
    notes = Notes()
    body = chat_request(request(input=items), History(), Dialect(), notes, model="m", stream=False, sealer=SEALER)
    assert decode(body.json)["messages"][1]["reasoning_content"] == "Hm."
    assert [(note.param, note.action) for note in notes] == [("input[1].encrypted_content", "dropped")]


def test_thinking_that_nothing_follows_is_dropped_with_a_note() -> None:
    items = (Message("user", "?"), *decode_items(encode(Played(chat.thinking("Hm.")).response.output)))
    notes = Notes()
    body = chat_request(request(input=items), History(), Dialect(), notes, model="m", stream=False, sealer=SEALER)
    assert [message["role"] for message in decode(body.json)["messages"]] == ["user"]
    assert [(note.param, note.action) for note in notes] == [("input", "dropped")]


def test_raw_text_goes_before_the_summary() -> None:
    item = {
        "type": "reasoning", "summary": [{"type": "summary_text", "text": "In short."}], "encrypted_content": None,
        "content": [{"type": "reasoning_text", "text": "At length."}],
    }  # fmt: skip
    items = [*decode_items(json.dumps([item]).encode()), Message("assistant", "Hi.")]
    assert assistant(items, Dialect())["reasoning_content"] == "At length."


# --- what the client sees ---------------------------------------------------------------------------------------------


def test_an_item_is_sealed_when_it_is_done_and_not_before() -> None:
    events = [plain(event) for event in Played(chat.thinking("Hm.") + chat.text("Hi.")).events]
    items = {event["type"]: event["item"] for event in events if event.get("item", {}).get("type") == "reasoning"}
    assert "encrypted_content" not in items["response.output_item.added"]
    assert items["response.output_item.done"]["encrypted_content"].startswith("plain:")
    assert events[-1]["response"]["output"][0] == items["response.output_item.done"]


def test_text_is_not_sealed_unless_it_was_asked_for() -> None:
    (item,) = Played(chat.thinking("Hm.") + chat.text("Hi."), always=False).reasoning
    assert "encrypted_content" not in item


@pytest.mark.parametrize(
    ("form", "kinds"),
    [
        ("gemini: a signed call", ["reasoning", "function_call"]),
        ("gemini: parallel calls, the first signed", ["reasoning", "function_call", "function_call"]),
        ("gemini: parallel calls, all signed", ["reasoning", "function_call", "reasoning", "function_call"]),
        ("gemini: a call signed too late", ["function_call", "reasoning"]),
        ("gemini: a signed answer", ["message", "reasoning"]),
        ("openrouter: encrypted, behind the answer", ["message", "reasoning"]),
        ("openrouter: encrypted, ahead of the answer", ["reasoning", "message"]),
        ("openrouter: two blocks, each signed", ["reasoning", "function_call"]),
    ],
)
def test_where_the_reasoning_item_stands(form: str, kinds: list[str]) -> None:
    assert Played(FORMS[form][1], always=False).kinds == kinds


def test_a_signature_without_thinking_is_an_item_without_text() -> None:
    (item,) = Played(FORMS["gemini: a signed call"][1], always=False).reasoning
    assert item["summary"] == []
    payload = SEALER.unseal(item["encrypted_content"])
    assert payload is not None
    assert decode(payload) == {"calls": {"look": signature("c2ln")["extra_content"]}}


def test_an_answer_that_was_cut_short_ends_with_what_was_cut() -> None:
    played = Played(chat.text("Hi") + details(ENCRYPTED), end=chat.end("length"))
    assert played.kinds == ["message"]
    assert ("reasoning", "dropped") in [(note.param, note.action) for note in played.notes]


def test_whole_and_streamed_answers_keep_the_same() -> None:
    streamed = Played(FORMS["openrouter: signed"][1])
    message = {"reasoning": "Hm.", "reasoning_details": [signed("Hm.")], "tool_calls": [call()]}
    whole = Played(json.dumps(chat.completion(**message)).encode(), end=b"")
    assert [item["encrypted_content"] for item in whole.reasoning] == [
        item["encrypted_content"] for item in streamed.reasoning
    ]


def test_entries_of_a_whole_answer_stay_apart() -> None:
    opaque = OpaqueReasoning()
    opaque.add_details([text("A"), text("B")], whole=True)
    assert opaque.with_text("AB").details == [text("A"), text("B")]


def test_members_of_an_entry_that_come_late_or_empty() -> None:
    opaque = OpaqueReasoning()
    opaque.add_details([{"type": "reasoning.summary", "summary": "A", "id": None, "index": 0}], whole=False)
    opaque.add_details([{"type": "reasoning.summary", "summary": "B", "id": "rs_1", "index": 0}, "odd"], whole=False)
    assert opaque.with_text("").details == [{"type": "reasoning.summary", "summary": "AB", "id": "rs_1", "index": 0}]


def test_thinking_and_its_payload() -> None:
    assert decode(encode(Thinking())) == {}
    assert Thinking("Hm.").is_text()
    assert not Thinking("Hm.", answer={"google": {}}).is_text()


# --- which turns ------------------------------------------------------------------------------------------------------


def turns(context: str | None) -> list[list[str | None]]:
    """Return the thinking in the requests of a conversation of two turns, each with a call."""
    sent = [
        [Message("user", "One?")],
        [*decode_items(b'[{"type": "function_call_output", "call_id": "c0", "output": "x"}]')],
        [Message("user", "Two?")],
        [*decode_items(b'[{"type": "function_call_output", "call_id": "c2", "output": "x"}]')],
    ]
    history, seen, bodies = History(), [], []
    for number, items in enumerate(sent):
        wanted = request(input=tuple(items), reasoning=ReasoningConfig(context=context))  # type: ignore[arg-type]
        body = chat_request(wanted, history, Dialect(), Notes(), model="m", stream=False, sealer=SEALER)
        messages = decode(body.json)["messages"]
        bodies.append(body.json)
        seen.append([message.get("reasoning_content") for message in messages if message["role"] == "assistant"])
        said = chat.text("Hi.") if number % 2 else chat.call(0, f"c{number}", "look", "{}")
        history = body.history.with_output(Played(chat.thinking(f"T{number}") + said).response.output)
    if context != "current_turn":
        assert all(later.startswith(earlier[:-2]) for earlier, later in pairwise(bodies))
    return seen


@pytest.mark.parametrize("context", [None, "auto", "all_turns"])
def test_the_thinking_of_all_turns_goes_back_and_what_was_sent_stays_the_same(context: str | None) -> None:
    assert turns(context) == [[], ["T0"], ["T0", "T1"], ["T0", "T1", "T2"]]


def test_or_only_that_of_the_current_turn() -> None:
    assert turns("current_turn") == [[], ["T0"], [None, None], [None, None, "T2"]]


def test_frames_of_an_item_without_text() -> None:
    events = Played(FORMS["gemini: a signed call"][1], always=False).events
    names = [sse_frame(event).split(b"\n")[0] for event in events[2:4]]
    assert names == [b"event: response.output_item.added", b"event: response.output_item.done"]
    assert isinstance(events[3].item, Reasoning)  # type: ignore[attr-defined]
