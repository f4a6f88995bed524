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

from translators.chat import ChatMessage, Content
from translators.configuration import latest_update
from translators.declarations import Tool
from translators.dialect import Dialect
from translators.items import ConfigurationUpdate, Item, Message
from translators.messages import items_to_messages
from translators.notes import Notes
from translators.reasoning import Replay
from translators.tools import ToolNames
from translators.tools.declared import loaded
from translators.tools.kinds import call_ids
from translators.wire import encode


class History(Struct, frozen=True, gc=False):
    lead: tuple[Message, ...] = ()
    """System and developer messages that led the conversation."""
    sealed: tuple[bytes, ...] = ()
    """The finished messages as JSON: elements of an array, in pieces of one or more."""
    tail: tuple[Item, ...] = ()
    """Items behind them that are not rendered for good."""
    answered: frozenset[str] = frozenset()
    """Call ids that have their tool message among the finished messages."""
    call_ids: frozenset[str] = frozenset()
    """All call ids ever used; the next answer must not use them again."""
    asked: Content | None = None
    """What the user said last in them."""
    asking: bool = False
    """Nothing was said since."""
    loaded: tuple[Tool, ...] = ()
    """Tools that items brought along."""
    update: ConfigurationUpdate | None = None
    """The last one of them."""
    size: int = 0
    """Bytes of JSON in `sealed`."""
    known: int = 0
    """How many items of the request that it is extended for are in it already."""

    def extended(
        self,
        items: Sequence[Item],
        dialect: Dialect,
        names: ToolNames,
        notes: Notes,
        replay: Replay = Replay(),  # noqa: B008 - frozen
    ) -> "tuple[History, list[bytes]]":
        """Return this history with the items behind it, and its messages behind `sealed` as it was, in such pieces.

        Raises RequestError where calls and outputs do not pair.
        """
        pending = (*self.tail, *items)
        rendered = items_to_messages(
            pending,
            dialect,
            names,
            notes,
            first_input=len(self.tail) - self.known,
            answered=self.answered,
            asked=self.asked,
            asking=self.asking,
            follows=bool(self.sealed),
            replay=replay,
        )
        finished = _piece(rendered.messages[: rendered.boundary.messages])
        open = _piece(rendered.messages[rendered.boundary.messages :])
        return (
            History(
                lead=(*self.lead, *rendered.lead),
                sealed=(*self.sealed, *finished),
                tail=pending[rendered.boundary.items :],
                answered=frozenset(rendered.answered),
                asked=rendered.asked,
                asking=rendered.asking,
                loaded=(*self.loaded, *loaded(items)),
                update=latest_update(items, self.update),
                call_ids=self.call_ids.union(call_ids(items)),
                size=self.size + sum(map(len, finished)),
            ),
            [*finished, *open],
        )

    def followed_by(self, output: Sequence[Item]) -> "History":
        """Return this history with a response's output behind it, which the next request will render."""
        return History(
            lead=self.lead,
            sealed=self.sealed,
            tail=self.tail + tuple(output),
            answered=self.answered,
            asked=self.asked,
            asking=self.asking,
            loaded=self.loaded,
            update=self.update,
            call_ids=self.call_ids.union(call_ids(output)),
            size=self.size,
        )


def _piece(messages: Sequence[ChatMessage]) -> list[bytes]:
    return [encode(messages)[1:-1]] if messages else []
