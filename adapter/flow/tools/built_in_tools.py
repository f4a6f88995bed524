"""The registry of built-in tools: what opens each type of declaration, so that its calls can be run.

MCP servers are not among them: their functions are listed, not fixed (`usable_servers.py`). What a new tool must
provide: docs/architecture.md.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from adapter.flow.caller import Caller
from adapter.flow.context import ContextSource
from adapter.flow.tools.built_in.base import BuiltIn, Opening
from adapter.flow.tools.built_in.code_interpreter import open_code_interpreter
from adapter.flow.tools.built_in.file_search import open_file_search
from adapter.flow.tools.built_in.image_generation import open_image_generation
from adapter.flow.tools.built_in.web_search import open_web_search
from adapter.hosting.policy import ToolPolicy
from translators.notes import Notes
from translators.responses.items import Item
from translators.responses.tools import WEB_SEARCH_TOOLS, CodeInterpreterTool, FileSearchTool, ImageGenerationTool

BUILT_IN_TOOLS: Final[Mapping[type, Callable[[Any, Opening], BuiltIn | None]]] = {
    **dict.fromkeys(WEB_SEARCH_TOOLS, open_web_search),
    FileSearchTool: open_file_search,
    CodeInterpreterTool: open_code_interpreter,
    ImageGenerationTool: open_image_generation,
}
"""Each returns what runs the calls of a declared tool, or None: the request goes on without it. Raises RequestError."""


def open_built_ins(
    source: ContextSource, caller: Caller, policy: ToolPolicy, items: Sequence[Item], notes: Notes
) -> Iterator[BuiltIn]:
    """Yield the declared tools that can be run; raise RequestError for one that is not configured."""
    for at, tool in enumerate(source.request.tools):
        if (open_tool := BUILT_IN_TOOLS.get(type(tool))) is not None:
            opening = Opening(f"tools[{at}]", source, caller, policy, items, notes)
            if (built_in := open_tool(tool, opening)) is not None:
                yield built_in
