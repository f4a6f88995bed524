"""What a history says of tools that OpenAI ran → what a chat provider can be told of it.

Such items come from a conversation that began elsewhere. A call with its result becomes a call that was answered; a
picture becomes the user's, labelled; what holds nothing that the messages around it do not say is dropped with a note.
Source: responses-api reference §3.3.
"""

import hashlib
from typing import NamedTuple

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


class HostedCall(NamedTuple):
    """A call that carries its result."""

    call_id: str
    name: str
    namespace: str | None
    arguments: str
    result: str


def replayed(item: Hosted, notes: Notes, where: str) -> HostedCall | Message | None:
    """Return what the model is told of an item; None for nothing."""
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
            return Message("user", [label, InputImage(f"data:image/{_format(result)};base64,{result}")])
        case ProgramOutput(result=str(result)) if result:
            return Message("user", f"[Result of a program that called tools]\n{result}")
    kind = item.__struct_config__.tag
    notes.add(where, "dropped", f"{kind}: it tells the model nothing that the items around it do not")
    return None


def _call(name: str, namespace: str | None, arguments: str, result: str) -> HostedCall:
    """Return a call with an id that is the same whenever this history is rendered."""
    digest = hashlib.sha256("\0".join((name, namespace or "", arguments, result)).encode("utf-8", "replace"))
    return HostedCall(f"call_{digest.hexdigest()[:24]}", name, namespace, arguments, result)


def _format(base64: str) -> str:
    """Return an image's type by how its bytes begin."""
    beginnings = {"/9j/": "jpeg", "R0lG": "gif", "UklG": "webp", "PHN2": "svg+xml"}
    return beginnings.get(base64[:4], "png")
