"""Recorded answers with something wrong in every second chunk: members left out, misplaced, or of another type.

What such an answer says nobody can know. But nothing escapes, the stream is grammatical, and no split changes it.
"""

import json
from random import Random
from typing import Any

import pytest

from tests.recordings.recording import Recording, needed, recordings
from tests.recordings.replay import replay
from tests.support.judges.grammar import check_stream

pytestmark = needed

SMALL = 20_000
"""Bytes of an answer that is garbled; larger ones have nothing else in them."""
ODD: list[Any] = [
    None, "", 0, -1, 5, 1.5, True, [], {}, [None], ["x"], {"a": 1}, "x", "\ud83d", "\ude00z", 2**70, {"text": "t"},
    "<think>", "</think>", "{", '{"a":1}', [{"type": "text", "text": "q"}], {"message": "Broken.", "code": "429"},
]  # fmt: skip
NAMES = [
    "content", "reasoning", "reasoning_content", "reasoning_details", "tool_calls", "index", "id", "finish_reason",
    "error", "usage", "choices", "delta", "message", "function", "arguments", "name", "role", "refusal", "audio",
    "images", "annotations", "logprobs", "executed_tools", "citations", "search_results", "x_groq", "base_resp",
    "detail", "text", "finish_details", "extra_content", "type", "signature", "data",
]  # fmt: skip
OFTEN = 0.03


def garbled(value: Any, random: Random) -> Any:
    """Return a decoded value with something else in a few of its places."""
    if random.random() < OFTEN:
        return random.choice(ODD)
    if isinstance(value, list):
        return [garbled(entry, random) for entry in value if random.random() > OFTEN]
    if not isinstance(value, dict):
        return value
    members = {
        name if random.random() > OFTEN else random.choice(NAMES): garbled(member, random)
        for name, member in value.items()
        if random.random() > OFTEN
    }
    return members if random.random() > OFTEN else members | {random.choice(NAMES): random.choice(ODD)}


def garbled_body(recording: Recording, random: Random) -> bytes:
    if recording.kind == "json":
        return json.dumps(garbled(json.loads(recording.body()), random)).encode()
    lines = recording.body().split(b"\n")
    for at, line in enumerate(lines):
        if line.startswith(b"data:") and line.rstrip().endswith(b"}") and random.random() < 0.5:
            lines[at] = b"data: " + json.dumps(garbled(json.loads(line[5:]), random)).encode()
    return b"\n".join(lines)


RAW = [one for one in recordings("stream", "json") if one.is_raw and 0 < len(one.body()) < SMALL]


@pytest.mark.parametrize("provider", sorted({recording.provider for recording in RAW}))
def test_nothing_escapes(provider: str) -> None:
    for recording in [one for one in RAW if one.provider == provider]:
        random = Random(recording.file)
        body = garbled_body(recording, random)
        events = replay([body])
        check_stream(events)
        size = random.randint(1, 40)
        assert replay(body[at : at + size] for at in range(0, len(body), size)) == events, recording.file
