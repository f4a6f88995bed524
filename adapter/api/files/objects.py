"""The objects of the files and vector store APIs, and the errors for what is not there.

Source: OpenAI API reference, Files; OpenAI API reference, Vector stores.
"""

from typing import Any

from flask import Response

from adapter.api.current import services
from adapter.store.files.protocols import FileStore
from adapter.store.files.values import StoredFile
from adapter.store.vectors.values import FileCounts, StoredBatch, StoredVectorFile, StoredVectorStore
from translators.errors import RequestError, shorten
from translators.wire import decode, encode


def file_store() -> FileStore:
    """Return the store of files; raise RequestError if the server has none."""
    store = services().file_store
    if store is None:
        raise RequestError(
            "This server keeps no files, because its store is Redis. The operator can use SQLite or PostgreSQL; a file "
            "can also be sent with the request, as 'file_data'.",
            code="unsupported",
        )
    return store


def file_object(file: StoredFile) -> dict[str, Any]:
    """Return a file as clients see it."""
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": file.created_at,
        "expires_at": file.expires_at,
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }


def no_such_file(id: str, param: str | None = "id") -> RequestError:
    return RequestError(f"No such File object: {shorten(id)}", param=param, status=404)


def no_such_store(id: str, param: str | None = "vector_store_id") -> RequestError:
    return RequestError(f"Vector store '{shorten(id)}' not found.", param=param, status=404)


def no_such_vector_file(id: str, param: str | None = "file_id") -> RequestError:
    return RequestError(f"No file found with id '{shorten(id)}' in vector store.", param=param, status=404)


def store_object(store: StoredVectorStore, counts: FileCounts, now: float) -> dict[str, Any]:
    """Return a vector store as clients see it."""
    days, expires_at = store.expires_days, store.expires_at
    if expires_at is not None and expires_at <= now:
        status = "expired"
    else:
        status = "in_progress" if counts.in_progress else "completed"
    return {
        "id": store.id,
        "object": "vector_store",
        "created_at": store.created_at,
        "name": store.name,
        "description": store.description or None,
        "usage_bytes": counts.bytes,
        "file_counts": _counts(counts),
        "status": status,
        "expires_after": None if days is None else {"anchor": "last_active_at", "days": days},
        "expires_at": expires_at,
        "last_active_at": int(store.used_at),
        "metadata": decode(store.metadata),
    }


def vector_file_object(file: StoredVectorFile, store_id: str) -> dict[str, Any]:
    """Return a file of a vector store as clients see it."""
    error = {"code": file.error_code, "message": file.error_message} if file.error_code else None
    sizes = {"max_chunk_size_tokens": file.chunk_tokens, "chunk_overlap_tokens": file.overlap_tokens}
    return {
        "id": file.file,
        "object": "vector_store.file",
        "usage_bytes": file.bytes,
        "created_at": file.created_at,
        "vector_store_id": store_id,
        "status": file.status,
        "last_error": error,
        "chunking_strategy": {"type": "static", "static": sizes},
        "attributes": decode(file.attributes),
    }


def batch_object(batch: StoredBatch, counts: FileCounts, store_id: str) -> dict[str, Any]:
    """Return a batch of files as clients see it."""
    status = "cancelled" if batch.cancelled else "in_progress" if counts.in_progress else "completed"
    return {
        "id": batch.id,
        "object": "vector_store.files_batch",
        "created_at": batch.created_at,
        "vector_store_id": store_id,
        "status": status,
        "file_counts": _counts(counts),
    }


def list_object(data: list[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    """Return a page of a list."""
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return {"object": "list", "data": data, "first_id": first, "last_id": last, "has_more": has_more}


def _counts(counts: FileCounts) -> dict[str, int]:
    return {
        "in_progress": counts.in_progress, "completed": counts.completed, "failed": counts.failed,
        "cancelled": counts.cancelled, "total": counts.total,
    }  # fmt: skip


def json_answer(value: object) -> Response:
    return Response(encode(value), content_type="application/json")
