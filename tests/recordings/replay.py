"""What the core makes of a recorded chat answer, in the reader's words."""

from collections.abc import Iterable
from typing import Any

from tests.recordings.reader import Answer
from tests.support.judges.sse import read_json
from translators.notes import Notes
from translators.responses.events import Event
from translators.responses.ids import Ids, seed
from translators.responses.response import Response
from translators.to_responses.answer import AnswerReader
from translators.to_responses.stream import ResponseStream
from translators.wire import encode

NOW = 1_795_360_000


def replay(pieces: Iterable[bytes]) -> list[dict[str, Any]]:
    """Return the events of a recorded answer that arrives in pieces."""
    return [read_json(event) for event in encoded(pieces)]


def encoded(pieces: Iterable[bytes]) -> list[bytes]:
    """Return the events as they go out."""
    return [encode(event) for event in stream_of(pieces)[1]]


def stream_of(pieces: Iterable[bytes]) -> tuple[ResponseStream, list[Event]]:
    """Return the machine that has read a recorded answer, and its events."""
    ids = Ids(seed(NOW * 1000, 0xA))
    response = Response(id=ids.response, created_at=NOW, model="m")
    stream = ResponseStream(response, ids, notes=Notes())
    reader = AnswerReader(stream)
    events: list[Event] = stream.start()
    for piece in pieces:
        events += reader.feed(piece)
    events += reader.finish(NOW)
    return stream, events


def answer_of(response: dict[str, Any]) -> Answer:
    """Return what a terminal response says."""
    answer = Answer(status=response["status"])
    sources = set()
    answer.reason = (response["incomplete_details"] or {}).get("reason")
    for item in response["output"]:
        if item["type"] == "function_call":
            answer.calls.append((item["call_id"], item["name"], item["arguments"]))
        elif item["type"] == "reasoning":
            answer.reasoning += "".join(part["text"] for part in item["summary"])
        else:
            answer.text += "".join(part.get("text", "") for part in item["content"])
            answer.refusal += "".join(part.get("refusal", "") for part in item["content"])
            sources |= {source["url"] for part in item["content"] for source in part.get("annotations", ())}
    answer.sources = sorted(sources)
    usage = response["usage"]
    answer.usage = usage and {
        "input": usage["input_tokens"],
        "cached": usage["input_tokens_details"]["cached_tokens"],
        "output": usage["output_tokens"],
        "reasoning": usage["output_tokens_details"]["reasoning_tokens"],
        "total": usage["total_tokens"],
    }
    return answer
