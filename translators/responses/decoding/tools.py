"""`tools` → the declared tools, and the checks that those of an item have to pass, too.

Source: OpenAI API reference, Responses: create.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from translators.errors import (
    RequestError,
    invalid_value,
    missing_parameter,
    shorten,
    too_large,
    unknown_parameter,
    unsupported_parameter,
    unsupported_value,
)
from translators.policy import TOOLS
from translators.responses.decoding.arrays import ABSENT, check_length, heads, reject_unserved, too_many
from translators.responses.tools import (
    HOSTED_TOOLS,
    CodeInterpreterTool,
    CustomTool,
    FunctionTool,
    ImageGenerationTool,
    MCPTool,
    NamespaceTool,
    ShellTool,
    Tool,
    ToolSearchTool,
    WebSearch,
)
from translators.validation import allowed_values
from translators.wire import Decoder, NotJSON, Raw, decode_param, encode

MAX_TOOLS: Final = 1024
"""Far more than any provider accepts; each becomes several objects."""
MAX_TOOL_BYTES: Final = 4 << 20
"""JSON of all tools. Decoded schemas take a multiple of it in memory, and a stream echoes the JSON three times."""

_OTHER_SCHEMA: Final = re.compile(rb'"(inputSchema|input_schema)"\s*:')
"""The names of `parameters` in MCP and Anthropic's API: left out, a function would have no arguments."""
_tool: Final = Decoder(Tool)
_array: Final = Decoder(list[Raw])
_TOOL_TYPES: Final = tuple(allowed_values(Tool, ".type"))


def decode_tools(raw: bytes) -> tuple[Tool, ...]:
    """Return the declared tools; raise RequestError naming the place that does not fit, or a name declared twice."""
    if len(raw) > MAX_TOOL_BYTES:
        raise too_large("tools", MAX_TOOL_BYTES)
    check_length(raw, "tools", MAX_TOOLS)
    elements = decode_param(_array, raw, "tools")
    if len(elements) > MAX_TOOLS:
        raise too_many("tools", MAX_TOOLS, len(elements))
    tools = tuple(_decode_tool(element, f"tools[{at}]") for at, element in enumerate(elements))
    declared: set[tuple[str | None, str]] = set()
    for at, tool in enumerate(tools):
        member = "server_label" if isinstance(tool, MCPTool) else "name"
        for name in _names(tool):
            if name in declared:
                shown = shorten(name[1] or str(name[0]))
                raise RequestError(
                    f"Duplicate tool name: '{shown}'.", param=f"tools[{at}].{member}", code="invalid_value"
                )
            declared.add(name)
    return tools


def check_loaded(tools: Sequence[Tool], param: str) -> None:
    """Raise RequestError for invalid tools of an item, as for declared ones."""
    for at, tool in enumerate(tools):
        path = f"{param}.tools[{at}]"
        if type(tool) in HOSTED_TOOLS:
            kind = tool.__struct_config__.tag
            raise unsupported_value(f"{path}.type", str(kind), "has to be declared in 'tools'.")
        _check(tool, path)


def can_be_loaded(tool: Any) -> bool:
    """Whether the JSON of a tool is that of one that items may load."""
    try:
        check_loaded([_tool.decode(encode(tool))], "input")
    except (RequestError, *NotJSON):
        return False
    return True


def _names(tool: Tool) -> list[tuple[str | None, str]]:
    """Return the names that a tool declares, each with its namespace."""
    match tool:
        case FunctionTool() | CustomTool():
            return [(None, tool.name)]
        case NamespaceTool():
            return [(tool.name, member.name) for member in tool.tools]
        case MCPTool():
            return [(f"mcp__{tool.server_label}", "")]
        case WebSearch():
            return []
        case _:  # the only tool of its kind; "" is the name of no namespace
            return [("", str(tool.__struct_config__.tag))]


def _decode_tool(raw: Raw, param: str) -> Tool:
    head = decode_param(heads, raw, param)
    if head.type is None:
        raise missing_parameter(f"{param}.type")
    if head.type not in _TOOL_TYPES:
        reject_unserved(TOOLS, head.type, f"{param}.type")
        raise invalid_value(f"{param}.type", shorten(head.type), _TOOL_TYPES)
    if head.name is ABSENT and not (head.function is ABSENT and head.custom is ABSENT):
        raise _nested(f"{param}.name")
    tool: Tool = decode_param(_tool, raw, param)
    if isinstance(tool, FunctionTool) and tool.parameters is None and (other := _OTHER_SCHEMA.search(bytes(raw))):
        raise unknown_parameter(
            f"{param}.{other[1].decode()}", "In the Responses API, the schema of the arguments is called 'parameters'."
        )
    _check(tool, param)
    return tool


def _check(tool: Tool, param: str) -> None:
    """Raise RequestError for a tool with members that cannot be honoured."""
    _check_parameters(tool, param)
    _check_callers(tool, param)
    _check_hosted(tool, param)
    if isinstance(tool, ShellTool) and tool.environment is not None and tool.environment.type != "local":
        raise unsupported_parameter(f"{param}.environment", "must be of type 'local': no container is run here.")


def _check_hosted(tool: Tool, param: str) -> None:
    """Raise RequestError for what no sandbox, images API or server of an operator does."""
    if isinstance(tool, MCPTool) and tool.tunnel_id:
        raise unsupported_parameter(f"{param}.tunnel_id", "is not supported: no tunnel leads here. Send 'server_url'.")
    if isinstance(tool, CodeInterpreterTool):
        if isinstance(tool.container, str):
            raise unsupported_parameter(f"{param}.container", "must be of type 'auto': there are no containers here.")
        for member in ("file_ids", "memory_limit", "network_policy"):
            if getattr(tool.container, member):
                raise unsupported_parameter(f"{param}.container.{member}", "is fixed: the sandbox is the operator's.")
    mask = tool.input_image_mask if isinstance(tool, ImageGenerationTool) else None
    if mask and not (mask.image_url or mask.file_id):
        raise missing_parameter(f"{param}.input_image_mask.image_url")


def _check_parameters(tool: Tool, param: str) -> None:
    """Raise RequestError for schemas of arguments that do not describe an object."""
    if isinstance(tool, NamespaceTool):
        for at, member in enumerate(tool.tools):
            if isinstance(member, FunctionTool):
                _check_parameters(member, f"{param}.tools[{at}]")
    elif isinstance(tool, (FunctionTool, ToolSearchTool)) and tool.parameters:
        _check_schema(tool.parameters, getattr(tool, "name", "tool_search"), param)


def _check_callers(tool: Tool, param: str) -> None:
    """Raise RequestError for a tool that only a program at OpenAI may call."""
    callers = getattr(tool, "allowed_callers", None)
    if callers and "direct" not in callers:
        raise unsupported_parameter(
            f"{param}.allowed_callers", "must hold 'direct': no program is run here that could call the tool."
        )


def _check_schema(schema: dict[str, Any], tool: str, param: str) -> None:
    """Raise RequestError for a schema of a tool's arguments that says that they are no object."""
    kind, properties = schema.get("type", "object"), schema.get("properties") or {}
    if kind != "object":
        got = shorten(encode(kind).decode())
        wrong = f"schema must be a JSON Schema of 'type: \"object\"', got 'type: {got}'."
    elif not isinstance(properties, dict):
        wrong = f"{shorten(encode(properties).decode())} is not of type 'object'."
    else:
        return
    raise RequestError(
        f"Invalid schema for function '{shorten(tool)}': {wrong}",
        param=f"{param}.parameters",
        code="invalid_function_parameters",
    )


def _nested(param: str) -> RequestError:
    """Return the error for a tool in the form of chat completions."""
    error = missing_parameter(param)
    return RequestError(
        f"{error.message} In the Responses API, 'name', 'description' and what else describes a tool are members "
        "beside 'type', not inside 'function' or 'custom'.",
        param=param,
        code=error.code,
    )
