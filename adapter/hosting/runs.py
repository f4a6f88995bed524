"""Runs of hosted tools: one object a call, from its arguments to the finished item of the response.

`open_item` makes the item, once its index and the digits of its id are known. `run` does the work in a greenlet of its
own; it may be killed there, and never raises. `settle` gives the item what came of it. A call that waits for the
client's approval has an item, but nothing runs.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from msgspec.structs import replace

from adapter.hosting.mcp.errors import INTERNAL_ERROR, INVALID_PARAMS
from adapter.hosting.mcp.server import MCPServer
from adapter.hosting.results import Image, ToolResult
from adapter.telemetry.logs import log
from translators.chat.chunks import Source
from translators.open_items.citations import CitedFile
from translators.open_items.hosted import OpenHostedItem
from translators.open_items.mcp import OpenApprovalRequest, OpenMCPCall
from translators.responses.events import Event
from translators.responses.hosted.errors import MCPProtocolError, hint_at
from translators.responses.hosted.usage import ToolUsage
from translators.wire import NotJSON, decode

BROKE: Final = "Error: the tool could not be used."
"""What the model reads if running a call fails for a reason of the adapter's own."""
REPEATED: Final = "[This call returned the same twice before. It was not run again: go on with what you have.]"
"""The hint for a model that makes a call for the third time."""
_MAX_IMAGE_CHARACTERS: Final = 8 * 1024 * 1024
"""Of one call's images together, as base64: they are stored with the response, and shown in every later turn."""


class ToolRun(ABC):
    """One call of a hosted tool."""

    executes = True
    """Whether there is anything to run."""
    waits_for_client = False
    """The client has to answer before anything is run."""
    cut_bytes = 0
    """Bytes of the result that the model does not read."""
    outcome: str | None = None
    """What the model has read of the result; None: it has none, or each result of the kind is another."""
    seconds = 0.0
    """How long it ran."""
    open_result: Callable[[int, str], OpenHostedItem] | None = None
    """Opens a second item, which has what the call found; None: there is none."""
    usage: ToolUsage | None = None
    """What the call has used that its provider counts."""
    cited_files: Mapping[int, CitedFile] = MappingProxyType({})
    """The files that the model may cite from here on, by number."""
    numbered: Sequence[Source] = ()
    """The sources that the model may cite from here on, in the order of their numbers."""

    @abstractmethod
    def open_item(self, output_index: int, digits: str) -> OpenHostedItem:
        """Return the item of the call; `digits` are those of its id."""

    def run(self) -> None:
        """Run the tool, and keep its result; if that raises, the call has the result that it began with."""
        began = time.monotonic()
        try:
            self._run()
        except Exception:
            log.exception("tool call broke", **self.log_fields())
        finally:
            self.seconds = time.monotonic() - began

    @abstractmethod
    def _run(self) -> None:
        """Run the tool. What it raises is a bug."""

    def repeat(self, earlier: Any) -> None:
        """Take the result of an equal call of the same kind, with a hint, instead of running."""
        raise NotImplementedError

    def take_events(self) -> list[Event]:
        """Return the events of what the call has shown since the last time, while it runs; its item is open."""
        return []

    @abstractmethod
    def settle(self) -> None:
        """Give the item the result."""

    @abstractmethod
    def log_fields(self) -> dict[str, Any]:
        """Return what the log says of the call; nothing that callers or tools wrote, except names."""


class MCPRun(ToolRun):
    """A call of an MCP server's tool."""

    def __init__(self, server: MCPServer, name: str, arguments: str, approved: str | None = None) -> None:
        """`approved`: the id of the request by which the client approved it."""
        self._server = server
        self._name = name
        self._arguments = arguments
        self._approved = approved
        self.result = _failed(INTERNAL_ERROR, "The tool could not be called.")

    def open_item(self, output_index: int, digits: str) -> OpenHostedItem:
        self._item = OpenMCPCall(
            output_index, f"mcp_{digits}", label=self._server.label, name=self._name, arguments=self._arguments,
            approved=self._approved,
        )  # fmt: skip
        return self._item

    def _run(self) -> None:
        try:
            arguments = decode(self._arguments)
        except NotJSON:
            arguments = None
        if not isinstance(arguments, dict):
            self.result = _failed(INVALID_PARAMS, "The arguments are not a JSON object. Call the tool again with one.")
            return
        self.result = self._server.call(self._name, arguments)

    def settle(self) -> None:
        self.cut_bytes = self.result.cut_bytes
        self.outcome = self.result.text
        self._item.settle(self.result, bounded_urls(self.result.images))

    def repeat(self, earlier: "MCPRun") -> None:
        result = earlier.result
        self.result = replace(result, text=f"{result.text}\n{REPEATED}", error=hint_at(result.error, REPEATED))

    def log_fields(self) -> dict[str, Any]:
        error = self.result.error
        outcome = "ok" if error is None else error.__struct_config__.tag
        fields = {"kind": "mcp", "label": self._server.label, "tool": self._name, "outcome": outcome}
        return fields | self.result.details


class ApprovalWait(ToolRun):
    """A call that is not run before the client has approved it."""

    executes = False
    waits_for_client = True

    def __init__(self, label: str, name: str, arguments: str) -> None:
        self._label = label
        self._name = name
        self._arguments = arguments

    def open_item(self, output_index: int, digits: str) -> OpenHostedItem:
        return OpenApprovalRequest(
            output_index, f"mcpr_{digits}", label=self._label, name=self._name, arguments=self._arguments
        )

    def _run(self) -> None:
        pass

    def settle(self) -> None:
        pass

    def log_fields(self) -> dict[str, Any]:
        return {"kind": "mcp", "label": self._label, "tool": self._name, "outcome": "approval requested"}


def bounded_urls(images: Sequence[Image]) -> list[str]:
    """Return the images of a result as data URLs, as many as may be stored with a response."""
    urls, size = [], 0
    for image in images:
        size += len(image.data)
        if size <= _MAX_IMAGE_CHARACTERS:
            urls.append(image.url)
    return urls


def _failed(code: int, message: str) -> ToolResult:
    return ToolResult(message, MCPProtocolError(code, message))
