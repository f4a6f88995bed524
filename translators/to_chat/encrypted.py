"""Content parts of the type `encrypted_content`: what an agent wrote for another one, readable or sealed.

OpenAI's models encrypt what one agent tells another. A chat model writes plain text, and clients put that into parts of
this type all the same. So the text of a part is shown if it can be read; what is sealed becomes a placeholder, with a
note. Source: OpenAI API reference, Responses: create.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

from translators.errors import shorten
from translators.notes import Notes
from translators.responses.items import ContentPart, EncryptedContent, InputText
from translators.responses.unknown_item import UnknownPart

PLACEHOLDER: Final = "[encrypted content that cannot be shown to you]"
_SEALED: Final = re.compile(r"\s*(?:gAAAA[\w=-]*|(?:ra1_|eyJ)[\w=.-]{40,}|[\w+/=.-]{128,})\s*", re.ASCII)
"""A Fernet token; a token of this server or a JWE; any long text in base64's characters, which no language is."""

_REVEALED: Final = (EncryptedContent, UnknownPart)
_TEXT_MEMBERS: Final = (
    "name", "action", "arguments", "input", "title", "text", "refusal", "message", "summary", "content",
    "encrypted_content", "output", "result", "resource", "error",
)
"""Members of items and parts in which clients put what the model reads."""


def is_sealed(text: str) -> bool:
    """Whether a text is encrypted, by its characters."""
    return _SEALED.fullmatch(text) is not None


def shown_text(part: EncryptedContent) -> str:
    """Return the text of a part, or the placeholder for what is sealed or absent."""
    text = part.encrypted_content
    return PLACEHOLDER if text is None or is_sealed(text) else text


def reveal(parts: Sequence[ContentPart], notes: Notes, path: str) -> list[ContentPart]:
    """Return parts with the text of encrypted and unknown ones; note at `path` what cannot be read."""
    return [
        InputText(_revealed(part, notes, f"{path}[{at}]")) if isinstance(part, _REVEALED) else part
        for at, part in enumerate(parts)
    ]


def _revealed(part: EncryptedContent | UnknownPart, notes: Notes, path: str) -> str:
    if isinstance(part, UnknownPart):
        action: Literal["approximated", "dropped"] = "approximated" if any(readable(part.members)) else "dropped"
        notes.add(path, action, f"{shorten(part.kind)}, a part that is not known here: its text")
        return unknown_text(part)
    text = shown_text(part)
    if text is PLACEHOLDER:
        notes.add(path, "dropped", "encrypted_content that others sealed: only they can read it")
    return text


def unknown_text(part: UnknownPart) -> str:
    """Return what a part of an unknown type says, after its type."""
    return "\n".join([f"[{shorten(part.kind)}]", *readable(part.members)])


def readable(value: Any) -> Iterator[str]:
    """Yield the texts in the JSON of an item or part of an unknown type, with the placeholder for what is sealed."""
    if isinstance(value, str):
        if value:
            yield PLACEHOLDER if is_sealed(value) else value
    elif isinstance(value, list):
        for entry in value:
            yield from readable(entry)
    elif isinstance(value, dict):
        for member in _TEXT_MEMBERS:
            yield from readable(value.get(member))
