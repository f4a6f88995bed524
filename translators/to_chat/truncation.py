"""`truncation: "auto"`: a chat request without its oldest turns.

A turn is what a user says and everything up to where a user speaks again after an answer: with its calls and their
outputs, which so are never torn apart. System and developer messages stay wherever they are, and so does the last turn.
Nobody here can count tokens, so turns go until half of the bytes are gone; the one who sends the rest sees whether that
was enough. Source: responses-api reference §2 (truncation).
"""

from typing import Final

from msgspec import Struct

from translators.wire import Decoder, Raw, encode

_STAYS: Final = ("system", "developer")


class _Message(Struct, gc=False):
    role: str


_members: Final = Decoder(dict[str, Raw]).decode
_array: Final = Decoder(list[Raw]).decode
_message: Final = Decoder(_Message).decode


class Truncated(Struct, frozen=True, gc=False):
    """A chat request that is shorter by so many turns."""

    body: bytes
    turns: int


def truncated(body: bytes) -> Truncated | None:
    """Return a chat request without the older half of its turns, None if it has only one."""
    members = _members(body)
    messages = _array(members["messages"])
    turns = _turns(messages)
    if len(turns) < 2:
        return None
    sizes = [sum(len(memoryview(messages[place])) for place in turn) for turn in turns]
    surplus, dropped = sum(sizes) / 2, 0
    while dropped < len(turns) - 1 and surplus > 0:
        surplus -= sizes[dropped]
        dropped += 1
    gone = {place for turn in turns[:dropped] for place in turn}
    rest = [message for place, message in enumerate(messages) if place not in gone]
    return Truncated(encode(members | {"messages": Raw(encode(rest))}), dropped)


def _turns(messages: list[Raw]) -> list[list[int]]:
    """Return the places of the messages of each turn, without those that stay."""
    turns: list[list[int]] = []
    before = "assistant"
    for place, message in enumerate(messages):
        role = _message(message).role
        if role in _STAYS:
            continue
        if not turns or (role == "user" and before == "assistant"):
            turns.append([])
        turns[-1].append(place)
        before = role
    return turns
