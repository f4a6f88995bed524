"""Hosted tools in a history: items of tools that this adapter or OpenAI ran, rendered for a chat provider.

A call with its result becomes an answered tool call; an image becomes a labelled user message; an item that adds
nothing to the messages around it is dropped. Each is rendered from its item alone, so that the model sees in the next
round, and in every later turn, the very bytes that it saw first: the call_id comes from the item's id, and so does the
round, which says which calls the model made in one answer.

A request for approval is a call, too. Its result is that of the `mcp_call` that the client's approval led to, or what
became of it instead. Source: OpenAI API reference, Responses: create; docs/decisions/0031-hosted-tools.md.
"""

import hashlib
from collections.abc import Iterator, MutableSequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import UNSET, Struct

from translators.notes import Notes
from translators.responses.hosted.errors import text_of_error
from translators.responses.hosted.items import (
    CodeInterpreterCall,
    FileSearchCall,
    Hosted,
    ImageGenerationCall,
    MCPApprovalRequest,
    MCPApprovalResponse,
    MCPCall,
    MCPListTools,
    ProgramOutput,
    WebSearchCall,
)
from translators.responses.ids import call_id_of_item, round_of
from translators.responses.items import ContentPart, InputImage, InputText, Message, ToolSearchCall
from translators.tools.built_in import call_of_action
from translators.wire import encode

_ID_DIGITS: Final = 24
"""Hex digits of a call_id: 96 bits, so that two results never share one, in the length that OpenAI's ids have."""
_BROKEN_OFF: Final = "[The call was broken off before it returned anything.]"
_NOT_APPROVED: Final = "[The user has not approved this call. It was not run.]"
_NOT_RUN: Final = "[The user has approved this call, but it was not run.]"
_DECLINED: Final = "The user declined this call."


class HostedCall(NamedTuple):
    """A call together with its result."""

    call_id: str
    name: str
    namespace: str | None
    arguments: str
    result: str
    round: str | None = None
    """What the items of its round share in their ids; None: not known."""
    images: tuple[str, ...] = ()
    """Images among the result, as data URLs."""
    not_run: "tuple[HostedCall, ...]" = ()
    """Further calls of its round, which were not run."""

    @property
    def content(self) -> str | list[ContentPart]:
        """The result as the output of a call."""
        if not self.images:
            return self.result
        return [InputText(self.result), *map(InputImage, self.images)]


def substitute_hosted(
    item: Hosted | ToolSearchCall, notes: Notes, path: str
) -> HostedCall | Message | None:
    """Return what is rendered in place of an item; None if the model gets nothing."""
    found = _substitute(item, notes, path)
    hidden = getattr(item, "hidden", UNSET)
    if not isinstance(found, HostedCall) or hidden is UNSET or "not_run" not in hidden:
        return found
    return found._replace(not_run=tuple(_read_not_run(hidden["not_run"], found.round)))


def hide_call(call_id: str, name: str, namespace: str | None, arguments: str, result: str) -> dict[str, Any]:
    """Return a call that was not run, as it is hidden in an item of its round."""
    return {"call_id": call_id, "name": name, "namespace": namespace, "arguments": arguments, "result": result}


def _read_not_run(calls: object, round: str | None) -> Iterator[HostedCall]:
    for call in calls if isinstance(calls, list) else ():
        try:
            read = msgspec.convert(call, _HiddenCall)
        except msgspec.ValidationError:
            continue  # a client has changed it
        yield HostedCall(read.call_id, read.name, read.namespace, read.arguments, read.result, round)


class _HiddenCall(Struct):
    call_id: str
    name: str
    arguments: str
    result: str
    namespace: str | None = None


