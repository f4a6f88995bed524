"""The provider's failures, in whatever body or chunk they come, as UpstreamError.

OpenAI's envelope, bare strings, flat objects, arrays, FastAPI's `detail`, text and HTML are all read for their message;
context overflow is recognised in any wording, because clients act on its code. Statuses: responses-api reference §6.5;
body shapes: providers reference §4.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from translators.errors import UpstreamError
from translators.finish import context_length_exceeded
from translators.wire import NotJSON, decode

_MOST_TEXT: Final = 2000

_CONTEXT = re.compile(
    r"context[_ ]length|context[_ ]window|exceed.{0,40}context[_ ]size|maximum context|max(imum)?[_ ]model[_ ]len"
    r"|prompt is too long|input is too long|too many (input )?tokens|exceeds? the (model'?s )?max(imum)?.{0,40}tokens"
    r"|reduce the length of the (messages|prompt|input)|input length.{0,40}exceed|n_ctx",
    re.I,
)
_QUOTA = re.compile(r"insufficient[_ ]quota|insufficient balance|exceeded your current quota|billing|credits?\b", re.I)

_RENAMED: Final = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
}
_FUNCTION_PARAM = re.compile(r"^tools(\[\d+\]|\.\d+)?\.function\.")

DEFAULT_RETRY_AFTER: Final = 1.0
"""Seconds; Codex gives up at once on a 429 that has no Retry-After."""


def from_http(status: int, headers: Mapping[str, str], body: bytes, *, own_key: bool) -> UpstreamError:
    """Return the error for an HTTP answer that is not 2xx.

    `own_key`: the adapter called with its own key, so a 401 or 403 is the operator's problem, not the caller's.
    """
    message, code, param = _read(body)
    message = message or f"The provider answered with status {status}."
    if _is_context_overflow(status, message, code):
        return context_length_exceeded()
    if status in (401, 403):
        if own_key:
            return UpstreamError("The provider refused this adapter's key. The operator has to mend that.")
        return UpstreamError(message, status=status, type="invalid_request_error", code=code or "invalid_api_key")
    if status == 404:
        return UpstreamError(
            message, status=400, type="invalid_request_error", param="model", code="model_not_found"
        )
    if status == 429:
        quota = bool(_QUOTA.search(f"{code} {message}"))
        return UpstreamError(
            message,
            status=429,
            type="insufficient_quota" if quota else "rate_limit_error",
            code="insufficient_quota" if quota else "rate_limit_exceeded",
            retry_after=_retry_after(headers),
        )
    if status in (408, 504):
        return UpstreamError("The provider timed out: " + message)
    if status in (502, 503, 529):
        return UpstreamError(
            message, status=503, code="server_is_overloaded", retry_after=_retry_after(headers)
        )
    if 400 <= status < 500:
        return UpstreamError(
            message, status=413 if status == 413 else 400, type="invalid_request_error",
            param=_our_param(param), code=code,
        )
    return UpstreamError(message)


def from_error(error: Any) -> UpstreamError:
    """Return the error that stands in a chunk, or in a completion with status 200; `error` is its decoded value."""
    message, code, _ = _of_value(error)
    message = message or "The provider reported an error without saying what it is."
    status = int(code) if code and code.isdigit() else 0
    if _is_context_overflow(status or 400, message, code):
        return context_length_exceeded()
    if status == 429 or (code and "rate_limit" in code):
        return UpstreamError(
            message, status=429, type="rate_limit_error", code="rate_limit_exceeded",
            retry_after=DEFAULT_RETRY_AFTER,
        )
    if _QUOTA.search(f"{code} {message}"):
        return UpstreamError(message, status=429, type="insufficient_quota", code="insufficient_quota")
    return UpstreamError(message)


def _is_context_overflow(status: int, message: str, code: str | None) -> bool:
    if code == "context_length_exceeded":
        return True
    return status in (400, 413, 422, 500) and bool(_CONTEXT.search(f"{code or ''} {message}"))


def _read(body: bytes) -> tuple[str, str | None, str | None]:
    """Return message, code and param of an error body of any shape."""
    try:
        value = decode(body)
    except NotJSON:
        text = body.decode("utf-8", "replace").strip()
        if text[:1] == "<":
            return "The provider answered with a web page instead of JSON.", None, None
        return text[:_MOST_TEXT], None, None
    return _of_value(value)


def _of_value(value: Any) -> tuple[str, str | None, str | None]:
    if isinstance(value, list) and value:
        if all(isinstance(entry, str) for entry in value):
            return "; ".join(value)[:_MOST_TEXT], None, None
        return _of_value(value[0])
    if isinstance(value, str):
        return value[:_MOST_TEXT], None, None
    if not isinstance(value, dict):
        return "", None, None
    code = value.get("code") or value.get("status_code") or value.get("type")
    inner = value.get("error")
    if inner:
        message, inner_code, param = _of_value(inner)
        return message, inner_code or _text(code), param
    message = ""
    for key in ("message", "detail", "msg", "error_message", "errors"):
        if value.get(key):
            message = _of_value(value[key])[0]
            if message:
                break
    return message, _text(code), _text(value.get("param"))


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and value != "" else None


def _our_param(param: str | None) -> str | None:
    """Rename the provider's parameter to the one the caller knows."""
    if param is None:
        return None
    head = re.split(r"[.\[]", param)[0]
    if head in _RENAMED:
        return _RENAMED[head]
    return _FUNCTION_PARAM.sub(lambda found: f"tools{found[1] or ''}.", param)


def _retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds to wait that a provider names; a default where it names none."""
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return float(milliseconds) / 1000
        return max(0.0, float(headers.get("retry-after") or DEFAULT_RETRY_AFTER))
    except ValueError:
        return DEFAULT_RETRY_AFTER
