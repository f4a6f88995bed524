"""Hosted tools in a history: items of tools that OpenAI ran, rendered for a chat provider.

They come from a conversation that began elsewhere. A call with its result becomes an answered tool call; an image
becomes a labelled user message; an item that adds nothing to the messages around it is dropped with a note.
Source: OpenAI API reference, Responses: create.
"""

import hashlib
from typing import Final, NamedTuple

from translators.notes import Notes
from translators.responses.items import (
    CodeInterpreterCall,
    FileSearchCall,
    Hosted,
    ImageGenerationCall,
    InputImage,
    InputText,
    MCPCall,
    Message,
    ProgramOutput,
)
from translators.wire import encode

_ID_DIGITS: Final = 24
"""Hex digits of a call_id: 96 bits, so that two results never share one, in the length that OpenAI's ids have."""


class HostedCall(NamedTuple):
    """A call together with its result."""

    call_id: str
    name: str
    namespace: str | None
    arguments: str
    result: str


def substitute_hosted(item: Hosted, notes: Notes, path: str) -> HostedCall | Message | None:
    """Return what is rendered in place of an item; None if the model gets nothing."""
    match item:
        case MCPCall():
            result = item.output if item.output is not None else encode(item.error).decode() if item.error else ""
            return _call(item.name, f"mcp__{item.server_label}", item.arguments or "{}", result)
        case CodeInterpreterCall():
            logs = [str(output["logs"]) for output in item.outputs or () if output.get("logs")]
            return _call("code_interpreter", None, encode({"code": item.code or ""}).decode(), "\n".join(logs))
        case FileSearchCall(results=list(results)):
            found = "\n\n".join(f"{result.get('filename', '')}\n{result.get('text', '')}".strip() for result in results)
            return _call("file_search", None, encode({"queries": item.queries}).decode(), found)
        case ImageGenerationCall(result=str(result)) if result:
            label = InputText("[An image that was generated in the answer before]")
            return Message("user", [label, InputImage(f"data:image/{_image_type(result)};base64,{result}")])
        case ProgramOutput(result=str(result)) if result:
            return Message("user", f"[Result of a program that called tools]\n{result}")
    kind = item.__struct_config__.tag
    notes.add(path, "dropped", f"{kind}: it adds nothing to the items around it")
    return None


def _call(name: str, namespace: str | None, arguments: str, result: str) -> HostedCall:
    """Return a call whose id is the same in every rendering, so that provider prompt caches stay warm."""
    digest = hashlib.sha256("\0".join((name, namespace or "", arguments, result)).encode("utf-8", "replace"))
    return HostedCall(f"call_{digest.hexdigest()[:_ID_DIGITS]}", name, namespace, arguments, result)


def _image_type(base64: str) -> str:
    """Return the type of a base64 image by its first bytes."""
    by_prefix = {"/9j/": "jpeg", "R0lG": "gif", "UklG": "webp", "PHN2": "svg+xml"}
    return by_prefix.get(base64[:4], "png")
