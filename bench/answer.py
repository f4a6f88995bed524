"""Reads one HTTP/1.1 answer as it comes in: head, then a body by length, in chunks, or until the peer closes.

Fed with what the socket gave, hands out what belongs to the body, and says when the answer is whole. It
interprets nothing else. A stream's events may be cut anywhere by the chunk framing of whoever relays them, so
the framing is taken off properly before anybody looks for events; that costs under a microsecond a chunk.
"""

from __future__ import annotations

import re

STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
LENGTH = re.compile(rb"(?i)\r\ncontent-length:\s*(\d+)")
CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding:[^\r]*chunked")
CLOSE = re.compile(rb"(?i)\r\nconnection:[^\r]*close")


class Malformed(Exception):
    """The bytes are not an HTTP answer; the text says why."""


class Answer:
    """One answer being read. `status` is 0 until the head is there; `whole` is set at its end."""

    def __init__(self) -> None:
        self.status = 0
        self.whole = False
        self.closes = False  # the peer will close the connection after it
        self.rest = b""  # received, but not yet a whole head or a whole chunk
        self.missing: int | None = 0  # bytes of the body to come; None: chunked; -1: up to the close

    def feed(self, data: bytes) -> bytes:
        """Return the body bytes in the next received bytes. Raises Malformed."""
        if self.rest:
            data, self.rest = self.rest + data, b""
        if not self.status:
            data = self.take_head(data)
            if not self.status:
                return b""
        if self.missing is None:
            return self.take_chunks(data)
        if self.missing < 0:
            return data
        self.missing -= len(data)
        if self.missing < 0:
            raise Malformed(f"{-self.missing} bytes after the end of the answer")
        self.whole = self.missing == 0
        return data

    def end(self) -> None:
        """Handle the peer's close, which ends some answers and truncates others."""
        self.whole = self.whole or (self.status > 0 and self.missing == -1)

    def take_head(self, data: bytes) -> bytes:
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self.rest = data
            return b""
        head = data[: end + 2]
        found = STATUS.match(head)
        if found is None:
            raise Malformed(f"not an HTTP answer: {head[:60]!r}")
        self.status = int(found[1])
        length = LENGTH.search(head)
        self.missing = None if CHUNKED.search(head) else int(length[1]) if length else -1
        self.closes = self.missing == -1 or CLOSE.search(head) is not None
        return data[end + 4 :]

    def take_chunks(self, data: bytes) -> bytes:
        """Return the content of the chunks that are whole and keep the rest."""
        contents, at = [], 0
        while (line_end := data.find(b"\r\n", at)) >= 0:
            try:
                size = int(data[at:line_end].partition(b";")[0], 16)
            except ValueError as error:
                raise Malformed(f"not a chunk size: {data[at:line_end][:60]!r}") from error
            start, end = line_end + 2, line_end + 2 + size
            if size == 0:
                self.whole = data.find(b"\r\n\r\n", line_end) >= 0
                break
            if len(data) < end + 2:
                break
            contents.append(data[start:end])
            at = end + 2
        if not self.whole:
            self.rest = data[at:]
        return contents[0] if len(contents) == 1 else b"".join(contents)
