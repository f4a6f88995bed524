"""Items → chat messages.

The rules (docs/item-rules.md gives the reason and the test of each):

 1. Each turn of the model is one assistant message: its thinking, its texts and all its calls.
 2. A turn ends with the output of one of its calls, with a message of another role, or with the first item of another
    round, if the adapter ran one of its calls.
 3. Right after a turn come its tool messages, one for each call, in call order, wherever the outputs lie in the items.
 4. Messages between a call and its outputs go before the turn: after it, the model would see the user ask again.
 5. An output without a call, and a call without an output, are request errors (400); a call that was cut short is
    dropped with a note.
 6. A second output of a call, an item of the model's that came before, a user message that only repeats the last one,
    and an empty or blank message are dropped with a note. Blank text beside something else is left out; an empty output
    is sent as `(no output)`.
 7. No text is lost: what chat has no place for becomes a placeholder or a marked user message, with a note.
 8. System and developer messages that lead the conversation are returned apart: the request's instructions come first.
 9. What was rendered before a boundary never changes, whatever items follow: its bytes can be reused.

Source: docs/item-rules.md.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import UNSET, Struct
from msgspec.structs import replace

from translators.chat.messages import ChatMessage, Content, Part, ToolCall, ToolMessage, UserMessage
from translators.dialects.rendering import Rendering
from translators.errors import RequestError, item_not_found
from translators.reasoning.returned import ReturnedThinking, ReturnPolicy, restore_thinking, thinking_to_return
from translators.responses.chat_forms import find_calls_hint
from translators.responses.ids import round_of
from translators.responses.items import (
    ApplyPatchCall,
    Call,
    CallOutput,
    ContentPart,
    Item,
    ItemReference,
    Message,
    Reasoning,
    Refusal,
)
from translators.to_chat.attachments import replace_unaccepted, split_attachments
from translators.to_chat.call_ids import CallIds
from translators.to_chat.content import content_parts, has_media, is_plain, text_of
from translators.to_chat.encrypted import reveal
from translators.to_chat.hosted import HostedCall
from translators.to_chat.instructions import later_message
from translators.to_chat.item_index import ItemIndex
from translators.to_chat.turns import AnyCall, Turn, chat_call, sign_first
from translators.tools.kinds import BY_CALL, BY_OUTPUT, call_id_of
from translators.tools.names import ToolNames

_NO_OUTPUT: Final = "(no output)"
"""Sent for an empty output: GLM, MiniMax and others refuse empty messages. Source: earendil-works/pi#3309."""

_SAID_IN: Final = ("call_id", "name", "namespace", "arguments", "input", "action", "operation", "content", "summary")
"""Members in which an item says something, whatever its kind."""

UNFOLLOWED: Final = "reasoning that no message and no call follows"
"""The reason of a note that later items may make untrue."""


class Boundary(Struct, frozen=True, gc=False):
    """A position between items; everything before it is rendered for good."""

    items: int
    messages: int


class RenderState(Struct, frozen=True, gc=False):
    """What later items need to know of those before a boundary."""

    started: bool = False
    """A message was rendered: system messages from here on do not lead the conversation."""
    answered: frozenset[str] = frozenset()
    """Ids of the calls that have their tool messages."""
    last_user_content: Content | None = None
    awaits_answer: bool = False
    """No assistant message follows that content."""


class Rendered(Struct, frozen=True, gc=False):
    """The messages of some items."""

    leading_system_messages: list[Message]
    messages: list[ChatMessage]
    boundary: Boundary
    state: RenderState
    """The state at the boundary."""


def items_to_messages(
    items: Sequence[Item],
    rendering: Rendering,
    names: ToolNames,
    *,
    previous: RenderState = RenderState(),  # noqa: B008 - frozen
    first_input: int = 0,
    return_policy: ReturnPolicy = ReturnPolicy(),  # noqa: B008 - frozen
) -> Rendered:
    """Render items; raise RequestError for an output without a call or a call without an output.

    `previous`: the state that earlier items left. `first_input`: position of the request's first item, for paths in
    errors; items before it are history. `return_policy`: which thinking goes back.
    """
    return _Renderer(items, rendering, names, previous, first_input, return_policy).render()


