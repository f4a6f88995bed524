"""No item that a client keeps in its history ends its session; one that asks for something is refused."""

import json
from typing import Any

import pytest

from adapter.api.request.schemas import parse_create
from tests.translators.to_chat.test_encrypted import CALL, USER, rendered
from translators.context.compaction import CompactedContext
from translators.errors import RequestError
from translators.responses.decoding.items import decode_items
from translators.responses.ids import Ids
from translators.responses.items import Item
from translators.responses.listing import list_items_with_ids
from translators.responses.unknown_item import UnknownItem
from translators.wire import Decoder, encode

HELLO = {"role": "assistant", "content": "Hello"}
SNAPSHOT = {"type": "ghost_snapshot", "ghost_commit": {"id": "abc", "parent": None}}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "4"}


@pytest.mark.parametrize(
    "item",
    [
        SNAPSHOT,
        {"type": "other"},
        {"type": "from_tomorrow", "id": 5, "deep": [{"er": None}]},
        {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True},
    ],
)
@pytest.mark.parametrize("place", range(5))
def test_what_says_nothing_is_dropped_with_a_note(item: dict[str, Any], place: int) -> None:
    history = [USER, CALL, OUTPUT, HELLO]
    without, _ = rendered(*history)
    messages, places = rendered(*history[:place], item, *history[place:])
    assert messages == without
    assert places == [f"input[{place}]"]


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"content": [{"type": "new_text", "text": "Seen."}]}, "Seen."),
        ({"content": "Seen."}, "Seen."),
        ({"name": "f", "arguments": "{}"}, "f\n{}"),
        ({"encrypted_content": "gAAAAABopaque"}, "[encrypted content that cannot be shown to you]"),
    ],
)
def test_what_says_something_is_shown(members: dict[str, Any], text: str) -> None:
    messages, places = rendered(USER, HELLO, {"type": "from_tomorrow", **members})
    assert messages[-1] == {"role": "user", "content": f"[from_tomorrow]\n{text}"}
    assert places == ["input[2]"]


def test_as_the_last_item_of_a_first_request_it_is_refused() -> None:
    with pytest.raises(RequestError) as caught:
        rendered(USER, {"type": "from_tomorrow"})
    assert (caught.value.status, caught.value.param) == (400, "input[1]")


@pytest.mark.parametrize("continued", [{"previous_response_id": "resp_1"}, {"conversation": "conv_1"}])
def test_alone_it_is_taken_where_it_continues_something(continued: dict[str, str]) -> None:
    body = {"model": "m", "input": [SNAPSHOT], **continued}
    (item,) = parse_create(json.dumps(body).encode(), max_items=100).input
    assert isinstance(item, UnknownItem)
    with pytest.raises(RequestError):
        parse_create(json.dumps(body | dict.fromkeys(continued)).encode(), max_items=100)


