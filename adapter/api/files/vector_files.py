"""`/v1/vector_stores/{id}/files` and `/file_batches`: the files of a vector store, added, changed and removed.

Source: OpenAI API reference, Vector store files; OpenAI API reference, Vector store file batches.
"""

import time
from typing import Any, Final

from flask import Blueprint, Response
from flask import request as http
from msgspec.structs import replace

from adapter.api.current import current_caller, services
from adapter.api.files.bodies import (
    BATCH_BODY,
    FILE_BODY,
    FileToAdd,
    check_attributes,
    check_chunking,
    new_vector_file,
    read_members,
)
from adapter.api.files.objects import (
    batch_object,
    file_store,
    json_answer,
    list_object,
    no_such_vector_file,
    vector_file_object,
)
from adapter.api.files.vector_stores import check_files, check_usable, find_store, read_page
from adapter.services import new_id
from adapter.store.base import NotFound
from adapter.store.files.protocols import FileStore
from adapter.store.vectors.values import StoredBatch, StoredVectorFile, StoredVectorStore
from translators.errors import RequestError, invalid_value, missing_parameter, shorten
from translators.wire import encode

blueprint = Blueprint("vector_files", __name__, url_prefix="/v1/vector_stores/<store_id>")

_STATUSES: Final = ("in_progress", "completed", "failed", "cancelled")


@blueprint.post("/files")
def add(store_id: str) -> Response:
    caller, app, files = current_caller(), services(), file_store()
    store = find_store(files, store_id, caller.tenant)
    app.quota.check(caller.tenant)
    body, _ = read_members(caller, FILE_BODY, required="file_id")
    check_usable(store)
    check_files(files, [body["file_id"]], caller.tenant, "file_id")
    file = new_vector_file(
        store.number, caller.tenant, body["file_id"], int(time.time()), body.get("attributes"),
        body.get("chunking_strategy"),
    )  # fmt: skip
    files.vectors.add_files([file])
    files.vectors.mark_used(store, time.time())
    app.index_files()
    return json_answer(vector_file_object(file, store.id))


@blueprint.get("/files")
def list_files(store_id: str) -> Response:
    tenant, files = current_caller().tenant, file_store()
    store = find_store(files, store_id, tenant)
    return json_answer(_list(files, store))


@blueprint.get("/files/<id>")
def retrieve(store_id: str, id: str) -> Response:
    tenant, files = current_caller().tenant, file_store()
    store = find_store(files, store_id, tenant)
    return json_answer(vector_file_object(_find(files, store, id), store.id))


@blueprint.post("/files/<id>")
def change(store_id: str, id: str) -> Response:
    caller, files = current_caller(), file_store()
    store = find_store(files, store_id, caller.tenant)
    file = _find(files, store, id)
    body, nulls = read_members(caller, FILE_BODY)
    for name in ("file_id", "chunking_strategy"):
        if name in body:
            raise RequestError(f"'{name}' cannot be changed.", param=name, code="unsupported_parameter")
    if "attributes" not in body and "attributes" not in nulls:
        raise missing_parameter("attributes")
    attributes = encode(body.get("attributes", {}))
    files.vectors.set_attributes(store.number, id, attributes)
    return json_answer(vector_file_object(replace(file, attributes=attributes), store.id))


@blueprint.delete("/files/<id>")
def remove(store_id: str, id: str) -> Response:
    tenant, files = current_caller().tenant, file_store()
    store = find_store(files, store_id, tenant)
    try:
        files.vectors.remove_file(store.number, id)
    except NotFound:
        raise no_such_vector_file(id) from None
    return json_answer({"id": id, "object": "vector_store.file.deleted", "deleted": True})


@blueprint.get("/files/<id>/content")
def read(store_id: str, id: str) -> Response:
    tenant, files = current_caller().tenant, file_store()
    store = find_store(files, store_id, tenant)
    _find(files, store, id)
    data = [{"type": "text", "text": text} for text in files.vectors.texts(store.number, id)]
    page = {"object": "vector_store.file_content.page", "data": data, "has_more": False, "next_page": None}
    return json_answer(page)


