"""`tool_choice`: which tools the model may or must call.

Source: OpenAI API reference, Responses: create.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from translators.dialects.rendering import Rendering
from translators.responses.tools import (
    AllowedTool,
    AllowedTools,
    ApplyPatchChoice,
    CustomChoice,
    FunctionChoice,
    HostedChoice,
    LocalShellChoice,
    MCPChoice,
    MCPTool,
    NamespaceTool,
    OneTool,
    ShellChoice,
    Tool,
    ToolChoice,
)
from translators.tools.hosted_choice import HOSTED_DECLARATIONS, as_function_choice, function_of
from translators.tools.names import Kind, QualifiedName, ToolNames, qualified_names

_KIND_OF: Final[dict[type, Kind]] = {
    FunctionChoice: "function",
    CustomChoice: "custom",
    LocalShellChoice: "local_shell",
    ShellChoice: "shell",
    ApplyPatchChoice: "apply_patch",
}

_CALL_ANY: Final = "In this turn you must call one of the tools."
_CALL_ONE: Final = "In this turn you must call the tool {} and no other."


class RenderedToolChoice(Struct, frozen=True, gc=False):
    """The form of `tool_choice` in a chat request."""

    tools: Sequence[Tool]
    """The tools that the model gets."""
    member: str | dict[str, Any] | None = None
    """The chat request's `tool_choice`, if it needs one."""
    instruction: str = ""
    """A paragraph of the leading system message, where the provider does not honour the choice."""
    required: QualifiedName | None = None
    """The tool that must be called."""

    @property
    def is_enforced(self) -> bool:
        """The provider enforces the choice."""
        return not self.instruction


def render_tool_choice(
    choice: ToolChoice, tools: Sequence[Tool], names: ToolNames, rendering: Rendering, *, thinks: bool
) -> RenderedToolChoice:
    """Return the form of a choice for a provider; `thinks`: the request does not switch the model's thinking off."""
    dialect = rendering.dialect
    if isinstance(choice, (MCPChoice, HostedChoice)) and not HOSTED_DECLARATIONS.isdisjoint(map(type, tools)):
        rendering.notes.add("tool_choice", "dropped", "the tool is not run here")  # as in a count of tokens
        return RenderedToolChoice(tools)
    plain = as_function_choice(choice)
    shown = allowed_tools(tools, plain)
    honoured = dialect.tool_choices
    if thinks and dialect.thinking_tool_choices is not None:
        honoured &= dialect.thinking_tool_choices
    mode = plain.mode if isinstance(plain, AllowedTools) else plain
    if isinstance(mode, str):
        if mode == "auto" or not shown:
            return RenderedToolChoice(shown)
        if mode in honoured:
            return RenderedToolChoice(shown, dialect.required_choice if mode == "required" else mode)
        if mode == "none":
            return RenderedToolChoice(shown if dialect.calls_need_tools else ())
        rendering.note("tool_choice", "approximated", "cannot be made to call: requested in the instructions")
        return RenderedToolChoice(shown, instruction=_CALL_ANY)
    tool = chosen_tool(mode)
    name = names.flatten(*tool)
    if "named" in honoured:
        by_name = dialect.named_choice == "name"
        member = name if by_name else {"type": "function", "function": {"name": name}}
        return RenderedToolChoice(shown, member, required=tool)
    rendering.note("tool_choice", "approximated", "cannot be made to call one tool: requested in the instructions")
    required = dialect.required_choice if "required" in honoured else None
    return RenderedToolChoice(shown, required, _CALL_ONE.format(name), tool)


def chosen_tool(choice: OneTool) -> QualifiedName:
    """Return the tool that must be called."""
    kind = _KIND_OF[type(choice)]
    if isinstance(choice, (FunctionChoice, CustomChoice)):
        return QualifiedName(choice.name, choice.namespace or None, kind)
    return QualifiedName(kind, None, kind)


def allowed_tools(tools: Sequence[Tool], choice: ToolChoice) -> Sequence[Tool]:
    """Return the tools that the model gets: all, or those that `allowed_tools` names."""
    if not isinstance(choice, AllowedTools):
        return tools
    left: list[Tool] = []
    for tool in tools:
        if isinstance(tool, NamespaceTool):
            members = [
                member
                for member, name in zip(tool.tools, qualified_names(tool), strict=True)
                if _allows(choice, name)
            ]
            if members:
                left.append(NamespaceTool(tool.name, members, tool.description))
        elif any(_allows(choice, name) for name in qualified_names(tool)):
            left.append(tool)
    return left


def undeclared_choice(choice: ToolChoice, tools: Sequence[Tool]) -> str | None:
    """Return the type of a chosen tool that is not among the declared ones, None if all are.

    Of an MCP server's tools only the server is declared.
    """
    if isinstance(choice, str):
        return None
    labels = {tool.server_label for tool in tools if isinstance(tool, MCPTool)}
    if isinstance(choice, MCPChoice):
        return None if choice.server_label in labels else "mcp"
    functions = {function_of(tool.__struct_config__.tag) for tool in tools} - {""}
    if isinstance(choice, HostedChoice):
        kind = str(choice.__struct_config__.tag)
        return None if function_of(kind) in functions else kind
    if isinstance(choice, AllowedTools):
        servers = any(allowed.type == "mcp" and allowed.server_label in labels for allowed in choice.tools)
        servers |= any(function_of(allowed.type) in functions for allowed in choice.tools)
        return None if servers or allowed_tools(tools, choice) else "allowed_tools"
    wanted = chosen_tool(choice)
    return None if any(wanted in qualified_names(tool) for tool in tools) else wanted.kind


def _allows(choice: AllowedTools, tool: QualifiedName) -> bool:
    return any(_matches(allowed, tool) for allowed in choice.tools)


def _matches(allowed: AllowedTool, tool: QualifiedName) -> bool:
    if allowed.type == "namespace":
        return allowed.name == tool.namespace
    return allowed.type == tool.kind and allowed.name in (None, tool.name) and allowed.namespace == tool.namespace
