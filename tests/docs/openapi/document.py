"""The OpenAPI document of the public address: every route, with what it takes and what it answers.

Source: OpenAPI Specification 3.1.1.
"""

import json

from adapter import __version__
from adapter.files.uploads import PURPOSES
from tests.docs.openapi.operations import (
    ASK,
    JSON,
    READ,
    TEXT,
    WRITE,
    answer_of,
    errors_of,
    items_of_body,
    json_of,
    operation,
    page_queries,
    query,
)
from tests.docs.openapi.schemas import components, ref
from tests.docs.openapi.vector_stores import vector_store_paths
from translators.responses.includes import INCLUDABLE

EVENT_STREAM: JSON = {
    "description": "Events, each as `event: TYPE` and `data: JSON` (schema `Event`), comments with notes and signs of "
    "life, and `data: [DONE]` at the end.",
    "type": "string",
}
CHUNK_STREAM: JSON = {"description": "The provider's own chunks, `data: JSON`.", "type": "string"}
TAGS = ("responses", "conversations", "files", "vector stores", "models", "forwarded", "server")


def render() -> str:
    """Return the document as it is served."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def document() -> JSON:
    """Return the document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "responses-adapter",
            "version": __version__,
            "summary": "OpenAI's Responses API in front of a chat-completions provider",
            "description": "What each field does: docs/compatibility.md of the project. Fields marked as deprecated "
            "change nothing. Members that are not listed are refused, unless the operator passes them on. Requests of "
            "`POST /v1/responses` can also be sent over a WebSocket at the same path.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"apiKey": []}, {}],
        "tags": [{"name": name} for name in TAGS],
        "paths": with_path_parameters(paths() | vector_store_paths()),
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "api-key"},
            },
            "headers": headers(),
            "schemas": components(),
        },
    }


def headers() -> JSON:
    return {
        "x-request-id": {"description": "Of the request, also in the server's log.", "schema": TEXT},
        "x-adapter-notes": {"description": "What was not done exactly as requested.", "schema": TEXT},
        "Retry-After": {"description": "Seconds until another try may help.", "schema": {"type": "integer"}},
        "x-should-retry": {"description": "Whether it may help.", "schema": {"enum": ["true", "false"]}},
    }