class _Renderer:
    def __init__(
        self,
        items: Sequence[Item],
        rendering: Rendering,
        names: ToolNames,
        previous: RenderState,
        first_input: int,
        return_policy: ReturnPolicy,
    ) -> None:
        self._rendering = rendering
        self._notes = rendering.notes
        self._names = names
        self._return_policy = return_policy
        self._given = items
        self._index = ItemIndex(items, first_input, rendering.notes)
        self._items = self._index.items
        self._current = _last_user_message(items) if return_policy.turns == "current" else None
        """Start of the current segment, if only its thinking goes back."""
        self._answered = set(previous.answered)
        self._last_user_content = previous.last_user_content
        self._awaits_answer = previous.awaits_answer
        self._started = previous.started
        self._leading: list[Message] = []
        self._is_leading = not previous.started
        self._messages: list[ChatMessage] = []
        self._turn: Turn | None = None
        self._by_id: dict[str, Any] = {}
        """The model's items that have an id."""

    def render(self) -> Rendered:
        index = self._index
        done = index.done
        boundary, content, awaits = (0, 0), self._last_user_content, self._awaits_answer
        for position, item in enumerate(self._items):
            if position not in done:
                self._render(position, item)
            final = self._current is None or position < self._current
            if self._turn is None and position >= index.last_early_output and final:
                boundary = (position + 1, len(self._messages))
                content, awaits = self._last_user_content, self._awaits_answer
        if self._turn is not None:
            self._end_turn()
        state = RenderState(self._started or boundary[1] > 0, frozenset(self._answered), content, awaits)
        return Rendered(self._leading, self._messages, Boundary(*boundary), state)

    def _render(self, position: int, item: Item | HostedCall) -> None:
        kind = item.__class__
        if isinstance(item, Message):
            if item.role == "assistant":
                if self._is_new(position, item):
                    self._add_assistant_message(position, item)
            else:
                if self._turn is not None:
                    self._end_turn()
                if position not in self._index.done:
                    self._index.messages.popleft()  # this one: those before it are rendered
                    self._write_message(position, item)
        elif isinstance(item, Reasoning):
            if not self._is_new(position, item):
                return
            turn = self._open_turn(item)
            if self._current is None or position > self._current:
                path = self._index.path(position)
                turn.thinking.append(restore_thinking(item, self._return_policy, self._notes, path))
        elif kind in BY_CALL:
            if not self._is_new(position, item):
                return
            turn = self._open_turn(item)
            turn.calls.append((position, item))  # type: ignore[arg-type]
            turn.call_ids.add(item.call_id)  # type: ignore[union-attr, arg-type]
        elif kind in BY_OUTPUT:
            self._render_output(position, item)  # type: ignore[arg-type]
        elif isinstance(item, HostedCall):
            self._add_hosted(position, item)
        elif isinstance(item, ItemReference):
            raise item_not_found(item.id, "input")

    def _is_new(self, position: int, item: Any) -> bool:
        """Return whether an item of the model's has not come before: clients send again what a chain has."""
        if not item.id:
            return True
        earlier = self._by_id.setdefault(item.id, item)
        if earlier is item or earlier.__class__ is not item.__class__:
            return True
        if any(getattr(item, member, None) != getattr(earlier, member, None) for member in _SAID_IN):
            return True
        self._notes.add(self._index.path(position), "dropped", "it came before, with the same id")
        return False

    # --- messages of other roles ------------------------------------------------------------------------------

    def _write_message(self, position: int, item: Message, *, before_turn: bool = False) -> None:
        if item.role != "user":
            self._write_system_message(position, item)
            return
        self._is_leading = False
        content = item.content if isinstance(item.content, str) else self._user_content(position, item.content)
        if content == self._last_user_content and (before_turn or self._awaits_answer):
            self._notes.add(self._index.path(position), "dropped", "it repeats the user's last message")
            return
        self._last_user_content, self._awaits_answer = content, True
        self._messages.append(UserMessage(content))

    def _write_system_message(self, position: int, item: Message) -> None:
        """Write a system or developer message; its media follow in a message of the user."""
        media: Sequence[Part] = ()
        if not isinstance(item.content, str) and not is_plain(item.content):
            path = self._index.path(position, "content")
            parts = reveal(item.content, self._notes, path)
            text, media = split_attachments(parts, f"the {item.role} message", self._rendering, path)
            item = replace(item, content=text)
            if media:
                self._notes.add(path, "approximated", f"a {item.role} message is text only: its media are the user's")
        if self._is_leading:
            self._leading.append(item)
        else:
            self._messages.append(later_message(item, self._rendering, self._index.path(position)))
        if media:
            self._is_leading = False
            self._messages.append(UserMessage(list(media)))

    def _user_content(self, position: int, parts: Sequence[ContentPart]) -> Content:
        """Return a user's parts, as a string if they are only text; media must be accepted in the last message only."""
        if is_plain(parts):
            return text_of(parts)
        path = self._index.path(position, "content")
        parts = reveal(parts, self._notes, path)
        if self._index.has_later_user_message():
            parts = replace_unaccepted(parts, self._rendering, path)
        return content_parts(parts, self._rendering, path) if has_media(parts) else text_of(parts)

    def _note_media(self, position: int, role: str, content: Sequence[ContentPart]) -> None:
        """Note what the content of a message has beside its text: media, and parts that others sealed."""
        path = self._index.path(position, "content")
        reveal(content, self._notes, path)
        if has_media(content):
            self._notes.add(path, "dropped", f"a {role} message is text only")

    # --- turns of the model -----------------------------------------------------------------------------------

    def _open_turn(self, item: Any) -> Turn:
        """Return the turn that an item of the model's belongs to."""
        self._is_leading = False
        turn = self._turn
        if turn is not None and turn.round is not None and round_of(item.id) != turn.round:
            self._end_turn()
            turn = None
        if turn is None:
            turn = self._turn = Turn()
        return turn

    def _add_hosted(self, position: int, call: HostedCall) -> None:
        """Add a call that has its result; where its round is not known, the turn ends with it."""
        self._is_leading = False
        if self._turn is not None and self._turn.round not in (None, call.round):
            self._end_turn()
        turn = self._turn = self._turn or Turn()
        turn.calls += [(position, call), *((position, other) for other in call.not_run)]
        turn.round = call.round
        if call.round is None:
            self._end_turn()

    def _add_assistant_message(self, position: int, item: Message) -> None:
        turn = self._open_turn(item)
        if isinstance(item.content, str):
            turn.texts.append(item.content)
            return
        if not is_plain(item.content):
            self._note_media(position, item.role, item.content)
        if Refusal not in map(type, item.content):
            turn.texts.append(text_of(item.content))
            return
        turn.texts.append(text_of([part for part in item.content if not isinstance(part, Refusal)]))
        turn.refusals.append(text_of([part for part in item.content if isinstance(part, Refusal)]))

    def _render_output(self, position: int, item: CallOutput) -> None:
        call_id = call_id_of(item)
        if self._turn is not None and call_id in self._turn.call_ids:
            self._end_turn()  # renders this output, too
        elif call_id in self._answered:
            self._notes.add(self._index.path(position), "dropped", "this call has its output already")
        else:
            raise self._without_pair(f"No tool call found for {_kind_of(item)} with call_id {call_id}.")

    def _end_turn(self) -> None:
        """Write the messages between calls and outputs, the turn, and its tool messages."""
        turn, self._turn = self._turn, None
        if turn is None:
            return
        if not turn.calls:
            self._write_turn(turn, (), thinking_to_return(turn.thinking))
            return
        back = thinking_to_return(turn.thinking)
        calls: list[tuple[ToolCall, AnyCall, int]] = []
        ids = CallIds(self._rendering.dialect)
        for position, call in turn.calls:
            output = self._find_output(position, call)
            if output is not None:
                calls.append((self._tool_call(position, call, ids, back), call, output))
        if calls:
            outputs = [output for _, _, output in calls]
            for position, message in self._index.take_messages_before(max(outputs)):
                self._write_message(position, message, before_turn=True)
            self._index.mark_early_outputs(outputs)
        sent_calls = [sent for sent, _, _ in calls]
        if self._rendering.dialect.signed_calls:
            sign_first(sent_calls, self._rendering)
        self._write_turn(turn, sent_calls, back)
        media: list[Part] = []
        for sent, call, output in calls:
            self._answered.add(call.call_id or "")
            media += self._write_tool_message(sent, call, output)
        if media:
            self._messages.append(UserMessage(media))

    def _write_turn(self, turn: Turn, calls: Sequence[ToolCall], back: ReturnedThinking) -> None:
        message = turn.message(calls, back, self._rendering.dialect)
        if message is not None:
            self._awaits_answer = False
            self._messages.append(message)
        elif turn.thinking:
            self._notes.add("input", "dropped", UNFOLLOWED)

    def _find_output(self, position: int, call: AnyCall) -> int | None:
        """Return the position of a call's output; None for a call that was cut short; raise RequestError."""
        if isinstance(call, HostedCall):
            return position
        output = self._index.take_output(call.call_id or "", position)
        if output is not None:
            return output
        if call.status == "incomplete" or (isinstance(call, ApplyPatchCall) and call.status == "in_progress"):
            self._notes.add("input", "dropped", f"call {call.call_id}, which was cut short and never answered")
            self._answered.add(call.call_id or "")
            return None
        raise self._without_pair(f"No tool output found for {_kind_of(call)} {call.call_id}.")

    def _without_pair(self, message: str) -> RequestError:
        """Return the error for an output without a call, or a call without an output."""
        return RequestError(f"{message} {find_calls_hint(self._given)}".rstrip(), param="input")

    def _tool_call(self, position: int, call: AnyCall, ids: CallIds, back: ReturnedThinking) -> ToolCall:
        id, renamed = ids.assign(call.call_id or "")
        if renamed:
            path = self._index.path(position, "call_id")
            self._notes.add(path, "renamed", "another call of the same turn has it")
        sent, repaired = chat_call(call, id, self._names, back)
        if repaired:
            self._notes.add(self._index.path(position, "arguments"), "repaired", "they are not a JSON object")
        return sent

    def _write_tool_message(self, sent: ToolCall, call: AnyCall, output: int) -> Sequence[Part]:
        """Write the output of a call that was `sent`; return its attachments."""
        item = self._items[output]
        content = call.content if isinstance(call, HostedCall) else BY_OUTPUT[item.__class__].content(item)
        attached: Sequence[Part] = ()
        if isinstance(content, str) or is_plain(content):
            text = text_of(content)
        else:
            text, attached = self._split_output(content, call, output)
        if not text or text.isspace():
            text = _NO_OUTPUT
            self._notes.add(self._index.path(output, "output"), "approximated", f"empty: sent as '{_NO_OUTPUT}'")
        name = sent.function.name if self._rendering.dialect.tool_message_name else UNSET
        self._messages.append(ToolMessage(sent.id, text, name))
        return attached

    def _split_output(
        self, content: Sequence[ContentPart], call: AnyCall, output: int
    ) -> tuple[str, Sequence[Part]]:
        """Return the text of a call's output and its attachments."""
        source = f"the output of {getattr(call, 'name', None) or _kind_of(call)}, call {call.call_id}"
        path = self._index.path(output, "output")
        return split_attachments(reveal(content, self._notes, path), source, self._rendering, path)


def _last_user_message(items: Sequence[Item]) -> int:
    """Return the position of the user's last message, -1 if there is none."""
    positions = [at for at, item in enumerate(items) if isinstance(item, Message) and item.role == "user"]
    return positions[-1] if positions else -1


def _kind_of(item: Call | CallOutput | HostedCall) -> str:
    """Return an item's type as OpenAI's error messages write it."""
    return "hosted call" if isinstance(item, HostedCall) else item.__struct_config__.tag.replace("_", " ")  # type: ignore[union-attr]
