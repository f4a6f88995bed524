"""`stream_options.include_obfuscation`: delta events padded to equal sizes.

An observer of an encrypted stream sees the size of each frame, and can guess much of the text from the sizes of deltas.
So random letters in `obfuscation` pad the frame of a delta to a multiple of BLOCK_BYTES; clients ignore the member.
Source: OpenAI API reference, Responses: create.
"""

from collections.abc import Callable
from typing import Final

from translators.responses.events import Event, sse_frame

BLOCK_BYTES: Final = 64
"""Larger than one token: nearly all frames of a stream then have the same size."""

_MEMBER: Final = b',"obfuscation":""'
_END: Final = b"}\n\n"


def obfuscated_sse_frame(event: Event, noise: Callable[[int], str]) -> bytes:
    """Return an event as one SSE frame; `noise` returns that many random ASCII letters, digits, `-` or `_`."""
    plain = sse_frame(event)
    if not event.__struct_config__.tag.endswith(".delta"):  # type: ignore[union-attr]
        return plain
    room = -(len(plain) + len(_MEMBER)) % BLOCK_BYTES
    return b"%b%b%b\"%b" % (plain[: -len(_END)], _MEMBER[:-1], noise(room).encode(), _END)
