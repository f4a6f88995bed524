"""A server's list of tools: its pages, what is left out of it, and how long it is cached."""

from collections.abc import Iterator
from typing import Any

import pytest

from adapter.hosting.mcp.connections import ServerKey
from adapter.hosting.mcp.errors import MCPError
from adapter.hosting.mcp.memory import ServerMemory
from adapter.hosting.mcp.mirrored import InvalidAnnotation, encode_header, find_mirrored, mirror
from adapter.hosting.mcp.tools import ToolList, read_pages
from adapter.hosting.policy import MCPDeclaration, ToolPolicy
from adapter.settings.tools.settings import ToolSettings
from tests.adapter.hosting.mcp.conftest import Connect
from tests.support.servers.scripted_mcp import Answers, ScriptedMCP, as_json, result, tool


def lists(*tools: Any, **members: Any) -> Answers:
    return lambda request: as_json(result(request, resultType="complete", tools=list(tools), **members))


def names(tools: tuple[Any, ...]) -> list[str]:
    return [tool.name for tool in tools]


# --- pages -------------------------------------------------------------------------------------------------------


def test_all_pages_are_read_in_order() -> None:
    pages = {"": [tool("a")], "2": [tool("b")], "3": [tool("a", description="again"), tool("c")]}
    after = {"": "2", "2": "3", "3": ""}
    fetch = lambda cursor: {"tools": pages[cursor], "nextCursor": after[cursor], "ttlMs": 1000}  # noqa: E731
    found = read_pages(fetch(""), fetch, "x")
    assert (names(found.tools), found.tools[0].description) == (["a", "b", "c"], "")
    assert found.seconds == 1.0


def test_an_empty_cursor_is_the_end(server: ScriptedMCP, connect: Connect) -> None:
    server.answers = lists(tool("a"), nextCursor="")
    assert names(connect().list_tools()) == ["a"]
    assert server.calls == ["tools/list"]


def test_a_cursor_that_repeats_is_the_end(server: ScriptedMCP, connect: Connect) -> None:
    server.answers = lists(tool("a"), nextCursor="again")
    assert names(connect().list_tools()) == ["a"]
    assert server.calls == ["tools/list"] * 2


def test_cursors_without_end_are_an_error(server: ScriptedMCP, connect: Connect) -> None:
    numbers: Iterator[int] = iter(range(1000))
    server.answers = lambda request: lists(tool("a"), nextCursor=str(next(numbers)))(request)
    with pytest.raises(MCPError, match="larger than the limit"):
        connect().list_tools()
    assert len(server.calls) <= 51


def test_a_list_beyond_the_limit_is_an_error(server: ScriptedMCP, connect: Connect) -> None:
    server.answers = lists(tool("a", description="x" * 1024 * 1024))
    with pytest.raises(MCPError, match="larger than the limit"):
        connect().list_tools()


# --- tools -------------------------------------------------------------------------------------------------------


def test_what_is_known_of_a_tool(server: ScriptedMCP, connect: Connect) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    server.answers = lists(
        tool("a", description="Roll\x00\r\ndice", inputSchema=schema, annotations={"readOnlyHint": True}),
        {"name": "b", "annotations": None, "description": None},
    )
    first, second = connect().list_tools()
    assert (first.description, first.input_schema, first.read_only) == ("Roll\ndice", schema, True)
    assert (second.description, second.input_schema, second.read_only) == ("", {"type": "object"}, False)


def test_a_server_that_is_not_believed_only_reads_nothing(server: ScriptedMCP, connect: Connect) -> None:
    server.answers = lists(tool("a", annotations={"readOnlyHint": True}))
    assert [one.read_only for one in connect(trust_annotations=False).list_tools()] == [False]


@pytest.mark.parametrize(
    "unusable",
    [
        None, 7, {}, {"name": ""}, {"name": 7}, {"name": "a\nb"}, {"name": "x" * 257}, tool("a", inputSchema=[]),
        tool("a", inputSchema={"description": "x" * 65536}),
        tool("a", inputSchema={"properties": {"n": {"type": "number", "x-mcp-header": "N"}}}),
    ],
    ids=str,
)  # fmt: skip
def test_a_tool_that_cannot_be_used_is_left_out(unusable: Any, server: ScriptedMCP, connect: Connect) -> None:
    server.answers = lists(unusable, tool("b"))
    assert names(connect().list_tools()) == ["b"]


