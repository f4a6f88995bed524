"""The answers of the demo upstream: a chat completion or its chunks for a chat request.

A word counts as a token. Nothing is random, and no state is shared between requests but the counter for ids.
"""

import itertools
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from adapter.demo.instances import instance_of

JSON = dict[str, Any]

_numbers = itertools.count(1)


@dataclass
class Answer:
    reasoning: str = ""
    text: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    """Name and arguments of each tool call."""
    finish_reason: str = "stop"
    usage: JSON = field(default_factory=dict)


def answer(request: JSON) -> Answer:
    """Return what the demo model says to a chat request."""
    messages: list[JSON] = request["messages"]
    made = Answer()
    if request.get("reasoning_effort") not in (None, "none"):
        made.reasoning = f"Messages in the conversation: {len(messages)}. I look at the last one."
    if messages[-1].get("role") == "tool":
        made.text = _quote_results(messages)
    elif tools := _choose_tools(request):
        made.calls = [(tool["name"], json.dumps(instance_of(tool.get("parameters") or {}))) for tool in tools]
        made.finish_reason = "tool_calls"
    else:
        made.text = _format_answer(request) or _echo(messages)
    _truncate(made, request.get("max_completion_tokens") or request.get("max_tokens"))
    _add_usage(made, messages)
    return made


def _format_answer(request: JSON) -> str | None:
    match request.get("response_format"):
        case {"type": "json_schema", "json_schema": {"schema": schema}}:
            return json.dumps(instance_of(schema))
        case {"type": "json_object"}:
            return json.dumps({"you_said": _last_user_text(request["messages"])})
        case _:
            return None


def _echo(messages: list[JSON]) -> str:
    earlier = [_text(message) for message in messages if message.get("role") == "user"][:-1]
    images = sum(_images(message) for message in messages)
    said = f"You said: {_last_user_text(messages)}"
    if images:
        said += f" (and I was shown {images} image{'s' if images > 1 else ''})"
    if not earlier:
        return said
    turns = "one earlier turn" if len(earlier) == 1 else f"{len(earlier)} earlier turns"
    return f"{said}\n\nI remember {turns}; the first was: {earlier[0]}"


def _quote_results(messages: list[JSON]) -> str:
    results = list(itertools.takewhile(lambda message: message.get("role") == "tool", reversed(messages)))
    names = {
        call["id"]: call["function"]["name"] for message in messages for call in message.get("tool_calls") or ()
    }
    lines = [
        f"{names.get(result.get('tool_call_id'), 'The tool')} returned: {_text(result)}" for result in reversed(results)
    ]
    return "\n".join(lines)


def _choose_tools(request: JSON) -> list[JSON]:
    """Return the functions to call: the one that `tool_choice` requires, or those that the user named, as often."""
    tools = [tool["function"] for tool in request.get("tools") or () if tool.get("type") == "function"]
    said = _last_user_text(request["messages"])
    named = [tool for tool in tools for _ in re.findall(rf"\b{re.escape(tool['name'])}\b", said)]
    match request.get("tool_choice"):
        case "none":
            return []
        case {"function": {"name": name}}:
            return [tool for tool in tools if tool["name"] == name]
        case "required":
            named = named or tools
    return named[:1] if request.get("parallel_tool_calls") is False else named


def _last_user_text(messages: list[JSON]) -> str:
    return next((_text(message) for message in reversed(messages) if message.get("role") == "user"), "")


def _text(message: JSON) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return " ".join(part.get("text", "") for part in content if part.get("type") == "text")


def _images(message: JSON) -> int:
    content = message.get("content")
    return sum(part.get("type") == "image_url" for part in content) if isinstance(content, list) else 0


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+\s*?(?=\s|$)|\s+$", text)


def _truncate(made: Answer, limit: int | None) -> None:
    """Shorten an answer to its token limit, reasoning first."""
    if limit is None or len(_words(made.reasoning)) + len(_words(made.text)) <= limit:
        return
    reasoning = _words(made.reasoning)[:limit]
    made.reasoning = "".join(reasoning)
    made.text = "".join(_words(made.text)[: limit - len(reasoning)])
    made.finish_reason = "length"


def _add_usage(made: Answer, messages: list[JSON]) -> None:
    prompt = sum(len(_text(message).split()) for message in messages) + len(messages)
    reasoning = len(_words(made.reasoning))
    completion = reasoning + len(_words(made.text)) + sum(1 + len(_words(arguments)) for _, arguments in made.calls)
    made.usage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }


def completion(request: JSON) -> JSON:
    """Return the whole answer as one chat completion."""
    made = answer(request)
    message: JSON = {"role": "assistant", "content": made.text or None}
    if made.reasoning:
        message["reasoning_content"] = made.reasoning
    if made.calls:
        message["tool_calls"] = [_call(name, arguments) for name, arguments in made.calls]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": made.finish_reason}
    return _envelope(request, "chat.completion") | {"choices": [choice], "usage": made.usage}


def chunks(request: JSON) -> Iterator[JSON]:
    """Yield the answer as chat completion chunks, a word each."""
    made = answer(request)
    envelope = _envelope(request, "chat.completion.chunk")

    def chunk(delta: JSON, finish_reason: str | None = None) -> JSON:
        return envelope | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}

    yield chunk({"role": "assistant", "content": ""})
    for word in _words(made.reasoning):
        yield chunk({"reasoning_content": word})
    for word in _words(made.text):
        yield chunk({"content": word})
    for index, (name, arguments) in enumerate(made.calls):
        yield chunk({"tool_calls": [{"index": index, **_call(name, "")}]})
        for piece in _words(arguments):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, made.finish_reason)
    if (request.get("stream_options") or {}).get("include_usage"):
        yield envelope | {"choices": [], "usage": made.usage}


def _call(name: str, arguments: str) -> JSON:
    id = f"chatcmpl-tool-{next(_numbers):08x}"
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _envelope(request: JSON, object: str) -> JSON:
    id = f"chatcmpl-{next(_numbers):08x}"
    return {"id": id, "object": object, "created": int(time.time()), "model": request.get("model", "demo")}
