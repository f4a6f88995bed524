"""The tool_search tool: the client searches for tools that are not declared; from then on they can be called."""

from typing import Any, Final

from translators.responses.items import OutputItem, ToolSearchCall, ToolSearchOutput
from translators.responses.tools import ToolSearchTool
from translators.tools.names import qualified_names
from translators.tools.typed import OpenTypedCall
from translators.wire import encode

PARAMETERS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"query": {"type": "string", "description": "What a tool is needed for."}},
    "required": ["query"],
}
DESCRIPTION: Final = "Finds tools that are not listed here. What it finds can be called afterwards."


def parameters(tool: ToolSearchTool) -> dict[str, Any]:
    return tool.parameters or PARAMETERS


def arguments(call: ToolSearchCall) -> str:
    return encode(call.arguments if isinstance(call.arguments, dict) else {"query": call.arguments or ""}).decode()


def content(output: ToolSearchOutput) -> str:
    """Return the names of the tools that were found; the tools themselves are declared in the chat request."""
    found = [name for tool in output.tools for name in qualified_names(tool)]
    if not found:
        return "No tools were found."
    return "These tools can be called now: " + ", ".join(
        name if namespace is None else f"{namespace}.{name}" for name, namespace, _ in found
    )


class OpenToolSearchCall(OpenTypedCall):
    def _build_item(self, arguments: dict[str, Any] | None, status: Any) -> OutputItem:
        return ToolSearchCall(arguments or {}, self._call_id, id=self._id, execution="client", status=status)
