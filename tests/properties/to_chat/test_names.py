"""Names and ids: tool names are a bijection that providers take, ids are never the same and lead back."""

import re

from hypothesis import given
from hypothesis import strategies as st

from translators.responses.ids import Ids, input_item_id, response_of, seed
from translators.responses.tools import (
    ApplyPatchTool,
    CustomTool,
    FunctionTool,
    LocalShellTool,
    NamespaceTool,
    ShellTool,
    Tool,
    ToolSearchTool,
)
from translators.tools.names import QualifiedName, ToolNames, qualified_names

names = st.text(min_size=1, max_size=128) | st.sampled_from(["a", "a.b", "a_b", "a__b", "b", "é", "x" * 64, "x" * 65])
functions = names.map(FunctionTool) | names.map(CustomTool)
namespaces = st.builds(
    NamespaceTool, names.map(lambda name: name[:64]), st.lists(functions, max_size=3, unique_by=lambda tool: tool.name)
)
only_ones = st.sampled_from([ShellTool(), LocalShellTool(), ApplyPatchTool(), ToolSearchTool()])
toolsets = st.lists(
    functions | namespaces | only_ones, max_size=6, unique_by=lambda tool: (type(tool), getattr(tool, "name", None))
)
kinds = st.sampled_from(["function", "custom", "shell", "computer"])


def full_names(tools: list[Tool]) -> list[QualifiedName]:
    return [one for tool in tools for one in qualified_names(tool)]


@given(toolsets, st.lists(st.builds(QualifiedName, names, st.none() | names, kinds), max_size=4))
def test_tool_names_are_a_bijection(tools: list[Tool], met: list[QualifiedName]) -> None:
    """Those that are only met in the history, too."""
    known = ToolNames(tools)
    full = [*dict.fromkeys([*full_names(tools), *met])]
    flat = [known.flatten(*name) for name in full]
    assert len(set(flat)) == len(full)
    assert [known.restore(name) for name in flat] == full
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", name) for name in flat)


@given(toolsets)
def test_the_same_tools_have_the_same_names(tools: list[Tool]) -> None:
    one, other = ToolNames(tools), ToolNames(tools)
    assert [one.flatten(*name) for name in full_names(tools)] == [other.flatten(*name) for name in full_names(tools)]


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,63}", fullmatch=True))
def test_a_name_that_providers_take_stays(name: str) -> None:
    known = ToolNames([FunctionTool(name)])
    assert known.flatten(name) == name
    assert known.restore(name) == QualifiedName(name)


@given(names)
def test_a_name_that_looks_like_a_made_one_is_told_apart(name: str) -> None:
    made = ToolNames().flatten(name)
    known = ToolNames([FunctionTool(made), FunctionTool(name)])
    assert known.restore(known.flatten(made)) == QualifiedName(made)
    assert known.restore(known.flatten(name)) == QualifiedName(name)


moments = st.integers(0, 2**63)
entropies = st.integers(0, 2**64)


@given(moments, entropies, st.lists(st.sampled_from(["msg", "rs", "fc", "call"]), max_size=20))
def test_ids_are_unique_and_lead_back_to_their_response(moment: int, entropy: int, wanted: list[str]) -> None:
    ids = Ids(seed(moment, entropy))
    minted = [ids.call() if prefix == "call" else ids.item(prefix) for prefix in wanted]
    listed = [input_item_id("msg", ids.response, position) for position in range(3)]
    every = [ids.response, *minted, *listed]
    digits = [id.rpartition("_")[2] for id in every]
    assert len(set(digits)) == len(digits)
    assert all(re.fullmatch(r"[a-z]+_[0-9a-f]{32}", id) for id in every)
    assert [id.partition("_")[0] for id in minted] == wanted
    assert {response_of(id) for id in every} == {ids.response}


@given(st.integers(0, 2**48 - 2), entropies, entropies)
def test_ids_sort_by_time(moment: int, one: int, other: int) -> None:
    assert Ids(seed(moment, one)).response < Ids(seed(moment + 1, other)).response


@given(st.text(max_size=50))
def test_what_is_no_id_of_ours_leads_nowhere(text: str) -> None:
    found = response_of(text)
    assert found is None or re.fullmatch(r"(.*_)?[0-9a-f]{32}", text, re.S)
