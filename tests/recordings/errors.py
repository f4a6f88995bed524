"""What each recorded error has to become, decided by reading it: the first row that fits a recording is its own.

A row is provider, status and a part of the body → status, type, code and param of OpenAI's envelope, with a key that
is the adapter's own. `*` stands for any provider, 200 for an error inside an answer that began well.
"""

from typing import NamedTuple

from tests.recordings.recording import Recording


class Expected(NamedTuple):
    """The envelope without its message, and the status it comes with."""

    status: int
    type: str
    code: str | None
    param: str | None = None


def refused(code: str | None, param: str | None = None, status: int = 400) -> Expected:
    return Expected(status, "invalid_request_error", code, param)


NO_MODEL = refused("model_not_found", "model")
OVERFLOW = refused("context_length_exceeded", "input")
OPERATOR = Expected(500, "server_error", "server_error")
FAILED = Expected(500, "server_error", "server_error")
MISMADE = Expected(502, "server_error", "server_error")
RATE = Expected(429, "rate_limit_error", "rate_limit_exceeded")
QUOTA = Expected(429, "insufficient_quota", "insufficient_quota")

CLASSES: list[tuple[str, int, str, Expected]] = [
    ("*", 400, "exceeds the available context size", OVERFLOW),
    ("*", 429, "exceeded your current quota", QUOTA),
    ("*", 429, "", RATE),
    ("*", 401, "", OPERATOR),
    ("openrouter", 403, "Content violates usage guidelines", refused("content_filter", "input")),
    ("openai", 403, "You are not allowed to sample from this model", NO_MODEL),
    ("groq", 400, "tool_use_failed", MISMADE),
    ("groq", 400, "model_decommissioned", NO_MODEL),
    ("mistral", 400, "Invalid model", NO_MODEL),
    ("hyperbolic", 400, "allowed now, your model", NO_MODEL),
    ("openrouter", 400, "is not a valid model ID", NO_MODEL),
    ("openrouter", 400, "integer_below_min_value", refused("integer_below_min_value", "max_output_tokens")),
    ("openrouter", 404, "support the provided 'tool_choice' value", refused("unsupported_parameter", "tool_choice")),
    ("openrouter", 404, "support tool use", refused("unsupported_parameter", "tools")),
    ("*", 404, "", NO_MODEL),
    ("azure", 422, "tool_choice", refused("Invalid input", "tool_choice")),
    ("deepseek", 400, "messages[0]: unknown variant", refused("invalid_request_error", "input")),
    ("deepseek", 400, "Thinking mode does not support", refused("invalid_request_error", "tool_choice")),
    ("doubleword", 400, "Temperature must be between", refused(None, "temperature")),
    ("hyperbolic", 422, "Field required", refused(None, "input")),
    ("*", 422, "missing field `messages`", refused(None, "input")),
    ("*", 422, "Template error", refused(None)),
    ("llamacpp", 400, "Field 'temperature'", refused(None, "temperature")),
    ("llamacpp", 400, "Failed to load image", refused(None)),
    ("llamacpp", 500, "", FAILED),
    ("openai", 400, "decimal_above_max_value", refused("decimal_above_max_value", "temperature")),
    ("openai", 400, "messages[1].content[0].type", refused("missing_required_parameter", "input")),
    ("openai", 400, "'stop' is not supported", refused("unsupported_parameter", "stop")),
    ("openai", 400, "'max_tokens' is not supported", refused("unsupported_parameter", "max_output_tokens")),
    ("openai", 400, "you must provide a model parameter", refused(None)),
    ("openai", 400, "Invalid 'messages[3]'", refused("invalid_value", "input")),
    ("openai", 400, "messages[0].role", refused("unsupported_value", "input")),
    ("tgi-hf-inference", 400, "`stream` is not supported", refused("unsupported_parameter", "stream")),
    ("groq", 200, "tool_use_failed", MISMADE),
    ("openrouter", 200, "Token limit reached", refused(None)),
    ("openrouter", 200, '"code": 502', FAILED),
]


def expected(recording: Recording) -> Expected | None:
    """Return what a recorded error has to become; None if no row fits it."""
    body = recording.body().decode("utf-8", "replace")
    for provider, status, part, becomes in CLASSES:
        if provider in ("*", recording.provider) and status == recording.status and part in body:
            return becomes
    return None
