"""`truncation: "auto"`: a call that is sent again with less history when the provider finds its input too long.

It has the interface of the call that it replaces. Only the provider's rejection shows that an input is too long. Each
retry leaves out about half of the remaining history (`translators.to_chat.truncation`); after MAX_RETRIES the caller
gets the rejection.
"""

from collections.abc import Callable
from typing import Final

from adapter.event_loop.arrivals import Take
from adapter.upstream.call import Call
from translators.errors import UpstreamError
from translators.notes import Notes
from translators.to_chat.truncation import drop_oldest_half

MAX_RETRIES: Final = 5
"""Each halves the history, so after five less than a thirtieth is left, and what remains is the input itself."""


class TruncatingCall:
    """A call that sends a chat request, and shorter ones until the provider accepts one."""

    def __init__(self, send: Callable[[bytes, UpstreamError], Call], json: bytes, notes: Notes, call: Call) -> None:
        """`call` is that of the whole request; `send` sends a shorter one after an error."""
        self._send = send
        self._json = json
        self._notes = notes
        self._retries = 0
        self._dropped_segments = 0
        self._call = call

    def wait(self, seconds: float) -> bool:
        """Wait as `Call.wait` does; a request that is too long is sent again, shorter."""
        try:
            has_come = self._call.wait(seconds)
        except UpstreamError as error:
            if not self.retry_shorter(error):
                raise
            return False
        if has_come and self._dropped_segments:
            self._notes.add(
                "truncation", "dropped", f"the oldest turns, {self._dropped_segments} of them, did not fit"
            )
        return has_come

    def retry_shorter(self, error: UpstreamError) -> bool:
        """Send a shorter request after an error, if that may help and there is one."""
        if error.code != "context_length_exceeded":
            return False
        shorter = drop_oldest_half(self._json) if self._retries < MAX_RETRIES else None
        if shorter is None:
            return False
        self._call.close()
        self._retries += 1
        self._dropped_segments += shorter.dropped
        self._json = shorter.body
        self._call = self._send(shorter.body, error)
        return True

    @property
    def has_ended(self) -> bool:
        return self._call.has_ended

    def read(self, take: Take | None = None) -> bytes | None:
        return self._call.read(take)

    def close(self, *, answered: bool = False) -> None:
        self._call.close(answered=answered)
