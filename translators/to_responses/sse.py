"""Server-sent events in: bytes as they arrive → payloads of `data:`.

`feed` takes any split of the stream and returns the payloads it completes; `flush` returns what an unterminated end
still holds. Tolerated, because providers send it: CRLF, no space after `data:`, comments, `event:` lines (an error
says so in its data too), a payload over several `data:` lines, events separated by single line ends, a bare `error:`
field (llama.cpp), no final newline. `[DONE]` is a payload like any other. A line longer than `max_bytes` raises
UpstreamError. Sources: WHATWG HTML §9.2.6, providers reference §3.
"""

from typing import Final

from translators.errors import UpstreamError

DONE: Final = b"[DONE]"
_FIELDS: Final = (b"data:", b"error:")


class SSEDecoder:
    """Holds the bytes of the event that is not complete yet, in pieces that are joined once."""

    __slots__ = ("_behind_cr", "_ends", "_held", "_max_bytes", "_size")

    def __init__(self, max_bytes: int = 16 * 1024 * 1024) -> None:
        self._held: list[bytes] = []
        self._size = 0
        self._ends = b""
        """The last byte held."""
        self._behind_cr = False
        """The last byte that came was a CR: a LF that follows belongs to it."""
        self._max_bytes = max_bytes

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads that `data` completes, in order."""
        if self._behind_cr or b"\r" in data:
            data = self._with_lf(data)
        if self._held:
            if b"\n\n" not in data and not (self._ends == b"\n" and data[:1] == b"\n"):
                self._hold(data)
                return []
            self._held.append(data)
            data = b"".join(self._held)
            self._held.clear()
            self._size = 0
            self._ends = b""
        blocks = data.split(b"\n\n")
        self._hold(blocks.pop())
        payloads: list[bytes] = []
        for block in blocks:
            if block.startswith(b"data: ") and block.endswith(b"}") and b"\n" not in block:
                payloads.append(block[6:])
            else:
                payloads += _payloads(block)
        return payloads

    def flush(self) -> list[bytes]:
        """Return the payloads of an event whose blank line never came."""
        block = b"".join(self._held)
        self._held.clear()
        self._ends = b""
        return _payloads(block)

    def _hold(self, data: bytes) -> None:
        if not data:
            return
        self._held.append(data)
        self._size += len(data)
        self._ends = data[-1:]
        if self._size > self._max_bytes:
            raise UpstreamError(f"The provider sent an event of more than {self._max_bytes} bytes.", retry=False)

    def _with_lf(self, data: bytes) -> bytes:
        """Return `data` with LF line ends. A CR ends its line at once, without waiting for the LF it may come with."""
        if self._behind_cr and data[:1] == b"\n":
            data = data[1:]
        self._behind_cr = data[-1:] == b"\r"
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _payloads(block: bytes) -> list[bytes]:
    """Return the payloads of one block of lines: one, unless its lines are events of their own."""
    found: list[bytes] = []
    for line in block.split(b"\n"):
        for field in _FIELDS:
            if line.startswith(field):
                found.append(line[len(field) :].strip())
    found = [payload for payload in found if payload]
    if len(found) < 2:
        return found
    if all(payload[:1] in b"{[" and payload[-1:] in b"}]" for payload in found):
        return found
    return [b"\n".join(found)]
