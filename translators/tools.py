"""Tools and tool_choice, both ways.

Chat completions know functions by a flat name of at most 64 characters; the Responses API knows kinds, namespaces
and longer names. `ToolNames` is the bijection between the two for one request: deterministic (the same tools give
the same names, so provider prompt caches stay warm), and used for the declarations, for the calls in history and
for the calls that come back. Source: responses-api reference §4.
"""

from typing import Any, Literal

from msgspec import Struct

from translators.items import Name


class FunctionTool(Struct, frozen=True, gc=False, tag_field="type", tag="function"):
    """A function the client runs. An echo has every member, null where the client set nothing."""

    name: Name
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


Tool = FunctionTool


class FunctionChoice(Struct, frozen=True, gc=False, tag_field="type", tag="function"):
    name: Name


ToolChoice = Literal["none", "auto", "required"] | FunctionChoice
