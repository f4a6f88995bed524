"""How many tokens a request is to its model, without asking the model.

A provider with a tokenizer of its own is asked (`Dialect.tokenizer`); where there is none, or it does not answer, the
count is an estimate by bytes, and a note says so.
"""

from adapter.context import Context
from adapter.conversations import items_of
from adapter.create import Caller
from adapter.services import Services
from translators.compaction import check_trigger, without_trigger
from translators.counting import estimated_tokens
from translators.notes import Notes
from translators.request import CreateRequest


def count(services: Services, caller: Caller, request: CreateRequest, notes: Notes) -> int:
    """Return the tokens of a request's whole context; raise RequestError for one that could not be sent."""
    if check_trigger(request.input):
        request = without_trigger(request)
    dialect = services.learning.dialect(request.model)
    earlier = None
    if request.conversation is not None:
        earlier = items_of(services.store, request.conversation, caller.tenant)
    context = Context(services, caller.tenant, request, dialect, notes, earlier)
    body = context.body(dialect, notes)
    notes.add("input_tokens", "estimated", "from the size of the request: four bytes are taken for a token")
    return estimated_tokens(body.json)