def _substitute(item: Hosted | ToolSearchCall, notes: Notes, path: str) -> HostedCall | Message | None:
    match item:
        case ToolSearchCall():
            hidden = {} if item.hidden is UNSET else item.hidden
            text = str(hidden.get("text", _BROKEN_OFF))
            return _call(item, "tool_search", None, encode(item.arguments or {}).decode(), text)
        case MCPCall():
            call = _call(item, item.name, f"mcp__{item.server_label}", item.arguments or "{}", _result_of(item))
            return call._replace(images=_images_of(item))
        case MCPApprovalRequest():
            return _call(item, item.name, f"mcp__{item.server_label}", item.arguments or "{}", _NOT_APPROVED)
        case MCPListTools() if round_of(item.id) is not None:
            return None  # what the model may call of it is declared in the request
        case WebSearchCall(action=dict(action), hidden=dict(hidden)):
            name, arguments = call_of_action(action)
            return _call(item, name, None, arguments, str(hidden.get("text", "")))
        case CodeInterpreterCall():
            outputs = item.outputs if item.hidden is UNSET else item.hidden.get("outputs")
            logs = [str(output["logs"]) for output in outputs or () if output.get("logs")]
            call = _call(item, "code_interpreter", None, encode({"code": item.code or ""}).decode(), "\n".join(logs))
            urls = [output.get("url") for output in outputs or () if output.get("type") == "image"]
            return call._replace(images=tuple(url for url in urls if isinstance(url, str) and url[:5] == "data:"))
        case FileSearchCall(hidden=dict(hidden)):
            arguments = encode({"queries": item.queries}).decode()
            return _call(item, "file_search", None, arguments, str(hidden.get("text", _BROKEN_OFF)))
        case FileSearchCall(results=list(results)):
            found = "\n\n".join(f"{result.get('filename', '')}\n{result.get('text', '')}".strip() for result in results)
            return _call(item, "file_search", None, encode({"queries": item.queries}).decode(), found)
        case ImageGenerationCall(hidden=dict(hidden)):
            given = {"prompt": hidden.get("prompt", "")} | ({"edit": True} if hidden.get("edit") else {})
            text = str(hidden.get("text", _BROKEN_OFF))
            return _call(item, "image_generation", None, encode(given).decode(), text)
        case ImageGenerationCall(result=str(result)) if result:
            label = InputText("[An image that was generated in the answer before]")
            return Message("user", [label, InputImage(f"data:image/{_image_type(result)};base64,{result}")])
        case ProgramOutput(result=str(result)) if result:
            return Message("user", f"[Result of a program that called tools]\n{result}")
    kind = item.__struct_config__.tag
    notes.add(path, "dropped", f"{kind}: it adds nothing to the items around it")
    return None


class Approvals:
    """The requests for approval of one history, and what became of each.

    The next message of the user ends what is not approved until then: what was rendered before it never changes.
    """

    def __init__(self, items: MutableSequence[Any]) -> None:
        """`items`: the calls in it that stand for requests get their results there."""
        self._items = items
        self._open: dict[str, int] = {}
        """The positions of the requests without a result, by their id."""
        self._approved: set[str] = set()

    def add(self, position: int, request: MCPApprovalRequest) -> None:
        if isinstance(request.id, str):
            self._open.setdefault(request.id, position)

    def answer(self, response: MCPApprovalResponse) -> bool:
        """Show the model what the client decided; return False if it decided about nothing that is here."""
        id = response.approval_request_id
        at = self._open.get(id)
        if at is None:
            return False
        if response.approve:
            self._approved.add(id)
            self._settle(at, _NOT_RUN)
        else:
            del self._open[id]
            self._settle(at, f"{_DECLINED} {response.reason or ''}".rstrip())
        return True

    def settle(self, call: MCPCall) -> bool:
        """Make the result of an approved call that of its request; return False if no request here led to it."""
        at = self._open.pop(str(call.approval_request_id), None)
        if at is None:
            return False
        self._settle(at, _result_of(call), _images_of(call))
        return True

    def end_turn(self) -> None:
        """End the requests that were not approved."""
        self._open = {id: at for id, at in self._open.items() if id in self._approved}

    def _settle(self, at: int, result: str, images: tuple[str, ...] = ()) -> None:
        self._items[at] = self._items[at]._replace(result=result, images=images)


def _result_of(call: MCPCall) -> str:
    if call.output is not None:
        return call.output
    if call.error:
        return text_of_error(call.error)
    return _BROKEN_OFF if call.status == "incomplete" else ""


def _images_of(call: MCPCall) -> tuple[str, ...]:
    hidden = {} if call.hidden is UNSET else call.hidden
    return tuple(url for url in hidden.get("images") or () if isinstance(url, str))


def _call(item: Hosted | ToolSearchCall, name: str, namespace: str | None, arguments: str, result: str) -> HostedCall:
    """Return a call whose id is the same in every rendering, so that provider prompt caches stay warm."""
    call_id = call_id_of_item(item.id)
    if call_id is None:
        digest = hashlib.sha256("\0".join((name, namespace or "", arguments, result)).encode("utf-8", "replace"))
        call_id = f"call_{digest.hexdigest()[:_ID_DIGITS]}"
    return HostedCall(call_id, name, namespace, arguments, result, round_of(item.id))


def _image_type(base64: str) -> str:
    """Return the type of a base64 image by its first bytes."""
    by_prefix = {"/9j/": "jpeg", "R0lG": "gif", "UklG": "webp", "PHN2": "svg+xml"}
    return by_prefix.get(base64[:4], "png")
