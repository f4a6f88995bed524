"""`/v1/files`: upload, list, retrieve, read and delete files.

Source: OpenAI API reference, Files; RFC 8187 §3.2.
"""

import time
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response
from flask import request as http
from marshmallow import EXCLUDE, Schema, fields

from adapter.api.current import current_caller, services
from adapter.api.files.objects import file_object, file_store, json_answer, list_object, no_such_file
from adapter.api.request.body import declared_length
from adapter.api.request.fields import QueryChoice, QueryNumber
from adapter.files.stored import read_pieces
from adapter.files.uploads import PURPOSES, Upload
from adapter.services import new_file_id
from adapter.store.base import NotFound
from adapter.store.files.protocols import FileReader
from adapter.store.files.values import StoredFile
from translators.errors import invalid_value, shorten

blueprint = Blueprint("files", __name__, url_prefix="/v1/files")


class ListSchema(Schema):
    """The query of a list. Unknown names are ignored, as in all queries."""

    class Meta:
        unknown = EXCLUDE

    limit = QueryNumber(1, 10_000, load_default=10_000)
    order = QueryChoice("asc", "desc", load_default="desc")
    after = fields.String(load_default="")
    purpose = fields.String(load_default="")


_list_schema = ListSchema()


@blueprint.post("")
def create() -> Response:
    caller, app, store = current_caller(), services(), file_store()
    upload = Upload(store, app.quota, app.settings, new_file_id(), caller.tenant)
    return json_answer(file_object(upload.receive(http.environ, length=declared_length(http.environ))))


@blueprint.get("")
def list_files() -> Response:
    tenant, store = current_caller().tenant, file_store()
    query: dict[str, Any] = _list_schema.load(http.args)
    if query["purpose"] and query["purpose"] not in PURPOSES:
        raise invalid_value("purpose", shorten(query["purpose"]), PURPOSES)
    if query["after"]:
        _find(store, query["after"], tenant, "after")
    page = store.list_files(
        tenant, time.time(), purpose=query["purpose"], limit=query["limit"], after=query["after"],
        descending=query["order"] == "desc",
    )  # fmt: skip
    return json_answer(list_object([file_object(file) for file in page.files], has_more=page.has_more))


@blueprint.get("/<id>")
def retrieve(id: str) -> Response:
    tenant = current_caller().tenant
    return json_answer(file_object(_find(file_store(), id, tenant)))


@blueprint.get("/<id>/content")
def read(id: str) -> Response:
    tenant, store = current_caller().tenant, file_store()
    file = _find(store, id, tenant)
    response = Response(read_pieces(store, file), content_type=file.type)
    # If it is deleted meanwhile, the connection breaks off before this length.
    response.headers["Content-Length"] = str(file.bytes)
    # A browser must never show it as a page of this server.
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(file.filename)}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@blueprint.delete("/<id>")
def delete(id: str) -> Response:
    tenant, store = current_caller().tenant, file_store()
    try:
        store.delete_file(id, tenant)
    except NotFound:
        raise no_such_file(id) from None
    return json_answer({"id": id, "object": "file", "deleted": True})


def _find(store: FileReader, id: str, tenant: str, param: str = "id") -> StoredFile:
    try:
        return store.file(id, tenant, time.time())
    except NotFound:
        raise no_such_file(id, param) from None
