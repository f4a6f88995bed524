"""Paths that are not quite the API's."""

import json

import pytest
from flask.testing import FlaskClient

from tests.support.app import KEYS, make_app


@pytest.mark.parametrize(
    "path",
    [
        "/v1/responses/resp_1", "/v1//responses/resp_1", "//v1/responses/resp_1", "/v1///responses//resp_1/",
        "/responses/resp_1", "/v1/v1/responses/resp_1", "/openai/v1/responses/resp_1", "/openai/responses/resp_1",
        "//openai//v1//responses/resp_1",
    ],
)  # fmt: skip
def test_a_path_that_means_one_of_the_api(path: str, client: FlaskClient) -> None:
    answer = client.get("/", environ_overrides={"PATH_INFO": path})  # a URL that begins with // would name a host
    assert answer.status_code == 404
    assert json.loads(answer.data)["error"]["message"] == "Response with id 'resp_1' not found."
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/models", "/v1//models", "/openai/v1/models", "/conversations/conv_1"])
def test_keys_are_asked_for_as_under_the_usual_path(path: str) -> None:
    client = make_app(api_keys=KEYS).test_client()
    assert client.get(path).status_code == 401
    assert client.get(path, headers={"api-key": KEYS[0]}).status_code in (200, 404)


@pytest.mark.parametrize(
    "base", ["/v1/responses", "/v1/chat/completions", "/v1/responses/v1", "/v1/chat/completions/v1", "/responses"]
)
def test_the_url_of_an_endpoint_may_stand_in_place_of_the_base(base: str, client: FlaskClient) -> None:
    answer = client.post(f"{base}/responses", json={})
    assert answer.status_code == 400
    assert json.loads(answer.data)["error"]["param"] == "model"


def test_another_method_is_still_not_allowed(client: FlaskClient) -> None:
    assert client.post("/v1/responses/resp_1", json={}).status_code == 405


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/v1/messages", "/v1/responses"), ("/v1", "/v1/responses"), ("/v1/completions", "/v1/responses"),
        ("/v1/response", "/v1/responses"), ("/v2/responses", "/v1/responses"),
        ("/health", "/healthz"), ("/v1/model", "/v1/models"),
    ],
)  # fmt: skip
def test_a_hint(path: str, meant: str, client: FlaskClient) -> None:
    answer = client.post(path, json={})
    assert answer.status_code == 404
    assert json.loads(answer.data)["error"]["message"] == f"Invalid URL (POST {path}). Did you mean {meant}?"


@pytest.mark.parametrize("path", ["/v1/nothing", "/favicon.ico", "/v1/audio", "/v1/images/edits", "/v1/batches"])
def test_no_hint(path: str, client: FlaskClient) -> None:
    answer = client.get(path)
    assert json.loads(answer.data)["error"]["message"] == f"Invalid URL (GET {path})"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/completions"])
def test_a_hint_where_nothing_is_forwarded(path: str) -> None:
    answer = make_app(forward=False).test_client().post(path, json={})
    assert answer.status_code == 404
    assert json.loads(answer.data)["error"]["message"] == f"Invalid URL (POST {path}). Did you mean /v1/responses?"
