"""The head of an answer: its status and header fields, out of the connection's bytes.

urllib3 leaves this to the standard library, which reads line by line and parses a head like an e-mail: a tenth of what
a small request costs. Here one read usually is the whole head. What providers get wrong without harm is read over (bare
line feeds, no reason phrase, a line that is no field); an interim answer (1xx) is skipped. RFC 9112 §4, §5.
"""

import re
from http.client import BadStatusLine, HTTPException, RemoteDisconnected
from typing import Any, Final

_STATUS: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: |$)")
_END: Final = re.compile(rb"\r?\n\r?\n")
_MOST: Final = 64 * 1024
_READ: Final = 64 * 1024
_SWITCHING_PROTOCOLS: Final = 101


class Fields(dict[str, str]):
    """Header fields by their name in lower case; those of one name are one, with commas between."""

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class Head:
    """What was read up to a body."""

    __slots__ = ("fields", "minor", "rest", "status")

    def __init__(self, status: int, minor: int, fields: Fields, rest: bytes) -> None:
        self.status = status
        self.minor = minor
        """The y of HTTP/1.y."""
        self.fields = fields
        self.rest = rest
        """What came with the head of that which follows it."""

    @property
    def keeps_connection(self) -> bool:
        """Whether the connection serves again when the body is over."""
        said = self.fields.get("connection", "").lower()
        return "close" not in said and (self.minor == 1 or "keep-alive" in said)


def read_head(sock: Any) -> Head:
    """Read the head of the answer from a socket; raise HTTPException or OSError, RemoteDisconnected before any byte."""
    data = b""
    while True:
        end = _END.search(data, max(0, len(data) - _READ - 4))
        if end is None:
            if len(data) > _MOST:
                raise HTTPException("a head beyond any limit")
            more = sock.recv(_READ)
            if not more:
                raise BadStatusLine(repr(data[:80])) if data else RemoteDisconnected("closed without an answer")
            data = data + more if data else more
            continue
        head = parsed(data[: end.start()], data[end.end() :])
        if head.status >= 200 or head.status == _SWITCHING_PROTOCOLS:
            return head
        data = head.rest


def parsed(text: bytes, rest: bytes) -> Head:
    """Return the head that lines make, without the empty one; raise BadStatusLine for what is not HTTP."""
    first, *lines = text.split(b"\n")
    status = _STATUS.match(first.rstrip())
    if status is None:
        raise BadStatusLine(repr(first[:80]))
    fields = Fields()
    name = ""
    for line in lines:
        if line[:1] in (b" ", b"\t"):  # goes on with the field above
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
