"""Items in the forms of chat completions are refused with a hint at those of the Responses API."""

from typing import Any

import pytest

from tests.translators.to_chat.test_encrypted import CALL, USER, rendered
from translators.errors import RequestError

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
FUNCTION = {"name": "f", "arguments": "{}"}
TOOL_CALL = {"id": "c1", "type": "function", "function": FUNCTION}
CALLING = {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]}
TOOL = {"role": "tool", "tool_call_id": "c1", "content": "4"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "4"}
AS_PICTURE = "a picture is a part of type 'input_image', and its 'image_url' is a string."
AS_FILE = "a file is a part of type 'input_file'"
AS_ITEMS = "a call is an item of type 'function_call', and what it returned is an item of type 'function_call_output'"
IN_MESSAGE = "A part belongs in the 'content' of a message."


def refusal(*items: Any) -> RequestError:
    with pytest.raises(RequestError) as caught:
        rendered(*items)
    return caught.value


@pytest.mark.parametrize(
    ("item", "param", "hint"),
    [
        ({"role": "user", "content": [PICTURE]}, ".content[0].type", AS_PICTURE),
        ({"type": "message", "role": "user", "content": [PICTURE]}, ".content[0].type", AS_PICTURE),
        ({"role": "user", "content": [{**PICTURE, "type": "input_image"}]}, ".content[0].image_url", AS_PICTURE),
        ({"role": "user", "content": [{"type": "file", "file": {"file_id": "a"}}]}, ".content[0].type", AS_FILE),
        (PICTURE, "", IN_MESSAGE),
        ({"type": "text", "text": "Hi"}, "", IN_MESSAGE),
        (CALLING, ".content", AS_ITEMS),
        ({"role": "assistant", "tool_calls": [TOOL_CALL]}, ".content", AS_ITEMS),
        ({"role": "assistant", "content": None, "function_call": FUNCTION}, ".content", AS_ITEMS),
        (TOOL, ".role", AS_ITEMS),
        ({"role": "function", "name": "f", "content": "4"}, ".role", AS_ITEMS),
        (TOOL_CALL, "", AS_ITEMS),
    ],
)
def test_an_item_alone(item: dict[str, Any], param: str, hint: str) -> None:
    error = refusal(item)
    assert (error.status, error.param) == (400, f"input[0]{param}")
    assert hint in error.message


@pytest.mark.parametrize("content", [None, "", "Let me see."])
@pytest.mark.parametrize("after", [[], [USER]])
def test_a_call_in_a_message_and_a_tool_message(content: str | None, after: list[Any]) -> None:
    error = refusal(USER, {**CALLING, "content": content}, TOOL, *after)
    assert (error.status, error.param) == (400, "input")
    assert error.message.startswith("No tool call found for function call output with call_id c1. In the Responses API")
    assert AS_ITEMS in error.message


@pytest.mark.parametrize("items", [[CALLING, OUTPUT], [TOOL_CALL, OUTPUT], [CALL, {"role": "tool", "content": "4"}]])
def test_half_of_a_call_in_a_form_of_chat(items: list[Any]) -> None:
    assert AS_ITEMS in refusal(USER, *items).message


def test_others_get_no_hint() -> None:
    assert refusal(USER, OUTPUT).message == "No tool call found for function call output with call_id c1."
    null = {"role": "assistant", "content": None, "tool_calls": None, "function_call": None}
    assert refusal(USER, null).message.endswith("got null instead.")


@pytest.mark.parametrize("type", [[], {}, 4])
def test_a_type_that_is_no_text(type: Any) -> None:
    assert refusal({"type": type}).param == "input[0].type"
