"""The shapes of the providers' error bodies, and what is read from each."""

import json

import pytest

from translators.errors import ProviderError
from translators.failures.bodies import read_error, read_error_body

BODIES: dict[str, tuple[object, ProviderError]] = {
    "OpenAI": (
        {"error": {"message": "Bad.", "type": "invalid_request_error", "param": "p", "code": "bad"}},
        ProviderError("Bad.", "bad", "invalid_request_error", "p"),
    ),
    "Azure": (
        {"error": {"code": "DeploymentNotFound", "message": "Bad."}}, ProviderError("Bad.", "DeploymentNotFound"),
    ),
    "Azure, status as code": ({"error": {"code": "404", "message": "Bad."}}, ProviderError("Bad.", status=404)),
    "Azure's models": (
        {"error": {"code": "Invalid input", "status": 422, "message": "invalid input error", "details": [
            {"loc": ["body", "tool_choice"], "msg": "Input should be a valid string", "type": "string_type"}]}},
        ProviderError(
            "invalid input error tool_choice: Input should be a valid string", "Invalid input", param="tool_choice",
            status=422,
        ),
    ),
    "Mistral": (
        {"object": "error", "message": "Bad.", "type": "invalid", "code": "3051", "raw_status_code": 400},
        ProviderError("Bad.", type="invalid", status=400),
    ),
    "Mistral, validation": (
        {"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "n"], "msg": "No."}]}},
        ProviderError("n: No.", type="extra_forbidden", param="n"),
    ),
    "Mistral, gateway": ({"message": "Bad.", "request_id": "x"}, ProviderError("Bad.")),
    "FastAPI": ({"detail": "Bad."}, ProviderError("Bad.")),
    "FastAPI, places": (
        {"detail": [{"loc": ["body", "messages", 0, "role"], "msg": "One."}, {"loc": ["body", "n"], "msg": "Two."}]},
        ProviderError("messages[0].role: One.; n: Two.", param="messages[0].role"),
    ),
    "Zod": (
        {"success": False, "error": {"name": "ZodError", "issues": [
            {"code": "invalid_type", "path": ["tools", 0, "type"], "message": "Invalid input"},
            {"code": "unrecognized_keys", "keys": ["n"], "path": [], "message": "Unrecognized key: 'n'"}]}},
        ProviderError("tools[0].type: Invalid input; Unrecognized key: 'n'", "invalid_type", param="tools[0].type"),
    ),
    "xAI": (
        {"code": "Client specified an invalid argument", "error": "Bad."},
        ProviderError("Bad.", "Client specified an invalid argument"),
    ),
    "Cerebras": (
        {"message": "Bad.", "type": "x", "param": "p", "code": "wrong_api_format"},
        ProviderError("Bad.", "wrong_api_format", "x", "p"),
    ),
    "OpenRouter": ({"error": {"message": "Bad.", "code": 400}, "user_id": "u"}, ProviderError("Bad.", status=400)),
    "OpenRouter, JSON of a provider": (
        {"error": {"message": "Provider returned error", "code": 400, "metadata": {
            "raw": json.dumps({"error": {"message": "Bad.", "param": "p", "code": "bad"}})}}},
        ProviderError("Bad.", "bad", param="p", status=400),
    ),
    "OpenRouter, words of a provider": (
        {"error": {"message": "Provider returned error", "code": 429, "metadata": {"raw": "Busy."}}},
        ProviderError("Busy.", status=429),
    ),
    "OpenRouter, headers of a provider": (
        {"error": {"message": "Bad.", "code": 429, "metadata": {"headers": {"X-RateLimit-Reset": "17"}, "raw": ""}}},
        ProviderError("Bad.", status=429, headers={"x-ratelimit-reset": "17"}),
    ),
    "Perplexity": (
        {"error": {"message": "Bad.", "type": "t", "code": 401}}, ProviderError("Bad.", type="t", status=401)
    ),
    "LM Studio, Venice": ({"error": "Bad."}, ProviderError("Bad.")),
    "TGI": ({"error": ["Bad.", "Worse."], "error_type": "validation"}, ProviderError("Bad.; Worse.")),
    "Gemini": (
        [{"error": {"code": 429, "message": "Bad.", "status": "RESOURCE_EXHAUSTED", "details": [
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}]}}],
        ProviderError("Bad.", status=429, retry_after="34s"),
    ),
    "MiniMax": (
        {"type": "error", "error": {"type": "bad_request_error", "message": "Bad.", "http_code": "400"}},
        ProviderError("Bad.", type="bad_request_error", status=400),
    ),
    "MiniMax, native": ({"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, ProviderError("login fail")),
    "Doubleword": ({"code": 400, "message": "Bad.", "type": "Bad"}, ProviderError("Bad.", type="Bad", status=400)),
    "Cloudflare": ({"errors": [{"message": "Bad.", "code": 3043}], "success": False}, ProviderError("Bad.")),
    "Zhipu": ({"code": 500, "msg": "Bad.", "success": False}, ProviderError("Bad.", status=500)),
    "a number in digits of another script": ({"error": {"message": "Bad.", "code": "²"}}, ProviderError("Bad.", "²")),
    "Spring": (
        {"status": 400, "error": "Bad Request", "message": "No 'n'."},
        ProviderError("Bad Request", status=400, details="No 'n'."),
    ),
    "text in details": (
        {"error": {"message": "Bad.", "details": "Worse.", "innererror": {"message": "Worst."}}},
        ProviderError("Bad.", details="Worst. Worse."),
    ),
    "text": (b"Failed to deserialize the JSON body", ProviderError("Failed to deserialize the JSON body")),
    "a JSON string": (b'"Bad."', ProviderError("Bad.")),
    "a web page": (
        b"\n<!DOCTYPE html><p>x", ProviderError("The provider answered with a web page instead of JSON.", is_page=True)
    ),
    "a web page with a title": (
        b"<html><title>502\n Bad Gateway</title>",
        ProviderError("The provider answered with a web page instead of JSON: 502 Bad Gateway", is_page=True),
    ),
    "nothing": (b"", ProviderError()),
    "nothing one can read": ([], ProviderError()),
    "a number": (5, ProviderError()),
    "members that are something else": (
        {"error": {"message": 5, "code": [], "param": {}, "type": 7, "details": 5, "metadata": 5, "loc": 5}},
        ProviderError(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("provider", BODIES)
def test_bodies(provider: str) -> None:
    body, said = BODIES[provider]
    assert read_error_body(body if isinstance(body, bytes) else json.dumps(body).encode()) == said


def test_long_and_deep_bodies() -> None:
    assert len(read_error("x" * 100_000).message) == 2000
    assert len(read_error(["x" * 1000] * 1000).message) == 2000
    for key in ("error", "detail", 0):
        deep: object = "x"
        for _ in range(5000):
            deep = {key: deep} if key else [deep]
        assert read_error(deep).message == ""
