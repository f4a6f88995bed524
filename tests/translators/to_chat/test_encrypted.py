"""What agents wrote is shown as far as it can be read."""

import json
from typing import Any

import pytest

from adapter.api.request.schemas import parse_create
from translators.dialects.presets import PRESETS
from translators.notes import Notes
from translators.to_chat.encrypted import PLACEHOLDER, is_sealed
from translators.to_chat.history import History
from translators.to_chat.request import chat_request

USER = {"role": "user", "content": "Hi"}
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
SEALED = "gAAAAABnX3Jq0f0-_Zb=="


def rendered(*items: Any) -> tuple[list[Any], list[str]]:
    """Return the messages that items become, and the places of the notes on them."""
    notes = Notes()
    request = parse_create(json.dumps({"model": "m", "input": items}).encode(), max_items=100)
    body = chat_request(request, History(), PRESETS["default"], notes, model="m", stream=False)
    return json.loads(body.json)["messages"], [note.param for note in notes]


def part(text: str | None) -> dict[str, Any]:
    return {"type": "encrypted_content", "encrypted_content": text}


@pytest.mark.parametrize(
    "text", ["gAAAAABopaque", SEALED, "ra1_" + "aB3" * 20, "eyJhbGciOiJkaXIifQ..a1b2c3d4." + "Zm9v" * 12, "aGk/" * 40]
)
def test_sealed(text: str) -> None:
    assert is_sealed(text)


@pytest.mark.parametrize(
    "text",
    ["", "Done.", "List the files here.", "gAAAA begins a Fernet token", "/a/path/to/a.py", "文件" * 9, "a" * 64],
)
def test_readable(text: str) -> None:
    assert not is_sealed(text)


@pytest.mark.parametrize(
    ("items", "place"),
    [
        ([{"role": "user", "content": [part(None)]}], "input[0].content[0]"),
        ([{"role": "developer", "content": [part(None)]}, USER], "input[0].content[0]"),
        ([USER, {"role": "assistant", "content": [part(None)]}, USER], "input[1].content[0]"),
        ([{"type": "agent_message", "author": "a", "recipient": "b", "content": [part(None)]}], "input[0].content[0]"),
        ([USER, CALL, {"type": "function_call_output", "call_id": "c1", "output": [part(None)]}], "input[2].output[0]"),
        ([{"type": "function_call_output", "output": [part(None)]}], "input[0].output[0]"),
    ],
)
@pytest.mark.parametrize("text", [None, SEALED, "Look here."])
def test_in_each_place_shown_or_replaced_with_a_note(items: list[Any], place: str, text: str | None) -> None:
    with_text = json.dumps(items).replace('"encrypted_content": null', f'"encrypted_content": {json.dumps(text)}')
    items = json.loads(with_text)
    messages, places = rendered(*items)
    said = "\n".join(str(message["content"]) for message in messages)
    assert ("Look here." if text == "Look here." else PLACEHOLDER) in said
    assert (place in places) == (text != "Look here.")


@pytest.mark.parametrize(
    ("members", "content"),
    [
        ({}, "[Message from an agent to an agent]"),
        ({"author": None, "recipient": None, "content": None}, "[Message from an agent to an agent]"),
        ({"author": "/a", "recipient": "/b", "content": "Go."}, "[Message from /a to /b]\nGo."),
    ],
)
def test_an_agent_message_may_leave_things_out(members: dict[str, Any], content: str) -> None:
    messages, places = rendered({"type": "agent_message", **members})
    assert messages == [{"role": "user", "content": content}]
    assert places == ["input[0]"]


def test_an_image_from_an_agent_stays_one() -> None:
    image = {"type": "input_image", "image_url": "data:image/png;base64,aGk="}
    messages, _ = rendered({"type": "agent_message", "author": "a", "content": [part("Look."), image]})
    assert [piece["type"] for piece in messages[0]["content"]] == ["text", "text", "image_url"]
