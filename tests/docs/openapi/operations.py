"""Pieces of an OpenAPI operation: parameters, answers, errors."""

from typing import Any

from tests.docs.openapi.schemas import ref

JSON = dict[str, Any]

TEXT: JSON = {"type": "string"}
ERRORS = {
    "400": "The request is wrong: `param` is the place.", "401": "The key is missing, wrong or expired.",
    "403": "Not available here.", "404": "There is no such thing, or the key may not use it.",
    "408": "The body did not arrive in time.", "409": "Another request is writing to the conversation.",
    "413": "The body is too large.", "415": "The body is no JSON, or compressed in an unknown way.",
    "426": "Only a WebSocket handshake is possible.",
    "429": "A limit of the key, the tenant or the provider is reached.",
    "500": "The provider or the server failed.", "502": "The provider cannot be used as it is configured.",
    "503": "The server, its store or the provider is overloaded or being restarted.",
}  # fmt: skip
READ = ("400", "401", "404", "503")
WRITE = (*READ, "408", "413", "415", "429")
ASK = (*WRITE, "403", "409", "500", "502")


def operation(
    tag: str, summary: str, content: JSON, errors: tuple[str, ...], parameters: list[JSON] | None = None,
    body: JSON | None = None,
) -> JSON:  # fmt: skip
    made: JSON = {"tags": [tag], "summary": summary}
    if parameters:
        made["parameters"] = parameters
    if body is not None:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return {**made, "responses": {"200": answer_of(summary + ".", content), **errors_of(errors)}}


def answer_of(description: str, content: JSON) -> JSON:
    shown = {name: {"$ref": f"#/components/headers/{name}"} for name in ("x-request-id", "x-adapter-notes")}
    return {"description": description, "headers": shown, "content": content}


def errors_of(statuses: tuple[str, ...]) -> JSON:
    names = ("x-request-id", "Retry-After", "x-should-retry")
    shown = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    content = json_of("Error")
    return {one: {"description": ERRORS[one], "headers": shown, "content": content} for one in sorted(statuses)}


def json_of(schema: str) -> JSON:
    return {"application/json": {"schema": ref(schema)}}


def items_of_body() -> JSON:
    return {"type": ["array", "null"], "items": ref("Item"), "maxItems": 20}


def page_queries(limit: int) -> list[JSON]:
    return [
        query("limit", {"type": "integer", "minimum": 1, "maximum": limit}),
        query("order", {"enum": ["asc", "desc"]}), query("after", TEXT),
    ]  # fmt: skip


def query(name: str, schema: JSON) -> JSON:
    return {"name": name, "in": "query", "schema": schema}
