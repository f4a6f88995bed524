"""One turn of the model: its items, gathered into one assistant message.

Thinking goes into the field in which the provider takes it back; refusals are text where the provider has no field for
them. A call of any kind becomes a chat function call. Source: OpenAI API reference, Chat: create; docs/dialects.md.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import UNSET, Struct
from msgspec.structs import replace

from translators.chat.messages import AssistantMessage, FunctionOfCall, TextPart, ToolCall
from translators.dialects.dialect import Dialect
from translators.dialects.rendering import Rendering
from translators.loose_json import is_json_object
from translators.reasoning.fields import RETURNS, ThinkingPart
from translators.reasoning.returned import ReturnedThinking
from translators.reasoning.thinking import Thinking
from translators.responses.items import Call, FunctionCall
from translators.to_chat.content import PARAGRAPH
from translators.to_chat.hosted import HostedCall
from translators.tools.kinds import BY_CALL
from translators.tools.names import ToolNames
from translators.wire import encode

AnyCall = Call | HostedCall

_CALLING: Final = "[Calling tools.]"
_UNSIGNED: Final = {"google": {"thought_signature": "skip_thought_signature_validator"}}
"""Source: Gemini API docs, Thought signatures."""


class Turn(Struct, eq=False):
    """One turn of the model while its items are read."""

    texts: list[str] = []
    refusals: list[str] = []
    thinking: list[Thinking] = []
    calls: list[tuple[int, AnyCall]] = []
    """Each call after its position."""
    call_ids: set[str] = set()
    round: str | None = None
    """The round of its hosted calls; items of another round are of another turn. None: it has no such call."""

    def message(self, calls: Sequence[ToolCall], back: ReturnedThinking, dialect: Dialect) -> AssistantMessage | None:
        """Return the turn as one message with these calls; None if it is empty."""
        text = PARAGRAPH.join([text for text in self.texts if text and not text.isspace()])
        refusal = PARAGRAPH.join(filter(None, self.refusals)) if self.refusals else ""
        if refusal and not dialect.refusal_field:
            text, refusal = PARAGRAPH.join(filter(None, (text, refusal))), ""
        if not (text or refusal or calls):
            return None
        blank = (None if dialect.null_content else "") if dialect.blank_content else _CALLING
        content: str | list[ThinkingPart | TextPart] | None = text or blank
        members: dict[str, str] = {}
        if back.sealed is not None:
            members = {"reasoning_text": back.text or "", "reasoning_opaque": back.sealed}
        elif (field := dialect.reasoning_field) is not None:
            begin = RETURNS[field]
            required = dialect.reasoning_required and (calls or dialect.reasoning_everywhere)
            if begin is None and (back.text or required):
                members[field] = back.text or ""
            elif begin is not None and back.text:
                start = begin(back.text)
                content = start + text if isinstance(start, str) else [start, TextPart(text)] if text else [start]
        return AssistantMessage(
            content,
            **members,
            reasoning_details=back.details,
            thinking_blocks=back.blocks,
            extra_content=back.answer,
            refusal=refusal or None,
            tool_calls=list(calls) or None,
        )


def chat_call(call: AnyCall, id: str, names: ToolNames, back: ReturnedThinking) -> tuple[ToolCall, bool]:
    """Return a call in chat's form under `id`, and whether its arguments had to be repaired.

    Providers fail on arguments that are not a JSON object, so other text is wrapped in one.
    """
    extra = back.calls.get(call.call_id or "", UNSET)
    if isinstance(call, (FunctionCall, HostedCall)):
        name = names.flatten(call.name, call.namespace) if call.namespace else names.flatten_called(call.name)
        arguments = call.arguments or "{}"
    else:
        kind = BY_CALL[call.__class__]
        name = names.flatten(getattr(call, "name", kind.name), getattr(call, "namespace", None) or None, kind.name)
        arguments = kind.arguments(call)
    repaired = not is_json_object(arguments)
    if repaired:
        arguments = encode({"arguments": arguments}).decode()
    return ToolCall(id, FunctionOfCall(name, arguments), extra_content=extra), repaired


def sign_first(calls: list[ToolCall], rendering: Rendering) -> None:
    """Give the first call of a turn a substitute for Gemini's signature, if none of them has a real one."""
    if not calls or any(call.extra_content for call in calls):
        return
    calls[0] = replace(calls[0], extra_content=_UNSIGNED)
    rendering.note("input", "approximated", "signs calls: those of another model have a substitute for its signature")
