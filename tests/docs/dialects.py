"""The tables in docs/dialects.md, made from `Dialect`, the presets and the docstrings of the fields.

`python -m tests.docs.dialects` rewrites them between the two marks; the rest of the page is written by hand. Values
are written as the TOML file takes them.
"""

import ast
import inspect
import json
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

from msgspec.structs import fields

from translators.dialects import dialect
from translators.dialects.dialect import Dialect
from translators.dialects.presets import HOSTS, OWNERS, PORTS, PRESETS
from translators.responses.request import Effort

PAGE = Path(__file__).parents[2] / "docs" / "dialects.md"
BEGIN = "<!-- presets: written by python -m tests.docs.dialects -->\n"
EFFORTS = get_args(Effort)
END = "<!-- end of presets -->\n"
NOT_FOR_OPERATORS = ("name", "lessons")
"""Fields that are no setting."""


def tables() -> str:
    return f"{_presets()}\n## Fields\n\n{_fields()}"


def meanings() -> dict[str, str]:
    """Return the docstring of each field, in one line."""
    (body,) = [node.body for node in ast.parse(inspect.getsource(dialect)).body if isinstance(node, ast.ClassDef)]
    found = {}
    for field, text in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            assert isinstance(field.target, ast.Name)
            found[field.target.id] = " ".join(str(text.value.value).split())
    return found


def differences(preset: Dialect) -> dict[str, Any]:
    """Return the fields in which a preset departs from the default."""
    default = Dialect()
    names = [field.name for field in fields(Dialect) if field.name not in NOT_FOR_OPERATORS]
    return {name: getattr(preset, name) for name in names if getattr(preset, name) != getattr(default, name)}


def toml(value: Any) -> str:
    """Return a value as the TOML file has it."""
    if value is None:
        return '"none"'
    if isinstance(value, frozenset):
        return json.dumps(sorted(value, key=lambda one: (EFFORTS.index(one) if one in EFFORTS else 0, one)))
    if isinstance(value, dict):
        members = ", ".join(f"{name} = {toml(member)}" for name, member in value.items())
        return f"{{ {members} }}" if members else "{}"
    return json.dumps(value)


def _presets() -> str:
    head = "| preset | recognised by | differences from the default |\n|---|---|---|\n"
    return head + "".join(_preset(preset) for preset in PRESETS.values())


def _preset(preset: Dialect) -> str:
    told_by = [f"`{host}`" for host, name in HOSTS.items() if name == preset.name]
    told_by += [f"port {port}" for port, name in PORTS.items() if name == preset.name]
    told_by += [f"models owned by `{owner}`" for owner, name in OWNERS.items() if name == preset.name]
    different = [f"`{name} = {toml(value)}`" for name, value in differences(preset).items()]
    return f"| `{preset.name}` | {', '.join(told_by) or '–'} | {'<br>'.join(different) or '–'} |\n"


def _fields() -> str:
    head = "| field | default | meaning |\n|---|---|---|\n"
    default, meaning = Dialect(), meanings()
    rows = [field.name for field in fields(Dialect) if field.name not in NOT_FOR_OPERATORS]
    return head + "".join(f"| `{name}` | `{toml(getattr(default, name))}` | {meaning[name]} |\n" for name in rows)


def render(page: str) -> str:
    """Return the page with current tables."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + tables() + END + after


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text()))
