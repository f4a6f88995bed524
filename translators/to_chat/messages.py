"""Items → chat messages.

A turn of the model is one assistant message: its thinking, its texts and all its calls, until an output of one of them
or somebody else's message comes. Right behind it stand the tool messages, one for each call, in call order, wherever
in the items their outputs lie; user, developer and system messages found between a call and its outputs go before the
turn (behind it, the model would see the user ask again). An output whose call is answered already is a repetition and
dropped, and so is a user message that only says again what was asked; an output without a call, and a call that never
got its output, are the caller's mistakes (400). A message that says nothing is no message.

Leading system and developer messages are returned apart, as `lead`: the instructions of the request come before them.
`boundary` says how far the messages can never change again, whatever items follow: `history.py` keeps what lies before
it as bytes. Source: responses-api reference §3.4, clients reference §5.7.
"""

from collections import defaultdict, deque
from collections.abc import Sequence

from msgspec import Struct

from translators.chat.messages import (
    ChatMessage,
    Content,
    DeveloperMessage,
    Part,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from translators.dialects.dialect import Dialect
from translators.errors import RequestError, item_not_found
from translators.notes import Notes
from translators.reasoning.returned import ReturnedThinking, ReturnPolicy, restore_thinking, thinking_to_return
from translators.responses.items import (
    ApplyPatchCall,
    Call,
    CallOutput,
    ContentPart,
    FunctionCall,
    FunctionCallOutput,
    Item,
    ItemReference,
    Message,
    Reasoning,
    Refusal,
)
from translators.to_chat.attachments import lifted, taken_parts
from translators.to_chat.call_ids import CallIds
from translators.to_chat.content import BETWEEN, has_media, media_parts, text_of
from translators.to_chat.hosted import HostedCall
from translators.to_chat.stand_ins import PLAIN, stand_in
from translators.to_chat.turns import AnyCall, Turn, chat_call
from translators.tools.kinds import BY_CALL, BY_OUTPUT, call_id_of
from translators.tools.names import ToolNames


class Boundary(Struct, frozen=True, gc=False):
    """A place between items: everything before it is rendered for good."""

    items: int
    messages: int


class Settled(Struct, frozen=True, gc=False):
    """What the messages before a boundary mean to the items behind it."""

    answered: frozenset[str] = frozenset()
    """Call ids that have got their tool message."""
    asked: Content | None = None
    """What the user said last."""
    asking: bool = False
    """Nothing was said since."""


class Rendered(Struct, frozen=True, gc=False):
    """What items became."""

    lead: list[Message]
    messages: list[ChatMessage]
    boundary: Boundary
    settled: Settled


def items_to_messages(
    items: Sequence[Item],
    dialect: Dialect,
    names: ToolNames,
    notes: Notes,
    *,
    first_input: int = 0,
    settled: Settled = Settled(),  # noqa: B008 - frozen
    follows: bool = False,
    return_policy: ReturnPolicy = ReturnPolicy(),  # noqa: B008 - frozen
) -> Rendered:
    """Render items; raise RequestError for an output without a call or a call without an output.

    `first_input`: position of the first item of this request (those before it are history), for the paths of errors.
    `settled`: what came before these items; `follows`: whether messages did. `return_policy`: which thinking goes back.
    """
    return _Renderer(items, dialect, names, notes, first_input, settled, follows, return_policy).render()


def lead_text(instructions: str | None, lead: Sequence[Message]) -> str:
    """Return the one leading system text: the instructions and what led the conversation."""
    texts = [instructions or ""] + [text_of(message.content) for message in lead]
    return BETWEEN.join(text for text in texts if text)


def shown_as_users(role: str, text: str) -> UserMessage:
    """Return a message of a role that has no place as one of the user's, marked."""
    return UserMessage(f"<{role}_message>\n{text}\n</{role}_message>")


class _Renderer:
    def __init__(
        self,
        items: Sequence[Item],
        dialect: Dialect,
        names: ToolNames,
        notes: Notes,
        first_input: int,
        settled: Settled,
        follows: bool,
        return_policy: ReturnPolicy,
    ) -> None:
        self._items: list[Item | HostedCall] = list(items)
        self._dialect = dialect
        self._names = names
        self._notes = notes
        self._first_input = first_input
        self._return_policy = return_policy
        self._current = _last_of_user(items) if return_policy.turns == "current" else None
        """Where the current turn begins, if the thinking of those before it does not go back."""
        self._answered = set(settled.answered)
        self._asked = settled.asked
        self._asking = settled.asking
        self._lead: list[Message] = []
        self._leading = not follows
        self._messages: list[ChatMessage] = []
        self._turn: Turn | None = None
        self._taken: set[int] = set()
        """Positions of items that were rendered before their place, or that say nothing."""
        self._horizon = -1
        """The last of the outputs among them."""
        self._others: deque[int] = deque()
        """Positions of the user, developer and system messages that are not rendered yet."""
        self._outputs: dict[str, deque[int]] = defaultdict(deque)
        """Positions of the outputs that no call has taken yet, by the id of their call."""
        self._survey(items)

    def _survey(self, items: Sequence[Item]) -> None:
        """Put in place what stands for items, and find the outputs of calls and the messages of others."""
        for position, item in enumerate(items):
            kind: type = item.__class__
            if kind is FunctionCall or kind is Reasoning or (kind is Message and item.role == "assistant"):  # type: ignore[union-attr]
                continue
            if kind is FunctionCallOutput and item.call_id is not None:  # type: ignore[union-attr]
                self._outputs[item.call_id].append(position)  # type: ignore[union-attr, index]
                continue
            if kind not in PLAIN:
                other = stand_in(item, self._notes, self._path(position))
                if other is None:
                    self._taken.add(position)
                    continue
                self._items[position] = other
                kind = other.__class__
            if kind is Message:
                self._expect(position)
            elif kind in BY_OUTPUT:
                self._outputs[call_id_of(self._items[position])].append(position)

    def _expect(self, position: int) -> None:
        """Remember a message that is not the model's, until its turn comes."""
        item = self._items[position]
        assert isinstance(item, Message)
        if item.role == "assistant":
            return
        if _says_something(item):
            self._others.append(position)
        else:
            self._taken.add(position)
            self._notes.add(self._path(position), "dropped", "an empty message")

    def render(self) -> Rendered:
        taken = self._taken
        boundary, asked, asking = (0, 0), self._asked, self._asking
        for position, item in enumerate(self._items):
            if position not in taken:
                self._take(position, item)
            final = self._current is None or position < self._current
            if self._turn is None and position >= self._horizon and final:
                boundary, asked, asking = (position + 1, len(self._messages)), self._asked, self._asking
        self._end_turn()
        settled = Settled(frozenset(self._answered), asked, asking)
        return Rendered(self._lead, self._messages, Boundary(*boundary), settled)

    def _take(self, position: int, item: Item | HostedCall) -> None:
        kind = item.__class__
        if isinstance(item, Message):
            if item.role == "assistant":
                self._assistant_message(position, item)
            else:
                self._end_turn()
                if position not in self._taken:
                    self._others.popleft()  # it is the first of them: those before it have had their turn
                    self._message(position, item)
        elif isinstance(item, Reasoning):
            turn = self._open_turn()
            if self._current is None or position > self._current:
                turn.thinking.append(restore_thinking(item, self._return_policy, self._notes, self._path(position)))
        elif kind in BY_CALL:
            turn = self._open_turn()
            turn.calls.append((position, item))  # type: ignore[arg-type]
            turn.call_ids.add(item.call_id)  # type: ignore[union-attr, arg-type]
        elif kind in BY_OUTPUT:
            self._output(position, item)  # type: ignore[arg-type]
        elif isinstance(item, HostedCall):
            self._open_turn().calls.append((position, item))
            self._end_turn()
        elif isinstance(item, ItemReference):
            raise item_not_found(item.id, "input")

    # --- somebody else's messages -----------------------------------------------------------------------------

    def _message(self, position: int, item: Message, *, hoisted: bool = False) -> None:
        if item.role == "user":
            self._leading = False
            content = self._user_content(position, item)
            if content == self._asked and (hoisted or self._asking):
                self._notes.add(self._path(position), "dropped", "it says again what the user said before")
                return
            self._asked, self._asking = content, True
            self._messages.append(UserMessage(content))
            return
        self._note_media(position, item)
        if self._leading:
            self._lead.append(item)
            return
        text = text_of(item.content)
        if not (self._dialect.system_anywhere and self._dialect.system_role):
            self._messages.append(shown_as_users(item.role, text))
            self._notes.add(
                self._path(position), "approximated", f"a {item.role} message behind the first is shown as the user's"
            )
        elif item.role == "developer" and self._dialect.developer_role:
            self._messages.append(DeveloperMessage(text))
        else:
            self._messages.append(SystemMessage(text))

    def _user_content(self, position: int, item: Message) -> Content:
        """Return what the user said, as text if it is nothing else. Only the last that is asked must be taken whole."""
        parts = item.content
        if isinstance(parts, str) or not has_media(parts):
            return text_of(parts)
        where = self._path(position, "content")
        if any(self._items[later].role == "user" for later in self._others):  # type: ignore[union-attr]
            parts = taken_parts(parts, self._dialect, self._notes, where)
        return media_parts(parts, self._dialect, self._notes, where) if has_media(parts) else text_of(parts)

    def _note_media(self, position: int, item: Message) -> None:
        """Note that media are left out of a message that can only be text."""
        if has_media(item.content):
            self._notes.add(self._path(position, "content"), "dropped", f"a {item.role} message is text only")

    # --- the model's turns ------------------------------------------------------------------------------------

    def _open_turn(self) -> Turn:
        self._leading = False
        if self._turn is None:
            self._turn = Turn()
        return self._turn

    def _assistant_message(self, position: int, item: Message) -> None:
        turn = self._open_turn()
        if isinstance(item.content, str):
            turn.texts.append(item.content)
            return
        self._note_media(position, item)
        refusals: list[ContentPart] = [part for part in item.content if part.__class__ is Refusal]
        if not refusals:
            turn.texts.append(text_of(item.content))
            return
        turn.texts.append(text_of([part for part in item.content if not isinstance(part, Refusal)]))
        turn.refusals.append(text_of(refusals))

    def _output(self, position: int, item: CallOutput) -> None:
        call_id = call_id_of(item)
        if self._turn is not None and call_id in self._turn.call_ids:
            self._end_turn()  # takes this output with it
        elif call_id in self._answered:
            self._notes.add(self._path(position), "dropped", "this call has its output already")
        else:
            raise RequestError(f"No tool call found for {_kind(item)} with call_id {call_id}.", param="input")

    def _end_turn(self) -> None:
        """Write the turn, its tool messages behind it, and before it whatever others said in between."""
        turn, self._turn = self._turn, None
        if turn is None:
            return
        if not turn.calls:
            self._say(turn, (), thinking_to_return(turn.thinking))
            return
        back = thinking_to_return(turn.thinking)
        calls: list[tuple[ToolCall, AnyCall, int]] = []
        ids = CallIds(self._dialect)
        for position, call in turn.calls:
            answer = self._answer(position, call)
            if answer is not None:
                calls.append((self._tool_call(position, call, ids, back), call, answer))
        if calls:
            self._hoist(max([answer for _, _, answer in calls]))
        self._say(turn, [call for call, _, _ in calls], back)
        media: list[Part] = []
        for sent, call, answer in calls:
            self._taken.add(answer)
            self._horizon = max(self._horizon, answer)
            self._answered.add(call.call_id or "")
            media += self._tool_message(sent.id, call, answer)
        if media:
            self._messages.append(UserMessage(media))

    def _say(self, turn: Turn, calls: Sequence[ToolCall], back: ReturnedThinking) -> None:
        message = turn.message(calls, back, self._dialect)
        if message is not None:
            self._asking = False
            self._messages.append(message)
        elif turn.thinking:
            self._notes.add("input", "dropped", "reasoning that no message and no call follows")

    def _hoist(self, end: int) -> None:
        """Write what others said before a position, ahead of the turn that lies around it."""
        while self._others and self._others[0] < end:
            position = self._others.popleft()
            item = self._items[position]
            assert isinstance(item, Message)
            self._taken.add(position)
            self._message(position, item, hoisted=True)

    def _answer(self, position: int, call: AnyCall) -> int | None:
        """Return where the output of a call lies: the first unused one behind it."""
        if isinstance(call, HostedCall):
            return position
        outputs = self._outputs[call.call_id or ""]
        while outputs and outputs[0] < position:
            outputs.popleft()
        if outputs:
            return outputs.popleft()
        if call.status == "incomplete" or (isinstance(call, ApplyPatchCall) and call.status == "in_progress"):
            self._notes.add("input", "dropped", f"call {call.call_id}, which was cut short and never answered")
            self._answered.add(call.call_id or "")
            return None
        raise RequestError(f"No tool output found for {_kind(call)} {call.call_id}.", param="input")

    def _tool_call(self, position: int, call: AnyCall, ids: CallIds, back: ReturnedThinking) -> ToolCall:
        """Return a call as chat has it, under an id that no other call of its turn has."""
        id, renamed = ids.assign(call.call_id or "")
        if renamed:
            self._notes.add(self._path(position, "call_id"), "renamed", "another call of the same turn has it")
        sent, mended = chat_call(call, id, self._names, back)
        if mended:
            self._notes.add(self._path(position, "arguments"), "repaired", "they are no JSON object")
        return sent

    def _tool_message(self, id: str, call: AnyCall, answer: int) -> Sequence[Part]:
        """Write the output of a call; return what is attached to it."""
        item = self._items[answer]
        if isinstance(item, HostedCall):
            self._messages.append(ToolMessage(id, item.result))
            return ()
        content = BY_OUTPUT[item.__class__].content(item)
        if isinstance(content, str) or not has_media(content):
            self._messages.append(ToolMessage(id, text_of(content)))
            return ()
        source = f"{getattr(call, 'name', None) or _kind(call)}, call {call.call_id}"
        text, attached = lifted(content, source, self._dialect, self._notes, self._path(answer, "output"))
        self._messages.append(ToolMessage(id, text))
        return attached

    def _path(self, position: int, member: str = "") -> str:
        """Return the path of an item as the client counts; items of the history have no index."""
        index = position - self._first_input
        item = f"input[{index}]" if index >= 0 else "previous_response_id"
        return f"{item}.{member}" if member else item


def _says_something(item: Message) -> bool:
    content = item.content
    if isinstance(content, str):
        return bool(content)
    return bool(text_of(content)) or (item.role == "user" and has_media(content))


def _last_of_user(items: Sequence[Item]) -> int:
    """Return where the user's last message stands; ahead of all items if there is none."""
    places = [place for place, item in enumerate(items) if isinstance(item, Message) and item.role == "user"]
    return places[-1] if places else -1


def _kind(item: Call | CallOutput | HostedCall) -> str:
    """Return an item's type in words, as OpenAI's messages have it."""
    return "hosted call" if isinstance(item, HostedCall) else item.__struct_config__.tag.replace("_", " ")  # type: ignore[union-attr]

