"""`tool_choice`: which tools the model may or must call. Source: responses-api reference §4.3."""

from collections.abc import Sequence
from typing import Any, Final

from translators.declarations import (
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


def chat_tool_choice(choice: ToolChoice, names: ToolNames) -> str | dict[str, Any]:
    """Return the choice for a provider that was shown the tools that `allowed` leaves."""
    if isinstance(choice, str):
        return choice
    if isinstance(choice, AllowedTools):
        return choice.mode
    return {"type": "function", "function": {"name": names.flat(*one_tool(choice))}}


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
