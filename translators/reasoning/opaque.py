"""Opaque reasoning: what a provider sends with its thinking, cannot be read by anyone else, and wants back unchanged.

These are the `reasoning_details` of OpenRouter and Vercel, signed or encrypted, and the `extra_content` of Gemini,
which has the signature of a call or of an answer. A provider that does not get them back answers with an error or
thinks anew. Source: OpenRouter docs, Reasoning tokens; Gemini API docs, Thought signatures.
"""

from typing import Any

from translators.reasoning.thinking import Thinking
from translators.wire import encode


class OpaqueReasoning:
    """Gathers the opaque reasoning of one reasoning item while an answer streams."""

    __slots__ = ("_answer", "_calls", "_details", "_unfinished")

    def __init__(self) -> None:
        self._details: list[_Detail] = []
        self._unfinished: dict[tuple[str, int | None], _Detail] = {}
        """The latest detail of each type and index that a further piece may continue."""
        self._calls: dict[str, dict[str, Any]] = {}
        self._answer: dict[str, Any] = {}

    def __bool__(self) -> bool:
        return bool(self._details or self._calls or self._answer)

    def add_details(self, details: list[Any], *, whole: bool) -> int:
        """Add `reasoning_details`, `whole` or in pieces; return their number of characters.

        A piece continues the latest detail of its type and index until that is signed; encrypted data come in one.
        """
        for piece in details:
            if not isinstance(piece, dict):
                continue
            index = piece.get("index")
            key = str(piece.get("type")), index if isinstance(index, int) else None
            detail = None if whole or piece.get("data") else self._unfinished.get(key)
            if detail is None:
                detail = _Detail()
                self._details.append(detail)
                self._unfinished[key] = detail
            detail.add(piece)
            if piece.get("signature"):
                del self._unfinished[key]
        return len(encode(details))

    def add_call(self, call_id: str, extra: dict[str, Any]) -> int:
        """Add the `extra_content` of a call; return its number of characters."""
        self._calls[call_id] = extra
        return len(encode(extra))

    def add_answer(self, extra: dict[str, Any]) -> int:
        """Add the `extra_content` of the message if it is signed; return its number of characters.

        Gemini also marks deltas as thoughts there; that mark alone is of no use to it later.
        """
        if not any(isinstance(vendor, dict) and vendor.get("thought_signature") for vendor in extra.values()):
            return 0
        self._answer = extra
        return len(encode(extra))

    def with_text(self, text: str) -> Thinking:
        """Return everything gathered, together with the text of the thinking."""
        return Thinking(text, [detail.value() for detail in self._details], self._calls, self._answer)


class _Detail:
    """One of the `reasoning_details`; its text gathers in a list."""

    __slots__ = ("_members", "_pieces")

    def __init__(self) -> None:
        self._members: dict[str, Any] = {}
        self._pieces: dict[str, list[str]] = {}

    def add(self, piece: dict[str, Any]) -> None:
        for name, value in piece.items():
            if name in ("text", "summary") and isinstance(value, str):
                self._members.setdefault(name, "")
                self._pieces.setdefault(name, []).append(value)
            elif value or name not in self._members:
                self._members[name] = value

    def value(self) -> dict[str, Any]:
        return self._members | {name: "".join(pieces) for name, pieces in self._pieces.items()}
