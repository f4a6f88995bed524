"""What came before a request, rendered as far as it can never change.

A `History` is the chain of a `previous_response_id`: the finished messages as JSON bytes, ready to be joined into the
next request, and the items behind the last boundary, which new items may still join (an open call waits for its
output). Extending it renders only those and the new ones, so turn 500 costs little more than turn 1, and the bytes in
front never change, so a provider's prompt cache stays warm. A history belongs to one dialect, and
to one model and choice of turns as far as thinking goes back. It is immutable and shares its bytes with the histories
it grew from.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from translators.chat.messages import ChatMessage
from translators.context.configuration import latest_update
from translators.dialects.dialect import Dialect
from translators.notes import Notes
from translators.reasoning.returned import ReturnPolicy
from translators.responses.items import ConfigurationUpdate, Item, Message
from translators.responses.tools import Tool
from translators.to_chat.messages import Settled, items_to_messages
from translators.tools.declared import loaded
from translators.tools.kinds import call_ids
from translators.tools.names import ToolNames
from translators.wire import encode


class History(Struct, frozen=True, gc=False):
    lead: tuple[Message, ...] = ()
    """System and developer messages that led the conversation."""
    finished: tuple[bytes, ...] = ()
    """The finished messages as JSON: elements of an array, in pieces of one or more."""
    tail: tuple[Item, ...] = ()
    """Items behind them that are not rendered for good."""
    settled: Settled = Settled()
    """What the finished messages mean to the items behind them."""
    call_ids: frozenset[str] = frozenset()
    """All call ids ever used; the next answer must not use them again."""
    loaded: tuple[Tool, ...] = ()
    """Tools that items brought along."""
    update: ConfigurationUpdate | None = None
    """The last one of them."""
    size: int = 0
    """Bytes of JSON in `finished`."""
    known: int = 0
    """How many items of the request that it is extended for are in it already."""

    def extended(
        self,
        items: Sequence[Item],
        dialect: Dialect,
        names: ToolNames,
        notes: Notes,
        return_policy: ReturnPolicy = ReturnPolicy(),  # noqa: B008 - frozen
    ) -> "tuple[History, list[bytes]]":
        """Return this history with the items behind it, and its messages behind `finished` as it was, in such pieces.

        Raises RequestError where calls and outputs do not pair.
        """
        pending = (*self.tail, *items)
        rendered = items_to_messages(
            pending,
            dialect,
            names,
            notes,
            first_input=len(self.tail) - self.known,
            settled=self.settled,
            follows=bool(self.finished),
            return_policy=return_policy,
        )
        finished = _piece(rendered.messages[: rendered.boundary.messages])
        open = _piece(rendered.messages[rendered.boundary.messages :])
        return (
            replace(
                self,
                lead=(*self.lead, *rendered.lead),
                finished=(*self.finished, *finished),
                tail=pending[rendered.boundary.items :],
                settled=rendered.settled,
                loaded=(*self.loaded, *loaded(items)),
                update=latest_update(items, self.update),
                call_ids=self.call_ids.union(call_ids(items)),
                size=self.size + sum(map(len, finished)),
                known=0,
            ),
            [*finished, *open],
        )

    def followed_by(self, output: Sequence[Item]) -> "History":
        """Return this history with a response's output behind it, which the next request will render."""
        return replace(
            self, tail=(*self.tail, *output), call_ids=self.call_ids.union(call_ids(output)), known=0
        )


def _piece(messages: Sequence[ChatMessage]) -> list[bytes]:
    return [encode(messages)[1:-1]] if messages else []
