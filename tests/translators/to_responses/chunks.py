"""Chunks and completions, short enough for tables of answers; `read` returns what the response to a whole body says."""

import json
from typing import Any

from tests.support.stream_harness import StreamHarness, contents

Chunk = dict[str, Any] | bytes

DONE = b"[DONE]"
HI = ("output_text", "Hi")
HM = ("summary_text", "Hm.")
CALL = ("call", "f", {"a": 1})
OTHER = ("call", "g", {})


def delta(finish: str | None = None, **members: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": members, "finish_reason": finish}]}


def message(finish: str | None = "stop", **members: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": members, "finish_reason": finish}]}


def called(*calls: Any, finish: str | None = None) -> dict[str, Any]:
    return delta(finish, tool_calls=list(calls))


def call(name: str | None = "f", arguments: Any = '{"a":1}', **members: Any) -> dict[str, Any]:
    return {"type": "function", **members, "function": {"name": name, "arguments": arguments}}


def framed(chunks: list[Chunk], end: bytes = b"\n\n") -> bytes:
    return b"".join(b"data: " + (one if isinstance(one, bytes) else json.dumps(one).encode()) + end for one in chunks)


STOP = delta("stop")
CALLED = delta("tool_calls")


def read(body: bytes) -> tuple[list[Any], str, str]:
    """Return what a body says, how it ends, and with which error; the same whole and byte by byte."""
    harness = StreamHarness().read([body])
    assert StreamHarness().read(body[at : at + 1] for at in range(len(body))).events == harness.events
    response = harness.response
    reason = (response["incomplete_details"] or {}).get("reason")
    return contents(response["output"]), reason or response["status"], (response["error"] or {}).get("message", "")
