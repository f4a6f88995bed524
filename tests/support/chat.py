"""Words to write a provider's answers with: blocks of a chat stream, whole completions, errors.

A block is bytes, as it goes over the wire; what a test wants to look unusual it writes out itself.
"""

import json
from typing import Any

DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16}


def block(payload: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(payload, ensure_ascii=False).encode() + b"\n\n"


def chunk(delta: dict[str, Any] | None = None, *, finish: str | None = None, **members: Any) -> bytes:
    """Return a block with one chunk; `members` are put beside its choices, or in their place."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return block({**head, "choices": [choice], **members})


def text(*pieces: str) -> bytes:
    return b"".join(chunk({"content": piece}) for piece in pieces)


def role(**members: Any) -> bytes:
    """Return the block with which many streams begin: it says nothing."""
    return chunk({"role": "assistant", "content": ""}, **members)


def thinking(*pieces: str) -> bytes:
    return b"".join(chunk({"reasoning_content": piece}) for piece in pieces)


def call(index: int, id: str, name: str, *fragments: str) -> bytes:
    """Return the blocks of a tool call: its head, then a block for each fragment of the arguments."""
    head = {"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}}
    rest = [{"index": index, "function": {"arguments": fragment}} for fragment in fragments]
    return b"".join(chunk({"tool_calls": [piece]}) for piece in [head, *rest])


def end(finish: str = "stop", usage: dict[str, Any] | None = USAGE) -> bytes:
    """Return the end of a stream: the finish reason, the usage in a chunk of its own, `[DONE]`."""
    counted = chunk(choices=[], usage=usage) if usage else b""
    return chunk(finish=finish) + counted + DONE


def completion(
    content: str | None = None, *, finish: str = "stop", usage: dict[str, Any] | None = USAGE, **members: Any
) -> dict[str, Any]:
    """Return a whole completion; `members` are put into its message."""
    message = {"role": "assistant", "content": content, **members}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice],
        "usage": usage,
    }  # fmt: skip


def error(message: str, **members: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **members}}
