"""Decode server-sent events: bytes as they arrive → payloads of `data:`.

`feed` takes any split of the stream and returns the payloads that it completes, `complete` the events that they are in;
`flush` returns the payloads of an event without its blank line at the end of the stream. Tolerated, because providers
send it: CRLF, no space after `data:`, more space than one (it stays in the payload), comments, `event:` lines (ignored:
an error is recognised by its data), a payload over several `data:` lines, events separated by single line ends, a bare
`error:` field (llama.cpp), no final newline. `[DONE]` is a payload like any other. An event of more than `max_bytes`
raises UpstreamError.
Source: WHATWG HTML §9.2.6; docs/recordings.md.
"""

import re
from typing import Final

from msgspec import Struct

from translators.errors import UpstreamError

DONE: Final = b"[DONE]"
MAX_EVENT_BYTES: Final = 16 * 1024 * 1024
"""An image comes as one event in base64, a few MB; this is a quarter of what a whole answer may have."""
_COMMENT: Final = re.compile(
    rb":.*|\W*((openrouter|still|keep|connection)[ _-]*)?"
    rb"(ping|pong|alive|heart[ _-]?beat|processing|waiting|working|queued)\W*",
    re.IGNORECASE,
)
"""A comment that came behind `data:`, or the text of one."""
_NOTHING: Final = re.compile(
    rb"[^\w{[<]*|null|true|none|\[\s*\]|\{\s*\}"
    rb"|\W*\d[\d:.,TZ+/ -]*\W*|\W*(mon|tue|wed|thu|fri|sat|sun)\w*,? [\w:,+ -]{10,40}\W*",
    re.IGNORECASE,
)
"""No words, a word for nothing, or a number or date that only counts."""
_CR: Final = ord("\r")
"""A number: `in` finds one in bytes without raising and catching an exception first, as it does for other bytes."""
_PAYLOAD_FIELDS: Final = (b"data:", b"error:")


class SSEDecoder(Struct, eq=False):
    """Decodes one stream; the bytes of an unfinished event wait in pieces and are joined once."""

    max_bytes: int = MAX_EVENT_BYTES
    _pending: list[bytes] = []
    """The bytes of the unfinished event."""
    _size: int = 0
    _last_byte: bytes = b""
    """Of the pending bytes."""
    _after_cr: bool = False
    """The last byte received was a CR: a LF that follows belongs to it."""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads that `data` completes, in order."""
        return payloads_of(self.complete(data))

    def complete(self, data: bytes) -> bytes:
        """Return the bytes of the events that `data` completes, with LF line ends."""
        if self._after_cr or _CR in data:
            data = self._with_lf(data)
        if self._pending:
            if data.find(b"\n\n") < 0 and not (self._last_byte == b"\n" and data[:1] == b"\n"):
                self._keep(data)
                return b""
            self._pending.append(data)
            data = b"".join(self._pending)
            self._pending.clear()
            self._size = 0
            self._last_byte = b""
        if data[-2:] != b"\n\n":
            whole, blank_line, rest = data.rpartition(b"\n\n")
            self._keep(rest)
            data = whole + blank_line
        return data

    def flush(self) -> list[bytes]:
        """Return the payloads of a last event without its blank line."""
        block = b"".join(self._pending)
        self._pending.clear()
        self._last_byte = b""
        return _payloads(block)

    def _keep(self, data: bytes) -> None:
        if not data:
            return
        self._pending.append(data)
        self._size += len(data)
        self._last_byte = data[-1:]
        if self._size > self.max_bytes:
            raise UpstreamError(f"The provider sent an event of more than {self.max_bytes} bytes.", retry=False)

    def _with_lf(self, data: bytes) -> bytes:
        """Return `data` with LF line ends. A CR ends its line at once, without waiting for the LF it may come with."""
        if self._after_cr and data[:1] == b"\n":
            data = data[1:]
        self._after_cr = data[-1:] == b"\r"
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def payloads_of(events: bytes) -> list[bytes]:
    """Return the payloads of whole events, in order."""
    if not events:
        return []
    if events.startswith(b"data: "):  # each event is one line, as most providers send them
        if 6 < events.find(b"\n") == len(events) - 2:
            return [events[6:-2]]
        payloads = events[6:-2].split(b"\n\ndata: ")
        if events.count(b"\n") == 2 * len(payloads) and all(payloads):
            return payloads
    return [payload for block in events.split(b"\n\n") for payload in _payloads(block)]


def is_keep_alive(payload: bytes) -> bool:
    """Whether a payload says nothing and only keeps the connection alive."""
    return bool(_COMMENT.fullmatch(payload) or _NOTHING.fullmatch(payload))


def _payloads(block: bytes) -> list[bytes]:
    """Return the payloads of one block of lines: one, unless each line is a JSON value of its own."""
    found: list[bytes] = []
    for line in block.split(b"\n"):
        for field in _PAYLOAD_FIELDS:
            if line.startswith(field):
                found.append(line[len(field) :].removeprefix(b" "))
    found = [payload for payload in found if payload]
    if len(found) > 1:
        found = [payload for payload in map(bytes.strip, found) if payload and not _COMMENT.fullmatch(payload)]
    if len(found) < 2:
        return found
    if all(payload[:1] in b"{[" and payload[-1:] in b"}]" for payload in found):
        return found
    return [b"\n".join(found)]
