"""System and developer messages, and the `instructions` of a request.

Those that lead a conversation become one message together with `instructions`, since most chat templates accept one
system message, at the beginning. Later ones keep their place where the provider accepts it; elsewhere they become
marked user messages, since their place matters more than their role. Source: docs/item-rules.md.
"""

from collections.abc import Sequence
from typing import Final

from translators.chat.messages import ChatMessage, DeveloperMessage, SystemMessage, UserMessage
from translators.dialects.rendering import Rendering
from translators.responses.items import Message
from translators.to_chat.content import PARAGRAPH, text_of

_USER_JSON: Final = b'{"role":"user"'
"""The beginning of a user message in JSON; no text can contain it, since quotes are escaped there."""


def leading_text(instructions: str | None, messages: Sequence[Message]) -> str:
    """Return the text of the leading message: the instructions and the messages that led the conversation."""
    texts = [instructions or ""] + [text_of(message.content) for message in messages]
    return PARAGRAPH.join(text for text in texts if text)


def leading_message(text: str, rest: Sequence[bytes], rendering: Rendering) -> ChatMessage:
    """Return the first message, in the role that the provider has for it; `rest` is the JSON of the other messages."""
    dialect = rendering.dialect
    if dialect.user_needed and not any(_USER_JSON in part for part in rest):
        rendering.note("instructions", "approximated", "requires a user message: sent as the user's")
        return UserMessage(text)
    if dialect.developer_role:
        return DeveloperMessage(text)
    if dialect.system_role:
        return SystemMessage(text)
    rendering.note("instructions", "approximated", "has no system role: sent as the user's")
    return as_user_message("system", text)


def later_message(message: Message, rendering: Rendering, path: str) -> ChatMessage:
    """Return the chat message for a system or developer message after the first user or assistant message."""
    text, dialect = text_of(message.content), rendering.dialect
    if not (dialect.system_anywhere and dialect.system_role):
        reason = f"a {message.role} message after the first is sent as the user's"
        rendering.notes.add(path, "approximated", reason)
        return as_user_message(message.role, text)
    if message.role == "developer" and dialect.developer_role:
        return DeveloperMessage(text)
    return SystemMessage(text)


def as_user_message(role: str, text: str) -> UserMessage:
    """Return a message of another role as the user's, marked with that role."""
    return UserMessage(f"<{role}_message>\n{text}\n</{role}_message>")