def test_a_list_that_is_none(server: ScriptedMCP, connect: Connect) -> None:
    server.answers = lambda request: as_json(result(request, resultType="complete", tools={"a": 1}))
    with pytest.raises(MCPError, match="not a list"):
        connect().list_tools()


# --- caches ------------------------------------------------------------------------------------------------------


def test_a_list_is_cached_as_long_as_the_server_allows() -> None:
    now = [0.0]
    memory = ServerMemory(lambda: now[0])
    key = ServerKey("tenant", "url", b"credential", is_configured=True)
    memory.keep_tools(key, ToolList((), 9999, 10), None)
    now[0] = 299
    assert memory.tools(key) is not None
    for other in (key._replace(tenant="other"), key._replace(url="other"), key._replace(credential=b"other")):
        assert memory.tools(other) is None, "a list is that of one tenant and credential"
    now[0] = 301
    assert memory.tools(key) is None
    memory.keep_tools(key, ToolList((), 0, 10), None)
    assert memory.tools(key) is None, "the server does not allow it"
    memory.keep_tools(key, ToolList((), 0, 10), 60)
    assert memory.tools(key) is not None, "the operator does"


def test_two_tenants_with_one_label_share_nothing(server: ScriptedMCP) -> None:
    policy = ToolPolicy(ToolSettings(mcp_url_hosts=(f"127.0.0.1:{server.server_port}",)))
    server.answers = lambda request: lists(tool(request.headers["Authorization"][-1]), ttlMs=300_000)(request)
    for tenant in ("a", "b", "a"):
        declared = MCPDeclaration("mine", server.url, authorization=f"key-of-{tenant}")
        client = policy.resolve(declared, tenant, "tools[0]")
        assert names(client.list_tools()) == [tenant]
        client.close()
    assert [request.headers["Authorization"] for request in server.requests] == ["Bearer key-of-a", "Bearer key-of-b"]


def test_a_cached_list_is_not_fetched(server: ScriptedMCP, connect: Connect) -> None:
    server.answers = lists(tool("a"), ttlMs=60000)
    connect().list_tools()
    assert names(connect(allowed_tools=frozenset()).list_tools()) == []
    assert names(connect().list_tools()) == ["a"]
    assert server.calls == ["tools/list"]


# --- parameters that are mirrored into headers -------------------------------------------------------------------

REGION = {"type": "string", "x-mcp-header": "Region"}


def test_parameters_are_mirrored() -> None:
    schema = {
        "properties": {
            "region": REGION,
            "more": {"properties": {"dry": {"type": "boolean", "x-mcp-header": "Dry"}}},
            "n": {"type": "integer", "x-mcp-header": "N"},
            "free": {"type": "string", "default": {"x-mcp-header": "data"}},
        }
    }
    found = find_mirrored(schema)
    assert mirror("roll", found, {"region": " x", "more": {"dry": True}, "n": 7}) == {
        "Mcp-Name": "roll", "Mcp-Param-Region": "=?base64?IHg=?=", "Mcp-Param-Dry": "true", "Mcp-Param-N": "7",
    }  # fmt: skip
    assert mirror("würfeln", found, {"region": None, "more": 1}) == {"Mcp-Name": "=?base64?d8O8cmZlbG4=?="}


@pytest.mark.parametrize("value", ["a\r\nX: b", "ä", " a", "a ", "=?base64?eA==?=", "\ud800"])
def test_a_value_that_no_header_may_have_is_encoded(value: str) -> None:
    encoded = encode_header(value)
    assert encoded.startswith("=?base64?")
    assert encoded.isascii()
    assert encoded.isprintable()


@pytest.mark.parametrize(
    "schema",
    [
        REGION,
        {"properties": {"a": {**REGION, "type": "number"}}},
        {"properties": {"a": {**REGION, "type": ["string", "null"]}}},
        {"properties": {"a": {**REGION, "x-mcp-header": "a b"}}},
        {"properties": {"a": {**REGION, "x-mcp-header": 7}}},
        {"properties": {"a": REGION, "b": {**REGION, "x-mcp-header": "REGION"}}},
        {"properties": {"a": {"items": REGION}}},
        {"properties": {"a": {"anyOf": [REGION]}}},
        {"$defs": {"a": REGION}},
        {"patternProperties": {"^a": REGION}},
    ],
    ids=str,
)
def test_an_invalid_annotation(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidAnnotation):
        find_mirrored(schema)
