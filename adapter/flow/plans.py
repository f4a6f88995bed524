"""Plans: what the chat request of a round asks for, whichever candidate gets it.

A plan is a function of a candidate's context, so that the same request can be made again for another candidate, or in
another form of the dialect. It returns a `RoundRequest`: a chat request that is not sent yet. A response begins with
`ask_as_requested` or, if compaction is all that the caller wants, `ask_for_compaction`. After a summary it goes on with
`ask_in_window`; if no summary could be made, with `ask_uncompacted`. After the calls of hosted tools it goes on with
`ask_next_round`, after those that the client has approved with `ask_with_items`.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from adapter.flow.context import Context
from adapter.history.compaction_items import PendingCompaction
from translators.context.pairs import drop_unpaired
from translators.context.summary import summary_request
from translators.errors import RequestError
from translators.responses.items import Item
from translators.to_chat.history import History
from translators.to_chat.request import ChatRequest

Plan: TypeAlias = "Callable[[Context], RoundRequest]"
"""Raises RequestError if the request cannot be expressed for the candidate, and StoreDown."""


class RoundRequest(Struct, frozen=True):
    """The chat request of one round, for one candidate."""

    plan: Plan
    context: Context
    chat: ChatRequest
    compaction: PendingCompaction | None = None
    """The answer is a summary for this compaction; None: it is an answer for the caller."""
    delay: float = 0.0
    """Seconds until it is sent: it is a retry."""


def ask_as_requested(context: Context) -> RoundRequest:
    """Ask what the caller asks; or first for a summary, if the context has grown beyond the caller's threshold."""
    chat = context.translate_after(context.request, context.history)
    if context.prefix is not None:
        context.cache_prefix(chat)
    if context.request.context_management and (compaction := context.due_compaction(chat)) is not None:
        return _ask_for_summary(ask_as_requested, context, compaction)
    return RoundRequest(ask_as_requested, context, chat)


def ask_for_compaction(context: Context) -> RoundRequest:
    """Ask for a summary of the whole context, and for nothing else."""
    items = drop_unpaired(context.load_items(), context.notes)
    if not items:
        raise RequestError("There is nothing to compact.", param="input", code="invalid_value")
    return _ask_for_summary(ask_for_compaction, context, PendingCompaction(items, items))


def ask_uncompacted(context: Context) -> RoundRequest:
    """Ask what the caller asks, however long the context is."""
    return RoundRequest(ask_uncompacted, context, context.translate())


def ask_in_window(window: Sequence[Item]) -> Plan:
    """Return the plan to ask what the caller asks, with the window of a compaction in place of the context."""
    return partial(_ask_in_window, window)


def _ask_in_window(window: Sequence[Item], context: Context) -> RoundRequest:
    request = replace(context.request, input=tuple(window))
    return RoundRequest(ask_in_window(window), context, context.translate_alone(request))


def ask_next_round(previous: RoundRequest, items: Sequence[Item], **changes: Any) -> Plan:
    """Return the plan to go on after the answer to `previous` with the items of that round, calls and results.

    `changes` are members of the request that the next round has otherwise.
    """
    # Not `previous` itself: its body would live as long as the response.
    return partial(_ask_next_round, previous.context, previous.plan, previous.chat.history, tuple(items), changes)


def _ask_next_round(
    before: Context, plan: Plan, history: History, items: tuple[Item, ...], changes: dict[str, Any], context: Context
) -> RoundRequest:
    if context is not before:  # gathered anew, in another form of the dialect
        history = plan(context).chat.history
    request = replace(context.request, input=(), **changes)
    chat = context.translate_after(request, history.with_output(items))
    return RoundRequest(partial(_ask_next_round, before, plan, history, items, changes), context, chat)


def ask_with_items(items: Sequence[Item]) -> Plan:
    """Return the plan to ask what the caller asks, with items behind the input."""
    return partial(_ask_with_items, tuple(items))


def _ask_with_items(items: tuple[Item, ...], context: Context) -> RoundRequest:
    request = replace(context.request, input=(*context.request.input, *items))
    return RoundRequest(ask_with_items(items), context, context.translate_after(request, context.history))


def _ask_for_summary(plan: Plan, context: Context, compaction: PendingCompaction) -> RoundRequest:
    chat = context.translate_alone(summary_request(context.request, compaction.to_summarise))
    chat.names.allow_all()  # an answer that calls a tool is no summary, and must be seen as such
    return RoundRequest(plan, context, chat, compaction)
