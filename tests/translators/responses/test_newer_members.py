"""What a newer client writes into an item of a known type ends no session; what a request asks for is refused."""

from typing import Any

import pytest

from tests.translators.to_chat.test_encrypted import CALL, USER, rendered
from translators.errors import RequestError
from translators.responses.decoding.items import decode_items
from translators.responses.listing import list_items
from translators.wire import encode

BYE = {"role": "user", "content": "Bye"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "4"}
PART = {"type": "from_tomorrow", "text": "Look.", "more": {"a": [None]}}
IMAGE = "data:image/png;base64,aGk="
SHOWN = "[from_tomorrow]\nLook."


@pytest.mark.parametrize(
    ("items", "place"),
    [
        ([{"role": "user", "content": [PART]}, BYE], "input[0].content[0]"),
        ([{"role": "user", "content": [{"type": "input_text", "text": "Hi"}, PART]}, BYE], "input[0].content[1]"),
        ([{"type": "message", "role": "user", "content": [PART]}, BYE], "input[0].content[0]"),
        ([USER, {"role": "assistant", "content": [PART]}, BYE], "input[1].content[0]"),
        ([USER, CALL, OUTPUT | {"output": [PART]}], "input[2].output[0]"),
        ([USER, {"type": "agent_message", "author": "a", "content": [PART]}], "input[1].content[0]"),
    ],
)
def test_a_part_of_an_unknown_type_is_shown_with_a_note(items: list[Any], place: str) -> None:
    messages, places = rendered(*items)
    assert any(str(message["content"]).endswith(SHOWN) for message in messages)
    assert place in places


@pytest.mark.parametrize("message", [{"role": "user"}, {"type": "message", "role": "user"}])
def test_in_what_the_user_asks_now_it_is_refused(message: dict[str, Any]) -> None:
    for history in ([], [USER, {"role": "assistant", "content": "Hello"}]):
        with pytest.raises(RequestError) as caught:
            rendered(*history, message | {"content": [PART]})
        assert caught.value.param == f"input[{len(history)}].content[0].type"
        assert "_unknown_part" not in caught.value.message


@pytest.mark.parametrize("member", ["summary", "content"])
@pytest.mark.parametrize("part", [PART, {"type": "from_tomorrow"}])
def test_in_thinking_it_is_text(member: str, part: dict[str, Any]) -> None:
    reasoning, _ = decode_items(encode([{"type": "reasoning", "summary": [], member: [part]}, USER]))
    (text,) = getattr(reasoning, member)
    assert text.text == part.get("text", "")


@pytest.mark.parametrize(
    "item",
    [
        CALL | {"status": "paused"},
        OUTPUT | {"status": "failed"},
        {"type": "message", "role": "assistant", "content": "Hello", "status": "cancelled"},
        {"role": "assistant", "content": "Hello", "status": "cancelled"},
        {"role": "user", "content": [{"type": "input_image", "image_url": IMAGE, "detail": "x"}]},
    ],
)
def test_a_label_that_is_not_known_counts_as_left_out(item: dict[str, Any]) -> None:
    without = {name: value for name, value in item.items() if name != "status"}
    if isinstance(item["content" if "content" in item else "type"], list):
        without = item | {"content": [{**item["content"][0], "detail": None}]}
    history = [one for one in (USER, CALL, OUTPUT) if one.get("type") != item.get("type") or "type" not in item]
    position = 1 if item.get("type") == "function_call" else len(history)
    expected, _ = rendered(*history[:position], without, *history[position:], BYE)
    messages, _ = rendered(*history[:position], item, *history[position:], BYE)
    assert messages == expected


def test_a_list_shows_a_part_as_it_came() -> None:
    items = decode_items(encode([{"role": "user", "content": [PART]}, BYE]))
    assert list_items(items, "resp_1")[0]["content"] == [PART]
