"""Our side of server-sent events, read as strictly as it is promised.

A frame is `event:` + one `data:` line + blank line, LF only; comments stand alone; `[DONE]` ends the stream
and nothing follows it. What a lenient reader would forgive raises AssertionError here. Sources: WHATWG HTML,
server-sent events; Open Responses specification, Streaming.
"""

import json
from collections.abc import Iterable
from typing import Any

DONE = b"data: [DONE]\n\n"


def parse_sse(stream: bytes) -> list[dict[str, Any]]:
    """Return the data objects of a whole stream."""
    assert stream.endswith(b"\n\n" + DONE), f"the stream does not end in [DONE]: …{stream[-200:]!r}"
    return parse_frames(stream.removesuffix(DONE))


def parse_frames(stream: bytes) -> list[dict[str, Any]]:
    """Return the data objects of frames, of which the last may be cut off: it is left out."""
    assert b"\r" not in stream, "a carriage return in the stream"
    blocks = stream.split(b"\n\n")[:-1]
    return [parse_frame(block) for block in blocks if not is_comment(block)]


def is_comment(block: bytes) -> bool:
    return all(line.startswith(b":") for line in block.split(b"\n"))


def parse_frame(block: bytes) -> dict[str, Any]:
    """Return the data object of one frame, given without its blank line."""
    lines = block.split(b"\n")
    assert len(lines) == 2, f"a frame has two lines, this has {len(lines)}: {block[:200]!r}"
    event, data = lines
    assert event.startswith(b"event: "), f"a frame begins with its event: {block[:200]!r}"
    assert data.startswith(b"data: "), f"an event is followed by its data: {block[:200]!r}"
    value = read_json(data.removeprefix(b"data: "))
    named = event.removeprefix(b"event: ").decode()
    assert value.get("type") == named, f"event {named!r} carries the type {value.get('type')!r}"
    return value


def read_json(data: bytes) -> Any:
    """Decode JSON; refuse what a strict reader would: a key that stands twice, NaN, Infinity."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        assert len(value) == len(pairs), f"a key stands twice: {[key for key, _ in pairs]}"
        return value

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(data.decode("utf-8"), object_pairs_hook=once, parse_constant=refuse)


def as_sse(events: Iterable[dict[str, Any]]) -> bytes:
    """Return events as the stream that would carry them."""
    frames = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]
    return b"".join(frames) + DONE
