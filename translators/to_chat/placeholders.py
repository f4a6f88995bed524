"""Substitutes for items without a counterpart in chat: another item, a call with its result, or nothing.

Items for the server itself (a compaction, its trigger) are replaced before they come here; in an offline translation,
where no server has done that, they are dropped with a note.
Source: OpenAI API reference, Responses: create.
"""

from typing import Any, Final

from msgspec import UNSET

from translators.errors import shorten
from translators.notes import Notes
from translators.responses.hosted.items import Hosted
from translators.responses.items import (
    AdditionalTools,
    AgentMessage,
    Compaction,
    CompactionTrigger,
    ConfigurationUpdate,
    FunctionCall,
    FunctionCallOutput,
    InputText,
    Item,
    ItemReference,
    Message,
    Reasoning,
    SummaryText,
    ToolSearchCall,
    ToolSearchOutput,
)
from translators.responses.unknown_item import UnknownCall, UnknownItem, UnknownOutput
from translators.to_chat.content import has_media, text_of
from translators.to_chat.encrypted import readable, reveal
from translators.to_chat.hosted import HostedCall, substitute_hosted
from translators.tools.kinds import BY_CALL, BY_OUTPUT

UNCHANGED: Final = frozenset(
    {Message, Reasoning, FunctionCall, ItemReference, *BY_CALL, *BY_OUTPUT}
    - {FunctionCallOutput, ToolSearchCall, ToolSearchOutput, UnknownCall, UnknownOutput}
)
"""Types whose items are never substituted."""
_SETTINGS: Final = frozenset({AdditionalTools, ConfigurationUpdate})
"""Types that change the request, not the conversation."""
_SERVER_ITEMS: Final[dict[type, str]] = {
    Compaction: "a compaction: only the server that sealed it can open it",
    CompactionTrigger: "a compaction_trigger: it is for the server",
}


def substitute(item: Item, notes: Notes, path: str) -> Item | HostedCall | None:
    """Return what is rendered in place of an item: often the item itself, None if the model gets nothing."""
    if isinstance(item, FunctionCallOutput) and item.call_id is None:
        source = ".".join(filter(None, (item.namespace or None, item.name or None))) or "a tool"
        if not isinstance(item.output, str):
            reveal(item.output, notes, f"{path}.output")
        return Message("user", f"[Result of {source}]\n{text_of(item.output)}")
    if isinstance(item, AgentMessage):
        return _agent_message(item, notes, path)
    if isinstance(item, UnknownItem):
        return _unknown_item(item, notes, path)
    if isinstance(item, (AdditionalTools, ToolSearchOutput)) and item.unknown_tools:
        names = ", ".join(shorten(_tool_name(tool)) for tool in item.unknown_tools)
        notes.add(f"{path}.tools", "dropped", f"tools that cannot be loaded here: {names}")
    if isinstance(item, ToolSearchCall) and item.hidden is not UNSET:
        return substitute_hosted(item, notes, path)
    if isinstance(item, (ToolSearchCall, ToolSearchOutput)) and item.call_id is None:
        return None  # a search that a server ran; the tools that it found are declared in the chat request
    if isinstance(item, Hosted):
        return substitute_hosted(item, notes, path)
    if (reason := _SERVER_ITEMS.get(item.__class__)) is not None:
        notes.add(path, "dropped", reason)
        return None
    return None if item.__class__ in _SETTINGS else item


def _agent_message(item: AgentMessage, notes: Notes, path: str) -> Message:
    """Return what one agent tells another as a message of the user that names both."""
    label = f"[Message from {item.author or 'an agent'} to {item.recipient or 'an agent'}]"
    notes.add(path, "approximated", "agent_message: shown as a message of the user that names author and recipient")
    if item.content is None or isinstance(item.content, str):
        return Message("user", f"{label}\n{item.content or ''}".rstrip())
    parts = reveal(item.content, notes, f"{path}.content")
    if has_media(parts):
        return Message("user", [InputText(label), *parts])
    return Message("user", f"{label}\n{text_of(parts)}".rstrip())


def _unknown_item(item: UnknownItem, notes: Notes, path: str) -> Item | None:
    """Return what an item says: as a call or its output, as thinking, as a message; None if it says nothing."""
    kind = shorten(item.kind)
    unknown = f"{kind}, an item that is not known here, or not in this form"
    text = "\n".join(readable(item.members))
    if isinstance(item, UnknownCall):
        notes.add(path, "approximated", f"{unknown}: as the call of a function")
        return FunctionCall(item.call_id, item.name, item.arguments)
    if isinstance(item, UnknownOutput):
        notes.add(path, "approximated", f"{unknown}: its text")
        return FunctionCallOutput(text, item.call_id)
    if not text:
        notes.add(path, "dropped", f"{unknown}, and has no text")
        return None
    if item.kind == "reasoning":
        notes.add(path, "approximated", f"{unknown}: its text")
        return Reasoning([SummaryText(text)])
    notes.add(path, "approximated", f"{unknown}: its text as a message")
    role = item.members.get("role")
    if item.kind == "message" and role in ("user", "assistant", "system", "developer"):
        return Message(role, text)
    return Message("user", f"[{kind}]\n{text}")


def _tool_name(tool: Any) -> str:
    """Return what a note calls the JSON of a tool."""
    named = tool if isinstance(tool, dict) else {}
    return str(named.get("name") or named.get("type") or "one without a name")
