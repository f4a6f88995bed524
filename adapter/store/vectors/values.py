"""The values of vector stores: the stores, the files in them, and the chunks of these files.

Names of fields are names of columns, so they must not change.
"""

from typing import Final, Literal

from msgspec import Struct

USE_SECONDS: Final = 60.0
"""The exactness with which the last use of a vector store is known: most uses then write nothing."""

FileStatus = Literal["in_progress", "completed", "cancelled", "failed"]


class StoredVectorStore(Struct, frozen=True, gc=False):
    """A vector store without its files."""

    id: str
    tenant: str
    created_at: int
    """Unix seconds."""
    used_at: float
    """Unix time of its last use, from which `expires_days` count."""
    name: str = ""
    description: str = ""
    metadata: bytes = b"{}"
    """JSON object."""
    expires_days: int | None = None
    """Days without use after which it expires."""
    number: int = 0
    """By which its files and chunks refer to it; the store assigns it."""

    @property
    def expires_at(self) -> int | None:
        return None if self.expires_days is None else int(self.used_at) + self.expires_days * 86_400


class StoredVectorFile(Struct, frozen=True, gc=False):
    """A file in a vector store, and how far its indexing is."""

    store: int
    """Number of the vector store."""
    file: str
    tenant: str
    created_at: int
    attributes: bytes = b"{}"
    """JSON object."""
    chunk_tokens: int = 800
    overlap_tokens: int = 400
    auto: bool = True
    """Whether the client left the chunking to the server."""
    batch: str = ""
    """Id of the batch that it was added with."""
    status: FileStatus = "in_progress"
    error_code: str = ""
    error_message: str = ""
    bytes: int = 0
    """Of its chunks."""
    chunks: int = 0
    words: int = 0
    """Number of terms in its chunks."""
    holder: str = ""
    """Who indexes it."""
    until: float = 0.0
    """Unix time at which the lease of the holder expires; 0: it is not being indexed."""


class StoredBatch(Struct, frozen=True, gc=False):
    """Files that were added to a vector store together."""

    id: str
    tenant: str
    store: int
    created_at: int
    cancelled: bool = False


class FileCounts(Struct, frozen=True):
    """How many files of a vector store, or of a batch, have each status."""

    in_progress: int = 0
    completed: int = 0
    cancelled: int = 0
    failed: int = 0
    bytes: int = 0
    """Of the chunks of all of them."""

    @property
    def total(self) -> int:
        return self.in_progress + self.completed + self.cancelled + self.failed


class NewChunk(Struct, frozen=True, gc=False):
    """A piece of a file's text, with the terms in it."""

    number: int
    """Its position among those of the file."""
    text: str
    terms: tuple[str, ...]
    """Each as often as it occurs; letters and digits only."""
    vector: bytes = b""
    """Its embedding, as 32-bit floats; b"": none."""


class FoundChunk(Struct, frozen=True, gc=False):
    """A chunk that a search has found."""

    file: str
    number: int
    text: str
    length: int
    """Number of its terms."""
    counts: dict[str, int]
    """How often each of the terms that were asked for occurs in it."""


class Totals(Struct, frozen=True):
    """What a vector store has in all."""

    chunks: int
    words: int


class Page(Struct, frozen=True):
    """Which part of a list is wanted. `after` and `before` are ids that the list has, "" for none."""

    limit: int = 20
    after: str = ""
    before: str = ""
    descending: bool = True
