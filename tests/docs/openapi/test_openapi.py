"""The OpenAPI document is valid, current and complete, and what the tests send and get agrees with it."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from adapter.api.about.openapi import DOCUMENT
from tests.docs.openapi.document import render
from tests.docs.openapi.schemas import event_types
from tests.support.app import make_app
from tests.support.judges.sse import parse_sse

WIRE = Path(__file__).parents[2] / "wire"
TEXT = DOCUMENT.read_text()
GIVEN = json.loads(TEXT)
CASES = sorted(WIRE.glob("*/*/request.json"))


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    return make_app().test_client()


@cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": GIVEN["components"]})


def test_it_is_current() -> None:
    assert render() == TEXT, "stale: run python -m tests.docs.openapi"


def test_it_is_valid() -> None:
    validator = OpenAPIV31SpecValidator(GIVEN).schema_validator
    assert [error.message for error in validator.iter_errors(GIVEN)] == []
    for schema in GIVEN["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    refs = set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', TEXT))
    assert refs <= GIVEN["components"]["schemas"].keys()


def test_generators_of_clients_understand_it() -> None:
    """openapi-python-client drops a schema with an array that does not say of what."""
    left, arrays = [GIVEN], 0
    while left:
        one = left.pop()
        if isinstance(one, dict) and one.get("type") == "array":
            arrays += 1
            assert "items" in one, one
        left += one.values() if isinstance(one, dict) else one if isinstance(one, list) else []
    assert arrays >= 50


def test_it_has_every_route_and_no_other() -> None:
    routes = {
        (re.sub(r"<(?:path:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in make_app().url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {
        (path, method) for path, item in GIVEN["paths"].items() for method in item if method != "parameters"
    }
    assert described == routes


def test_it_is_served_without_a_key(client: FlaskClient) -> None:
    answer = make_app(api_keys=("sk-one-0123456789abcdef",)).test_client().get("/openapi.json")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.data == TEXT.encode()


@pytest.mark.parametrize("case", CASES[::3], ids=lambda case: f"{case.parts[-3]}/{case.parts[-2]}")
def test_the_golden_cases_agree_with_it(case: Path) -> None:
    validator("CreateRequest").validate(json.loads(case.read_text()))
    response = case.with_name("response.json")
    if response.exists():
        validator("Response").validate(json.loads(response.read_text()))


def test_every_kind_of_event_in_the_golden_cases_agrees_with_it() -> None:
    names = {one.__struct_config__.tag: one.__name__ for one in event_types()}
    seen: dict[str, dict[str, Any]] = {}
    for case in CASES:
        events = case.with_name("events.sse")
        if events.exists():
            seen.update((event["type"], event) for event in parse_sse(events.read_bytes()))
    assert len(seen) > len(names) / 3
    for type, event in seen.items():
        validator(names[type]).validate(event)


@pytest.mark.parametrize(
    "request_", [{"model": 5, "input": "Hi"}, {"model": "m", "input": 5}, {"model": "m", "temperature": 3},
                 {"input": "Hi"}, {"model": "m", "input": "Hi", "text": {"format": {"type": "xml"}}}],
)  # fmt: skip
def test_a_wrong_request_does_not_agree(request_: dict[str, Any]) -> None:
    assert not validator("CreateRequest").is_valid(request_)