def test_what_the_agents_at_openai_did_is_shown() -> None:
    call = {"type": "multi_agent_call", "call_id": "c1", "action": "spawn_agent", "arguments": '{"message": "Go."}'}
    output = {"type": "multi_agent_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "Gone."}]}
    messages, places = rendered(call, output)
    assert [message["content"] for message in messages] == [
        '[multi_agent_call]\nspawn_agent\n{"message": "Go."}', "[multi_agent_call_output]\nGone."
    ]  # fmt: skip
    assert places == ["input[0]", "input[1]"]


def test_a_sound_may_be_a_data_url() -> None:
    part = {"type": "input_audio", "audio_url": "data:audio/wav;base64,aGk="}
    messages, _ = rendered({"role": "user", "content": [part]})
    assert messages[0]["content"] == [{"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}]


def test_a_null_counts_as_left_out() -> None:
    shell = {"type": "local_shell_call", "call_id": "c2", "status": None, "id": None}
    action = {"type": "exec", "command": ["ls"], "env": None, "user": None}
    output = {"type": "local_shell_call_output", "id": None, "call_id": "c2", "output": "a.py"}
    messages, _ = rendered(USER, shell | {"action": action}, output)
    assert messages[-1] == {"role": "tool", "tool_call_id": "c2", "content": "a.py"}


def test_a_null_for_what_is_required_is_still_an_error_in_a_new_item() -> None:
    with pytest.raises(RequestError) as caught:
        rendered(USER, CALL | {"name": None})
    assert caught.value.status == 400


def test_a_compacted_context_keeps_it() -> None:
    context = CompactedContext(
        v=1, model="m", created_at=1, summary="s", turn=list(decode_items(encode([USER, SNAPSHOT, HELLO])))
    )
    assert Decoder(CompactedContext).decode(encode(context)) == context


FILM = {"type": "input_film", "text": "A dog.", "film_url": "https://example.com/dog"}
SHOWN = "[input_film]\nA dog."


@pytest.mark.parametrize(
    ("items", "place", "shown"),
    [
        ([{"role": "user", "content": [FILM]}, HELLO, USER], "input[0].content[0]", {"role": "user", "content": SHOWN}),
        ([{"type": "message", "role": "user", "content": [FILM]}, HELLO, USER], "input[0].content[0]",
         {"role": "user", "content": SHOWN}),
        ([USER, {"role": "assistant", "content": [FILM]}, USER], "input[1].content[0]",
         {"role": "assistant", "content": SHOWN}),
        ([USER, CALL, {**OUTPUT, "output": [FILM]}], "input[2].output[0]",
         {"role": "tool", "tool_call_id": "c1", "content": SHOWN}),
        ([USER, CALL, {**OUTPUT, "output": [{"text": "A dog."}]}], "input[2].output[0]",
         {"role": "tool", "tool_call_id": "c1", "content": "[part]\nA dog."}),
    ],
)  # fmt: skip
def test_an_unknown_part_of_a_history_is_shown_as_text(items: list[Any], place: str, shown: dict[str, Any]) -> None:
    messages, places = rendered(*items)
    assert shown in messages
    assert places == [place]


@pytest.mark.parametrize("before", [[], [USER, HELLO]])
def test_an_unknown_part_of_what_the_user_asks_is_refused(before: list[Any]) -> None:
    for form in ({}, {"type": "message"}):
        with pytest.raises(RequestError) as caught:
            rendered(*before, {**form, "role": "user", "content": [FILM]})
        assert caught.value.param == f"input[{len(before)}].content[0].type"
        assert "unknown_part" not in caught.value.message


def test_an_unknown_part_is_listed_as_it_came() -> None:
    item = decode_items(encode([{"role": "user", "content": [FILM]}, HELLO]))[0]
    kept = Decoder(Item).decode(encode(item))
    assert list_items_with_ids([kept], Ids(bytes(16)))[0]["content"] == [FILM]


PNG = "data:image/png;base64,iVBORw0KGgo="
PICTURE = {"type": "image_url", "image_url": {"url": PNG}}


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ({"rows": [1, 2], "title": "T"}, '{"rows":[1,2],"title":"T"}'),
        (4, "4"),
        (False, "false"),
        ([{"rows": [1]}, "b"], '{"rows":[1]}\n\nb'),
        ({"content": "Seen.", "success": True}, "Seen."),
        ({"content": [{"type": "text", "text": "Seen."}], "isError": False}, "Seen."),
        ({"type": "text", "text": "Seen."}, "Seen."),
        ([{"type": "resource", "resource": {"uri": "a:b", "text": "Seen."}}], "[resource]\nSeen."),
    ],
)
@pytest.mark.parametrize("kind", ["function_call", "custom_tool_call"])
def test_an_output_in_another_form_is_what_the_tool_returned(kind: str, output: Any, text: str) -> None:
    call = CALL if kind == "function_call" else {"type": kind, "call_id": "c1", "name": "f", "input": "x"}
    messages, _ = rendered(USER, call, {"type": f"{kind}_output", "call_id": "c1", "output": output})
    assert messages[-1] == {"role": "tool", "tool_call_id": "c1", "content": text}


@pytest.mark.parametrize(
    "picture",
    [
        PICTURE,
        {"type": "image_url", "image_url": PNG},
        {"type": "input_image", "image_url": {"url": PNG}},
        {"type": "image", "data": PNG.partition(",")[2], "mimeType": "image/png"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG.partition(",")[2]}},
    ],
)
@pytest.mark.parametrize("is_result", [True, False])
def test_a_picture_in_another_form_is_shown(picture: dict[str, Any], is_result: bool) -> None:
    output = {"content": [picture]} if is_result else [picture]
    messages, places = rendered(USER, CALL, {**OUTPUT, "output": output})
    assert messages[-1]["content"][-1] == PICTURE
    assert places == []


def test_an_id_stands_in_for_the_id_of_the_call() -> None:
    call = {"type": "function_call", "id": "fc_1", "name": "f", "arguments": "{}"}
    messages, places = rendered(USER, call, {**OUTPUT, "call_id": "fc_1"})
    assert [call["id"] for call in messages[1]["tool_calls"]] == ["fc_1"]
    assert messages[2] == {"role": "tool", "tool_call_id": "fc_1", "content": "4"}
    assert places == ["input[1]"]


def test_a_tool_message_is_the_output_of_its_call() -> None:
    messages, places = rendered(USER, CALL, {"role": "tool", "tool_call_id": "c1", "content": "4"}, HELLO)
    assert messages[2] == {"role": "tool", "tool_call_id": "c1", "content": "4"}
    assert places == ["input[2]"]
