"""What each built-in tool provides for one response, and what it is opened with."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from adapter.flow.caller import Caller
from adapter.flow.context import ContextSource
from adapter.hosting.policy import ToolPolicy
from adapter.hosting.runs import ToolRun
from translators.notes import Notes
from translators.open_items.citations import CitedFile
from translators.responses.items import Item
from translators.responses.tools import FunctionTool


class Opening(Struct, frozen=True):
    """What a declared tool is opened with: the request that declares it, and what the operator has configured."""

    path: str
    """Of the declaration in the request, such as `tools[0]`."""
    source: ContextSource
    caller: Caller
    policy: ToolPolicy
    items: Sequence[Item]
    """The whole context, up to and including the input."""
    notes: Notes


class BuiltIn(Struct, frozen=True):
    """One declared tool: its functions, and what runs a call of each."""

    declared: object
    functions: tuple[FunctionTool, ...]
    run: Callable[[str, str], ToolRun]
    """Returns the run of a call; its arguments are the function's name and the arguments of the call."""
    close: Callable[[], None] = lambda: None
    cited_files: Mapping[int, CitedFile] = {}
    """Files of the history that the model may cite, by number."""
