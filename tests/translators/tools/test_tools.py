"""Tools as chat functions. The bijection of names is a property: tests/properties/to_chat/test_names.py."""

from typing import Any

import pytest

from translators.dialects.dialect import Dialect
from translators.dialects.rendering import Rendering
from translators.errors import RequestError, UpstreamError
from translators.notes import Notes
from translators.responses.decoding.items import decode_items
from translators.responses.decoding.tools import decode_tools
from translators.responses.tools import CustomTool, FunctionTool, NamespaceTool, Tool, WebSearchTool
from translators.tools.declarations import chat_tools, web_search_options
from translators.tools.kinds import BY_NAME
from translators.tools.names import Kind, QualifiedName, ToolNames
from translators.wire import encode

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
    assert chat_tools([tool], names, Rendering(Dialect(), Notes())) == [{"type": "function", "function": function}]


def test_a_plain_name_has_precedence() -> None:
    tools: list[Tool] = [NamespaceTool("crm", [FunctionTool("close")]), FunctionTool("crm__close")]
    names = ToolNames(tools)
    assert names.flatten("crm__close") == "crm__close"
    assert names.flatten("close", "crm") != "crm__close"


def test_a_made_name_is_the_same_everywhere() -> None:
    """Providers cache prompts by their bytes; another release must not change them."""
    assert ToolNames().flatten("notes.add") == "notes_add_9d700b3a"
    assert ToolNames().flatten("x" * 65) == "x" * 55 + "_02301f1a"


NOTED: dict[str, tuple[Tool, tuple[str, str, str]]] = {
    "loaded later": (FunctionTool("f", defer_loading=True),
                     ("tools", "approximated", "defer_loading: the model is shown the tool at once")),
    "run meanwhile": (
        CustomTool("f", asynchronous=True),
        ("tools", "approximated", "async: the tool is called like any other: the model waits for its output"),
    ),
    "what it returns": (FunctionTool("f", output_schema={"type": "object"}),
                        ("tools", "dropped", "output_schema: chat functions do not declare what they return")),
}  # fmt: skip


@pytest.mark.parametrize("name", NOTED)
def test_what_chat_functions_do_not_have(name: str) -> None:
    tool, expected = NOTED[name]
    notes = Notes()
    (function,) = chat_tools([tool], ToolNames([tool]), Rendering(Dialect(), notes))
    assert [(note.param, note.action, note.reason) for note in notes] == [expected]
    assert function["function"].keys() <= {"name", "description", "parameters"}


def test_a_tool_that_only_programs_may_call_is_refused() -> None:
    tool = {"type": "function", "name": "f", "allowed_callers": ["programmatic"]}
    with pytest.raises(RequestError) as caught:
        decode_tools(encode([{**tool, "allowed_callers": ["direct", "programmatic"], "name": "g"}, tool]))
    assert caught.value.param == "tools[1].allowed_callers"


def test_a_provider_that_searches_is_asked_to() -> None:
    tools: list[Tool] = [
        WebSearchTool(
            filters={"allowed_domains": ["a.example"]}, search_context_size="low",
            user_location={"type": "approximate", "city": "Paris", "country": "FR", "region": None},
        )
    ]  # fmt: skip
    notes = Notes()
    searching = Dialect(web_search=True)
    assert chat_tools(tools, ToolNames(tools), Rendering(searching, notes)) == []
    assert web_search_options(tools, Rendering(searching, notes)) == {
        "search_context_size": "low",
        "user_location": {"type": "approximate", "approximate": {"city": "Paris", "country": "FR"}},
    }
    assert [(note.action, note.reason) for note in notes] == [
        ("dropped", "filters of web_search: chat's web_search_options do not have it")
    ]
    assert web_search_options([], Rendering(searching, notes)) is None
    assert web_search_options(tools, Rendering(Dialect(), notes)) is None


NO_OBJECTS = [
    {"type": None}, {"type": ["object", "null"]}, {"type": "string"}, {"type": "array"}, {"properties": ["a"]},
    {"type": "object", "properties": "x"},
]  # fmt: skip
FUNCTION = '{"type": "function", "name": "f", "parameters": %s}'
DECLARED: dict[str, tuple[str, str]] = {
    "alone": (f"[{FUNCTION}]", "tools[0].parameters"),
    "in a namespace": (
        f'[{{"type": "namespace", "name": "n", "tools": [{FUNCTION}]}}]', "tools[0].tools[0].parameters",
    ),
    "for a search": ('[{"type": "tool_search", "execution": "client", "parameters": %s}]', "tools[0].parameters"),
}  # fmt: skip


