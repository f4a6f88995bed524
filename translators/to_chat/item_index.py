"""An index of items: the positions of outputs and of messages that are not the model's, and what is rendered already.

The renderer walks the items once, but writes an output right after its call and a message between them before the call.
This index answers where those are, in constant time, and remembers which positions are done.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from typing import Final

from translators.notes import Notes
from translators.responses.hosted.items import MCPApprovalRequest, MCPApprovalResponse, MCPCall
from translators.responses.items import ContentPart, FunctionCall, FunctionCallOutput, Item, Message, Reasoning
from translators.to_chat.content import has_media, is_blank, text_of
from translators.to_chat.hosted import Approvals, HostedCall
from translators.to_chat.placeholders import UNCHANGED, substitute
from translators.tools.kinds import BY_OUTPUT, call_id_of

_APPROVAL_KINDS: Final = frozenset({MCPApprovalRequest, MCPApprovalResponse, MCPCall})


class ItemIndex:
    """The items of one rendering, with placeholders in place of those that chat cannot carry."""

    def __init__(self, items: Sequence[Item], first_input: int, notes: Notes) -> None:
        self.items: list[Item | HostedCall] = list(items)
        self.done: set[int] = set()
        """Positions of items that were rendered before their turn, or are not rendered at all."""
        self.last_early_output = -1
        """The last position of an output that was rendered before its turn."""
        self._first_input = first_input
        self._approvals: Approvals | None = None
        """None: no item has to do with an approval."""
        self._hosted: set[str] = set()
        """Ids of the hosted calls so far."""
        self.messages: deque[int] = deque()
        """Positions of the user, developer and system messages that are not rendered yet."""
        self._outputs: dict[str, deque[int]] = defaultdict(deque)
        """Positions of the outputs that no call has taken yet, by call_id."""
        for position, item in enumerate(items):
            kind: type = item.__class__
            if kind is FunctionCall or kind is Reasoning or (kind is Message and item.role == "assistant"):  # type: ignore[union-attr]
                continue
            if kind is FunctionCallOutput and item.call_id is not None:  # type: ignore[union-attr]
                self._outputs[item.call_id].append(position)  # type: ignore[union-attr, index]
                continue
            if kind not in UNCHANGED:
                if kind in _APPROVAL_KINDS and self._settle_approval(position, item):
                    self.done.add(position)
                    continue
                other = substitute(item, notes, self.path(position))
                if other is None:
                    self.done.add(position)
                    continue
                if isinstance(other, HostedCall) and other.round is not None and not self._is_new(other):
                    self.done.add(position)
                    continue
                self.items[position] = other
                kind = other.__class__
            if kind is Message:
                self._add_message(position, notes)
            elif kind in BY_OUTPUT:
                self._outputs[call_id_of(self.items[position])].append(position)

    def _is_new(self, call: HostedCall) -> bool:
        """Whether a hosted call is here for the first time: some clients refer to items that the chain has."""
        known = call.call_id in self._hosted
        self._hosted.add(call.call_id)
        return not known

    def _settle_approval(self, position: int, item: Item) -> bool:
        """Read an item of a call that needs approval; return True if it has no message of its own."""
        approvals = self._approvals = self._approvals or Approvals(self.items)
        if isinstance(item, MCPApprovalRequest):
            approvals.add(position, item)
        elif isinstance(item, MCPApprovalResponse):
            return approvals.answer(item)
        elif isinstance(item, MCPCall) and item.approval_request_id:
            return approvals.settle(item)
        return False

    def _add_message(self, position: int, notes: Notes) -> None:
        item = self.items[position]
        assert isinstance(item, Message)
        if item.role == "assistant":
            return
        content = item.content
        if (not content or content.isspace()) if isinstance(content, str) else _is_empty(content):
            self.done.add(position)
            notes.add(self.path(position), "dropped", "an empty message")
        else:
            self.messages.append(position)
            if self._approvals is not None:
                self._approvals.end_turn()

    def take_messages_before(self, end: int) -> Iterator[tuple[int, Message]]:
        """Remove and yield the messages before a position that are not rendered yet."""
        while self.messages and self.messages[0] < end:
            position = self.messages.popleft()
            item = self.items[position]
            assert isinstance(item, Message)
            self.done.add(position)
            yield position, item

    def has_later_user_message(self) -> bool:
        """Whether a user message is not rendered yet."""
        return any(self.items[position].role == "user" for position in self.messages)  # type: ignore[union-attr]

    def take_output(self, call_id: str, call: int) -> int | None:
        """Remove and return the position of the first output for a call_id after the position of its call."""
        outputs = self._outputs[call_id]
        while outputs and outputs[0] < call:
            outputs.popleft()
        return outputs.popleft() if outputs else None

    def mark_early_outputs(self, positions: Sequence[int]) -> None:
        """Mark outputs as rendered before their turn."""
        self.done.update(positions)
        self.last_early_output = max(self.last_early_output, *positions)

    def path(self, position: int, member: str = "") -> str:
        """Return the path of an item in the request; items of the history have no index."""
        index = position - self._first_input
        item = f"input[{index}]" if index >= 0 else "previous_response_id"
        return f"{item}.{member}" if member else item


def _is_empty(content: Sequence[ContentPart]) -> bool:
    return is_blank(text_of(content)) and not has_media(content)
