"""A create request and its history → the body of `POST /chat/completions`.

Only what the client set goes out. The messages come last, so that the bodies of a growing conversation share their
beginning. Source: OpenAI API reference, Responses: create; OpenAI API reference, Chat: create; docs/dialects.md.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from translators.constraints.formats import render_format
from translators.constraints.judge import AnswerRules, answer_rules
from translators.constraints.tool_choice import RenderedToolChoice, render_tool_choice
from translators.dialects.dialect import Dialect
from translators.dialects.rendering import Rendering
from translators.errors import RequestError
from translators.notes import Notes
from translators.reasoning.returned import ReturnPolicy
from translators.reasoning.thinking import Sealer
from translators.responses.request import CreateRequest
from translators.responses.tools import HOSTED_TOOLS, AllowedTools, ToolChoice
from translators.to_chat.content import PARAGRAPH
from translators.to_chat.history import History
from translators.to_chat.instructions import leading_message, leading_text
from translators.to_chat.parameters import chat_parameters
from translators.to_chat.role_order import order_roles
from translators.tools.declarations import (
    chat_tools,
    drop_responses_keywords,
    merge_tools,
    placeholder_function,
    tools_from_items,
    web_search_options,
)
from translators.tools.names import ToolNames, qualified_names
from translators.wire import decode, encode

_RESPONSES_KEYWORD: Final = b'"encrypted":'
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
    tools = merge_tools(request.tools, [*history.loaded_tools, *tools_from_items(request.input)])
    names = ToolNames(tools)
    extended, messages = history.extend(request.input[history.known :], of_input, names, return_policy)
    notes.repeat(of_input.notes)
    thinks = request.reasoning.effort != "none"
    choice = render_tool_choice(request.tool_choice, tools, names, rendering, thinks=thinks)
    if request.tool_choice == "none" or isinstance(request.tool_choice, AllowedTools):
        names.allow_only(() if request.tool_choice == "none" else choice.tools)
    with_tools = not dialect.format_with_tools and dialect.tools and any(map(qualified_names, choice.tools))
    format = render_format(request.text, rendering, with_tools=with_tools)
    leading = leading_text(request.instructions, extended.leading_system_messages)
    leading = PARAGRAPH.join(filter(None, (leading, choice.instruction, format.instruction)))
    parts = _all_messages(leading, [*history.finished, *messages], rendering)
    body: dict[str, Any] = {"model": model}
    body |= _streaming(stream, rendering)
    tool_fields = _tool_fields(request, choice, names, rendering)
    functions = () if _mode(request) == "none" else tool_fields.get("tools", ())
    if dialect.calls_need_tools and "tools" not in tool_fields:
        tool_fields |= _tools_of_history(parts, rendering)
        names.allow_only(())
    body |= chat_parameters(request, rendering, with_tools="tools" in tool_fields)
    body |= tool_fields
    if format.member is not None:
        body["response_format"] = format.member
    head = encode(body)[:-1]
    if _RESPONSES_KEYWORD in head:  # cheaper than a look at every schema
        drop_responses_keywords(body, names, rendering)
        head = encode(body)[:-1]
    json = b'%b,"messages":[%b]}' % (head, b",".join(parts))
    return ChatRequest(json, names, extended, of_input.notes, answer_rules(request, format, choice), functions)


def _all_messages(leading: str, parts: list[bytes], rendering: Rendering) -> list[bytes]:
    """Return the leading message and the others as JSON, in the order that the provider requires."""
    if leading:
        parts.insert(0, encode(leading_message(leading, parts, rendering)))
    parts = order_roles(parts, rendering)
    if not parts:
        raise RequestError(
            "Nothing in 'input' can be said to a model. Send at least one message with text, or 'instructions'.",
            param="input",
            code="invalid_value",
        )
    return parts


def _streaming(wanted: bool, rendering: Rendering) -> dict[str, Any]:
    dialect = rendering.dialect
    if wanted and dialect.streaming == "never":
        rendering.note("stream", "approximated", "does not stream: the answer arrives whole")
    if dialect.streaming != "always" and not (wanted and dialect.streaming == "asked"):
        return {}
    return {"stream": True} | ({"stream_options": {"include_usage": True}} if dialect.stream_usage else {})


def _tool_fields(
    request: CreateRequest, choice: RenderedToolChoice, names: ToolNames, rendering: Rendering
) -> dict[str, Any]:
    tools = chat_tools(choice.tools, names, rendering)
    search = web_search_options(choice.tools, rendering)
    body: dict[str, Any] = {} if search is None else {"web_search_options": search}
    if not tools:  # providers reject tool_choice and parallel_tool_calls without tools
        _check_no_call_required(request, rendering)
        return body
    body["tools"] = tools
    if choice.member is not None:
        body["tool_choice"] = choice.member
    if request.parallel_tool_calls is not None and rendering.dialect.parallel_tool_calls:
        body["parallel_tool_calls"] = request.parallel_tool_calls  # the stream machine enforces it in any case
    return body


def _tools_of_history(parts: Sequence[bytes], rendering: Rendering) -> dict[str, Any]:
    """Return declarations of the functions that the messages call, for a request that has no tools."""
    if not any(_CALLS_JSON in part for part in parts):
        return {}
    messages = decode(b"[%b]" % b",".join(parts))
    called = [call["function"]["name"] for message in messages for call in message.get("tool_calls", ())]
    rendering.note("tools", "approximated", "requires tools for earlier calls: those are declared, not to be called")
    tools = [placeholder_function(name) for name in dict.fromkeys(called)]
    return {"tools": tools} | ({"tool_choice": "none"} if "none" in rendering.dialect.tool_choices else {})


def _mode(request: CreateRequest) -> ToolChoice:
    """Return whether a tool may or must be called, or which one."""
    wanted = request.tool_choice
    return wanted.mode if isinstance(wanted, AllowedTools) else wanted


def _check_no_call_required(request: CreateRequest, rendering: Rendering) -> None:
    """Raise RequestError if a call is required although the provider gets no tools."""
    if _mode(request) in ("auto", "none") or not HOSTED_TOOLS.isdisjoint(map(type, request.tools)):
        return
    reason = "no tool is declared that a chat-completions provider can call"
    if not rendering.dialect.tools:
        reason = f"{rendering.provider} calls no functions"
    raise RequestError(f"Tool choice 'required' cannot be met: {reason}.", param="tool_choice", code="invalid_value")
