"""Parallel calls, scattered over pieces in the ways of providers.

`told` are those whose pieces tell where they belong: by an id in every piece, by an index of their own, or because
each call is finished before the next begins. `untold` are heads that come first and tails that say nothing.
"""

import json
from typing import Any

from hypothesis import strategies as st

Object = dict[str, Any]
Call = tuple[str, Object]

TOOLS = ("get", "put", "list_files")
values = st.integers(0, 99) | st.text(st.characters(categories=("L", "N", "P", "Zs")), max_size=6)
objects = st.dictionaries(st.sampled_from(["x", "y", "path"]), values | st.lists(values, max_size=2), min_size=1)
calls = st.lists(st.tuples(st.sampled_from(TOOLS), objects), min_size=1, max_size=4)


@st.composite
def told(draw: st.DrawFn) -> tuple[list[Call], list[Object]]:
    """Return calls and the pieces that say them."""
    made = draw(calls)
    by = draw(st.sampled_from(["id", "index", "order"]))
    index = draw(st.sampled_from(["own", "zero", "minus one", "none", "odd"])) if by != "index" else "own"
    has_id = by == "id" or index != "own" or draw(st.booleans())
    form = draw(st.sampled_from(["pieces", "cumulative", "snapshots"]))
    opening = draw(st.sampled_from(["", "", "{}", "null"])) if by != "order" and form == "pieces" else ""
    repeats_head = draw(st.booleans()) and (has_id or index == "own") and form == "pieces"
    repeats_whole = has_id and by != "order" and draw(st.booleans())
    name_in_pieces = draw(st.booleans()) and not repeats_head and (by != "order" or has_id) and index == "own"
    lines = []
    for number, (name, value) in enumerate(made):
        place = {"own": number, "zero": 0, "minus one": -1, "odd": 3 * number + 2}.get(index)
        base: Object = {} if place is None else {"index": place}
        head = base | ({"id": f"call_{number}"} if has_id else {})
        tail = base | ({"id": f"call_{number}"} if by == "id" else {})
        text = json.dumps(value, ensure_ascii=draw(st.booleans()))
        line = [head | _function(name, opening)]
        if name_in_pieces and not opening:
            cut = draw(st.integers(1, len(name) - 1))
            line = [head | _function(name[:cut], ""), tail | _function(name[cut:], "")]
        line += [head | _function(name, "")] if repeats_head and not opening else []
        line += [tail | _function(None, piece) for piece in draw(_forms(text, value, form))]
        line += [head | _function(name, text)] if repeats_whole else []
        lines.append(line)
    if by == "order" or form == "snapshots":  # a whole call is done when another begins
        return made, [piece for line in lines for piece in line]
    return made, draw(_mixed(lines))


@st.composite
def untold(draw: st.DrawFn) -> tuple[list[Call], list[Object]]:
    """Return at least two calls whose tails do not tell which head they belong to."""
    made = draw(st.lists(st.tuples(st.sampled_from(TOOLS), objects), min_size=2, max_size=4))
    base = draw(st.sampled_from([{}, {"index": 0}, {"index": -1}]))
    opening = draw(st.sampled_from(["", "{}"]))
    heads = [base | {"id": f"call_{number}"} | _function(name, opening) for number, (name, _) in enumerate(made)]
    other = draw(st.sampled_from([base, {}, {"index": 7}]))
    lines = [
        [other | _function(None, piece) for piece in draw(_forms(json.dumps(value), value, "pieces"))]
        for _, value in made
    ]
    return made, heads + draw(_mixed(draw(st.permutations(lines))))


def _function(name: str | None, arguments: str) -> Object:
    return {"function": ({} if name is None else {"name": name}) | {"arguments": arguments}}


@st.composite
def _forms(draw: st.DrawFn, text: str, value: Object, form: str) -> list[str]:
    cuts = sorted(draw(st.sets(st.integers(1, len(text) - 1), max_size=4)))
    if form == "cumulative":
        return [text[:cut] for cut in [*cuts, len(text)]]
    if form == "snapshots":
        names = list(value)
        return [json.dumps({name: value[name] for name in names[: count + 1]}) for count in range(len(names))]
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@st.composite
def _mixed(draw: st.DrawFn, lines: list[list[Object]]) -> list[Object]:
    """Mix lines of pieces; each keeps its order, and the first pieces come in the order of the calls."""
    waiting = [list(line) for line in lines]
    mixed: list[Object] = []
    begun = 0
    while any(waiting):
        line = draw(st.sampled_from([line for line in waiting[:begun] if line] + waiting[begun : begun + 1]))
        begun += begun < len(waiting) and line is waiting[begun]
        mixed.append(line.pop(0))
    return mixed
