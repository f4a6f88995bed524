"""Read the head of an answer: its status and header fields.

urllib3 leaves this to the standard library, which reads line by line and parses a head like an e-mail: a tenth of the
cost of a small request. Here one read is usually the whole head, and of its fields, twenty or more, only those are
parsed that reading the body needs. Harmless mistakes of providers are tolerated (bare line feeds, no reason phrase, a
line that is no field); interim answers (1xx) are skipped.
Source: RFC 9112 §4; docs/decisions/0001-read-the-socket.md.
"""

import re
from http.client import BadStatusLine, HTTPException, RemoteDisconnected
from typing import Any, Final

from msgspec import Struct

_STATUS: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?=[ \r\n]|\Z)")
_FIELD: Final = re.compile(rb"\n([^\n:]*):([^\n]*)")
_FRAMING_FIELD: Final = re.compile(
    rb"\n(connection|content-encoding|content-length|transfer-encoding)[ \t]*:([^\n]*)", re.IGNORECASE
)
_FOLD: Final = re.compile(rb"\r?\n[ \t]+")
_CONTINUED: Final = re.compile(rb"\n[ \t]")
_END: Final = re.compile(rb"\n\r?\n")
"""Two searches of the whole head: they begin with a byte that is always there, which makes them ten times as fast."""
_MAX_HEAD_BYTES: Final = 64 * 1024
"""The standard library's limit for one line; no provider's head has a tenth of it."""
_SWITCHING_PROTOCOLS: Final = 101


class Fields(dict[str, str]):
    """Header fields by their name in lower case; fields of the same name are joined by commas."""

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class Head(Struct, frozen=True):
    """The head of an answer, and what has been read after it."""

    status: int
    framing: Fields
    """The fields that say where the body ends, and how it is coded."""
    keeps_connection: bool
    """Whether the connection can be reused after the body."""
    text: bytes
    """The lines, without the empty one."""
    rest: bytes
    """Bytes of the body that came with the head."""

    @property
    def fields(self) -> Fields:
        """All header fields. Parsed each time, since most answers are read without them."""
        return _parse_fields(_FIELD, self.text)


class HeadReader:
    """Reads the head of one answer from the bytes of its connection, in any split."""

    _data = b""

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
            head = parse_head(data[: end.start()].removesuffix(b"\r"), data[end.end() :])
            if head.status >= 200 or head.status == _SWITCHING_PROTOCOLS:
                return head
            data, searched = head.rest, 0
        if len(data) > _MAX_HEAD_BYTES:
            raise HTTPException("the head is larger than the limit")
        self._data = data
        return None


def parse_head(text: bytes, rest: bytes) -> Head:
    """Parse the lines of a head, without the empty one; raise BadStatusLine for what is not HTTP."""
    status = _STATUS.match(text)
    if status is None:
        raise BadStatusLine(text.partition(b"\n")[0][:80].decode("latin-1"))
    if _CONTINUED.search(text):  # a line that continues the field above
        text = _FOLD.sub(b" ", text)
    framing = _parse_fields(_FRAMING_FIELD, text)
    options = framing["connection"].lower() if "connection" in framing else ""
    keeps_connection = "close" not in options and (status[1] == b"1" or "keep-alive" in options)
    return Head(int(status[2]), framing, keeps_connection, text, rest)


def _parse_fields(pattern: re.Pattern[bytes], text: bytes) -> Fields:
    fields = Fields()
    for left, right in pattern.findall(text):
        name, value = left.decode("latin-1").rstrip().lower(), right.decode("latin-1").strip()
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields
