"""The result of `tools/call` → what the model reads, images, and the error of the item.

Texts are joined by line ends. Structured content is used only if there is no text, since servers repeat it as text.
Links become Markdown links; images, sound and other data are a mark in the text, and images that models can read
are returned beside it. Source: Model Context Protocol specification, Server features: Tools.
"""

import base64
import binascii
from typing import Any, Final

import msgspec

from adapter.hosting.mcp.endpoint import Message
from adapter.hosting.mcp.errors import MCPError, invalid_answer, needs_input
from adapter.hosting.results import Image, ToolResult, clean, cut
from translators.responses.hosted.errors import ToolExecutionError

MAX_RESULT_BYTES: Final = 12 * 1024 * 1024
"""Read of an answer: room for the largest image in base64, and text."""
_MAX_IMAGE_BYTES: Final = 8 * 1024 * 1024
_MAX_IMAGES: Final = 8
_IMAGES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
_MAX_ERROR_CONTENT_BYTES: Final = 100 * 1024


def failed(error: MCPError) -> ToolResult:
    """Return the result of a call that got no result."""
    return ToolResult(clean(error.message), error=error.error)


def read_result(result: Message) -> ToolResult:
    """Return what a tool returned; raise MCPError if it is not a result."""
    if (kind := result.get("resultType", "complete")) != "complete":
        raise needs_input() if kind == "input_required" else invalid_answer("The tool's result has an unknown type")
    content = result.get("content", [])
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise invalid_answer("The tool's result has no valid content")
    texts: list[str] = []
    images: list[Image] = []
    for part in content:
        texts.append(_describe(part))
        if len(images) < _MAX_IMAGES and (image := _image(part)):
            images.append(image)
    if not any(part.get("type") == "text" for part in content) and result.get("structuredContent") is not None:
        texts.insert(0, msgspec.json.encode(result["structuredContent"]).decode())
    text, cut_bytes = cut(clean("\n".join(texts)))
    if result.get("isError") is True:
        return ToolResult(f"Error: {text}", ToolExecutionError(_bound(content, text)), tuple(images), cut_bytes)
    return ToolResult(text, None, tuple(images), cut_bytes)


def _describe(part: dict[str, Any]) -> str:
    """Return a part of the content as text."""
    match part.get("type"):
        case "text":
            return _text(part, "text")
        case "resource_link":
            link = f"[{_text(part, 'name')}]({_text(part, 'uri')})"
            return f"{link} {_text(part, 'description')}".rstrip()
        case "resource" if isinstance(resource := part.get("resource"), dict):
            return _text(resource, "text") or _mark("resource", resource, "blob")
        case "image" | "audio" as kind:
            return _mark(kind, part, "data")
    return f"[{_text(part, 'type') or 'content of an unknown type'}]"


def _text(part: dict[str, Any], name: str) -> str:
    value = part.get(name)
    return value if isinstance(value, str) else ""


def _mark(kind: str, part: dict[str, Any], member: str) -> str:
    """Return what stands for data in the text: `[image image/png, 12 KB]`."""
    size = len(_text(part, member)) * 3 // 4
    shown = f"{size} bytes" if size < 1024 else f"{size // 1024} KB"
    return f"[{' '.join(filter(None, (kind, _text(part, 'mimeType'))))}, {shown}]"


def _image(part: dict[str, Any]) -> Image | None:
    """Return the image in a part, if it is one that a model can read."""
    if part.get("type") == "resource" and isinstance(part.get("resource"), dict):
        part, member = part["resource"], "blob"
    else:
        member = "data"
    type, data = _text(part, "mimeType").lower(), _text(part, member)
    if type not in _IMAGES or not data or len(data) * 3 // 4 > _MAX_IMAGE_BYTES:
        return None
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None
    return Image(type, data)


def _bound(content: list[Any], text: str) -> list[Any]:
    """Return the content for the item's error: as it is, or the text alone if it is large."""
    if len(msgspec.json.encode(content)) <= _MAX_ERROR_CONTENT_BYTES:
        return content
    return [{"type": "text", "text": text}]
