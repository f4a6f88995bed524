"""What a hosted tool returns: text for the model, pictures, and the error if the tool did not run.

The text has its final form: control characters are removed, and a text beyond the limit is cut, with a mark at its end.
"""

from typing import Any

from msgspec import Struct

from translators.responses.tool_errors import MCPCallError


class Picture(Struct, frozen=True, gc=False):
    """A picture that a tool returned, as base64."""

    type: str
    """Its media type, for example image/png."""
    data: str

    @property
    def url(self) -> str:
        return f"data:{self.type};base64,{self.data}"


class ToolResult(Struct, frozen=True):
    """The result of one call. It never raises: a failed call is a result with an error."""

    text: str
    """What the model reads as the output of the call. Without an error, it is also the item's `output`."""
    error: MCPCallError | None = None
    """Why the call failed; the item's `output` is then null."""
    pictures: tuple[Picture, ...] = ()
    cut_bytes: int = 0
    """Bytes of text beyond the limit; 0: the text is whole."""
    details: dict[str, Any] = {}
    """Fields for the log: bytes received, the revision of the protocol."""
