"""Lists of items: `GET /v1/responses/{id}/input_items` and the items of a conversation, page by page.

In a list every item has an id and, where its type has one, a status; message content is a list of parts, even if the
client sent a string. An item without an id gets one from its response and position, the same each time; so does an
item whose id another one has, since paging goes by ids.
Source: OpenAI API reference, Responses: input items; OpenAI API reference, Conversations: items.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from translators.errors import item_not_found
from translators.responses import items as kinds
from translators.responses.hosted import items as hosted
from translators.responses.ids import Ids, input_item_id
from translators.responses.items import ContentPart, InputText, Item, Message, OutputText
from translators.responses.unknown_item import UnknownCall, UnknownItem, UnknownOutput, UnknownPart

_PREFIX: Final[dict[type, str]] = {
    kinds.Message: "msg", kinds.Reasoning: "rs", kinds.FunctionCall: "fc", kinds.FunctionCallOutput: "fco",
    kinds.CustomToolCall: "ctc", kinds.CustomToolCallOutput: "ctco", kinds.LocalShellCall: "lsh",
    kinds.LocalShellCallOutput: "lsho", kinds.ShellCall: "sh", kinds.ShellCallOutput: "sho",
    kinds.ApplyPatchCall: "apc", kinds.ApplyPatchCallOutput: "apco", kinds.ToolSearchCall: "tsc",
    kinds.ToolSearchOutput: "tso", kinds.ComputerCall: "cu", kinds.ComputerCallOutput: "cuo",
    kinds.AdditionalTools: "at", kinds.ConfigurationUpdate: "cfg", hosted.WebSearchCall: "ws",
    hosted.FileSearchCall: "fs", hosted.CodeInterpreterCall: "ci", hosted.ImageGenerationCall: "ig",
    hosted.MCPCall: "mcp", hosted.MCPListTools: "mcpl", hosted.MCPApprovalRequest: "mcpr",
    hosted.MCPApprovalResponse: "mcpa", hosted.Program: "prg", hosted.ProgramOutput: "prgo", kinds.Compaction: "cmp",
    kinds.CompactionTrigger: "cmpt", kinds.AgentMessage: "amsg", UnknownItem: "item",
    UnknownCall: "item", UnknownOutput: "item",
}  # fmt: skip


def list_items(items: Sequence[Item], response_id: str, taken: set[str] | None = None) -> list[dict[str, Any]]:
    """Return the items of one response as a list shows them; add their ids to `taken`, the ids of earlier items."""
    taken = set() if taken is None else taken
    return [
        _list_item(item, partial(input_item_id, response_id=response_id, position=position), taken)
        for position, item in enumerate(items)
    ]


def list_items_with_ids(items: Sequence[Item], ids: Ids, taken: set[str] | None = None) -> list[dict[str, Any]]:
    """Return items as a list shows them, with new `ids` where they have none; `taken` as in `list_items`."""
    taken = set() if taken is None else taken
    return [_list_item(item, ids.item, taken) for item in items]


def _list_item(item: Item, mint: Callable[[str], str], taken: set[str]) -> dict[str, Any]:
    if not item.id or item.id in taken:
        item = replace(item, id=mint(_PREFIX[type(item)]))
    taken.add(item.id)  # type: ignore[arg-type]
    if not isinstance(item, kinds.Reasoning) and not getattr(item, "status", "none"):
        item = replace(item, status="completed")
    if isinstance(item, Message) and isinstance(item.content, str):
        part: ContentPart = OutputText(item.content) if item.role == "assistant" else InputText(item.content)
        item = replace(item, content=[part])
    if isinstance(item, UnknownItem):
        return {**item.members, "id": item.id}
    shown: dict[str, Any] = msgspec.to_builtins(item)
    if unknown := shown.pop("_unknown_tools", None):
        shown["tools"] += unknown
    for member in ("content", "output"):
        if isinstance(parts := shown.get(member), list):
            shown[member] = [_as_sent(part) for part in parts]
    return {name: value for name, value in shown.items() if value is not None or name == "content"}


def _as_sent(part: Any) -> Any:
    """Return a part as the client sent it, if its type is not known here."""
    return part["members"] if isinstance(part, dict) and part.get("type") == UnknownPart.__struct_config__.tag else part


def list_page(
    items: Sequence[dict[str, Any]], *, limit: int, order: str, after: str | None, before: str | None
) -> dict[str, Any]:
    """Return one page of `items`, which are in ascending order; raise RequestError for an unknown cursor."""
    ordered = list(items) if order == "asc" else list(reversed(items))
    start = _position(ordered, after, "after") + 1 if after else 0
    end = _position(ordered, before, "before") if before else len(ordered)
    data = ordered[start : min(start + limit, end)]
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": start + limit < end,
    }


def _position(items: Sequence[dict[str, Any]], id: str, param: str) -> int:
    for position, item in enumerate(items):
        if item["id"] == id:
            return position
    raise item_not_found(id, param)
