"""The envelope of every error, and the headers of every answer."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import ImATeapot, ServiceUnavailable
from werkzeug.test import TestResponse

from adapter.event_loop.client_watch import ClientDisconnected
from adapter.store.base import NotFound, StoreDown
from translators.errors import RequestError, UpstreamError

RAISED: list[Exception] = []


@pytest.fixture
def raising(app: Flask) -> Iterator[FlaskClient]:
    """A client of an app with a view that raises what is in RAISED."""

    @app.get("/raise")
    def view() -> str:
        raise RAISED[0]

    yield app.test_client()
    RAISED.clear()


def error_of(answer: TestResponse) -> dict[str, str | None]:
    assert answer.content_type == "application/json"
    body = json.loads(answer.data)
    assert body.keys() == {"error"}
    error: dict[str, str | None] = body["error"]
    assert list(error) == ["message", "type", "param", "code"]
    return error


MAPPED = [
    (RequestError("No.", param="input", code="invalid_value"), 400, "invalid_request_error", "No."),
    (RequestError("No.", status=401), 401, "invalid_request_error", "No."),
    (UpstreamError("Busy.", status=429, code="rate_limit_exceeded"), 429, "server_error", "Busy."),
    (NotFound("resp_1"), 404, "invalid_request_error", "Response with id 'resp_1' not found."),
    (StoreDown("disk I/O error"), 503, "server_error", "The store is not available. Please try again."),
    (ImATeapot(), 418, "invalid_request_error", ImATeapot.description),
    (ServiceUnavailable(), 503, "server_error", ServiceUnavailable.description),
    (ZeroDivisionError("secret"), 500, "server_error",
     "The server had an error while processing your request. Sorry about that!"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("raised", "status", "type", "message"), MAPPED, ids=[type(case[0]).__name__ for case in MAPPED]
)
def test_what_is_raised_is_answered(
    raised: Exception, status: int, type: str, message: str, raising: FlaskClient
) -> None:
    RAISED.append(raised)
    answer = raising.get("/raise")
    error = error_of(answer)
    assert (answer.status_code, error["type"], error["message"]) == (status, type, message)


def test_an_envelope_has_param_and_code(raising: FlaskClient) -> None:
    RAISED.append(RequestError("No.", param="tools[0].name", code="invalid_value"))
    error = error_of(raising.get("/raise"))
    assert error == {
        "message": "No.", "type": "invalid_request_error", "param": "tools[0].name", "code": "invalid_value",
    }  # fmt: skip


def test_a_bug_is_logged_with_its_request(raising: FlaskClient, log_lines: list[dict[str, Any]]) -> None:
    RAISED.append(ZeroDivisionError("secret"))
    answer = raising.get("/raise", headers={"X-Client-Request-Id": "mine"})
    assert b"secret" not in answer.data
    (line,) = log_lines
    assert (line["event"], line["level"]) == ("unhandled exception", "error")
    assert line["exc_info"] is RAISED[0]
    assert (line["request_id"], line["client_request_id"]) == (answer.headers["x-request-id"], "mine")


def test_one_request_s_ids_are_not_the_next_one_s(raising: FlaskClient, log_lines: list[dict[str, Any]]) -> None:
    RAISED.append(RequestError("No."))
    raising.get("/raise", headers={"X-Client-Request-Id": "mine"})
    raising.get("/raise")
    assert "client_request_id" not in log_lines[1]
    assert log_lines[0]["request_id"] != log_lines[1]["request_id"]


def test_a_client_that_is_gone_is_no_error(raising: FlaskClient, log_lines: list[dict[str, Any]]) -> None:
    RAISED.append(ClientDisconnected())
    answer = raising.get("/raise")
    assert (answer.status_code, answer.data) == (499, b"")
    assert [line["level"] for line in log_lines] == ["info"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UpstreamError("", status=429, retry_after=1.5), {"Retry-After": "2", "retry-after-ms": "1500"}),
        (UpstreamError("", status=503, retry_after=3), {"Retry-After": "3", "x-should-retry": "true"}),
        (UpstreamError("", status=500), {"Retry-After": None, "x-should-retry": "true"}),
        (UpstreamError("", status=429, retry=False), {"x-should-retry": "false"}),
        (UpstreamError("", status=502, retry=False), {"x-should-retry": "false"}),
        (UpstreamError("", status=400), {"x-should-retry": None}),
        (StoreDown(), {"Retry-After": "1", "x-should-retry": "true"}),
        (RequestError("", status=401), {"WWW-Authenticate": "Bearer"}),
    ],
)
def test_whether_and_when_to_try_again(
    error: Exception, expected: dict[str, str | None], raising: FlaskClient
) -> None:
    RAISED.append(error)
    headers = raising.get("/raise").headers
    assert {name: headers.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("POST", "/", 405, "Not allowed to POST on /. Allowed: GET, HEAD, OPTIONS."),
        ("POST", "/v1/nothing", 404, "Invalid URL (POST /v1/nothing)"),
        ("POST", "/v1/completions", 404, "Invalid URL (POST /v1/completions). Did you mean /v1/responses?"),
        ("GET", "/v1/%ff", 404, "Invalid URL (GET /v1/\N{REPLACEMENT CHARACTER})"),
        ("GET", "/" + "x" * 5000, 404, f"Invalid URL (GET /{'x' * 199})"),
        ("PUT", "/v1/responses", 405, "Not allowed to PUT on /v1/responses. Allowed: GET, HEAD, OPTIONS, POST."),
        ("BREW", "/healthz", 405, "Not allowed to BREW on /healthz. Allowed: GET, HEAD, OPTIONS."),
    ],
)
def test_paths_and_methods(method: str, path: str, status: int, message: str, client: FlaskClient) -> None:
    answer = client.open(path, method=method)
    error = error_of(answer)
    assert (answer.status_code, error["message"], error["code"]) == (status, message, None)


def test_a_wrong_method_is_told_the_right_ones(client: FlaskClient) -> None:
    assert client.put("/v1/responses").headers["Allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("HEAD", "/healthz", 200),
        ("OPTIONS", "/v1/responses", 200),
        ("HEAD", "/v1/nothing", 404),
        ("PUT", "/v1/responses", 405),
        ("POST", "/v1/responses", 415),
        ("GET", "/v1/responses/resp_1", 404),
    ],
)
def test_headers_of_every_answer(method: str, path: str, status: int, client: FlaskClient) -> None:
    answer = client.open(path, method=method)
    assert answer.status_code == status
    assert re.fullmatch(r"req_[0-9a-f]{32}", answer.headers["x-request-id"])
    assert answer.headers["openai-version"] == "2020-10-01"
    assert answer.headers["openai-processing-ms"].isdigit()
    assert method != "HEAD" or answer.data == b""
