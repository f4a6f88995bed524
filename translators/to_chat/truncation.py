"""`truncation: "auto"`: a chat request without its oldest segments.

A segment begins where the user speaks after an answer and ends before the next one begins, so that calls stay with
their outputs. System and developer messages stay, and so does the last segment. Tokens cannot be counted here, so
segments go until half of the bytes are gone; if the provider still rejects the rest, it is halved again.
Source: OpenAI API reference, Responses: create.
"""

from typing import Final

from msgspec import Struct

from translators.wire import Decoder, Raw, encode

_RETAINED_ROLES: Final = ("system", "developer")


class _Message(Struct, gc=False):
    role: str


_members: Final = Decoder(dict[str, Raw]).decode
_array: Final = Decoder(list[Raw]).decode
_message: Final = Decoder(_Message).decode


class TruncatedRequest(Struct, frozen=True, gc=False):
    """A chat request without its oldest segments."""

    body: bytes
    dropped: int
    """How many segments are gone."""


def drop_oldest_half(body: bytes) -> TruncatedRequest | None:
    """Return a chat request without the older half of its segments, None if it has only one."""
    members = _members(body)
    messages = _array(members["messages"])
    segments = _segments(messages)
    if len(segments) < 2:
        return None
    sizes = [sum(len(memoryview(messages[at])) for at in segment) for segment in segments]
    surplus, dropped = sum(sizes) / 2, 0
    while dropped < len(segments) - 1 and surplus > 0:
        surplus -= sizes[dropped]
        dropped += 1
    gone = {at for segment in segments[:dropped] for at in segment}
    rest = [message for at, message in enumerate(messages) if at not in gone]
    return TruncatedRequest(encode(members | {"messages": Raw(encode(rest))}), dropped)


def _segments(messages: list[Raw]) -> list[list[int]]:
    """Return the positions of the messages of each segment."""
    segments: list[list[int]] = []
    before = "assistant"
    for at, message in enumerate(messages):
        role = _message(message).role
        if role in _RETAINED_ROLES:
            continue
        if not segments or (role == "user" and before == "assistant"):
            segments.append([])
        segments[-1].append(at)
        before = role
    return segments
