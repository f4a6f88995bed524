"""A choice of hosted tools as a choice of the functions that stand for them.

An MCP server is the namespace of its tools; a tool that is the only one of its type is one function. Source: OpenAI API
reference, Responses: create.
"""

from typing import Final

from translators.responses.tools import (
    HOSTED_TOOLS,
    WEB_SEARCH_TOOLS,
    AllowedTool,
    AllowedTools,
    FunctionChoice,
    FunctionToolChoice,
    HostedChoice,
    MCPChoice,
    ToolChoice,
)
from translators.tools.built_in import FUNCTIONS
from translators.tools.mcp import namespace_of

HOSTED_DECLARATIONS: Final = HOSTED_TOOLS | WEB_SEARCH_TOOLS


def as_function_choice(choice: ToolChoice) -> FunctionToolChoice:
    """Return a choice of hosted tools as a choice of the functions that stand for them; any other as it is."""
    if isinstance(choice, HostedChoice):
        return FunctionChoice(function_of(choice.__struct_config__.tag))
    if isinstance(choice, MCPChoice):
        namespace = namespace_of(choice.server_label)
        if choice.name is not None:
            return FunctionChoice(choice.name, namespace)
        return AllowedTools("required", [AllowedTool("namespace", namespace)])
    if isinstance(choice, AllowedTools) and any(tool.type != "function" for tool in choice.tools):
        return AllowedTools(choice.mode, [_as_function(tool) for tool in choice.tools])
    return choice


def _as_function(tool: AllowedTool) -> AllowedTool:
    if tool.type != "mcp":
        name = function_of(tool.type)
        return AllowedTool("function", name) if name else tool
    namespace = namespace_of(tool.server_label or "")
    if tool.name is None:
        return AllowedTool("namespace", namespace)
    return AllowedTool("function", tool.name, namespace)


def function_of(type: object) -> str:
    """Return the name of the function that stands for a hosted tool by its type; "" for other types."""
    return FUNCTIONS.get(str(type), "")
