"""`include`: members that a response or a list shows only on request.

Lists omit what is large and what the client has already: images of messages and screenshots, and sealed reasoning. The
other values name results of hosted tools: an item is made without them unless they are requested, and stored with what
is hidden (`hosted/items.py`), which is removed here before anything stored is shown.
Source: OpenAI API reference, Responses: create; OpenAI API reference, Responses: input items.
"""

from collections.abc import Iterable, Set
from typing import Any, Final, Literal, get_args

from translators.wire import decode, encode

Includable = Literal[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
]
_HIDDEN: Final = b'"hidden":'
INCLUDABLE: Final[tuple[str, ...]] = get_args(Includable)


def remove_hidden(response: bytes) -> bytes:
    """Return the JSON of a stored response as it was shown."""
    if _HIDDEN not in response:
        return response
    shown = decode(response)
    for item in shown["output"]:
        item.pop("hidden", None)
    return encode(shown)


def shown_item(item: bytes) -> bytes:
    """Return the JSON of a stored item as it was shown."""
    if _HIDDEN not in item:
        return item
    shown: dict[str, Any] = decode(item)
    shown.pop("hidden", None)
    return encode(shown)


def remove_unincluded(items: Iterable[dict[str, Any]], include: Set[str]) -> None:
    """Remove from the items of a list, in place, the members that `include` does not name."""
    images = "message.input_image.image_url" in include
    screenshots = "computer_call_output.output.image_url" in include
    sealed = "reasoning.encrypted_content" in include
    for item in items:
        item.pop("hidden", None)
        kind = item["type"]
        if kind == "message" and not images:
            for part in item["content"]:
                if part["type"] == "input_image":
                    part["image_url"] = None
        elif kind == "computer_call_output" and not screenshots:
            item["output"].pop("image_url", None)
        elif kind == "reasoning" and not sealed:
            item.pop("encrypted_content", None)
