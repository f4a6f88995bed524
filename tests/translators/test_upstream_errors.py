"""The providers' error bodies (providers reference §4), and what the caller sees of them (responses-api §6.5)."""

import json
from typing import Any

import pytest

from translators.errors import UpstreamError
from translators.upstream_errors import from_error, from_http

OPENAI = {"error": {"message": "Bad thing.", "type": "invalid_request_error", "param": None, "code": "bad"}}

BODIES: dict[str, tuple[object, str, str | None]] = {
    "OpenAI": (OPENAI, "Bad thing.", "bad"),
    "Azure": ({"error": {"code": "DeploymentNotFound", "message": "Bad thing."}}, "Bad thing.", "DeploymentNotFound"),
    "Mistral": (
        {"object": "error", "message": "Bad thing.", "type": "invalid", "param": None, "code": "3051"},
        "Bad thing.", None,
    ),
    "Mistral, validation": ({"message": {"detail": [{"msg": "Bad thing.", "loc": ["body"]}]}}, "Bad thing.", None),
    "FastAPI": ({"detail": "Bad thing."}, "Bad thing.", None),
    "xAI": ({"code": "Client specified an invalid argument", "error": "Bad thing."}, "Bad thing.",
            "Client specified an invalid argument"),
    "Cerebras": ({"message": "Bad thing.", "type": "x", "param": "p", "code": "wrong_api_format"}, "Bad thing.",
                 "wrong_api_format"),
    "OpenRouter": ({"error": {"message": "Bad thing.", "code": 400}, "user_id": "u"}, "Bad thing.", None),
    "LM Studio": ({"error": "Bad thing."}, "Bad thing.", None),
    "TGI": ({"error": ["Bad thing.", "Worse."], "error_type": "validation"}, "Bad thing.; Worse.", None),
    "Gemini": ([{"error": {"code": 400, "message": "Bad thing.", "status": "INVALID_ARGUMENT"}}], "Bad thing.", None),
    "text": (b"Failed to deserialize the JSON body", "Failed to deserialize the JSON body", None),
    "a web page": (b"\n<!DOCTYPE html><p>x", "The provider answered with a web page instead of JSON.", None),
    "nothing": (b"", "The provider answered with status 400.", None),
    "nothing one can read": ([], "The provider answered with status 400.", None),
    "a number in digits of another script": ({"error": {"message": "Bad thing.", "code": "²"}}, "Bad thing.", "²"),
}  # fmt: skip


def http(status: int, body: object, headers: dict[str, str] | None = None, *, own_key: bool = False) -> UpstreamError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return from_http(status, headers or {}, raw, own_key=own_key)


@pytest.mark.parametrize("provider", BODIES)
def test_bodies(provider: str) -> None:
    body, message, code = BODIES[provider]
    error = http(400, body)
    assert (error.status, error.type, error.message, error.code) == (400, "invalid_request_error", message, code)


STATUSES = {
    400: (400, "invalid_request_error", "bad"),
    401: (401, "invalid_request_error", "bad"),
    403: (403, "invalid_request_error", "bad"),
    404: (400, "invalid_request_error", "model_not_found"),
    408: (500, "server_error", "server_error"),
    413: (413, "invalid_request_error", "bad"),
    422: (400, "invalid_request_error", "bad"),
    429: (429, "rate_limit_error", "rate_limit_exceeded"),
    500: (500, "server_error", "server_error"),
    502: (503, "server_error", "server_is_overloaded"),
    503: (503, "server_error", "server_is_overloaded"),
    504: (500, "server_error", "server_error"),
    529: (503, "server_error", "server_is_overloaded"),
}


@pytest.mark.parametrize("status", STATUSES)
def test_statuses(status: int) -> None:
    error = http(status, OPENAI)
    assert (error.status, error.type, error.code) == STATUSES[status]


@pytest.mark.parametrize("status", [401, 403])
def test_the_adapters_own_key_is_not_the_callers_fault(status: int) -> None:
    error = http(status, {"error": "sk-secret is wrong"}, own_key=True)
    assert (error.status, error.code) == (500, "server_error")
    assert "secret" not in error.message


OVERFLOWS = [
    {"error": {"message": "x", "code": "context_length_exceeded"}},
    {"error": {"message": "This model's maximum context length is 8192 tokens. However, you requested 9000."}},
    {"error": {"message": "the request exceeds the available context size", "type": "exceed_context_size_error"}},
    {"error": {"message": "Input is too long for requested model."}},
    {"error": "prompt is too long: 210000 tokens > 200000 maximum"},
    {"message": "Please reduce the length of the messages or completion."},
]


@pytest.mark.parametrize("body", OVERFLOWS)
@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_context_overflow_is_known_in_any_wording(body: dict[str, Any], status: int) -> None:
    for error in (http(status, body), from_error(body.get("error", body))):
        assert (error.status, error.code, error.param) == (400, "context_length_exceeded", "input")
        assert error.message.startswith("Your input exceeds the context window of this model.")


PARAMS = {
    "messages": "input",
    "messages[3].content": "input",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
    "tools[2].function.parameters": "tools[2].parameters",
    "temperature": "temperature",
    None: None,
}


@pytest.mark.parametrize("param", PARAMS)
def test_params_are_named_as_the_caller_knows_them(param: str | None) -> None:
    assert http(400, {"error": {"message": "x", "param": param}}).param == PARAMS[param]


RETRIES = {
    "": 1.0, "7": 7.0, "0": 0.0, "2.5": 2.5, "-1": 1.0, "Wed, 21 Oct 2026 07:28:00 GMT": 1.0, "nan": 1.0, "inf": 1.0,
}  # fmt: skip


@pytest.mark.parametrize("header", RETRIES)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after(header: str, status: int) -> None:
    assert http(status, OPENAI, {"retry-after": header}).retry_after == RETRIES[header]
    milliseconds = {"retry-after-ms": "1500", "retry-after": header}
    assert http(status, OPENAI, milliseconds).retry_after == 1.5


@pytest.mark.parametrize("message", ["You exceeded your current quota", "Insufficient Balance", "Not enough credits"])
def test_no_money_left(message: str) -> None:
    error = http(429, {"error": {"message": message}})
    assert (error.status, error.type, error.code) == (429, "insufficient_quota", "insufficient_quota")
    assert from_error({"message": message}).code == "insufficient_quota"


IN_A_STREAM: list[tuple[Any, str, str]] = [
    ({"message": "Slow down", "code": 429}, "rate_limit_exceeded", "Slow down"),
    ({"message": "Slow down", "type": "rate_limit_error"}, "rate_limit_exceeded", "Slow down"),
    ({"message": "It broke", "code": 502}, "server_error", "It broke"),
    ("It broke", "server_error", "It broke"),
    ({"code": 500}, "server_error", "The provider reported an error without saying what it is."),
    (True, "server_error", "The provider reported an error without saying what it is."),
]


@pytest.mark.parametrize(("error", "code", "message"), IN_A_STREAM)
def test_errors_in_a_stream(error: Any, code: str, message: str) -> None:
    found = from_error(error)
    assert (found.code, found.message) == (code, message)


def test_long_and_deep_bodies() -> None:
    assert len(http(400, {"error": "x" * 100_000}).message) == 2000
    for key in ("error", "detail", 0):
        deep: object = "x"
        for _ in range(5000):
            deep = {key: deep} if key else [deep]
        assert from_error(deep).message == "The provider reported an error without saying what it is."
