"""`/v1/models` and `/v1/models/{id}`."""

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.app import Provider
from translators.errors import UpstreamError

LISTED = b'{"object":"list","data":[{"id":"a/b","object":"model","created":5,"owned_by":"x","max_model_len":9}]}'
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