@pytest.mark.parametrize("name", DECLARED)
@pytest.mark.parametrize("parameters", NO_OBJECTS, ids=str)
def test_arguments_are_an_object(name: str, parameters: dict[str, Any]) -> None:
    """A strict provider refuses any other schema, and tells the caller of names that are not theirs."""
    tools, param = DECLARED[name]
    with pytest.raises(RequestError) as caught:
        decode_tools(tools.encode() % encode(parameters))
    assert (caught.value.param, caught.value.code) == (param, "invalid_function_parameters")


BROUGHT = {
    "no object": ({"type": "function", "name": "f", "parameters": {"type": "string"}}, "parameters"),
    "a container": ({"type": "shell", "environment": {"type": "container_auto"}}, "environment"),
    "for programs": ({"type": "custom", "name": "f", "allowed_callers": ["programmatic"]}, "allowed_callers"),
}


@pytest.mark.parametrize("name", BROUGHT)
@pytest.mark.parametrize("type", ["additional_tools", "tool_search_output"])
def test_tools_that_items_bring_along_are_looked_at_too(type: str, name: str) -> None:
    tool, member = BROUGHT[name]
    with pytest.raises(RequestError) as caught:
        decode_items(encode([{"role": "user", "content": "Hi"}, {"type": type, "call_id": "c", "tools": [tool]}]))
    assert caught.value.param == f"input[1].tools[0].{member}"


@pytest.mark.parametrize("skills", [True, [None], [{"description": "without a name"}]])
def test_skills_that_are_none_are_refused(skills: Any) -> None:
    with pytest.raises(RequestError) as caught:
        decode_tools(encode([{"type": "shell", "environment": {"type": "local", "skills": skills}}]))
    assert str(caught.value.param).startswith("tools[0].environment.skills")


def test_a_screenshot_that_is_none_is_refused() -> None:
    output = {"type": "computer_call_output", "call_id": "a", "output": {"image_url": True}}
    with pytest.raises(RequestError) as caught:
        decode_items(encode([output]))
    assert caught.value.param == "input[0].output.image_url"


@pytest.mark.parametrize("kind", ["shell", "local_shell", "apply_patch"])
@pytest.mark.parametrize("arguments", ["", "{}", '{"operation": {}}', "[]", "rm -rf /"])
def test_a_call_that_says_nothing_is_no_call(kind: Kind, arguments: str) -> None:
    call = BY_NAME[kind].open_call(0, "x_1", "call_1", QualifiedName(kind, None, kind))
    call.open()
    call.append("arguments", arguments, [], [])
    with pytest.raises(UpstreamError, match=f"called the tool '{kind}' with arguments that do not fit it"):
        call.close("completed")
    cut = "in_progress" if kind == "apply_patch" else "incomplete"
    assert getattr(call.close("incomplete")[-1], "item").status == cut  # noqa: B009


@pytest.mark.parametrize(("levels", "fits"), [(100, True), (101, False), (5000, False)])
def test_how_deep_the_arguments_of_a_call_may_be(levels: int, fits: bool) -> None:
    call = BY_NAME["tool_search"].open_call(0, "tsc_1", "call_1", QualifiedName("tool_search", None, "tool_search"))
    call.append("arguments", '{"a":' * levels + "1" + "}" * levels, [], [])
    if fits:
        assert call.close("completed")
    else:
        with pytest.raises(UpstreamError, match="with arguments that do not fit it"):
            call.close("completed")


@pytest.mark.parametrize(
    "name",
    ["functions.get", "default_api.get", "default_api:get", "get()", "assistant<|channel|>commentary to=functions.get",
     "Get", "functions.GET"],
)
def test_a_name_with_what_a_format_puts_around_it(name: str) -> None:
    assert ToolNames([FunctionTool("get", {}), FunctionTool("put", {})]).meant(name) == "get"


def test_a_name_in_other_capitals_is_taken_if_it_can_mean_one_tool_alone() -> None:
    names = ToolNames([FunctionTool("read_file"), FunctionTool("Bash"), FunctionTool("bash")])
    meant = {name: names.meant(name) for name in ("read-file", "ReadFile", "Bash", "bash", "BASH")}
    assert meant == {"read-file": "read_file", "ReadFile": None, "Bash": "Bash", "bash": "bash", "BASH": None}


@pytest.mark.parametrize("name", ["inputSchema", "input_schema"])
def test_a_schema_under_another_name_is_refused(name: str) -> None:
    tool: dict[str, Any] = {"type": "function", "name": "f", name: {"type": "object"}}
    with pytest.raises(RequestError) as caught:
        decode_tools(encode([tool]))
    assert caught.value.param == f"tools[0].{name}"
    assert len(decode_tools(encode([tool | {"parameters": {"type": "object"}}]))) == 1
