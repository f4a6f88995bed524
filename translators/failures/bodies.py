"""What the body of a provider's error says, whatever its shape.

OpenAI's envelope, bare strings, flat objects, arrays, FastAPI's `detail` with places, errors of a provider behind a
gateway as JSON in a string, text and web pages are all read for the same few things. Shapes: providers reference §4.
"""

import re
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from translators.wire import NotJSON, decode

_MOST_TEXT: Final = 2000
_DEPTH: Final = 8
_STATUS: Final = re.compile(r"[1-5][0-9]{2}")
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_MESSAGES: Final = ("message", "detail", "msg", "error_message", "error_msg", "status_msg", "errors", "base_resp")
"""Where messages stand, the likeliest first."""
_CODES: Final = ("code", "status_code", "http_code", "raw_status_code", "status")


class Said(Struct, frozen=True, gc=False):
    """What an error says, each member where it has one. `status` is a code that is an HTTP status."""

    message: str = ""
    code: str | None = None
    type: str | None = None
    param: str | None = None
    status: int = 0
    retry_after: str = ""
    """When to try again, where a member says so: Google's `retryDelay`."""
    headers: dict[str, str] = {}
    """Those of a provider behind a gateway (OpenRouter)."""
    is_page: bool = False
    """A web page stands in the error's place."""

    @property
    def words(self) -> str:
        return f"{self.code} {self.type} {self.message}"


def read_error_body(body: bytes) -> Said:
    """Read an error body of any shape."""
    try:
        value = decode(body)
    except NotJSON:
        text = body.decode("utf-8", "replace").strip()
        if text[:1] == "<":
            return Said("The provider answered with a web page instead of JSON.", is_page=True)
        return Said(text[:_MOST_TEXT])
    return read_error(value)


def read_error(value: Any, depth: int = _DEPTH) -> Said:
    """Read an error that was decoded."""
    if isinstance(value, str):
        return Said(value[:_MOST_TEXT])
    if not depth:
        return Said()
    if isinstance(value, list) and value:
        return _of_list(value, depth - 1)
    return _of_object(value, depth - 1) if isinstance(value, dict) else Said()


def _of_list(values: list[Any], depth: int) -> Said:
    found = [read_error(value, depth) for value in values[:16]]
    message = "; ".join(said.message for said in found if said.message)
    return replace(found[0], message=message[:_MOST_TEXT])


def _of_object(value: dict[str, Any], depth: int) -> Said:
    place = _place(value.get("loc"))
    codes = [str(code) for name in _CODES if (code := value.get(name)) and isinstance(code, str | int)]
    said = Said(
        code=next((code for code in codes[:1] if not _NUMBER.fullmatch(code)), None),
        type=_text(value.get("type")),
        param=_text(value.get("param")) or place,
        status=next((int(code) for code in codes if _STATUS.fullmatch(code)), 0),
        retry_after=_text(value.get("retryDelay")) or "",
    )
    if value.get("error"):
        said = _within(said, read_error(value["error"], depth))
    else:
        for name in _MESSAGES:
            inner = read_error(value.get(name), depth)
            if inner.message:
                if place and place not in inner.message:
                    inner = replace(inner, message=f"{place}: {inner.message}")
                said = _within(said, inner)
                break
    said = _with_details(said, value.get("details"), depth)
    return _from_behind(said, value.get("metadata"), depth)


def _within(outer: Said, inner: Said) -> Said:
    """Return what an error says with what the one in it says; that one knows better."""
    return replace(
        inner,
        code=inner.code or outer.code,
        type=inner.type or outer.type,
        param=inner.param or outer.param,
        status=inner.status or outer.status,
        retry_after=inner.retry_after or outer.retry_after,
    )


def _with_details(said: Said, details: Any, depth: int) -> Said:
    """Add what stands beside the message: places (Azure's models) or Google's list of typed entries."""
    for detail in details[:16] if isinstance(details, list) else ():
        inner = read_error(detail, depth)
        said = replace(said, retry_after=said.retry_after or inner.retry_after, param=said.param or inner.param)
        if inner.param and inner.message:
            said = replace(said, message=f"{said.message} {inner.message}".strip()[:_MOST_TEXT])
    return said


def _from_behind(said: Said, metadata: Any, depth: int) -> Said:
    """Return what the provider behind a gateway said, where the gateway only says that there was something."""
    if not isinstance(metadata, dict):
        return said
    if isinstance(headers := metadata.get("headers"), dict):
        said = replace(said, headers={name.lower(): str(told) for name, told in headers.items()})
    if not isinstance(raw := metadata.get("raw"), str) or not raw.strip():
        return said
    try:
        behind = read_error(decode(raw), depth)
    except NotJSON:
        behind = Said(raw.strip()[:_MOST_TEXT])
    if not behind.message:
        return said
    return replace(_within(said, behind), status=said.status or behind.status, headers=said.headers)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _place(loc: Any) -> str | None:
    """Return a place that FastAPI gives as a list: ["body", "messages", 0, "content"] is messages[0].content."""
    if not isinstance(loc, list):
        return None
    steps = [step for step in loc[:16] if step != "body"]
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return path.removeprefix(".") or None
