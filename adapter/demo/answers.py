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

from adapter.demo.calls import choose_calls, example_of_a_call
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
    if results := _results(messages):
        made.text = _quote(results, messages)
    elif calls := choose_calls(request, _last_user_text(messages)):
        made.calls = calls
        made.finish_reason = "tool_calls"
    else:
        made.text = _format_answer(request) or _echo(request)
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


def _echo(request: JSON) -> str:
    messages: list[JSON] = request["messages"]
    earlier = _earlier_turns(messages)
    said = f"You said: {_last_user_text(messages)}{_shown(sum(map(_images, messages)))}"
    if earlier:
        turns = "one earlier turn" if len(earlier) == 1 else f"{len(earlier)} earlier turns"
        said += f"\n\nI remember {turns}; the first was: {earlier[0]}"
    elif (example := example_of_a_call(request)) is not None:
        said += f"\n\nI am the demo, not a model. I call a tool if you name it: {example}"
    return said


def _earlier_turns(messages: list[JSON]) -> list[str]:
    """Return what the user said in each turn before this one, the last message of several in a row."""
    users = [message for message in messages if message.get("role") in ("user", "assistant")]
    return [
        _text(message)
        for message, following in itertools.pairwise(users)
        if message["role"] == "user" and following["role"] == "assistant"
    ]


def _results(messages: list[JSON]) -> list[JSON]:
    """Return the tool results since the model's last words; images of a result may follow in a user message."""
    after = itertools.takewhile(lambda message: message.get("role") != "assistant", reversed(messages))
    return [message for message in after if message.get("role") == "tool"][::-1]


def _quote(results: list[JSON], messages: list[JSON]) -> str:
    names = {
        call["id"]: call["function"]["name"] for message in messages for call in message.get("tool_calls") or ()
    }
    after = itertools.takewhile(lambda message: message.get("role") != "tool", reversed(messages))
    lines = [f"{names.get(result.get('tool_call_id'), 'The tool')} returned: {_text(result)}" for result in results]
    return "\n".join(lines) + _shown(sum(map(_images, after)))


def _shown(images: int) -> str:
    return f" (and I was shown {images} image{'s' if images > 1 else ''})" if images else ""


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
    choice = {
        "index": 0, "message": message, "logprobs": _logprobs(request, *_words(made.text)),
        "finish_reason": made.finish_reason,
    }  # fmt: skip
    return _envelope(request, "chat.completion") | {"choices": [choice], "usage": made.usage}


def chunks(request: JSON) -> Iterator[JSON]:
    """Yield the answer as chat completion chunks, a word each."""
    made = answer(request)
    envelope = _envelope(request, "chat.completion.chunk")

    def chunk(delta: JSON, finish_reason: str | None = None, logprobs: JSON | None = None) -> JSON:
        choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}
        return envelope | {"choices": [choice]}

    yield chunk({"role": "assistant", "content": ""})
    for word in _words(made.reasoning):
        yield chunk({"reasoning_content": word})
    for word in _words(made.text):
        yield chunk({"content": word}, logprobs=_logprobs(request, word))
    for index, (name, arguments) in enumerate(made.calls):
        yield chunk({"tool_calls": [{"index": index, **_call(name, "")}]})
        for piece in _words(arguments):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, made.finish_reason)
    if (request.get("stream_options") or {}).get("include_usage"):
        yield envelope | {"choices": [], "usage": made.usage}


def _logprobs(request: JSON, *words: str) -> JSON | None:
    """Return the log probabilities of words, if they were asked for; each word was certain."""
    if not request.get("logprobs"):
        return None
    tokens = [{"token": word, "logprob": 0.0, "bytes": list(word.encode())} for word in words]
    count = min(request.get("top_logprobs") or 0, 1)
    return {"content": [token | {"top_logprobs": [token] * count} for token in tokens]}


def _call(name: str, arguments: str) -> JSON:
    id = f"chatcmpl-tool-{next(_numbers):08x}"
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _envelope(request: JSON, object: str) -> JSON:
    id = f"chatcmpl-{next(_numbers):08x}"
    return {"id": id, "object": object, "created": int(time.time()), "model": request.get("model", "demo")}
