"""The bodies of the vector store API.

Source: OpenAI API reference, Vector stores; OpenAI API reference, Vector store files.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from flask import request as http
from marshmallow import EXCLUDE, Schema
from msgspec import Meta, Struct
from msgspec.structs import replace

from adapter.api.current import services
from adapter.api.request.fields import Member, Metadata, Number, Text, Typed
from adapter.api.request.intake import read_callers_body
from adapter.flow.caller import Caller
from adapter.store.vectors.values import StoredVectorFile
from translators.errors import invalid_parameter, missing_parameter, shorten, unknown_parameter
from translators.responses.characters import check_characters
from translators.wire import Decoder, Raw, decode_members, decode_param, encode

if TYPE_CHECKING:
    from adapter.hosting.file_search.filters import Filter

MAX_FILES: Final = 2000
"""Added at a time. Source: OpenAI API reference, Vector store file batches."""
_MAX_BYTES: Final = 256 * 1024
_MAX_QUERIES: Final = 20

Attributes = dict[str, str | float | bool | None]
Queries = Annotated[str, Meta(max_length=8192)] | Annotated[list[str], Meta(min_length=1, max_length=_MAX_QUERIES)]
FileIds = Annotated[list[str], Meta(max_length=MAX_FILES)]


class ExpiresAfter(Struct, frozen=True, forbid_unknown_fields=True):
    anchor: Literal["last_active_at"]
    days: Annotated[int, Meta(ge=1, le=365)]


class AutoChunking(Struct, frozen=True, tag_field="type", tag="auto", forbid_unknown_fields=True):
    """The sizes are the server's: 800 tokens, 400 of them shared with the chunk before."""


class ChunkSizes(Struct, frozen=True, forbid_unknown_fields=True):
    max_chunk_size_tokens: Annotated[int, Meta(ge=100, le=4096)]
    chunk_overlap_tokens: Annotated[int, Meta(ge=0)]


class StaticChunking(Struct, frozen=True, tag_field="type", tag="static", forbid_unknown_fields=True):
    static: ChunkSizes


Chunking = AutoChunking | StaticChunking


class FileToAdd(Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a batch."""

    file_id: str
    attributes: Attributes | None = None
    chunking_strategy: Chunking | None = None


FilesToAdd = Annotated[list[FileToAdd], Meta(max_length=MAX_FILES)]


class HybridSearch(Struct, frozen=True, forbid_unknown_fields=True):
    embedding_weight: Annotated[float, Meta(ge=0)] = 1.0
    text_weight: Annotated[float, Meta(ge=0)] = 1.0


class RankingOptions(Struct, frozen=True, forbid_unknown_fields=True):
    ranker: Literal["none", "auto", "default-2024-11-15"] = "auto"
    score_threshold: Annotated[float, Meta(ge=0, le=1)] = 0.0
    hybrid_search: HybridSearch | None = None


class AttributesMember(Typed):
    """At most 16 attributes of a file; one that is null is left out."""

    def __init__(self) -> None:
        super().__init__(Attributes, max_bytes=_MAX_BYTES)

    def read(self, raw: Raw, name: str) -> dict[str, str | float | bool]:
        return check_attributes(super().read(raw, name), name)


class ChunkingMember(Typed):
    def __init__(self) -> None:
        super().__init__(Chunking, max_bytes=_MAX_BYTES)

    def read(self, raw: Raw, name: str) -> Chunking:
        return check_chunking(super().read(raw, name), name)


class FilterMember(Member):
    """A filter on attributes."""

    def read(self, raw: Raw, name: str) -> "Filter":
        from adapter.hosting.file_search.filters import read_filter  # late: few servers search

        if len(memoryview(raw)) > _MAX_BYTES:
            raise invalid_parameter(name, "it is too long")
        return read_filter(decode_param(_anything, raw, name), name)


class _Body(Schema):
    class Meta:
        unknown = EXCLUDE  # names are checked before


class StoreBody(_Body):
    name = Text(256)
    description = Text(4096)
    file_ids = Typed(FileIds)
    metadata = Metadata()
    expires_after = Typed(ExpiresAfter)
    chunking_strategy = ChunkingMember()


class FileBody(_Body):
    file_id = Typed(str)
    attributes = AttributesMember()
    chunking_strategy = ChunkingMember()


class BatchBody(_Body):
    file_ids = Typed(FileIds)
    files = Typed(FilesToAdd)
    attributes = AttributesMember()
    chunking_strategy = ChunkingMember()


class SearchBody(_Body):
    query = Typed(Queries)
    filters = FilterMember()
    max_num_results = Number(int, 1, 50)
    ranking_options = Typed(RankingOptions)
    rewrite_query = Typed(bool)


_anything: Final = Decoder(Any)
STORE_BODY: Final = StoreBody()
FILE_BODY: Final = FileBody()
BATCH_BODY: Final = BatchBody()
SEARCH_BODY: Final = SearchBody()


def read_members(caller: Caller, schema: Schema, required: str = "") -> tuple[dict[str, Any], frozenset[str]]:
    """Return the members of the current request's body, and the names of those that are null; raise RequestError."""
    body = read_callers_body(http.environ, caller, services())
    members = decode_members(body)
    for name in members:
        if name not in schema.fields:
            raise unknown_parameter(shorten(name), "")
    check_characters(body, members)
    nulls = frozenset(name for name, raw in members.items() if raw == Raw(b"null"))
    given: Mapping[str, Raw] = {name: raw for name, raw in members.items() if name not in nulls}
    if required and required not in given:
        raise missing_parameter(required)
    loaded: dict[str, Any] = schema.load(given)
    return loaded, nulls


def check_attributes(given: Mapping[str, Any], param: str) -> dict[str, str | float | bool]:
    """Return the attributes of a file without those that are null; raise RequestError for what is too much."""
    attributes = {key: value for key, value in given.items() if value is not None}
    if len(attributes) > 16:
        raise invalid_parameter(param, "expected at most 16 attributes")
    for key, value in attributes.items():
        if len(key) > 64 or (isinstance(value, str) and len(value) > 512):
            raise invalid_parameter(f"{param}.{shorten(key)}", "expected at most 64 characters as key and 512 as value")
    return attributes


def check_chunking(chunking: Chunking, param: str) -> Chunking:
    """Return a chunking strategy; raise RequestError for chunks that overlap by more than half."""
    if isinstance(chunking, StaticChunking):
        sizes = chunking.static
        if sizes.chunk_overlap_tokens * 2 > sizes.max_chunk_size_tokens:
            raise invalid_parameter(
                f"{param}.static.chunk_overlap_tokens", "expected at most half of 'max_chunk_size_tokens'"
            )
    return chunking


def new_vector_file(
    store: int, tenant: str, file: str, now: int, attributes: Mapping[str, Any] | None, chunking: Chunking | None,
    batch: str = "",
) -> StoredVectorFile:  # fmt: skip
    """Return a file to be added to a vector store."""
    made = StoredVectorFile(store, file, tenant, now, encode(dict(attributes or {})), batch=batch)
    if not isinstance(chunking, StaticChunking):
        return made
    size, overlap = chunking.static.max_chunk_size_tokens, chunking.static.chunk_overlap_tokens
    return replace(made, chunk_tokens=size, overlap_tokens=overlap, auto=False)
