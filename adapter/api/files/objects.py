"""The objects of the Files API, and the errors for what is not there.

Source: OpenAI API reference, Files.
"""

from typing import Any

from adapter.api.current import services
from adapter.store.files.protocols import FileStore
from adapter.store.files.values import StoredFile
from translators.errors import RequestError, shorten


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
