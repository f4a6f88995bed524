"""Pieces of tool calls → calls. A piece is (index, id, name, arguments), a call (id, name, arguments).

The forms of index, id and name were seen in recorded traffic. Source: docs/recordings.md.
"""

import pytest

from translators.chat.chunks import FunctionDelta, ToolCallDelta
from translators.to_responses.calls import CallSorter, ProviderCall

Piece = tuple[int | None, str | int | None, str | None, str]
Call = tuple[str, str, str]

TABLE: dict[str, tuple[list[Piece], list[Call]]] = {
    "by index": (
        [(0, "a", "f", ""), (0, None, None, '{"x":'), (1, "b", "g", "{}"), (0, None, None, "1}")],
        [("a", "f", '{"x":1}'), ("b", "g", "{}")],
    ),
    "by id, without index": (
        [(None, "a", "f", "{"), (None, "b", "g", "{"), (None, "a", None, "}"), (None, "b", None, "}")],
        [("a", "f", "{}"), ("b", "g", "{}")],
    ),
    "by id, index -1": (
        [(-1, "a", "f", "{}"), (-1, "b", "f", "{}")],
        [("a", "f", "{}"), ("b", "f", "{}")],
    ),
    "a new id at the same index is a new call": (
        [(0, "a", "f", "{"), (0, None, None, "}"), (0, "b", "f", "{"), (0, None, None, "}")],
        [("a", "f", "{}"), ("b", "f", "{}")],
    ),
    "a new id without a name is the same call": (
        [(0, "a", "f", "{"), (0, "b", None, "}")],
        [("a", "f", "{}")],
    ),
    "an id that comes back": (
        [(0, "a", "f", "{"), (0, "b", "f", "{"), (0, "a", "f", "}"), (0, "b", "f", "}")],
        [("a", "f", "{}"), ("b", "f", "{}")],
    ),
    "id and name repeated": (
        [(0, "a", "f", '{"x":'), (0, "a", "f", "1}")],
        [("a", "f", '{"x":1}')],
    ),
    "id and name empty later": (
        [(0, "a", "f", "{"), (0, "", "", "}")],
        [("a", "f", "{}")],
    ),
    "id and name later than the arguments": (
        [(0, None, None, "{}"), (0, "a", "f", "")],
        [("a", "f", "{}")],
    ),
    "neither index nor id, pieces": (
        [(None, None, "f", '{"x":'), (None, None, None, "1}"), (None, None, "g", "{}")],
        [("", "f", '{"x":1}'), ("", "g", "{}")],
    ),
    "neither index nor id, no arguments": (
        [(None, None, "f", ""), (None, None, "g", "")],
        [("", "f", ""), ("", "g", "")],
    ),
    "another name under a known id": (
        [(None, "a", "f", "{"), (None, "a", "g", "}")],
        [("a", "f", "{}")],
    ),
    "neither index nor id, the same function twice": (
        [(None, None, "f", '{"x":1}'), (None, None, "f", '{"x":2}')],
        [("", "f", '{"x":1}'), ("", "f", '{"x":2}')],
    ),
    "index 0 for all, no ids, equal arguments": (
        [(0, None, "f", "{}"), (0, None, "g", "{}")],
        [("", "f", "{}"), ("", "g", "{}")],
    ),
    "the whole repeated at the end": (
        [(0, "a", "f", '{"x":'), (0, None, None, "1}"), (0, "a", "f", '{"x":1}')],
        [("a", "f", '{"x":1}')],
    ),
    "an id for all (TGI)": (
        [(None, 0, "f", '{"x":1}'), (None, 0, "f", '{"x":2}')],
        [("0", "f", '{"x":1}'), ("0", "f", '{"x":2}')],
    ),
    "nested objects are not new calls": (
        [(0, "a", "f", '{"x":[{}'), (0, "a", "f", ",{}"), (0, "a", "f", "]}")],
        [("a", "f", '{"x":[{},{}]}')],
    ),
    "braces in a string are not new calls": (
        [(0, "a", "f", '{"x":"}'), (0, "a", "f", '{}"}')],
        [("a", "f", '{"x":"}{}"}')],
    ),
    "white space behind the arguments": (
        [(0, None, "f", '{"x":1}'), (0, None, None, "\n"), (0, None, "f", '{"x":2}')],
        [("", "f", '{"x":1}'), ("", "f", '{"x":2}')],
    ),
}


TABLE |= {
    "a tail under the next index": (
        [(0, "a", "f", '{"x":1}'), (0, "b", "g", ""), (1, None, None, '{"x":'), (1, None, None, "2}")],
        [("a", "f", '{"x":1}'), ("b", "g", '{"x":2}')],
    ),
    "heads, then tails with ids, all index 0": (
        [(0, "a", "f", ""), (0, "b", "g", ""), (0, "a", None, '{"x":1}'), (0, "b", None, '{"x":2}')],
        [("a", "f", '{"x":1}'), ("b", "g", '{"x":2}')],
    ),
    "an empty object first": (
        [(0, "a", "f", "{}"), (0, None, None, '{"x":'), (0, None, None, "1}")],
        [("a", "f", '{"x":1}')],
    ),
    "a head repeated with an empty object": (
        [(0, "a", "f", "{}"), (0, "a", "f", '{"x":1}')],
        [("a", "f", '{"x":1}')],
    ),
    "cumulative arguments": (
        [(0, "a", "f", '{"x"'), (0, None, None, '{"x":1'), (0, None, None, '{"x":1}')],
        [("a", "f", '{"x":1}')],
    ),
    "nested objects that look cumulative": (
        [(0, "a", "f", '{"x":'), (0, None, None, '{"x":1}'), (0, None, None, "}")],
        [("a", "f", '{"x":{"x":1}}')],
    ),
    "snapshots that grow": (
        [(0, "a", "f", '{"x":"P"}'), (0, None, None, '{"x":"Pa"}'), (0, None, None, '{"x":"Pa","y":1}')],
        [("a", "f", '{"x":"Pa","y":1}')],
    ),
    "text behind the arguments": (
        [(0, "a", "f", '{"x":1}\n</tool_call>'), (0, None, None, "}")],
        [("a", "f", '{"x":1}')],
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_pieces_find_their_call(name: str) -> None:
    pieces, expected = TABLE[name]
    sorter = CallSorter()
    found: dict[ProviderCall, None] = {}
    for index, id, function, arguments in pieces:
        call, _ = sorter.sort(ToolCallDelta(index=index, id=id, function=FunctionDelta(function, arguments)))
        found[call] = None
    assert [(call.id, call.name, call.arguments) for call in found] == expected


@pytest.mark.parametrize(
    ("pieces", "complete"),
    [
        ([], False),
        (["{}"], True),
        (['{"a":', "1}", " \n"], True),
        (['{"a":"}'], False),
        (["{}}"], True),
        (["5"], False),
    ],
)
def test_complete(pieces: list[str], complete: bool) -> None:
    call = ProviderCall("a", "f")
    for piece in pieces:
        call.add(piece)
        call.has_ended()  # whatever it found out, it does not change what is true
    assert call.is_complete() == complete
