"""Tools with deferred loading: which are shown, how they are described, and what a search finds."""

from typing import Any

import pytest

from translators.responses.tools import FunctionTool, NamespaceTool, Tool
from translators.tools.deferred import DeferredTool, declare_found, describe_deferred, find_deferred, split_deferred


def function(name: str, description: str = "", defers: bool = True, **properties: Any) -> FunctionTool:
    return FunctionTool(name, description, {"type": "object", "properties": properties}, defer_loading=defers)


CRM = NamespaceTool(
    "crm", [function("get_customer", "Returns a customer."), function("list_orders", defers=False)], "Customers.",
)  # fmt: skip
TOOLS: list[Tool] = [
    function("get_weather", "Returns the weather of a city.", city={"type": "string"}),
    function("now", defers=False), CRM, function("sendEmail", "Sends a mail."),
]  # fmt: skip


def paths(found: list[DeferredTool]) -> list[str]:
    return [one.path for one in found]


def test_what_is_shown() -> None:
    shown, deferred = split_deferred(TOOLS)
    assert [tool.name for tool in shown] == ["now", "crm"]  # type: ignore[union-attr]
    assert [member.name for member in shown[1].tools] == ["list_orders"]  # type: ignore[union-attr]
    assert paths(deferred) == ["get_weather", "crm.get_customer", "sendEmail"]
    assert describe_deferred(deferred) == (
        "- get_weather: Returns the weather of a city.\n- crm: Customers.\n- sendEmail: Sends a mail."
    )


def test_a_long_list_is_cut() -> None:
    _, deferred = split_deferred([function(f"f{at}", "x" * 1000) for at in range(300)])
    lines = describe_deferred(deferred).splitlines()
    assert (len(lines), lines[-1]) == (257, "- and 44 more")
    assert max(map(len, lines)) == 202


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"paths": ["get_weather"]}, ["get_weather"]),
        ({"paths": ["crm"]}, ["crm.get_customer"]),
        ({"paths": ["crm.get_customer", "sendEmail"]}, ["crm.get_customer", "sendEmail"]),
        ({"paths": ["get_customer"]}, ["crm.get_customer"]),
        ({"paths": "get_weather"}, ["get_weather"]),
        ({"query": "Which cities?"}, []),
        ({"query": "weather in a city"}, ["get_weather"]),
        ({"query": "email a customer"}, ["crm.get_customer", "sendEmail"]),
        ({"paths": ["weather"]}, ["get_weather"]),
        ({"paths": ["sendEmail"], "query": "weather"}, ["sendEmail", "get_weather"]),
        ({"goal": "weather"}, ["get_weather"]),
        ({"paths": ["nothing"]}, []),
        ({"paths": [1, None], "query": {}}, []),
        ({}, []),
    ],
    ids=str,
)
def test_what_is_found(arguments: dict[str, Any], found: list[str]) -> None:
    assert paths(find_deferred(split_deferred(TOOLS)[1], arguments)) == found


def test_members_of_a_namespace_are_declared_together() -> None:
    two = NamespaceTool("n", [function("a"), function("b")], "N.")
    _, deferred = split_deferred([two, function("c")])
    namespace, plain = declare_found(deferred)
    assert isinstance(namespace, NamespaceTool)
    assert [member.name for member in namespace.tools] == ["a", "b"]
    assert isinstance(plain, FunctionTool)
    assert not plain.defer_loading
