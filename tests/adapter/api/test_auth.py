"""Who may call, and which tenant that is."""

import hashlib
import json

import pytest
from flask import Flask

from adapter.api.auth import authenticate, read_key
from adapter.settings.settings import Settings
from adapter.sharing.keys import CallerKeys
from tests.support.app import KEYS, make_app
from translators.errors import RequestError

ANY: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def closed_app() -> Flask:
    return make_app(api_keys=KEYS)


def tenant(keys: tuple[str, ...], header: str | None) -> str:
    environ = {} if header is None else {"HTTP_AUTHORIZATION": header}
    return authenticate(read_key(environ), CallerKeys(Settings(api_keys=keys))).tenant


def sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


@pytest.mark.parametrize("key", KEYS)
def test_each_key_is_a_tenant(key: str) -> None:
    assert tenant(KEYS, f"Bearer {key}") == sha256(key)


@pytest.mark.parametrize("header", ["bearer sk-x", "BEARER  sk-x ", "Bearer sk-x"])
def test_an_open_service_takes_any_key(header: str) -> None:
    assert tenant(ANY, header) == sha256("sk-x")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "bearer   "])
def test_an_open_service_takes_those_without_a_key_as_one_tenant(header: str | None) -> None:
    assert tenant(ANY, header) == ""


@pytest.mark.parametrize(
    ("header", "message", "code"),
    [
        (None, "You didn't provide an API key. Send it as 'Authorization: Bearer YOUR_KEY'.", None),
        ("Bearer sk-one-0123456789abcdeX", "Incorrect API key provided: sk-********cdeX.", "invalid_api_key"),
        ("Bearer short", "Incorrect API key provided: *****.", "invalid_api_key"),
        (f"Bearer {KEYS[0]} {KEYS[1]}", "The Authorization header is malformed.", "invalid_api_key"),
        ("Bearer", "You didn't provide an API key.", None),
        ("Bearer  ", "You didn't provide an API key.", None),
        ("Bearer schlüssel", "The Authorization header is malformed.", "invalid_api_key"),
        (KEYS[0], "The Authorization header is malformed.", "invalid_api_key"),
        ("Basic dXNlcjpwYXNz", "The Authorization header is malformed.", "invalid_api_key"),
    ],
)
def test_who_may_not_call(header: str | None, message: str, code: str | None) -> None:
    with pytest.raises(RequestError) as caught:
        tenant(KEYS, header)
    assert (caught.value.status, caught.value.code) == (401, code)
    assert caught.value.message.startswith(message)
    assert not any(key in caught.value.message for key in KEYS)


def test_what_is_no_bearer_key_is_refused_by_an_open_service_too() -> None:
    with pytest.raises(RequestError, match="malformed"):
        tenant(ANY, "Basic dXNlcjpwYXNz")


def test_the_key_itself_is_for_passing_through() -> None:
    assert read_key({"HTTP_AUTHORIZATION": "Bearer sk-x"}) == "sk-x"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/responses"),
        ("GET", "/v1/responses/resp_1"),
        ("DELETE", "/v1/responses/resp_1"),
        ("GET", "/v1/responses/resp_1/input_items"),
        ("GET", "/v1/models"),
        ("GET", "/v1/models/m"),
    ],
)
def test_every_path_below_v1_asks_for_a_key(method: str, path: str, closed_app: Flask) -> None:
    answer = closed_app.test_client().open(path, method=method)
    assert answer.status_code == 401
    assert json.loads(answer.data)["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_does_not(path: str, closed_app: Flask) -> None:
    assert closed_app.test_client().get(path).status_code == 200


@pytest.mark.parametrize("name", ["api-key", "x-api-key", "Api-Key", "X-API-Key"])
@pytest.mark.parametrize("authorization", [{}, {"Authorization": ""}, {"Authorization": "Bearer "}], ids=str)
def test_a_key_in_another_header(name: str, authorization: dict[str, str], closed_app: Flask) -> None:
    client = closed_app.test_client()
    answer = client.get("/v1/responses/resp_1", headers={name: KEYS[0], **authorization})
    assert answer.status_code == 404
    answer = client.get("/v1/responses/resp_1", headers={name: "sk-wrong-0123456789", **authorization})
    assert answer.status_code == 401


def test_authorization_comes_first() -> None:
    assert read_key({"HTTP_AUTHORIZATION": "Bearer sk-a", "HTTP_API_KEY": "sk-b"}) == "sk-a"
    assert read_key({"HTTP_API_KEY": " sk-b ", "HTTP_X_API_KEY": "sk-c"}) == "sk-b"
    assert read_key({"HTTP_API_KEY": "", "HTTP_X_API_KEY": "sk-c"}) == "sk-c"
    assert read_key({}) is None


@pytest.mark.parametrize("key", ["two words", "schl\xfcssel"])
def test_another_header_that_cannot_be_read(key: str) -> None:
    with pytest.raises(RequestError, match="api-key is malformed"):
        read_key({"HTTP_API_KEY": key})
