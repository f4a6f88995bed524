"""`GET /openapi.json`: the description of the API, for generators of clients, gateways and tests.

The document is written from the types and routes before the release (CONTRIBUTING.md), so serving it costs nothing. It
holds no secret, and needs no key. Source: OpenAPI Specification 3.1.1.
"""

from functools import cache
from pathlib import Path
from typing import Final

from flask import Blueprint, Response

blueprint = Blueprint("openapi", __name__)

DOCUMENT: Final = Path(__file__).with_name("openapi.json")


@blueprint.get("/openapi.json")
def show() -> Response:
    return Response(_read(), content_type="application/json", headers={"Access-Control-Allow-Origin": "*"})


@cache
def _read() -> bytes:
    return DOCUMENT.read_bytes()
