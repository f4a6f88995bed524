"""Values of arguments that a model wrote between tags, without JSON's quotes: typed by the schema of the argument."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any, Final

from translators.loose_json import loose_object, loose_value, replace_lone_surrogates

_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "integer": (int,), "number": (int, float), "boolean": (bool,), "object": (dict,), "array": (list,),
    "null": (type(None),),
}  # fmt: skip
_WORDS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None, "none": None}
_MAX_PYTHON: Final = 64 * 1024
"""Characters of calls in Python: its parser is not made for what a stranger writes."""
_BLANKS: Final = re.compile(r"\s+")
_WRAPPING_START: Final = '{"name":"'
_WRAPPING: Final = ("arguments", "parameters", "args", "input")
"""Members that hold the arguments in an object that is a whole call."""
_MAX_WRAPPING: Final = 64
"""Characters before those arguments, besides the name."""
_MAX_DEPTH: Final = 8
"""Of unions in a schema."""


def typed_value(text: str, schema: dict[str, Any]) -> Any:
    """Return the value that text stands for: JSON where the schema wants other than a string, else the text itself."""
    types = set(_types(schema))
    if types == {"string"}:
        return text
    value = loose_value(text.strip())
    if value is None:
        value = _WORDS.get(text.strip().lower(), text)
    if not types:
        return value
    if any(_is_a(value, type) for type in types):
        return value
    return text if isinstance(value, str) or "string" in types else value


def python_calls(text: str) -> list[tuple[str, dict[str, Any]]] | None:
    """Return the names and arguments of calls written in Python, `[get(x=1)]`; None if text is something else."""
    if len(text) > _MAX_PYTHON:
        return None
    found = []
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        for call in tree.elts if isinstance(tree, (ast.List, ast.Tuple)) else [tree]:
            if not isinstance(call, ast.Call) or call.args:
                return None
            arguments = {word.arg or "": ast.literal_eval(word.value) for word in call.keywords}
            found.append((ast.unparse(call.func), replace_lone_surrogates(arguments)))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return found


def python_object(text: str) -> dict[str, Any] | None:
    """Return a dictionary written in Python, `{'x': 1}`, whose values JSON has too; None if text is something else."""
    if len(text) > _MAX_PYTHON or not text.lstrip().startswith("{"):
        return None
    try:
        value = replace_lone_surrogates(ast.literal_eval(text.strip()))
        json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, dict) and all(isinstance(name, str) for name in value) else None


def may_wrap(text: str, name: str) -> bool:
    """Return whether text may begin the whole call of that name, `{"name": "get", "arguments": …}`."""
    begun = _BLANKS.sub("", text[: len(name) + _MAX_WRAPPING])
    if begun[: len(_WRAPPING_START)] != _WRAPPING_START[: len(begun)]:
        return False
    names = {name, name.rpartition(".")[2]}
    wholes = [f'{_WRAPPING_START}{one}","{member}":' for one in names for member in _WRAPPING]
    return bool(name) and any(whole.startswith(begun) or begun.startswith(whole) for whole in wholes)


def wrapped_arguments(call: dict[str, Any], name: str) -> str | None:
    """Return as JSON the arguments in an object that is the whole call of that name; None if it is something else."""
    arguments = next((call[member] for member in _WRAPPING if member in call), None)
    if call.get("name") not in (name, name.rpartition(".")[2]) or len(call) != 2:
        return None
    if isinstance(arguments, str):
        arguments = loose_object(arguments)
    return json.dumps(arguments, ensure_ascii=False) if isinstance(arguments, dict) else None


def _types(schema: dict[str, Any], depth: int = _MAX_DEPTH) -> Iterator[str]:
    """Yield the types that a schema allows, as far as it says so."""
    types = schema.get("type")
    yield from [types] if isinstance(types, str) else [one for one in types or () if isinstance(one, str)]
    for union in ("anyOf", "oneOf", "allOf"):
        for branch in schema.get(union) or () if depth else ():
            if isinstance(branch, dict):
                yield from _types(branch, depth - 1)
    if types is None:
        for value in schema.get("enum") or ():
            yield from (kind for kind in ("string", *_KINDS) if _is_a(value, kind))


def _is_a(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _KINDS.get(kind, str))
