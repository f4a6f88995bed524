"""A create request and its history → the body of `POST /chat/completions`.

Only what the client set goes out. The messages come last, so that the bodies of a growing conversation share their
beginning. Field table: responses-api reference §2; what providers take: `dialect.py`.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from translators.chat.messages import ChatMessage, DeveloperMessage, SystemMessage, UserMessage
from translators.constraints.formats import form_of
from translators.constraints.judge import Demands, demands_of
from translators.constraints.tool_choice import ToolForm, tool_form
from translators.dialects.dialect import Dialect
from translators.errors import RequestError
from translators.notes import Notes
from translators.reasoning.returned import ReturnPolicy
from translators.reasoning.thinking import Sealer
from translators.responses.request import CreateRequest
from translators.responses.tools import AllowedTools
from translators.to_chat.alternation import taking_turns
from translators.to_chat.history import History
from translators.to_chat.messages import lead_text, shown_as_users
from translators.to_chat.parameters import sampling
from translators.tools.declared import chat_tools, loaded, united, web_search_options
from translators.tools.names import ToolNames
from translators.wire import encode

_BY_USER: Final = b'{"role":"user"'
"""How the JSON of a user message begins; no text can hold it, since its quotes are escaped there."""


class ChatRequest(Struct, frozen=True, gc=False):
    """The request as JSON, and what the way back needs to know of it."""

    json: bytes
    names: ToolNames
    history: History
    """The chain up to and including this request's input."""
    notes: Notes
    """Those on the input."""
    demands: Demands
    """What the adapter itself must see to in the answer."""


def chat_request(
    request: CreateRequest,
    history: History,
    dialect: Dialect,
    notes: Notes,
    *,
    model: str,
    stream: bool,
    seal: Sealer | None = None,
) -> ChatRequest:
    """Translate a request; raise RequestError for what cannot be sent.

    `model` is the provider's name of the model; `stream` whether its answer shall come in chunks; `seal` opens what
    clients carried.
    """
    return_policy = ReturnPolicy(seal, "current" if request.reasoning.context == "current_turn" else "all")
    tools = united(request.tools, [*history.loaded, *loaded(request.input)])
    names = ToolNames(tools)
    of_input = Notes()
    extended, messages = history.extended(request.input[history.known :], dialect, names, of_input, return_policy)
    notes.repeat(of_input)
    form = form_of(request.text, dialect, notes)
    thinks = request.reasoning.effort != "none"
    choice = tool_form(request.tool_choice, tools, names, dialect, notes, thinks=thinks)
    lead = "\n\n".join(filter(None, (lead_text(request.instructions, extended.lead), choice.words, form.words)))
    parts = _messages(lead, [*history.finished, *messages], dialect, notes)
    body: dict[str, Any] = {"model": model}
    body |= _streaming(stream, dialect, notes)
    calling = _tools(request, choice, names, dialect, notes)
    body |= sampling(request, dialect, notes, beside_tools="tools" in calling)
    body |= calling
    if form.member is not None:
        body["response_format"] = form.member
    head = encode(body)[:-1]
    return ChatRequest(
        b'%b,"messages":[%b]}' % (head, b",".join(parts)), names, extended, of_input,
        demands_of(request, not form.words, not choice.words, choice.tool),
    )  # fmt: skip


def _messages(lead: str, parts: list[bytes], dialect: Dialect, notes: Notes) -> list[bytes]:
    """Return all messages: what leads them, and the rest in the order that the provider wants."""
    if lead:
        parts.insert(0, encode(_first(lead, parts, dialect, notes)))
    if dialect.alternating or not dialect.tools:
        parts = taking_turns(parts, dialect, notes)
    if not parts:
        raise RequestError(
            "Nothing in 'input' can be said to a model. Send at least one message with text, or 'instructions'.",
            param="input",
            code="invalid_value",
        )
    return parts


def _first(lead: str, rest: Sequence[bytes], dialect: Dialect, notes: Notes) -> ChatMessage:
    """Return the message that the conversation begins with."""
    if dialect.user_needed and not any(_BY_USER in part for part in rest):
        notes.add("instructions", "approximated", f"provider '{dialect.name}' needs a user: shown as the user's")
        return UserMessage(lead)
    if dialect.developer_role:
        return DeveloperMessage(lead)
    if dialect.system_role:
        return SystemMessage(lead)
    notes.add("instructions", "approximated", f"provider '{dialect.name}' has no role for them: shown as the user's")
    return shown_as_users("system", lead)


def _streaming(asked: bool, dialect: Dialect, notes: Notes) -> dict[str, Any]:
    """Return the members that have an answer come in chunks, if it shall."""
    if asked and dialect.streaming == "never":
        notes.add("stream", "approximated", f"provider '{dialect.name}' does not stream: the answer comes at once")
    if dialect.streaming != "always" and not (asked and dialect.streaming == "asked"):
        return {}
    return {"stream": True} | ({"stream_options": {"include_usage": True}} if dialect.stream_usage else {})


def _tools(
    request: CreateRequest, choice: ToolForm, names: ToolNames, dialect: Dialect, notes: Notes
) -> dict[str, Any]:
    tools = chat_tools(choice.shown, names, dialect, notes)
    search = web_search_options(choice.shown, dialect, notes)
    body: dict[str, Any] = {} if search is None else {"web_search_options": search}
    if not tools:  # providers refuse tool_choice and parallel_tool_calls without tools
        wanted = request.tool_choice
        if (wanted.mode if isinstance(wanted, AllowedTools) else wanted) not in ("auto", "none"):
            why = "no tool is declared that a chat-completions provider can call"
            if not dialect.tools:
                why = f"provider '{dialect.name}' calls no functions"
            raise RequestError(
                f"Tool choice 'required' cannot be met: {why}.", param="tool_choice", code="invalid_value"
            )
        return body
    body["tools"] = tools
    if choice.member is not None:
        body["tool_choice"] = choice.member
    if request.parallel_tool_calls is not None and dialect.parallel_tool_calls:
        body["parallel_tool_calls"] = request.parallel_tool_calls  # the stream machine sees to it everywhere
    return body
