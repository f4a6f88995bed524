"""What a recorded chat answer says, read as plainly as possible.

The yardstick for the core, so it shares no code with it and knows nothing of events: it collects and adds
up. Rules agreed on: choice 0 only · reasoning under any of its names, once · `<think>…</think>` at the
start of the content is reasoning, and the line ends behind it are nothing; Bedrock repeats its `<reasoning>` · what
was spoken is text ·
arguments as they came, an object as compact JSON, none as `{}` unless the answer was cut short · what nobody
named is no call · the last finish reason and the last usage with numbers count · thinking that is counted apart is
added to the output, and no part is larger than its whole · an error makes it failed ·
without a finish reason it is completed if the provider ended the answer itself and there is one, else failed · a
source is a URL, wherever it stands, and an answer without text has nowhere to tell it · one that ends within the
arguments of a call was cut by the token limit, whatever its finish reason (OpenRouter says `tool_calls`).
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

THINK = re.compile(r"\s*<(think|thinking|thought|reasoning)>(.*?)(?:</\1>[\r\n]*|$)(.*)", re.S)
INCOMPLETE = {
    "length": "max_output_tokens",
    "max_tokens": "max_output_tokens",
    "model_length": "max_output_tokens",
    "content_filter": "content_filter",
}
COMPLETED = ("stop", "tool_calls", "tool_call", "function_call", "eos", "eos_token")


@dataclass
class Answer:
    """What was said. `usage` is None where the provider counted nothing."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    """Id, name and arguments; no id where the recorded one can be no call id: none, too long, or there before."""
    sources: list[str] = field(default_factory=list)
    """Each URL once, in alphabetical order."""
    status: str = ""
    reason: str | None = None
    usage: dict[str, int] | None = None


def read_stream(body: bytes) -> Answer:
    """Read a recorded event stream."""
    reader = _Reader()
    done = False
    for line in body.decode("utf-8", "replace").splitlines():
        found = re.match(r"\s*(?:data|error):\s*(.+)", line)
        if found and found[1].strip() == "[DONE]":
            done = True
        elif found:
            reader.read(json.JSONDecoder().raw_decode(found[1])[0], "delta")
    return reader.answer(done)


def read_completion(body: bytes) -> Answer:
    """Read a recorded whole completion."""
    reader = _Reader()
    reader.read(json.loads(body), "message")
    return reader.answer(True)


class _Reader:
    def __init__(self) -> None:
        self.said: dict[str, list[str]] = {"text": [], "reasoning": [], "refusal": []}
        self.calls: list[_Call] = []
        self.sources: set[str] = set()
        self.finish: str | None = None
        self.usage: dict[str, Any] | None = None
        self.failed = False

    def read(self, chunk: dict[str, Any], member: str) -> None:
        self.failed = self.failed or bool(chunk.get("error"))
        usage = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage")
        if usage and (usage.get("prompt_tokens") is not None or usage.get("completion_tokens") is not None):
            self.usage = usage
        self.read_sources(chunk)
        for choice in chunk.get("choices") or ():
            if choice.get("index"):
                continue
            self.usage = self.usage or choice.get("usage")
            details = choice.get("finish_details") or {}
            self.finish = choice.get("finish_reason") or details.get("type") or self.finish
            if not self.failed:
                self.read_delta(choice.get(member) or {})
            self.failed = self.failed or bool(choice.get("error"))

    def read_delta(self, delta: dict[str, Any]) -> None:
        names = ("reasoning_content", "reasoning", "reasoning_details")
        told = [text for text in (plain(delta.get(name)) for name in names) if text]
        self.said["reasoning"] += told[:1]
        content = delta.get("content")
        for part in content if isinstance(content, list) else [content]:
            if isinstance(part, dict) and part.get("type") == "thinking":
                self.said["reasoning"].append(plain(part["thinking"]))
            elif isinstance(part, dict) and "type" not in part:
                self.said["text"].append(compact(part))
            else:
                self.said["text"].append(plain(part))
        self.said["text"].append((delta.get("audio") or {}).get("transcript") or "")
        self.said["refusal"].append(delta.get("refusal") or "")
        calls = delta.get("tool_calls") or []
        for position, piece in enumerate(calls if isinstance(calls, list) else [calls]):
            self.read_call(piece, position)
        self.read_sources(delta)
        legacy = delta.get("function_call")
        if legacy and not calls:
            self.read_call({"function": legacy}, 0)

    def read_sources(self, place: dict[str, Any]) -> None:
        told = [*(place.get("citations") or ()), *(place.get("search_results") or ())]
        told += [note.get("url_citation") or note for note in place.get("annotations") or ()]
        told += (place.get("venice_parameters") or {}).get("web_search_citations") or []
        for tool in place.get("executed_tools") or ():
            told += (tool.get("search_results") or {}).get("results") or []
        urls = [source if isinstance(source, str) else source.get("url") for source in told]
        self.sources |= {url for url in urls if url}

    def read_call(self, piece: dict[str, Any], position: int) -> None:
        index, id = piece.get("index"), piece.get("id")
        function = piece.get("function") or piece.get("custom") or {}
        key = index if isinstance(index, int) and index >= 0 else None
        known = [call for call in self.calls if call.index == key and (not id or id == call.id)]
        if key is None and function.get("name"):
            known = []  # without a usable index, a piece with a name is a call
        if not known:
            self.calls.append(_Call(key, id, function.get("name") or ""))
            known = self.calls[-1:]
        arguments = function.get("arguments", function.get("parameters", function.get("input")))
        known[-1].arguments.append(arguments if isinstance(arguments, str) else compact(arguments or ""))

    def answer(self, done: bool) -> Answer:
        text, reasoning = "".join(self.said["text"]), "".join(self.said["reasoning"])
        tagged = THINK.fullmatch(text)
        while tagged:
            reasoning, text = reasoning + tagged[2], tagged[3]
            tagged = THINK.fullmatch(text) if tagged[1] == "reasoning" and text.startswith("<reasoning>") else None
        refusal = "".join(self.said["refusal"])
        calls = [call for call in self.calls if call.name]
        status, reason = self.ending(done and bool(text or reasoning or calls or refusal))
        if status == "completed" and calls and _is_cut("".join(calls[-1].arguments)):
            status, reason = "incomplete", "max_output_tokens"
        none = "{}" if status == "completed" else ""
        said = [(id, call.name, "".join(call.arguments) or none) for id, call in zip(ids_of(calls), calls, strict=True)]
        usage = self.usage and in_our_words(self.usage)
        return Answer(text, reasoning, refusal, said, sorted(self.sources) if text else [], status, reason, usage)

    def ending(self, done: bool) -> tuple[str, str | None]:
        if self.failed or (not self.finish and not done):
            return "failed", None
        if self.finish in INCOMPLETE:
            return "incomplete", INCOMPLETE[self.finish]
        assert self.finish is None or self.finish in COMPLETED, f"an unknown finish reason {self.finish!r}"
        return "completed", None


def _is_cut(arguments: str) -> bool:
    if not arguments.startswith("{"):
        return False
    try:
        json.JSONDecoder(strict=False).raw_decode(arguments)
    except ValueError:
        return True
    return False


@dataclass
class _Call:
    index: int | None
    id: object
    name: str
    arguments: list[str] = field(default_factory=list)


def ids_of(calls: list[_Call]) -> list[str]:
    ids = ["" if call.id in (None, "") else str(call.id) for call in calls]
    return [id if len(id) <= 64 and id not in ids[:at] else "" for at, id in enumerate(ids)]


def plain(value: Any) -> str:
    """Return the text in a string, a part, or a list of parts."""
    if isinstance(value, list):
        return "".join(plain(part) for part in value)
    if isinstance(value, dict):
        return value.get("text") or value.get("summary") or ""
    return value or ""


def compact(value: Any) -> str:
    return value if value == "" else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def in_our_words(usage: dict[str, Any]) -> dict[str, int]:
    sent, made = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
    of_sent = usage.get("prompt_tokens_details") or {}
    of_made = usage.get("completion_tokens_details") or {}
    names = ("prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens", "cache_read_input_tokens")
    cached = (of_sent.get("cached_tokens"), *map(usage.get, names))
    cached_tokens = next((count for count in cached if count is not None), 0)
    total = usage.get("total_tokens")
    reasoning = of_made.get("reasoning_tokens") or 0
    if total == sent + made + reasoning:  # xAI counts the thinking beside the answer, not as a part of it
        made += reasoning
    return {
        "input": sent,
        "cached": min(cached_tokens, sent),
        "output": made,
        "reasoning": min(reasoning, made),
        "total": sent + made if total is None else total,
    }
