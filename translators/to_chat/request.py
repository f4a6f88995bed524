"""A create request and its history → the body of `POST /chat/completions`.

The messages come last, so that the bodies of a growing conversation share their beginning. Source: OpenAI API
reference, Responses: create; OpenAI API reference, Chat: create; docs/dialects.md.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from translators.constraints.judge import AnswerRules
from translators.dialects.dialect import Dialect
from translators.dialects.rendering import Rendering
from translators.errors import RequestError
from translators.notes import Notes
from translators.reasoning.returned import ReturnPolicy
from translators.reasoning.thinking import Sealer
from translators.responses.request import CreateRequest, make_once
from translators.to_chat.content import PARAGRAPH
from translators.to_chat.head import chat_head
from translators.to_chat.history import History
from translators.to_chat.instructions import leading_message, leading_text
from translators.to_chat.role_order import order_roles
from translators.tools.declarations import LOADING_ITEMS, merge_tools, tools_from_items
from translators.tools.names import ToolNames
from translators.wire import decode, encode

_CALLS_JSON: Final = b'"tool_calls":'
"""No text can contain it, since quotes are escaped there."""


class ChatRequest(Struct, frozen=True, gc=False):
    """A chat request, and what is needed to read its answer."""

    json: bytes
    """The HTTP body."""
    names: ToolNames
    history: History
    """The conversation up to and including this request's input."""
    notes: Notes
    """Notes on the input; they belong to its rendering, which later requests may reuse."""
    answer_rules: AnswerRules
    """What the adapter must check in the answer."""
    functions: Sequence[dict[str, Any]] = ()
    """The tools in the body that may be called."""


def chat_request(
    request: CreateRequest,
    history: History,
    dialect: Dialect,
    notes: Notes,
    *,
    model: str,
    stream: bool,
    sealer: Sealer | None = None,
) -> ChatRequest:
    """Translate a request; raise RequestError for what cannot be sent.

    `model`: the provider's name of the model. `stream`: the answer should come in chunks. `sealer`: unseals thinking
    that clients return.
    """
    rendering, of_input = Rendering(dialect, notes), Rendering(dialect, Notes())
    return_policy = ReturnPolicy(sealer, "current" if request.reasoning.context == "current_turn" else "all")
    if history.loaded_tools or not LOADING_ITEMS.isdisjoint(map(type, request.input)):
        tools = merge_tools(request.tools, [*history.loaded_tools, *tools_from_items(request.input)])
        head = chat_head(request, tools, dialect, model, stream)
    else:
        tools = request.tools
        # the head refers to the dialect, so no other dialect can get its id
        key = id(dialect), model, stream
        head = make_once(request, key, chat_head, request, tools, dialect, model, stream)
    names = head.names.copy()
    extended, messages = history.extend(request.input[history.known :], of_input, names, return_policy)
    if of_input.notes:
        notes.repeat(of_input.notes)
    leading = request.instructions or ""
    if extended.leading_system_messages:
        leading = leading_text(leading, extended.leading_system_messages)
    if head.demands:
        leading = PARAGRAPH.join(filter(None, (leading, head.demands)))
    parts = [*history.finished, *messages]
    if leading:
        parts.insert(0, encode(leading_message(leading, parts, rendering)))
    parts = order_roles(parts, rendering)
    if not parts:
        raise RequestError(
            "Nothing in 'input' can be said to a model. Send at least one message with text, or 'instructions'.",
            param="input",
            code="invalid_value",
        )
    if dialect.calls_need_tools and not head.has_tools and (called := _called_functions(parts)):
        head = chat_head(request, tools, dialect, model, stream, called)
    if head.notes:
        notes.repeat(head.notes)
    pieces = [head.json, b',"messages":[']
    for part in parts:
        pieces += (part, b",")
    pieces[-1] = b"]}"  # in place of the last comma
    json = b"".join(pieces)  # one copy; of a long history, each further one takes longer than all of the rest
    return ChatRequest(json, names, extended, of_input.notes, head.answer_rules, head.functions)


def _called_functions(parts: Sequence[bytes]) -> list[str]:
    """Return the names of the functions that messages call, each once."""
    if not any(_CALLS_JSON in part for part in parts):
        return []
    messages = decode(b"[%b]" % b",".join(parts))
    return list(dict.fromkeys(call["function"]["name"] for one in messages for call in one.get("tool_calls", ())))
