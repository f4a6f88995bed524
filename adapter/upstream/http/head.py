"""Read the head of an answer: its status and header fields.

urllib3 leaves this to the standard library, which reads line by line and parses a head like an e-mail: a tenth of the
cost of a small request. Here one read is usually the whole head. Harmless mistakes of providers are tolerated (bare
line feeds, no reason phrase, a line that is no field); interim answers (1xx) are skipped.
Source: RFC 9112 §4; docs/decisions/0001-read-the-socket.md.
"""

import re
from http.client import BadStatusLine, HTTPException, RemoteDisconnected
from typing import Any, Final

_STATUS: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: |$)")
_END: Final = re.compile(rb"\r?\n\r?\n")
_MAX_HEAD_BYTES: Final = 64 * 1024
"""The standard library's limit for one line; no provider's head has a tenth of it."""
_SWITCHING_PROTOCOLS: Final = 101


class Fields(dict[str, str]):
    """Header fields by their name in lower case; fields of the same name are joined by commas."""

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class Head:
    """The head of an answer, and what has been read after it."""

    __slots__ = ("fields", "minor", "rest", "status")

    def __init__(self, status: int, minor: int, fields: Fields, rest: bytes) -> None:
        self.status = status
        self.minor = minor
        """y in HTTP/1.y."""
        self.fields = fields
        self.rest = rest
        """Bytes of the body that came with the head."""

    @property
    def keeps_connection(self) -> bool:
        """Whether the connection can be reused after the body."""
        if "connection" not in self.fields:
            return self.minor == 1
        options = self.fields["connection"].lower()
        return "close" not in options and (self.minor == 1 or "keep-alive" in options)


class HeadReader:
    """Reads the head of one answer from the bytes of its connection, in any split."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> Head | None:
        """Return the head once it is complete; `data` is b"" at the connection's end.

        Raises HTTPException for what is not HTTP, RemoteDisconnected for an end before any byte.
        """
        if not data:
            if self._data:
                raise BadStatusLine(self._data[:80].decode("latin-1"))
            raise RemoteDisconnected("closed without an answer")
        if self._data:
            data = self._data + data
        searched = max(0, len(self._data) - 3)
        while end := _END.search(data, searched):
            head = parse_head(data[: end.start()], data[end.end() :])
            if head.status >= 200 or head.status == _SWITCHING_PROTOCOLS:
                return head
            data, searched = head.rest, 0
        if len(data) > _MAX_HEAD_BYTES:
            raise HTTPException("the head is larger than the limit")
        self._data = data
        return None


def parse_head(text: bytes, rest: bytes) -> Head:
    """Parse the lines of a head, without the empty one; raise BadStatusLine for what is not HTTP."""
    first, *lines = text.split(b"\n")
    status = _STATUS.match(first.rstrip())
    if status is None:
        raise BadStatusLine(first[:80].decode("latin-1"))
    fields = Fields()
    name = ""
    for line in lines:
        if line[:1] in (b" ", b"\t"):  # continues the field above
            if name:
                fields[name] += " " + line.strip().decode("latin-1")
            continue
        left, colon, right = line.partition(b":")
        if not colon:
            continue
        name = left.rstrip().decode("latin-1").lower()
        value = right.strip().decode("latin-1")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return Head(int(status[2]), int(status[1]), fields, rest)
