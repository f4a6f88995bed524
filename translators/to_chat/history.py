"""The conversation before a request, rendered as far as it can no longer change.

A `History` is the chain of a `previous_response_id`: the finished messages as JSON bytes, ready to be joined into the
next request, and the pending items after the last boundary, which new items may still join (a call waits for its
output). Extending a history renders only pending and new items, so turn 500 costs little more than turn 1; the bytes in
front stay the same, so the provider's prompt cache stays warm. A history belongs to one dialect and, if thinking goes
back, to one model and one choice of turns. It is immutable and shares its bytes with the histories that it extends.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from translators.context.configuration import latest_update
from translators.dialects.rendering import Rendering
from translators.reasoning.returned import ReturnPolicy
from translators.responses.items import ConfigurationUpdate, Item, Message
from translators.responses.tools import Tool
from translators.to_chat.messages import RenderState, items_to_messages
from translators.tools.declarations import LOADING_ITEMS, tools_from_items
from translators.tools.kinds import BY_CALL, call_ids
from translators.tools.names import ToolNames
from translators.wire import encode


class History(Struct, frozen=True, gc=False):
    leading_system_messages: tuple[Message, ...] = ()
    finished: tuple[bytes, ...] = ()
    """The finished messages as JSON: elements of an array, one or more a piece, joined by commas."""
    pending: tuple[Item, ...] = ()
    """Items after the finished messages; later items may change how they are rendered."""
    state: RenderState = RenderState()
    """The state after the finished messages."""
    call_ids: frozenset[str] = frozenset()
    """All call ids of the conversation; the next answer must not use them again."""
    loaded_tools: tuple[Tool, ...] = ()
    """Tools that items loaded."""
    update: ConfigurationUpdate | None = None
    """The last configuration update."""
    size: int = 0
    """Bytes of JSON in `finished`."""
    files: frozenset[str] = frozenset()
    """Ids of the uploaded files whose content it has."""
    known: int = 0
    """Number of the next request's input items that this history contains (see PrefixCache)."""

    def extend(
        self,
        items: Sequence[Item],
        rendering: Rendering,
        names: ToolNames,
        return_policy: ReturnPolicy = ReturnPolicy(),  # noqa: B008 - frozen
    ) -> "tuple[History, list[bytes]]":
        """Return this history with items added, and as JSON pieces the messages that follow this history's `finished`.

        Raise RequestError for calls without outputs and outputs without calls.
        """
        pending = (*self.pending, *items)
        rendered = items_to_messages(
            pending,
            rendering,
            names,
            previous=self.state,
            first_input=len(self.pending) - self.known,
            return_policy=return_policy,
        )
        final = rendered.boundary.messages
        finished = [encode(rendered.messages[:final])[1:-1]] if final else []
        unfinished = [encode(rendered.messages[final:])[1:-1]] if len(rendered.messages) > final else []
        kinds = set(map(type, items))
        return (
            replace(
                self,
                leading_system_messages=(*self.leading_system_messages, *rendered.leading_system_messages),
                finished=(*self.finished, *finished),
                pending=pending[rendered.boundary.items :],
                state=rendered.state,
                loaded_tools=self._with_tools(items) if not kinds.isdisjoint(LOADING_ITEMS) else self.loaded_tools,
                update=latest_update(items) if ConfigurationUpdate in kinds else self.update,
                call_ids=self._with_calls(items) if not kinds.isdisjoint(BY_CALL) else self.call_ids,
                size=self.size + sum(map(len, finished)),
                known=0,
            ),
            [*finished, *unfinished],
        )

    def with_output(self, output: Sequence[Item]) -> "History":
        """Return this history with a response's output added; the next `extend` renders it."""
        kinds = set(map(type, output))
        return replace(
            self,
            pending=(*self.pending, *output),
            call_ids=self._with_calls(output) if not kinds.isdisjoint(BY_CALL) else self.call_ids,
            loaded_tools=self._with_tools(output) if not kinds.isdisjoint(LOADING_ITEMS) else self.loaded_tools,
            known=0,
        )

    def _with_calls(self, items: Sequence[Item]) -> frozenset[str]:
        return self.call_ids.union(call_ids(items))

    def _with_tools(self, items: Sequence[Item]) -> tuple[Tool, ...]:
        return (*self.loaded_tools, *tools_from_items(items))
