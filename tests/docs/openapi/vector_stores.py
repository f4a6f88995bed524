"""The operations of vector stores."""

from tests.docs.openapi.operations import JSON, READ, WRITE, json_of, operation, page_queries, query
from tests.docs.openapi.schemas import ref

_STORE, _FILE, _BATCH = (json_of(name) for name in ("VectorStore", "VectorFile", "FileBatch"))


def vector_store_paths() -> JSON:
    """Return the operations by path and method."""
    base = "/v1/vector_stores"
    store, file, batch = f"{base}/{{id}}", f"{base}/{{store_id}}/files", f"{base}/{{store_id}}/file_batches"
    pages = [*page_queries(100), query("before", {"type": "string"})]
    statuses = {"enum": ["in_progress", "completed", "failed", "cancelled"]}
    files = [*pages, query("filter", statuses)]
    return {
        base: {
            "get": _read("List the vector stores", json_of("VectorStoreList"), pages),
            "post": _write("Create a vector store", _STORE, "VectorStoreBody"),
        },
        store: {
            "get": _read("Retrieve a vector store", _STORE),
            "post": _write("Change a vector store", _STORE, "VectorStoreBody"),
            "delete": _read("Delete a vector store", json_of("Deleted")),
        },
        f"{store}/search": {"post": _write("Search a vector store", json_of("FoundPage"), "SearchBody", ("500",))},
        file: {
            "get": _read("List its files", json_of("VectorFileList"), files),
            "post": _write("Add a file", _FILE, "VectorFileBody"),
        },
        f"{file}/{{id}}": {
            "get": _read("Retrieve a file of a vector store", _FILE),
            "post": _write("Change the attributes of a file", _FILE, "VectorFileBody"),
            "delete": _read("Remove a file", json_of("Deleted")),
        },
        f"{file}/{{id}}/content": {"get": _read("Read the text of a file", json_of("TextPage"))},
        batch: {"post": _write("Add files", _BATCH, "FileBatchBody")},
        f"{batch}/{{id}}": {"get": _read("Retrieve a batch", _BATCH)},
        f"{batch}/{{id}}/cancel": {"post": _read("Cancel a batch", _BATCH)},
        f"{batch}/{{id}}/files": {"get": _read("List the files of a batch", json_of("VectorFileList"), files)},
    }


def _read(summary: str, content: JSON, parameters: list[JSON] | None = None) -> JSON:
    return operation("vector stores", summary, content, READ, parameters)


def _write(summary: str, content: JSON, body: str, errors: tuple[str, ...] = ()) -> JSON:
    return operation("vector stores", summary, content, (*WRITE, *errors), body=ref(body))
