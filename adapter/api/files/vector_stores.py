"""`/v1/vector_stores`: create, list, retrieve, change, delete and search vector stores.

Source: OpenAI API reference, Vector stores.
"""

import time
from typing import Any

from flask import Blueprint, Response
from flask import request as http
from msgspec.structs import replace

from adapter.api.current import current_caller, services
from adapter.api.files.bodies import (
    SEARCH_BODY,
    STORE_BODY,
    ExpiresAfter,
    HybridSearch,
    RankingOptions,
    new_vector_file,
    read_members,
)
from adapter.api.files.objects import (
    file_store,
    json_answer,
    list_object,
    no_such_file,
    no_such_store,
    store_object,
)
from adapter.api.request.queries import parse_page
from adapter.services import new_id
from adapter.store.base import NotFound
from adapter.store.files.protocols import FileStore
from adapter.store.vectors.values import Page, StoredVectorStore
from translators.errors import RequestError
from translators.wire import encode

blueprint = Blueprint("vector_stores", __name__, url_prefix="/v1/vector_stores")


@blueprint.post("")
def create() -> Response:
    caller, app, files = current_caller(), services(), file_store()
    app.quota.check(caller.tenant)
    body, _ = read_members(caller, STORE_BODY)
    now = time.time()
    expires: ExpiresAfter | None = body.get("expires_after")
    check_files(files, body.get("file_ids", []), caller.tenant, "file_ids")
    id = new_id("vs")
    files.vectors.create_store(
        StoredVectorStore(
            id, caller.tenant, int(now), now, body.get("name", ""), body.get("description", ""),
            encode(body.get("metadata", {})), None if expires is None else expires.days,
        )
    )  # fmt: skip
    store = files.vectors.vector_store(id, caller.tenant)
    added = dict.fromkeys(body.get("file_ids", []))
    if added:
        chunking = body.get("chunking_strategy")
        files.vectors.add_files(
            [new_vector_file(store.number, caller.tenant, file, int(now), None, chunking) for file in added]
        )
        app.index_files()
    return json_answer(_shown(files, store))


@blueprint.get("")
def list_stores() -> Response:
    tenant, files = current_caller().tenant, file_store()
    page = read_page()
    for cursor, param in ((page.after, "after"), (page.before, "before")):
        if cursor:
            find_store(files, cursor, tenant, param)
    stores, has_more = files.vectors.list_stores(tenant, page)
    return json_answer(list_object([_shown(files, store) for store in stores], has_more=has_more))


@blueprint.get("/<id>")
def retrieve(id: str) -> Response:
    tenant, files = current_caller().tenant, file_store()
    return json_answer(_shown(files, find_store(files, id, tenant)))


@blueprint.post("/<id>")
def change(id: str) -> Response:
    caller, files = current_caller(), file_store()
    store = find_store(files, id, caller.tenant)
    body, nulls = read_members(caller, STORE_BODY)
    for name in ("file_ids", "chunking_strategy"):
        if name in body:
            raise RequestError(
                f"'{name}' cannot be changed. Add files at /v1/vector_stores/{store.id}/files.", param=name,
                code="unsupported_parameter",
            )  # fmt: skip
    changes: dict[str, Any] = {name: body[name] for name in ("name", "description") if name in body}
    changes |= {name: "" for name in ("name", "description") if name in nulls}
    if "metadata" in body or "metadata" in nulls:
        changes["metadata"] = encode(body.get("metadata", {}))
    if "expires_after" in body or "expires_after" in nulls:
        changes["expires_days"] = body["expires_after"].days if "expires_after" in body else None
    store = replace(store, used_at=time.time(), **changes)
    files.vectors.update_store(store)
    return json_answer(_shown(files, store))


@blueprint.delete("/<id>")
def delete(id: str) -> Response:
    tenant, files = current_caller().tenant, file_store()
    try:
        files.vectors.delete_store(id, tenant)
    except NotFound:
        raise no_such_store(id) from None
    return json_answer({"id": id, "object": "vector_store.deleted", "deleted": True})


@blueprint.post("/<id>/search")
def search(id: str) -> Response:
    from adapter.hosting.file_search.search import FileSearch, SearchOptions  # late: few servers search

    caller, app, files = current_caller(), services(), file_store()
    store = find_store(files, id, caller.tenant)
    body, _ = read_members(caller, SEARCH_BODY, required="query")
    check_usable(store)
    queries = [body["query"]] if isinstance(body["query"], str) else body["query"]
    ranking: RankingOptions = body.get("ranking_options", RankingOptions())
    weights = ranking.hybrid_search or HybridSearch()
    searching = FileSearch(files, caller.tenant, app.offload, app.embedder(), caller.bearer)
    results = searching.run(
        [store], queries,
        SearchOptions(
            body.get("max_num_results", 10), body.get("filters"), ranking.score_threshold, weights.embedding_weight,
            weights.text_weight,
        ),
    )  # fmt: skip
    data = [
        {
            "file_id": one.file_id, "filename": one.filename, "score": one.score, "attributes": one.attributes,
            "content": [{"type": "text", "text": one.text}],
        }
        for one in results
    ]  # fmt: skip
    page = {"object": "vector_store.search_results.page", "search_query": queries, "data": data}
    return json_answer({**page, "has_more": False, "next_page": None})


def find_store(files: FileStore, id: str, tenant: str, param: str = "vector_store_id") -> StoredVectorStore:
    """Return a tenant's vector store; raise RequestError (404)."""
    try:
        return files.vectors.vector_store(id, tenant)
    except NotFound:
        raise no_such_store(id, param) from None


def check_usable(store: StoredVectorStore) -> None:
    """Raise RequestError for a vector store that has expired."""
    if store.expires_at is not None and store.expires_at <= time.time():
        raise RequestError(f"Vector store '{store.id}' has expired.", param="vector_store_id", code="invalid_value")


def check_files(files: FileStore, ids: list[str], tenant: str, param: str) -> None:
    """Raise RequestError (404) for the first file that a tenant does not have."""
    now = time.time()
    for id in ids:
        try:
            files.file(id, tenant, now)
        except NotFound:
            raise no_such_file(id, param) from None


def read_page() -> Page:
    """Return the page that the current request's query names; raise RequestError."""
    query = parse_page(http.args)
    return Page(query["limit"], query["after"] or "", query["before"] or "", query["order"] == "desc")


def _shown(files: FileStore, store: StoredVectorStore) -> dict[str, Any]:
    return store_object(store, files.vectors.counts(store.number), time.time())
