"""`tool_choice`: which tools the model may or must call. Source: responses-api reference §4.3."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from translators.dialects.dialect import Dialect
from translators.notes import Notes
from translators.responses.tools import (
    AllowedTool,
    AllowedTools,
    ApplyPatchChoice,
    CustomChoice,
    FunctionChoice,
    LocalShellChoice,
    NamespaceTool,
    OneTool,
    ShellChoice,
    Tool,
    ToolChoice,
)
from translators.tools.names import Called, Kind, ToolNames, called

_KIND_OF: Final[dict[type, Kind]] = {
    FunctionChoice: "function",
    CustomChoice: "custom",
    LocalShellChoice: "local_shell",
    ShellChoice: "shell",
    ApplyPatchChoice: "apply_patch",
}

_ANY: Final = "In this turn you must call one of the tools."
_ONE: Final = "In this turn you must call the tool {} and no other."


class ToolForm(Struct, frozen=True, gc=False):
    """How a provider is told: the tools it is shown, a member, words where it does not honour the member."""

    shown: Sequence[Tool]
    member: str | dict[str, Any] | None = None
    words: str = ""
    tool: Called | None = None
    """The tool that must be called."""


def tool_form(
    choice: ToolChoice, tools: Sequence[Tool], names: ToolNames, dialect: Dialect, notes: Notes, *, thinks: bool
) -> ToolForm:
    """Return how a provider is told which tools it may or must call; `thinks`: the model was not told not to."""
    shown = allowed(tools, choice)
    honoured = dialect.tool_choices
    if thinks and dialect.thinking_tool_choices is not None:
        honoured &= dialect.thinking_tool_choices
    mode = choice.mode if isinstance(choice, AllowedTools) else choice
    if isinstance(mode, str):
        if mode == "auto" or not shown:
            return ToolForm(shown)
        if mode in honoured:
            return ToolForm(shown, dialect.required_choice if mode == "required" else mode)
        if mode == "none":
            return ToolForm(())
        notes.add("tool_choice", "approximated", f"provider '{dialect.name}' cannot be made to call: asked in words")
        return ToolForm(shown, words=_ANY)
    tool = one_tool(mode)
    name = names.flat(*tool)
    if "named" in honoured:
        by_name = dialect.named_choice == "name"
        return ToolForm(shown, name if by_name else {"type": "function", "function": {"name": name}}, tool=tool)
    notes.add("tool_choice", "approximated", f"provider '{dialect.name}' takes no name: asked in words")
    return ToolForm(shown, dialect.required_choice if "required" in honoured else None, _ONE.format(name), tool)


def one_tool(choice: OneTool) -> Called:
    """Return the tool that must be called."""
    kind = _KIND_OF[type(choice)]
    if isinstance(choice, (FunctionChoice, CustomChoice)):
        return Called(choice.name, choice.namespace or None, kind)
    return Called(kind, None, kind)


def allowed(tools: Sequence[Tool], choice: ToolChoice) -> Sequence[Tool]:
    """Return the tools that the model is shown: all, or what `allowed_tools` leaves of them."""
    if not isinstance(choice, AllowedTools):
        return tools
    left: list[Tool] = []
    for tool in tools:
        if isinstance(tool, NamespaceTool):
            members = [
                member for member, one in zip(tool.tools, called(tool), strict=True) if _allows(choice, one)
            ]
            if members:
                left.append(NamespaceTool(tool.name, members, tool.description))
        elif any(_allows(choice, one) for one in called(tool)):
            left.append(tool)
    return left


def undeclared(choice: ToolChoice, tools: Sequence[Tool]) -> str | None:
    """Return the type of a chosen tool that is not among the declared ones, None if all are."""
    if isinstance(choice, str):
        return None
    if isinstance(choice, AllowedTools):
        return None if allowed(tools, choice) else "allowed_tools"
    wanted = one_tool(choice)
    return None if any(wanted in called(tool) for tool in tools) else wanted.kind


def _allows(choice: AllowedTools, tool: Called) -> bool:
    return any(_means(one, tool) for one in choice.tools)


def _means(one: AllowedTool, tool: Called) -> bool:
    if one.type == "namespace":
        return one.name == tool.namespace
    return one.type == tool.kind and one.name in (None, tool.name) and one.namespace == tool.namespace
