"""What a recording says against what the core makes of it, and the recordings where the two may differ.

`exceptions.toml` names those one by one, with the reason; one that has become right has to leave it.
"""

import json
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.recordings.reader import Answer, read_completion, read_stream
from tests.recordings.recording import Recording
from tests.recordings.replay import answer_of, replay, stream_of
from tests.support.judges.grammar import check_stream
from translators.errors import ProtocolError
from translators.failures.classes import classify_http_error

EXCEPTIONS: dict[str, str] = tomllib.loads((Path(__file__).parent / "exceptions.toml").read_text())
"""Reason by file."""


def told(recording: Recording) -> Answer:
    """Return what a recording says."""
    read = read_stream if recording.kind == "stream" else read_completion
    return read(recording.body())


def made(pieces: Iterable[bytes]) -> Answer:
    """Return what the core makes of an answer that arrives in pieces, told in a grammatical stream."""
    return answer_of(check_stream(replay(pieces)))


def misses(told: Answer, pieces: Iterable[bytes]) -> list[str]:
    """Return what the core gets wrong, a line for each difference."""
    try:
        found = made(pieces)
    except Exception as error:  # whatever goes wrong is a miss
        return [f"{type(error).__name__}: {str(error)[:300]}"]
    if told.usage is None:
        found.usage = None  # the core estimates then
    for at, (ours, theirs) in enumerate(zip(found.calls, told.calls, strict=False)):
        if not theirs[0]:
            assert ours[0].startswith("call_")
            found.calls[at] = ("", *ours[1:])
    return [
        f"{name}: {_short(should)} became {_short(is_)}"
        for name, should in vars(told).items()
        if (is_ := vars(found)[name]) != should
    ]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 120 else f"{text[:60]}…{text[-55:]}"


def failure(recording: Recording) -> ProtocolError | None:
    """Return what becomes of a recorded error, in a body of its own or inside an answer."""
    if recording.kind == "error":
        return classify_http_error(recording.status, recording.headers(), recording.body(), own_key=True)
    return stream_of([recording.body()])[0].error


def as_completion(answer: Answer) -> bytes:
    """Return an answer as OpenAI would send it if it showed its thinking: whole."""
    message = {
        "role": "assistant",
        "content": answer.text or None,
        "reasoning_content": answer.reasoning or None,
        "refusal": answer.refusal or None,
        "tool_calls": [_call(id, name, arguments) for id, name, arguments in answer.calls] or None,
        "annotations": [{"type": "url_citation", "url_citation": {"url": url}} for url in answer.sources],
    }
    choice = {"index": 0, "message": message, "finish_reason": _finish(answer)}
    return json.dumps({"choices": [choice], "usage": _usage(answer)}).encode()


def as_stream(answer: Answer, size: int = 7) -> bytes:
    """Return an answer in small deltas."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    for name, text in (("reasoning_content", answer.reasoning), ("content", answer.text), ("refusal", answer.refusal)):
        deltas += [{name: piece} for piece in _cut(text, size)]
    deltas += [{"annotations": [{"type": "url_citation", "url_citation": {"url": url}}]} for url in answer.sources]
    for index, (id, name, arguments) in enumerate(answer.calls):
        deltas.append({"tool_calls": [{"index": index, **_call(id, name, "")}]})
        for piece in _cut(arguments, size):
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    chunks: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": _finish(answer)}]})
    chunks.append({"choices": [], "usage": _usage(answer)})
    return b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chunks) + b"data: [DONE]\n\n"


def _call(id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _finish(answer: Answer) -> str:
    return {"max_output_tokens": "length", "content_filter": "content_filter"}.get(answer.reason or "", "stop")


def _usage(answer: Answer) -> dict[str, Any] | None:
    return answer.usage and {
        "prompt_tokens": answer.usage["input"],
        "completion_tokens": answer.usage["output"],
        "total_tokens": answer.usage["total"],
        "prompt_tokens_details": {"cached_tokens": answer.usage["cached"]},
        "completion_tokens_details": {"reasoning_tokens": answer.usage["reasoning"]},
    }


def _cut(text: str, size: int) -> Iterator[str]:
    return (text[at : at + size] for at in range(0, len(text), size))