def paths() -> JSON:
    """Return the operations by path and method."""
    items = json_of("ItemList")
    page = [*page_queries(100), query("before", TEXT)]
    include = query("include", {"type": "array", "items": {"enum": list(INCLUDABLE)}})
    resending = [
        query("stream", {"enum": ["true", "false"]}), query("starting_after", {"type": "integer", "minimum": 0}),
        query("include_obfuscation", {"enum": ["true", "false"]}), include,
    ]  # fmt: skip
    files = [*page_queries(10_000), query("purpose", {"enum": list(PURPOSES)})]
    item_body = {"type": "object", "properties": {"items": items_of_body()}, "required": ["items"]}
    metadata = {"type": "object", "properties": {"metadata": ref("Metadata")}, "required": ["metadata"]}
    conversation = {"type": "object", "properties": {"items": items_of_body(), "metadata": ref("Metadata")}}
    answer = {**json_of("Response"), "text/event-stream": {"schema": EVENT_STREAM}}
    forwarded = {**json_of("Forwarded"), "text/event-stream": {"schema": CHUNK_STREAM}}
    return {
        "/": {"get": operation("server", "Say that the server runs", {
            "text/plain": {"schema": TEXT}, "text/html": {"schema": TEXT}}, ())},
        "/healthz": {"get": operation("server", "Say whether this worker answers", json_of("State"), ())},
        "/openapi.json": {"get": operation("server", "Describe the API", {
            "application/json": {"schema": {"type": "object"}}}, ())},
        "/readyz": {"get": {**operation("server", "Say whether the store can be written", json_of("State"), ()),
            "responses": {status: answer_of("The server's state.", json_of("State")) for status in ("200", "503")}}},
        "/v1/chat/completions": {"post": _forwarded("Complete a chat", forwarded)},
        "/v1/embeddings": {"post": _forwarded("Embed texts", json_of("Forwarded"))},
        "/v1/conversations": {"post": operation(
            "conversations", "Create a conversation", json_of("Conversation"), WRITE, body=conversation)},
        "/v1/conversations/{id}": {
            "get": operation("conversations", "Retrieve a conversation", json_of("Conversation"), READ),
            "post": operation("conversations", "Replace its metadata", json_of("Conversation"), WRITE, body=metadata),
            "delete": operation("conversations", "Delete a conversation", json_of("Deleted"), READ),
        },
        "/v1/conversations/{id}/items": {
            "get": operation("conversations", "List the items", items, READ, page),
            "post": operation("conversations", "Add items", items, (*WRITE, "409"), body=item_body),
        },
        "/v1/conversations/{id}/items/{item_id}": {
            "get": operation("conversations", "Retrieve an item", json_of("ListedItem"), READ),
            "delete": operation("conversations", "Delete an item", json_of("Conversation"), (*READ, "409")),
        },
        "/v1/files": {
            "get": operation("files", "List the files", json_of("FileList"), READ, files),
            "post": _upload(),
        },
        "/v1/files/{id}": {
            "get": operation("files", "Retrieve a file", json_of("File"), READ),
            "delete": operation("files", "Delete a file", json_of("Deleted"), READ),
        },
        "/v1/files/{id}/content": {"get": operation(
            "files", "Read a file", {"*/*": {"schema": {"type": "string", "format": "binary"}}}, READ)},
        "/v1/models": {"get": operation(
            "models", "List the models", json_of("ModelList"), (*READ, "429", "500", "502"),
            [query("client_version", TEXT)])},
        "/v1/models/{id}": {"get": operation(
            "models", "Retrieve a model", json_of("Model"), (*READ, "429", "500", "502"))},
        "/v1/responses": {
            "get": {"tags": ["responses"], "summary": "Open a WebSocket", "responses": {
                "101": {"description": "The connection takes `response.create` messages and sends events."},
                **errors_of(("401", "426", "503"))}},
            "post": operation("responses", "Create a response", answer, ASK, body=ref("CreateRequest")),
        },
        "/v1/responses/compact": {"post": operation(
            "responses", "Shorten a context", json_of("CompactedContext"), ASK, body=ref("CreateRequest"))},
        "/v1/responses/input_tokens": {"post": operation(
            "responses", "Count the tokens of a context", json_of("InputTokens"), ASK, body=ref("CreateRequest"))},
        "/v1/responses/{id}": {
            "get": operation("responses", "Retrieve a response", answer, READ, resending),
            "delete": operation("responses", "Delete a response", json_of("Deleted"), READ),
        },
        "/v1/responses/{id}/cancel": {"post": operation(
            "responses", "Cancel a background response", json_of("Response"), READ)},
        "/v1/responses/{id}/input_items": {"get": operation(
            "responses", "List the items it was made from", items, READ, [*page, include])},
    }  # fmt: skip


def _forwarded(summary: str, content: JSON) -> JSON:
    """Return the operation of a forwarded request, whose errors may be the provider's own."""
    made = operation("forwarded", f"{summary}: forwarded to the provider", content, (), body=ref("Forwarded"))
    own_or_providers = {"schema": {"anyOf": [ref("Error"), ref("Forwarded")]}}
    made["responses"]["default"] = {
        "description": "An error, as the provider has said it, or of the adapter.",
        "content": {"application/json": own_or_providers},
    }
    return made


def _upload() -> JSON:
    form = {
        "type": "object", "required": ["file", "purpose"],
        "properties": {
            "file": {"type": "string", "format": "binary"}, "purpose": {"enum": list(PURPOSES)},
            "expires_after[anchor]": {"const": "created_at"}, "expires_after[seconds]": {"type": "integer"},
        },
    }  # fmt: skip
    made = operation("files", "Upload a file", json_of("File"), WRITE)
    return {**made, "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}}}


def with_path_parameters(paths: JSON) -> JSON:
    """Return paths with the parameters that their templates name."""
    found = {}
    for path, item in paths.items():
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        shared = [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in names]
        found[path] = {"parameters": shared, **item} if shared else item
    return found
