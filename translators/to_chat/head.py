"""The head of a chat request: all of it but the messages.

It depends on the tools, the dialect and the members of a request other than its input, so requests that have a base in
common share it (`translators/responses/request.py`). Only what the client set goes out. Source: OpenAI API reference,
Responses: create; OpenAI API reference, Chat: create; docs/dialects.md.
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
from translators.responses.request import CreateRequest
from translators.responses.tools import HOSTED_TOOLS, AllowedTools, Tool, ToolChoice
from translators.to_chat.content import PARAGRAPH
from translators.to_chat.parameters import chat_parameters
from translators.tools.declarations import (
    chat_tools,
    drop_responses_keywords,
    placeholder_function,
    web_search_options,
)
from translators.tools.names import ToolNames, qualified_names
from translators.wire import encode

_RESPONSES_KEYWORD: Final = b'"encrypted":'


class ChatHead(Struct, frozen=True, gc=False):
    """All of a chat request but its messages, and what is needed to read its answer."""

    dialect: Dialect
    json: bytes
    """The HTTP body up to the messages, its last member."""
    demands: str
    """What the leading message must ask for, because the provider does not enforce it; "": nothing."""
    names: ToolNames
    """Of the declared tools; a copy of it gets the names that are met in the history."""
    has_tools: bool
    functions: Sequence[dict[str, Any]]
    """The tools that may be called."""
    answer_rules: AnswerRules
    notes: Notes


def chat_head(
    request: CreateRequest,
    tools: Sequence[Tool],
    dialect: Dialect,
    model: str,
    stream: bool,
    called: Sequence[str] = (),
) -> ChatHead:
    """Return the head of a request's chat request; raise RequestError for what cannot be sent.

    `tools`: the declared ones, and those that the conversation has loaded. `called`: the functions that the messages
    call, for a provider that wants those declared.
    """
    rendering, names = Rendering(dialect, Notes()), ToolNames(tools)
    thinks = request.reasoning.effort != "none"
    choice = render_tool_choice(request.tool_choice, tools, names, rendering, thinks=thinks)
    if request.tool_choice == "none" or isinstance(request.tool_choice, AllowedTools):
        names.allow_only(() if request.tool_choice == "none" else choice.tools)
    with_tools = not dialect.format_with_tools and dialect.tools and any(map(qualified_names, choice.tools))
    format = render_format(request.text, rendering, with_tools=with_tools)
    body: dict[str, Any] = {"model": model}
    body |= _streaming(stream, rendering)
    tool_fields = _tool_fields(request, choice, names, rendering)
    has_tools = "tools" in tool_fields
    functions = () if _mode(request) == "none" else tool_fields.get("tools", ())
    if dialect.calls_need_tools and not has_tools:
        tool_fields |= _tools_of_history(called, rendering)
        names.allow_only(())
    body |= chat_parameters(request, rendering, with_tools="tools" in tool_fields)
    body |= tool_fields
    if format.member is not None:
        body["response_format"] = format.member
    json = encode(body)[:-1]
    if _RESPONSES_KEYWORD in json:  # cheaper than a look at every schema
        drop_responses_keywords(body, names, rendering)
        json = encode(body)[:-1]
    demands = PARAGRAPH.join(filter(None, (choice.instruction, format.instruction)))
    rules = answer_rules(request, format, choice)
    return ChatHead(dialect, json, demands, names, has_tools, functions, rules, rendering.notes)


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


def _tools_of_history(called: Sequence[str], rendering: Rendering) -> dict[str, Any]:
    """Return declarations of the functions that the messages call, for a request that has no tools."""
    if not called:
        return {}
    rendering.note("tools", "approximated", "requires tools for earlier calls: those are declared, not to be called")
    tools = [placeholder_function(name) for name in called]
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
