"""The values that a file store holds. Names of fields are names of columns, so they must not change."""

from typing import Final

from msgspec import Struct

PIECE_BYTES: Final = 256 * 1024
"""Of one row of a file: few commits for a large file, and little memory for an upload."""


class StoredFile(Struct, frozen=True, gc=False):
    """A file without its bytes, which are stored beside it in pieces."""

    id: str
    tenant: str
    created_at: int
    """Unix seconds."""
    filename: str
    purpose: str
    type: str
    """Media type, as the client sent it or as its name says."""
    bytes: int = 0
    pieces: int = 0
    """Number of the pieces that its bytes are in."""
    expires_at: int | None = None
    """Unix seconds; None: it does not expire."""


class FilePage(Struct, frozen=True):
    """Some files of a list, in its order."""

    files: tuple[StoredFile, ...]
    has_more: bool
    """Whether there are files behind them."""
