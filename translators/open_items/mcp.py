"""Items of MCP servers: the list of a server's tools, a call, and the request to approve one.

The arguments of a call come in one delta, after the model has finished them.
Source: OpenAI API reference, Streaming events; docs/stream-laws.md.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import UNSET
from msgspec.structs import replace

from translators.open_items.base import FinalStatus
from translators.open_items.hosted import OpenHostedItem
from translators.responses.events import (
    Event,
    MCPCallArgumentsDelta,
    MCPCallArgumentsDone,
    MCPCallCompleted,
    MCPCallFailed,
    MCPCallInProgress,
    MCPListToolsCompleted,
    MCPListToolsFailed,
    MCPListToolsInProgress,
)
from translators.responses.hosted.errors import MCPCallError
from translators.responses.hosted.items import MCPApprovalRequest, MCPCall, MCPListTools
from translators.responses.items import OutputItem


class MCPResult(Protocol):
    """What a call returned: the text of its output, or why it failed."""

    @property
    def text(self) -> str: ...
    @property
    def error(self) -> MCPCallError | None: ...


class OpenMCPList(OpenHostedItem):
    """The tools of one server, as the model gets them."""

    def __init__(
        self, output_index: int, id: str, *, label: str, tools: Sequence[dict[str, Any]], error: str | None = None
    ) -> None:
        """`tools`: each with name, description, input_schema and annotations; `error`: why there are none."""
        super().__init__(output_index, id)
        self._tools = tools
        self._error = error
        self._item = MCPListTools(label, [], id)
        self.item: OutputItem = self._item

    def _begin(self) -> list[Event]:
        return [MCPListToolsInProgress(item_id=self._id, output_index=self._index)]

    def _end(self, status: FinalStatus) -> list[Event]:
        self.item = replace(self._item, tools=list(self._tools), error=self._error or UNSET)
        event = MCPListToolsCompleted if self._error is None else MCPListToolsFailed
        return [event(item_id=self._id, output_index=self._index)]


class OpenMCPCall(OpenHostedItem):
    """One call of a server's tool."""

    def __init__(
        self, output_index: int, id: str, *, label: str, name: str, arguments: str, approved: str | None = None
    ) -> None:
        """`approved`: the id of the request by which the client approved the call."""
        super().__init__(output_index, id)
        self._arguments = arguments
        self._call = MCPCall(name, "", label, id=id, status="in_progress", approval_request_id=approved)
        self.item: OutputItem = self._call
        self._result: MCPResult | None = None

    def _begin(self) -> list[Event]:
        at: dict[str, Any] = {"item_id": self._id, "output_index": self._index}
        delta = [MCPCallArgumentsDelta(delta=self._arguments, **at)] if self._arguments else []
        return [MCPCallInProgress(**at), *delta, MCPCallArgumentsDone(arguments=self._arguments, **at)]

    def settle(self, result: MCPResult, images: Sequence[str] = ()) -> None:
        """Take the result; `images` are those for the model, as data URLs."""
        self._result = result
        if images:
            self.hidden = {"images": list(images)}

    def _end(self, status: FinalStatus) -> list[Event]:
        result, call = self._result, replace(self._call, arguments=self._arguments)
        if result is None or status == "incomplete":
            self.item = replace(call, status="incomplete")
            return []
        if result.error is None:
            self.item = replace(call, status="completed", output=result.text)
            return [MCPCallCompleted(item_id=self._id, output_index=self._index)]
        self.item = replace(call, status="failed", error=result.error)
        return [MCPCallFailed(item_id=self._id, output_index=self._index)]


class OpenApprovalRequest(OpenHostedItem):
    """A call that waits for the client's approval."""

    def __init__(self, output_index: int, id: str, *, label: str, name: str, arguments: str) -> None:
        super().__init__(output_index, id)
        self.item: OutputItem = MCPApprovalRequest(name, arguments, label, id)

    def _end(self, status: FinalStatus) -> list[Event]:
        return []
