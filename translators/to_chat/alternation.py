"""Messages for a provider that knows no calls, or whose user and assistant must take turns.

Calls and their outputs become words; neighbours of one role become one message, and the user speaks first and last. It
works on finished messages, since what joins a neighbour may come with a later request: for such a provider the messages
of a conversation are read once more with every turn. Source: providers reference §1 (Perplexity).
"""

from collections.abc import Sequence
from typing import Any, Final

from translators.dialects.dialect import Dialect
from translators.notes import Notes
from translators.to_chat.content import BETWEEN
from translators.wire import decode, encode

_BEGIN: Final = {"role": "user", "content": "[The conversation begins with the assistant.]"}
_GO_ON: Final = {"role": "user", "content": "Go on."}

Message = dict[str, Any]


def taking_turns(parts: Sequence[bytes], dialect: Dialect, notes: Notes) -> list[bytes]:
    """Return the JSON of messages (each piece holds one or more) in the form that the dialect asks for."""
    messages: list[Message] = decode(b"[%b]" % b",".join(parts))
    if not dialect.tools:
        messages = _told(messages, dialect, notes)
    if dialect.alternating:
        messages = _alternating(messages, dialect, notes)
    return [encode(messages)[1:-1]] if messages else []


def _told(messages: list[Message], dialect: Dialect, notes: Notes) -> list[Message]:
    """Return messages whose calls and outputs are told in words."""
    told: list[Message] = []
    names: dict[str, str] = {}
    for message in messages:
        if message["role"] == "tool":
            name = names[message["tool_call_id"]]
            told.append({"role": "user", "content": f"[Result of {name}]\n{message['content']}"})
        elif "tool_calls" in message:
            notes.add("input", "approximated", f"provider '{dialect.name}' knows no calls: they are told in words")
            calls = [call["function"] for call in message["tool_calls"]]
            names = {call["id"]: call["function"]["name"] for call in message["tool_calls"]}
            words = [f"[Called {call['name']} with {call['arguments']}]" for call in calls]
            told.append({"role": "assistant", "content": _joined(message["content"] or "", BETWEEN.join(words))})
        else:
            told.append(message)
    return told


def _alternating(messages: list[Message], dialect: Dialect, notes: Notes) -> list[Message]:
    """Return messages of which no two neighbours have one role, the user's first and last."""
    turns: list[Message] = []
    for message in messages:
        if turns and turns[-1]["role"] == message["role"] != "tool":
            turns[-1] |= message | {"content": _joined(turns[-1]["content"] or "", message["content"] or "")}
        else:
            turns.append(message)
    spoken = 1 if turns and turns[0]["role"] == "system" else 0
    if turns[spoken:] and turns[spoken]["role"] == "assistant":
        turns.insert(spoken, _BEGIN)
        notes.add("input", "approximated", f"provider '{dialect.name}' wants the user first: a message stands in")
    if turns and turns[-1]["role"] == "assistant":
        turns.append(_GO_ON)
        notes.add("input", "approximated", f"provider '{dialect.name}' wants the user last: asked to go on")
    return turns


def _joined(one: Any, other: Any) -> Any:
    """Return two contents as one, texts as long as both are."""
    if isinstance(one, str) and isinstance(other, str):
        return BETWEEN.join(filter(None, (one, other)))
    return [*_parts(one), *_parts(other)]


def _parts(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content