@blueprint.post("/file_batches")
def add_batch(store_id: str) -> Response:
    caller, app, files = current_caller(), services(), file_store()
    store = find_store(files, store_id, caller.tenant)
    app.quota.check(caller.tenant)
    body, _ = read_members(caller, BATCH_BODY)
    check_usable(store)
    wanted, param = _wanted(body)
    check_files(files, list(wanted), caller.tenant, param)
    now = int(time.time())
    batch = StoredBatch(new_id("vsfb"), caller.tenant, store.number, now)
    added = [
        new_vector_file(store.number, caller.tenant, id, now, one.attributes, one.chunking_strategy, batch.id)
        for id, one in wanted.items()
    ]
    files.vectors.add_files(added, batch)
    files.vectors.mark_used(store, time.time())
    app.index_files()
    return json_answer(_batch(files, batch, store))


@blueprint.get("/file_batches/<id>")
def retrieve_batch(store_id: str, id: str) -> Response:
    tenant, files = current_caller().tenant, file_store()
    store = find_store(files, store_id, tenant)
    return json_answer(_batch(files, _find_batch(files, store, id), store))


@blueprint.post("/file_batches/<id>/cancel")
def cancel_batch(store_id: str, id: str) -> Response:
    tenant, files = current_caller().tenant, file_store()
    store = find_store(files, store_id, tenant)
    files.vectors.cancel_batch(_find_batch(files, store, id))
    return json_answer(_batch(files, _find_batch(files, store, id), store))


@blueprint.get("/file_batches/<id>/files")
def list_batch(store_id: str, id: str) -> Response:
    tenant, files = current_caller().tenant, file_store()
    store = find_store(files, store_id, tenant)
    return json_answer(_list(files, store, _find_batch(files, store, id).id))


def _wanted(body: dict[str, Any]) -> tuple[dict[str, FileToAdd], str]:
    """Return the files of a batch by id, and the parameter that names them; raise RequestError."""
    if ("file_ids" in body) == ("files" in body):
        if "files" in body:
            raise RequestError("Give either 'file_ids' or 'files'.", param="files", code="invalid_value")
        raise missing_parameter("file_ids")
    if "file_ids" in body:
        shared = FileToAdd("", body.get("attributes"), body.get("chunking_strategy"))
        return dict.fromkeys(body["file_ids"], shared), "file_ids"
    files: dict[str, FileToAdd] = {}
    for at, one in enumerate(body["files"]):
        if one.chunking_strategy is not None:
            check_chunking(one.chunking_strategy, f"files[{at}].chunking_strategy")
        attributes = check_attributes(one.attributes or {}, f"files[{at}].attributes")
        files[one.file_id] = FileToAdd(one.file_id, {**attributes}, one.chunking_strategy)
    return files, "files"


def _find(files: FileStore, store: StoredVectorStore, id: str, param: str = "file_id") -> StoredVectorFile:
    try:
        return files.vectors.vector_file(store.number, id)
    except NotFound:
        raise no_such_vector_file(id, param) from None


def _find_batch(files: FileStore, store: StoredVectorStore, id: str) -> StoredBatch:
    try:
        return files.vectors.batch(id, store.tenant, store.number)
    except NotFound:
        raise RequestError(f"No batch found with id '{shorten(id)}'.", param="batch_id", status=404) from None


def _list(files: FileStore, store: StoredVectorStore, batch: str = "") -> dict[str, Any]:
    page = read_page()
    status = http.args.get("filter", "")
    if status and status not in _STATUSES:
        raise invalid_value("filter", shorten(status), _STATUSES)
    for cursor, param in ((page.after, "after"), (page.before, "before")):
        if cursor:
            _find(files, store, cursor, param)
    found, has_more = files.vectors.list_vector_files(store.number, page, status=status, batch=batch)
    return list_object([vector_file_object(file, store.id) for file in found], has_more=has_more)


def _batch(files: FileStore, batch: StoredBatch, store: StoredVectorStore) -> dict[str, Any]:
    return batch_object(batch, files.vectors.counts(store.number, batch.id), store.id)
