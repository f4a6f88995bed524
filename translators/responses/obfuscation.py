"""Frames of equal sizes: `obfuscation` on delta events, for clients that ask for it.

Whoever watches an encrypted stream sees the size of each frame, and from those of the deltas much of the text can be
guessed. So noise fills a delta's frame up to the next multiple of BLOCK bytes. Clients ignore the member. Source:
responses-api reference §6.9.
"""

from collections.abc import Callable
from typing import Final

from translators.responses.events import Event, frame

BLOCK: Final = 64
"""Bytes; the delta of one token lies within one such step in nearly all streams."""

_MEMBER: Final = b',"obfuscation":""'
_END: Final = b"}\n\n"


def obfuscated_frame(event: Event, noise: Callable[[int], str]) -> bytes:
    """Return an event as one SSE frame; `noise` returns that many random ASCII letters, digits, `-` or `_`."""
    plain = frame(event)
    if not event.__struct_config__.tag.endswith(".delta"):  # type: ignore[union-attr]
        return plain
    room = -(len(plain) + len(_MEMBER)) % BLOCK
    return b"%b%b%b\"%b" % (plain[: -len(_END)], _MEMBER[:-1], noise(room).encode(), _END)
