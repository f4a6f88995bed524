"""The functions that a chat request declares, as they are needed to read calls that a model wrote as text."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from translators.tools.names import ToolNames


class MarkedCall(NamedTuple):
    """A call that a model wrote as text. Its `arguments` are JSON, as far as the model wrote JSON."""

    name: str
    arguments: str
    id: str = ""


class DeclaredFunctions:
    """Finds the function that a model means; `declared` are the tools of a chat request."""

    def __init__(self, declared: Sequence[dict[str, Any]] = (), names: ToolNames | None = None) -> None:
        self._declared = declared
        self._meant: Callable[[str], str | None] = (names or ToolNames()).meant

    def __bool__(self) -> bool:
        return bool(self._declared)

    @cached_property
    def parameters(self) -> dict[str, dict[str, Any]]:
        """The schema of each function's arguments, by its name."""
        functions = [tool["function"] for tool in self._declared]
        return {function["name"]: function.get("parameters") or {} for function in functions}

    def find(self, name: str) -> str | None:
        """Return the declared name that is meant; None if there is none."""
        name = name.strip()
        if name in self.parameters:
            return name
        meant = self._meant(name)
        return meant if meant in self.parameters else None

    def may_begin(self, text: str) -> bool:
        """Whether text begins with a declared name, or is the beginning of one."""
        return any(name.startswith(text) or text.startswith(name) for name in self.parameters)

    def property(self, function: str, name: str) -> dict[str, Any]:
        """Return the schema of one argument; {} if it is not declared."""
        properties = self.parameters.get(function, {}).get("properties")
        found = properties.get(name) if isinstance(properties, dict) else None
        return found if isinstance(found, dict) else {}
