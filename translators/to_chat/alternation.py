"""Messages for a provider without tool calls, or with a chat template in which user and assistant must alternate.

Calls and their outputs become text; neighbours of one role become one message; the user speaks first and last. This
works on finished messages, since a later request may add to the last of them: for such a provider the messages of a
conversation are decoded and merged again with every request. Source: Perplexity docs, Sonar.
"""

from collections.abc import Sequence
from typing import Any, Final

from translators.dialects.rendering import Rendering
from translators.to_chat.content import PARAGRAPH
from translators.wire import decode, encode

_ADDED_FIRST: Final = {"role": "user", "content": "[The conversation begins with the assistant.]"}
_ADDED_LAST: Final = {"role": "user", "content": "Go on."}

Message = dict[str, Any]


def alternate_roles(parts: Sequence[bytes], rendering: Rendering) -> list[bytes]:
    """Return the JSON of messages (one or more a piece) in the form that the provider requires."""
    messages: list[Message] = decode(b"[%b]" % b",".join(parts))
    if not rendering.dialect.tools:
        messages = _calls_as_text(messages, rendering)
    if rendering.dialect.alternating:
        messages = _merge_neighbours(messages, rendering)
    return [encode(messages)[1:-1]] if messages else []


def _calls_as_text(messages: list[Message], rendering: Rendering) -> list[Message]:
    """Return messages with their calls and outputs as text."""
    plain: list[Message] = []
    names: dict[str, str] = {}
    for message in messages:
        if message["role"] == "tool":
            name = names[message["tool_call_id"]]
            plain.append({"role": "user", "content": f"[Result of {name}]\n{message['content']}"})
        elif "tool_calls" in message:
            rendering.note("input", "approximated", "has no tool calls: they are sent as text")
            calls = [call["function"] for call in message["tool_calls"]]
            names = {call["id"]: call["function"]["name"] for call in message["tool_calls"]}
            calls_text = [f"[Called {call['name']} with {call['arguments']}]" for call in calls]
            text = _join(message["content"] or "", PARAGRAPH.join(calls_text))
            plain.append({"role": "assistant", "content": text})
        else:
            plain.append(message)
    return plain


def _merge_neighbours(messages: list[Message], rendering: Rendering) -> list[Message]:
    """Return messages of alternating roles, the user's first and last."""
    merged: list[Message] = []
    for message in messages:
        if merged and merged[-1]["role"] == message["role"] != "tool":
            merged[-1] |= message | {"content": _join(merged[-1]["content"] or "", message["content"] or "")}
        else:
            merged.append(message)
    first = 1 if merged and merged[0]["role"] == "system" else 0
    if merged[first:] and merged[first]["role"] == "assistant":
        merged.insert(first, _ADDED_FIRST)
        rendering.note("input", "approximated", "requires the user to speak first: a message was added")
    if merged and merged[-1]["role"] == "assistant":
        merged.append(_ADDED_LAST)
        rendering.note("input", "approximated", "requires the user to speak last: a message was added")
    return merged


def _join(one: Any, other: Any) -> Any:
    """Return two contents as one: text if both are text, else parts."""
    if isinstance(one, str) and isinstance(other, str):
        return PARAGRAPH.join(filter(None, (one, other)))
    return [*_parts(one), *_parts(other)]


def _parts(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content
