"""The kinds of tool, one row a kind: declaration, calls, outputs, and the output item of a call.

The stream machine looks a row up by the kind of the called tool (`BY_NAME`), the rendering of history by the type of an
item (`BY_CALL`, `BY_OUTPUT`).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct

from translators.open_items.base import OpenItem
from translators.responses import items
from translators.responses.items import ContentPart, Item
from translators.responses.tools import (
    ApplyPatchTool,
    CustomTool,
    FunctionTool,
    LocalShellTool,
    ShellTool,
    ToolSearchTool,
)
from translators.responses.unknown_item import UnknownCall, UnknownOutput
from translators.tools import apply_patch, computer, custom, function, local_shell, shell, tool_search
from translators.tools.names import Kind, QualifiedName


class OpenCallFactory(Protocol):
    def __call__(self, output_index: int, id: str, call_id: str, called: QualifiedName) -> OpenItem: ...


class ToolKind(Struct, frozen=True):
    name: Kind
    call: type
    """The item type of its calls."""
    arguments: Callable[[Any], str]
    """Return a call's arguments as JSON."""
    output: type
    """The item type of their outputs."""
    content: Callable[[Any], str | Sequence[ContentPart]] = lambda output: output.output
    """Return the content of the tool message for an output."""


class CallableKind(ToolKind, frozen=True, kw_only=True):
    """A kind whose tools can be declared."""

    tool: type
    parameters: Callable[[Any], dict[str, Any]]
    """Return the JSON schema of the arguments."""
    description: Callable[[Any], str | None]
    open_call: OpenCallFactory
    prefix: str
    """Prefix of the ids of its calls."""


def _fixed(parameters: dict[str, Any]) -> Callable[[Any], dict[str, Any]]:
    return lambda tool: parameters


def _own_or(default: str) -> Callable[[Any], str]:
    return lambda tool: getattr(tool, "description", None) or default


CALLABLE: Final = (
    CallableKind(
        "function", items.FunctionCall, function.arguments, items.FunctionCallOutput,
        tool=FunctionTool, parameters=function.parameters, description=lambda tool: tool.description,
        open_call=function.OpenFunctionCall, prefix="fc",
    ),
    CallableKind(
        "custom", items.CustomToolCall, custom.arguments, items.CustomToolCallOutput,
        tool=CustomTool, parameters=_fixed(custom.PARAMETERS), description=custom.description,
        open_call=custom.OpenCustomToolCall, prefix="ctc",
    ),
    CallableKind(
        "local_shell", items.LocalShellCall, local_shell.arguments, items.LocalShellCallOutput,
        tool=LocalShellTool, parameters=_fixed(local_shell.PARAMETERS), description=_own_or(local_shell.DESCRIPTION),
        open_call=local_shell.OpenLocalShellCall, prefix="lsh",
    ),
    CallableKind(
        "shell", items.ShellCall, shell.arguments, items.ShellCallOutput, shell.content,
        tool=ShellTool, parameters=_fixed(shell.PARAMETERS), description=shell.description,
        open_call=shell.OpenShellCall, prefix="sh",
    ),
    CallableKind(
        "apply_patch", items.ApplyPatchCall, apply_patch.arguments, items.ApplyPatchCallOutput, apply_patch.content,
        tool=ApplyPatchTool, parameters=_fixed(apply_patch.PARAMETERS), description=_own_or(apply_patch.DESCRIPTION),
        open_call=apply_patch.OpenApplyPatchCall, prefix="apc",
    ),
    CallableKind(
        "tool_search", items.ToolSearchCall, tool_search.arguments, items.ToolSearchOutput, tool_search.content,
        tool=ToolSearchTool, parameters=tool_search.parameters, description=_own_or(tool_search.DESCRIPTION),
        open_call=tool_search.OpenToolSearchCall, prefix="tsc",
    ),
)  # fmt: skip
_ONLY_HISTORY: Final = (
    ToolKind("computer", items.ComputerCall, computer.arguments, items.ComputerCallOutput, computer.content),
    ToolKind("function", UnknownCall, function.arguments, UnknownOutput),  # rendered as those of a function
)

BY_NAME: Final = {kind.name: kind for kind in CALLABLE}
BY_TOOL: Final = {kind.tool: kind for kind in CALLABLE}
BY_CALL: Final[dict[type, ToolKind]] = {kind.call: kind for kind in (*CALLABLE, *_ONLY_HISTORY)}
BY_OUTPUT: Final[dict[type, ToolKind]] = {kind.output: kind for kind in (*CALLABLE, *_ONLY_HISTORY)}


def call_ids(items: Iterable[Item]) -> list[str]:
    """Return the ids of the calls among items."""
    calls = [item for item in items if item.__class__ in BY_CALL]
    return [call.call_id for call in calls if call.call_id]  # type: ignore[union-attr]


def call_id_of(item: Any) -> str:
    """Return the id that a call and its output share; "" for an output that belongs to no call."""
    if item.__class__ is items.LocalShellCallOutput:
        return item.call_id or item.id  # its type has only `id`; older clients send the call's id as `call_id`
    return item.call_id or ""
