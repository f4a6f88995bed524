"""Messages in the order of roles that a provider requires.

Many chat templates and APIs want the user to speak first or last, an answer between a tool message and the user, or
user and assistant by turns; some have no tool calls. So calls and their outputs become text, neighbours of one role
become one message, and short messages are added, each with a note. This works on finished messages, since a later
request may add to the last of them: for such a provider the messages of a conversation are decoded and ordered again
with every request. Source: Perplexity docs, Sonar; google-gemini/gemini-cli#11814; NousResearch/hermes-agent#20154.
"""

from collections.abc import Sequence
from typing import Any, Final

from translators.dialects.rendering import Rendering
from translators.to_chat.content import PARAGRAPH
from translators.wire import decode, encode

_ADDED_FIRST: Final = {"role": "user", "content": "[The conversation begins with the assistant.]"}
_ADDED_LAST: Final = {"role": "user", "content": "Go on."}
_ADDED_BETWEEN: Final = {"role": "assistant", "content": "I have the output."}
_LEADING_ROLES: Final = ("system", "developer")
_USER_JSON: Final = b'{"role":"user"'

Message = dict[str, Any]


def order_roles(parts: list[bytes], rendering: Rendering) -> list[bytes]:
    """Return the JSON of messages (one or more a piece) in the order that the provider requires."""
    dialect = rendering.dialect
    any_order = dialect.tools and dialect.user_after_tool and dialect.assistant_last and not dialect.alternating
    if any_order and not (dialect.user_first and _begins_otherwise(parts)):
        return parts
    messages: list[Message] = decode(b"[%b]" % b",".join(parts))
    if not dialect.tools:
        messages = _calls_as_text(messages, rendering)
    if dialect.alternating:
        messages = _merge_neighbours(messages)
    if not dialect.user_after_tool:
        messages = _separate_tool_and_user(messages, rendering)
    if dialect.alternating or dialect.user_first:
        _begin_with_user(messages, rendering)
    if dialect.alternating or not dialect.assistant_last:
        _end_with_user(messages, rendering)
    return [encode(messages)[1:-1]] if messages else []


def _begins_otherwise(parts: Sequence[bytes]) -> bool:
    """Whether the first message after the leading one is not the user's; nothing is decoded for that."""
    first = [part for part in parts[:2] if not part.startswith((b'{"role":"system"', b'{"role":"developer"'))][:1]
    return bool(first) and not first[0].startswith(_USER_JSON)


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


def _merge_neighbours(messages: list[Message]) -> list[Message]:
    """Return messages without neighbours of one role."""
    merged: list[Message] = []
    for message in messages:
        if merged and merged[-1]["role"] == message["role"] != "tool":
            merged[-1] |= message | {"content": _join(merged[-1]["content"] or "", message["content"] or "")}
        else:
            merged.append(message)
    return merged


def _separate_tool_and_user(messages: list[Message], rendering: Rendering) -> list[Message]:
    """Return messages with an answer wherever the user speaks right after a tool."""
    separated: list[Message] = []
    for message in messages:
        if message["role"] == "user" and separated and separated[-1]["role"] == "tool":
            separated.append(_ADDED_BETWEEN)
            reason = "takes no user message right after a tool's: a message of the assistant was added"
            rendering.note("input", "approximated", reason)
        separated.append(message)
    return separated


def _begin_with_user(messages: list[Message], rendering: Rendering) -> None:
    first = 1 if messages and messages[0]["role"] in _LEADING_ROLES else 0
    if messages[first:] and messages[first]["role"] != "user":
        messages.insert(first, _ADDED_FIRST)
        rendering.note("input", "approximated", "requires the user to speak first: a message was added")


def _end_with_user(messages: list[Message], rendering: Rendering) -> None:
    if messages and messages[-1]["role"] == "assistant":
        messages.append(_ADDED_LAST)
        rendering.note("input", "approximated", "requires the user to speak last: a message was added")


def _join(one: Any, other: Any) -> Any:
    """Return two contents as one: text if both are text, else parts."""
    if isinstance(one, str) and isinstance(other, str):
        return PARAGRAPH.join(filter(None, (one, other)))
    return [*_parts(one), *_parts(other)]


def _parts(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content
