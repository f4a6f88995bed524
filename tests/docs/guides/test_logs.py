"""Every event that the code logs is in docs/logs.md."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "logs.md").read_text()


def logged_events() -> Iterator[str]:
    for file in (ROOT / "adapter").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            function = node.func
            if isinstance(function, ast.Attribute) and getattr(function.value, "id", "") == "log":
                yield from strings_in(node.args[0])
            elif isinstance(function, ast.Name) and function.id == "ErrorReport":
                yield from strings_in(node.args[2])


def strings_in(node: ast.expr) -> Iterator[str]:
    """Yield the values that an expression may have, as far as they are written out."""
    if isinstance(node, ast.IfExp):
        yield from (*strings_in(node.body), *strings_in(node.orelse))
    elif isinstance(node, ast.Constant):
        yield str(node.value)


def test_each_event_is_documented() -> None:
    events = set(logged_events())
    assert len(events) > 20
    assert sorted(event for event in events if f"`{event}`" not in PAGE) == []
