"""Tools as chat functions. The bijection of names is a property: tests/properties/test_names.py."""

from typing import Any

import pytest

from translators.dialect import Dialect
from translators.notes import Notes
from translators.tools import FunctionTool, NamespaceTool, Tool, ToolNames, chat_tools

EMPTY = {"type": "object", "properties": {}}

TOOLS: dict[str, tuple[Tool, dict[str, Any]]] = {
    "all members": (FunctionTool("f", "d", {"type": "object"}), {"name": "f", "description": "d",
                                                                 "parameters": {"type": "object"}}),
    "no parameters": (FunctionTool("f"), {"name": "f", "parameters": EMPTY}),
    "an empty description": (FunctionTool("f", ""), {"name": "f", "description": "", "parameters": EMPTY}),
    "in a namespace": (
        NamespaceTool("crm", [FunctionTool("close", "Close it.")], "Tickets."),
        {"name": "crm__close", "description": "[crm: Tickets.] Close it.", "parameters": EMPTY},
    ),
    "in a namespace, not described": (
        NamespaceTool("crm", [FunctionTool("close")], "Tickets."),
        {"name": "crm__close", "description": "[crm: Tickets.]", "parameters": EMPTY},
    ),
    "in a namespace that is not described": (
        NamespaceTool("crm", [FunctionTool("close")]), {"name": "crm__close", "parameters": EMPTY}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TOOLS)
def test_functions(name: str) -> None:
    tool, function = TOOLS[name]
    names = ToolNames([tool])
    assert chat_tools([tool], names, Dialect(), Notes()) == [{"type": "function", "function": function}]


def test_a_plain_name_has_precedence() -> None:
    tools: list[Tool] = [NamespaceTool("crm", [FunctionTool("close")]), FunctionTool("crm__close")]
    names = ToolNames(tools)
    assert names.flat("crm__close") == "crm__close"
    assert names.flat("close", "crm") != "crm__close"


def test_a_made_name_is_the_same_everywhere() -> None:
    """Providers cache prompts by their bytes; another release must not change them."""
    assert ToolNames().flat("notes.add") == "notes_add_9d700b3a"
    assert ToolNames().flat("x" * 65) == "x" * 55 + "_02301f1a"
