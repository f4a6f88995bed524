"""The provider's failures, in whatever body or chunk they come, as UpstreamError.

OpenAI's envelope, bare strings, flat objects, arrays, FastAPI's `detail`, text and HTML are all read for their message;
context overflow is recognised in any wording, because clients act on its code. Statuses: responses-api reference §6.5;
body shapes: providers reference §4.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

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
_NUMBER = re.compile(r"[0-9]{1,9}")
_TIME = re.compile(r"[0-9]{1,9}(\.[0-9]+)?")
_FUNCTION_PARAM = re.compile(r"^tools(\[\d+\]|\.\d+)?\.function\.")

DEFAULT_RETRY_AFTER: Final = 1.0
"""Seconds; Codex gives up at once on a 429 that has no Retry-After."""


def from_http(status: int, headers: Mapping[str, str], body: bytes, *, own_key: bool) -> UpstreamError:
    """Return the error for an HTTP answer that is not 2xx.

    `own_key`: the adapter called with its own key, so a 401 or 403 is the operator's problem, not the caller's.
    """
    said = _read(body)
    message = said.message or f"The provider answered with status {status}."
    if said.is_context_overflow(status):
        return context_length_exceeded()
    if status in (401, 403):
        if own_key:
            return UpstreamError("The provider refused this adapter's key. The operator has to mend that.")
        return UpstreamError(
            message, status=status, type="invalid_request_error", code=said.code or "invalid_api_key"
        )
    if status == 404:
        return UpstreamError(
            message, status=400, type="invalid_request_error", param="model", code="model_not_found"
        )
    if status == 429:
        quota = said.is_about_quota()
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
            param=_our_param(said.param), code=said.code,
        )
    return UpstreamError(message)


def from_error(error: Any) -> UpstreamError:
    """Return the error that stands in a chunk, or in a completion with status 200; `error` is its decoded value."""
    said = _of_value(error)
    message = said.message or "The provider reported an error without saying what it is."
    if said.is_context_overflow(said.status or 400):
        return context_length_exceeded()
    if said.status == 429 or "rate_limit" in f"{said.code} {said.type}":
        return UpstreamError(
            message, status=429, type="rate_limit_error", code="rate_limit_exceeded",
            retry_after=DEFAULT_RETRY_AFTER,
        )
    if said.is_about_quota():
        return UpstreamError(message, status=429, type="insufficient_quota", code="insufficient_quota")
    return UpstreamError(message)


class Said(Struct, frozen=True, gc=False):
    """What an error body says, each member where it has one. `status` is a code that is a number."""

    message: str = ""
    code: str | None = None
    type: str | None = None
    param: str | None = None
    status: int = 0

    def is_context_overflow(self, status: int) -> bool:
        if self.code == "context_length_exceeded":
            return True
        return status in (400, 413, 422, 500) and bool(_CONTEXT.search(f"{self.code} {self.type} {self.message}"))

    def is_about_quota(self) -> bool:
        return bool(_QUOTA.search(f"{self.code} {self.type} {self.message}"))


def _read(body: bytes) -> Said:
    """Read an error body of any shape."""
    try:
        value = decode(body)
    except NotJSON:
        text = body.decode("utf-8", "replace").strip()
        if text[:1] == "<":
            return Said("The provider answered with a web page instead of JSON.")
        return Said(text[:_MOST_TEXT])
    return _of_value(value)


def _of_value(value: Any, depth: int = 8) -> Said:
    if isinstance(value, str):
        return Said(value[:_MOST_TEXT])
    if not depth:
        return Said()
    if isinstance(value, list) and value:
        if all(isinstance(entry, str) for entry in value):
            return Said("; ".join(value)[:_MOST_TEXT])
        return _of_value(value[0], depth - 1)
    if not isinstance(value, dict):
        return Said()
    code = str(value.get("code") or value.get("status_code") or "")
    said = Said(
        code=None if _NUMBER.fullmatch(code) else _text(code),
        type=_text(value.get("type")),
        param=_text(value.get("param")),
        status=int(code) if _NUMBER.fullmatch(code) else 0,
    )
    if value.get("error"):
        inner = _of_value(value["error"], depth - 1)
        return replace(inner, code=inner.code or said.code, status=inner.status or said.status)
    for key in ("message", "detail", "msg", "error_message", "errors"):
        message = _of_value(value.get(key), depth - 1).message
        if message:
            return replace(said, message=message)
    return said


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _our_param(param: str | None) -> str | None:
    """Rename the provider's parameter to the one the caller knows."""
    if param is None:
        return None
    head = re.split(r"[.\[]", param)[0]
    if head in _RENAMED:
        return _RENAMED[head]
    return _FUNCTION_PARAM.sub(lambda found: f"tools{found[1] or ''}.", param)


def _retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds to wait that a provider names; a default where it names none, or a date."""
    for name, per_second in (("retry-after-ms", 1000), ("retry-after", 1)):
        if _TIME.fullmatch(told := headers.get(name, "")):
            return float(told) / per_second
    return DEFAULT_RETRY_AFTER
