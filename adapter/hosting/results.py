"""What a hosted tool returns: text for the model, images, and the error if the tool did not run.

The text has its final form: control characters are removed, and a text beyond the limit is cut, with a mark at its end.
"""

import html
import re
from typing import Any, Final

from msgspec import Struct

from translators.responses.hosted.errors import MCPCallError

MAX_TEXT_BYTES: Final = 100 * 1024
"""Of a result that the model reads."""

_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class Image(Struct, frozen=True, gc=False):
    """An image that a tool returned, as base64."""

    type: str
    """Its media type, for example image/png."""
    data: str

    @property
    def url(self) -> str:
        return f"data:{self.type};base64,{self.data}"


class ToolResult(Struct, frozen=True):
    """The result of one call. A failed call is a result with an error."""

    text: str
    """What the model reads as the output of the call. Without an error, it is also the item's `output`."""
    error: MCPCallError | None = None
    """Why the call failed; the item's `output` is then null."""
    images: tuple[Image, ...] = ()
    cut_bytes: int = 0
    """Bytes of text beyond the limit; 0: the text is whole."""
    details: dict[str, Any] = {}
    """Fields for the log, such as the revision of the protocol."""


def clean(text: str) -> str:
    """Return a text without control characters other than line ends and tabs, its line ends as `\\n`."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def unescape(text: str) -> str:
    """Return a text with HTML's character references replaced; as it is, if one has more digits than Python reads."""
    try:
        return html.unescape(text)
    except ValueError:
        return text


def cut(text: str, max_bytes: int = MAX_TEXT_BYTES) -> tuple[str, int]:
    """Return a text of at most `max_bytes`, with a mark if it was cut, and the number of bytes left out."""
    data = text.encode(errors="replace")
    left_out = len(data) - max_bytes
    if left_out <= 0:
        return text, 0
    return f"{data[:max_bytes].decode(errors='ignore')}\n[cut: {left_out} more bytes]", left_out
