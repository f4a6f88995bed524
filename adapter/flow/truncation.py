"""`truncation: "auto"`: a call that goes out again with less history when the provider finds its input too long.

It is used like the call it stands for. The provider's refusal is the only measure there is; each further try leaves out
about half of what is left (`translators.to_chat.truncation`), and after MOST_TRIES the refusal is the answer.
"""

from collections.abc import Callable, Iterator
from typing import Final

from adapter.upstream.client import Call
from translators.errors import UpstreamError
from translators.notes import Notes
from translators.to_chat.truncation import truncated

MOST_TRIES: Final = 5
"""Times that a request is sent again; then less than a thirtieth of its history is left."""


class TruncatingCall:
    """A call of `send(body)`, and of as much of the body as the provider takes."""

    def __init__(self, send: Callable[[bytes], Call], body: bytes, notes: Notes) -> None:
        self._send = send
        self._body = body
        self._notes = notes
        self._tries = 0
        self._dropped = 0
        self._call = send(body)

    def wait(self, seconds: float) -> bool:
        """Wait as `Call.wait` does; a refused input goes out again, shorter."""
        try:
            came = self._call.wait(seconds)
        except UpstreamError as error:
            if error.code != "context_length_exceeded" or not self._try_again():
                raise
            return False
        if came and self._dropped:
            self._notes.add("truncation", "dropped", f"the oldest turns, {self._dropped} of them, did not fit")
        return came

    def _try_again(self) -> bool:
        """Send a shorter request, if there is one."""
        shorter = truncated(self._body) if self._tries < MOST_TRIES else None
        if shorter is None:
            return False
        self._call.close()
        self._tries += 1
        self._dropped += shorter.turns
        self._body = shorter.body
        self._call = self._send(shorter.body)
        return True

    def begins(self) -> bool:
        return self._call.begins()

    def pieces(self) -> Iterator[bytes | None]:
        return self._call.pieces()

    def close(self, *, answered: bool = False) -> None:
        self._call.close(answered=answered)
