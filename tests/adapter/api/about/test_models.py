"""`/v1/models` and `/v1/models/{id}`."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from adapter.settings.models import Target
from tests.support.app import Provider, make_app
from translators.errors import UpstreamError

LISTED = b'{"object":"list","data":[{"id":"a/b","object":"model","created":5,"owned_by":"x","max_model_len":9}]}'
MODELS = {
    "b": (Target("default", "b", 1, 5), Target("default", "b2", 1, 6)),
    "fast": (Target("default", "c", 1, 7),),
    "*": (Target("default", "*", 1),),
}
REQUIRED = {
    "slug", "display_name", "supported_reasoning_levels", "shell_type", "visibility", "supported_in_api", "priority",
    "base_instructions", "support_verbosity", "truncation_policy", "experimental_supported_tools",
}
"""Members without which Codex rejects the whole catalog. Source: Codex CLI 0.169."""
MODEL = {"id": "a/b", "object": "model", "created": 5, "owned_by": "x", "max_model_len": 9}


@pytest.fixture
def provider(app: Flask) -> Provider:
    provider = app.extensions["adapter"].upstreams["default"]
    assert isinstance(provider, Provider)
    return provider


def test_the_list(client: FlaskClient, provider: Provider) -> None:
    provider.models_body = LISTED
    answer = client.get("/v1/models")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert json.loads(answer.data) == {"object": "list", "data": [MODEL]}


def test_one_whose_id_has_a_slash(client: FlaskClient, provider: Provider) -> None:
    provider.models_body = LISTED
    assert json.loads(client.get("/v1/models/a/b").data) == MODEL
    assert json.loads(client.get("/v1/models/a%2Fb").data) == MODEL


def test_one_that_is_not_there(client: FlaskClient, provider: Provider) -> None:
    provider.models_body = LISTED
    answer = client.get("/v1/models/a")
    assert answer.status_code == 404
    assert json.loads(answer.data)["error"] == {
        "message": "The model 'a' does not exist.", "type": "invalid_request_error", "param": "model",
        "code": "model_not_found",
    }  # fmt: skip


def test_the_caller_s_key_goes_along(client: FlaskClient, provider: Provider) -> None:
    client.get("/v1/models", headers={"Authorization": "Bearer sk-x"})
    client.get("/v1/models")
    assert provider.bearers == ["sk-x", None]


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/m"])
def test_a_provider_that_fails(path: str, client: FlaskClient, provider: Provider) -> None:
    provider.error = UpstreamError("Down.", status=503, retry_after=1)
    answer = client.get(path)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def catalog(client: FlaskClient) -> Any:
    answer = client.get("/v1/models?client_version=0.169.0")
    assert answer.status_code == 200
    body = json.loads(answer.data)
    assert body.keys() == {"object", "data", "models"}
    return body["models"]


def test_codex_gets_an_empty_catalog_and_keeps_its_prompt(client: FlaskClient, provider: Provider) -> None:
    provider.models_body = LISTED
    assert catalog(client) == []


def test_codex_gets_a_catalog_with_instructions(tmp_path: Path) -> None:
    prompt = tmp_path / "prompt.md"
    prompt.write_text("Be a coding agent.")
    app = make_app(codex_instructions=str(prompt), models=MODELS)
    client = app.test_client()
    app.extensions["adapter"].upstreams["default"].models_body = json.dumps({"data": [
        {"id": "a", "max_model_len": 9}, {"id": "b", "max_model_len": 9}, {"id": "c"},
    ]}).encode()  # fmt: skip
    assert {entry["slug"]: entry["context_window"] for entry in catalog(client)} == {"a": 9, "b": 5, "fast": 7}
    assert {entry["base_instructions"] for entry in catalog(client)} == {"Be a coding agent."}
    assert all(entry.keys() >= REQUIRED for entry in catalog(client))
    prompt.write_text("Be kind.")
    assert {entry["base_instructions"] for entry in catalog(client)} == {"Be kind."}
    prompt.unlink()
    assert catalog(client) == []
