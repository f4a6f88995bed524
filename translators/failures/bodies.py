"""Read a provider's error body, whatever its shape, into a `ProviderError`.

The one reader of errors: both the error that the caller gets (`classes.py`) and the lesson for the dialect
(`dialects/rejections.py`) are made from its value. Shapes: OpenAI's envelope, bare strings, flat objects, arrays,
FastAPI's `detail` with `loc`, Zod's `issues` with `path`, a provider's error as a JSON string inside a gateway's, plain
text, web pages.
`tests/translators/failures/test_bodies.py` has one example of each, by provider.
"""

import re
from codecs import BOM_UTF8
from typing import Any, Final

from msgspec.structs import replace

from translators.errors import ProviderError
from translators.wire import NotJSON, decode

_MAX_MESSAGE_CHARS: Final = 2000
"""Enough for every message recorded that is not a quoted prompt or a web page."""
_MAX_DEPTH: Final = 8
"""Nesting that is followed: a gateway's error around a provider's around a list of details needs six."""
_MAX_ENTRIES: Final = 16
"""Entries of a list that are read: FastAPI lists one per invalid place, and the first ones are enough to act on."""
_TITLE: Final = re.compile(r"<title>([^<]{1,200})</title>", re.IGNORECASE)
_HTTP_STATUS: Final = re.compile(r"[1-5][0-9]{2}")
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_MESSAGE_KEYS: Final = ("message", "detail", "msg", "error_message", "error_msg", "status_msg", "errors", "issues",
                        "base_resp")
"""Keys of a message, the likeliest first."""
_DETAIL_KEYS: Final = (*_MESSAGE_KEYS, "reason", "innererror")
"""Keys of text that may be beside an `error` or a message."""
_CODE_KEYS: Final = ("code", "status_code", "http_code", "raw_status_code", "status")


def read_error_body(body: bytes) -> ProviderError:
    """Read an error body of any shape."""
    body = body.removeprefix(BOM_UTF8)
    try:
        value = decode(body)
    except NotJSON:
        text = body.decode("utf-8", "replace").strip()
        if text[:1] == "<":
            found = _TITLE.search(text)
            title = f": {' '.join(found[1].split())}" if found else "."
            return ProviderError(f"The provider answered with a web page instead of JSON{title}", is_page=True)
        return ProviderError(text[:_MAX_MESSAGE_CHARS])
    return read_error(value)


def read_error(value: Any, depth: int = _MAX_DEPTH) -> ProviderError:
    """Read a decoded error."""
    if isinstance(value, str):
        return ProviderError(value[:_MAX_MESSAGE_CHARS])
    if not depth:
        return ProviderError()
    if isinstance(value, list) and value:
        return _read_list(value, depth - 1)
    return _read_object(value, depth - 1) if isinstance(value, dict) else ProviderError()


def _read_list(values: list[Any], depth: int) -> ProviderError:
    found = [read_error(value, depth) for value in values[:_MAX_ENTRIES]]
    message = "; ".join(error.message for error in found if error.message)
    return replace(found[0], message=message[:_MAX_MESSAGE_CHARS])


def _read_object(value: dict[str, Any], depth: int) -> ProviderError:
    path = _joined_path(value.get("loc") or value.get("path"))
    codes = [str(code) for key in _CODE_KEYS if (code := value.get(key)) and isinstance(code, str | int)]
    error = ProviderError(
        code=next((code for code in codes[:1] if not _NUMBER.fullmatch(code)), None),
        type=_text(value.get("type")),
        param=_text(value.get("param")) or path,
        status=next((int(code) for code in codes if _HTTP_STATUS.fullmatch(code)), 0),
        retry_after=_text(value.get("retryDelay")) or "",
    )
    found = {key: read_error(value[key], depth) for key in ("error", *_DETAIL_KEYS) if value.get(key)}
    inner = found.pop(_message_key(found), ProviderError())
    if path and inner.message and path not in inner.message and "error" not in value:
        inner = replace(inner, message=f"{path}: {inner.message}")
    error = _merge(error, inner)
    further = [text for other in found.values() for text in (other.message, other.details)]
    error = replace(error, details=" ".join(filter(None, (error.details, *further)))[:_MAX_MESSAGE_CHARS])
    error = _add_details(error, value.get("details"), depth)
    return _unwrap_gateway(error, value.get("metadata"), depth)


def _message_key(found: dict[str, ProviderError]) -> str:
    """Return the key of the error inside an object: `error`, else the first that has a message; "": none."""
    if "error" in found:
        return "error"
    return next((key for key in _MESSAGE_KEYS if key in found and found[key].message), "")


def _merge(outer: ProviderError, inner: ProviderError) -> ProviderError:
    """Return the inner error, completed by the outer one; the inner one is the more precise."""
    return replace(
        inner,
        code=inner.code or outer.code,
        type=inner.type or outer.type,
        param=inner.param or outer.param,
        status=inner.status or outer.status,
        retry_after=inner.retry_after or outer.retry_after,
    )


def _add_details(error: ProviderError, details: Any, depth: int) -> ProviderError:
    """Add the entries of `details`, FastAPI's (models on Azure) or Google's typed ones; or its text."""
    if isinstance(details, str):
        return replace(error, details=f"{error.details} {details}".strip()[:_MAX_MESSAGE_CHARS])
    for detail in details[:_MAX_ENTRIES] if isinstance(details, list) else ():
        inner = read_error(detail, depth)
        error = replace(error, retry_after=error.retry_after or inner.retry_after, param=error.param or inner.param)
        if inner.param and inner.message:
            error = replace(error, message=f"{error.message} {inner.message}".strip()[:_MAX_MESSAGE_CHARS])
    return error


def _unwrap_gateway(error: ProviderError, metadata: Any, depth: int) -> ProviderError:
    """Return the provider's error in a gateway's, which itself only says that there was one (OpenRouter)."""
    if not isinstance(metadata, dict):
        return error
    if isinstance(headers := metadata.get("headers"), dict):
        error = replace(error, headers={name.lower(): str(content) for name, content in headers.items()})
    if not isinstance(raw := metadata.get("raw"), str) or not raw.strip():
        return error
    try:
        inner = read_error(decode(raw), depth)
    except NotJSON:
        inner = ProviderError(raw.strip()[:_MAX_MESSAGE_CHARS])
    if not inner.message:
        return error
    return replace(_merge(error, inner), status=error.status or inner.status, headers=error.headers)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _joined_path(loc: Any) -> str | None:
    """Return the path that is given as a list: ["body", "messages", 0, "content"] is messages[0].content."""
    if not isinstance(loc, list):
        return None
    steps = [step for step in loc[:_MAX_ENTRIES] if step != "body"]
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return path.removeprefix(".") or None
