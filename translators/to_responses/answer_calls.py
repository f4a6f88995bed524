"""The calls of one answer, from its first call on: which tool each means, which `call_id` it has, and its item.

A call means the tool of its name, or the only one that a name like it can mean. Its `call_id` is the provider's, where
clients can use that one. `sorter` finds the call that a piece belongs to; most pieces only go on with the call of the
piece before, and `RunningCall` takes these.
"""

from typing import Final

from msgspec import Struct

from translators.chat.chunks import ToolCallDelta
from translators.errors import shorten
from translators.notes import Notes
from translators.open_items.base import FinalStatus, OpenItem
from translators.responses.events import Event
from translators.responses.ids import Ids
from translators.to_responses.calls import CallSorter, unreadable_call
from translators.to_responses.expectations import Expectations
from translators.to_responses.provider_call import ProviderCall
from translators.to_responses.queued_item import QueuedItem
from translators.tools.function import OpenFunctionCall
from translators.tools.names import QualifiedName

_MAX_ID_CHARACTERS: Final = 64
"""What the API accepts as `call_id` when the client sends the call back. Source: OpenAI OpenAPI specification."""


class AnswerCalls:
    """The calls of one answer; `expectations` are those of its request."""

    def __init__(self, expectations: Expectations, ids: Ids, notes: Notes) -> None:
        self._names = expectations.names
        self._hosted = expectations.hosted
        self._ids = ids
        self._notes = notes
        self._used_ids = set(expectations.taken_call_ids)
        self._id_of: dict[ProviderCall, str] = {}
        self.sorter = CallSorter(expectations.names)
        self.entries: dict[ProviderCall, QueuedItem] = {}
        """The item of each call, also if it is done."""

    def name(self, call: ProviderCall) -> str:
        """Return the name of the tool that a call can only mean; its own if that says nothing."""
        meant = self._names.meant(call.name) or call.name
        if meant != call.name:
            self._notes.add("tool_calls", "repaired", f"'{shorten(call.name)}' is taken as the tool '{meant}'")
        return meant

    def tool(self, call: ProviderCall) -> QualifiedName:
        """Return the tool that a call means."""
        return self._names.restore(self._names.meant(call.name) or call.name)

    def is_hosted(self, call: ProviderCall) -> bool:
        """Return whether the adapter runs a call itself."""
        flat = self._names.meant(call.name) or call.name
        return self._names.restore(flat) in self._hosted and self._names.may_call(flat)

    def call_id(self, call: ProviderCall) -> str:
        """Return the provider's id if it has 1 to 64 characters and was not used before, else a new one.

        A hosted call always gets a new one, which its item's id leads back to.
        """
        if call not in self._id_of:
            id = "" if self._hosted and self.is_hosted(call) else call.id
            if not 0 < len(id) <= _MAX_ID_CHARACTERS or id in self._used_ids:
                id = self._ids.call()
            self._used_ids.add(id)
            self._id_of[call] = id
        return self._id_of[call]

    def take_rest(self, call: ProviderCall) -> str:
        """Return what was held back of a call's arguments; note what was not taken as it came."""
        if call.is_repaired():
            self._notes.add("tool_calls", "repaired", "arguments that were not JSON as they stood")
        if call.has_tail:
            self._notes.add("tool_calls", "dropped", "what followed the arguments of a call")
        return call.rest(free_text=self.tool(call).kind == "custom")

    def check(self, status: FinalStatus) -> None:
        """Raise UpstreamError for a call that cannot be executed as it stands, before the calls ahead of it are done.

        Those that are done already are checked too: something may have come behind them.
        """
        for call, entry in self.entries.items():
            if not call.name or entry.kind == "dropped" or (status == "incomplete" and not entry.closed):
                continue
            tool = self.tool(call)
            why = call.problem(free_text=tool.kind == "custom")
            if why is not None and ((tool.kind == "function" and tool not in self._hosted) or call.is_complete()):
                raise unreadable_call(call.name, why)


class RunningCall(Struct, frozen=True, eq=False):
    """A call in the middle of its arguments, under an index, and its open item."""

    _call: ProviderCall
    _index: int
    _item: OpenItem

    def take(self, piece: ToolCallDelta, events: list[Event]) -> int:
        """Add a piece that is nothing but more of the arguments; return its length, 0 if it may be something else."""
        function = piece.function
        if function is None or function.name or piece.id or piece.extra_content or piece.index != self._index:
            return 0
        fragment = function.arguments
        if not fragment or not isinstance(fragment, str):
            return 0
        if "{" in fragment or "}" in fragment or not fragment.isprintable():
            return 0
        self._call.pieces.append(fragment)
        self._item.append("arguments", fragment, [], events)
        return len(fragment)

    def take_first(self, index: int, fragments: list[str], events: list[Event]) -> int:
        """Add pieces as `take` does, up to the first that may be more; return the number of those added."""
        if index != self._index:
            return 0
        count = 0
        for fragment in fragments:
            if "{" in fragment or "}" in fragment or not fragment.isprintable():
                break
            count += 1
        taken = fragments[:count]
        self._call.pieces += taken
        if isinstance(self._item, OpenFunctionCall):
            self._item.extend(taken, events)
        else:
            for fragment in taken:
                self._item.append("arguments", fragment, [], events)
        return count
