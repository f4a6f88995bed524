"""Opaque reasoning: what a provider sends with its thinking, cannot be read by anyone else, and wants back unchanged.

These are the `reasoning_details` of OpenRouter and Vercel and the `thinking_blocks` of LiteLLM, signed or encrypted,
the `reasoning_opaque` of GitHub Copilot, and the `extra_content` of Gemini, which has the signature of a call or of an
answer. A provider that does not get them back answers with an error or thinks anew.
Source: OpenRouter docs, Reasoning tokens; Gemini API docs, Thought signatures; LiteLLM; BerriAI/litellm#35021.
"""

from typing import Any, Final

from translators.reasoning.thinking import Thinking
from translators.wire import encode

_TEXTS: Final = frozenset({"text", "summary", "thinking"})
"""The members of a block that hold its text."""


class OpaqueReasoning:
    """Gathers the opaque reasoning of one reasoning item while an answer streams."""

    __slots__ = ("_answer", "_blocks", "_calls", "_details", "_sealed")

    def __init__(self) -> None:
        self._details = _Blocks()
        self._blocks = _Blocks()
        self._sealed = ""
        self._calls: dict[str, dict[str, Any]] = {}
        self._answer: dict[str, Any] = {}

    def __bool__(self) -> bool:
        return bool(self._details.blocks or self._blocks.blocks or self._sealed or self._calls or self._answer)

    def add_details(self, details: list[Any], *, whole: bool) -> int:
        """Add `reasoning_details`, `whole` or in pieces; return their number of characters."""
        return self._details.add(details, whole=whole)

    def add_blocks(self, blocks: list[Any], *, whole: bool) -> int:
        """Add `thinking_blocks`, `whole` or in pieces; return their number of characters."""
        return self._blocks.add(blocks, whole=whole)

    def add_sealed(self, sealed: str) -> int:
        """Add a `reasoning_opaque`, which takes the place of an earlier one; return its number of characters."""
        self._sealed = sealed
        return len(sealed)

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
        return Thinking(
            text, self._details.values(), self._calls, self._answer, self._blocks.values(), self._sealed
        )


class _Blocks:
    """The blocks of one member of a message, in order."""

    __slots__ = ("_unfinished", "blocks")

    def __init__(self) -> None:
        self.blocks: list[_Block] = []
        self._unfinished: dict[tuple[str, int | None], _Block] = {}
        """The latest block of each type and index that a further piece may continue."""

    def add(self, pieces: list[Any], *, whole: bool) -> int:
        """Add blocks, `whole` or in pieces; return their number of characters.

        A piece continues the latest block of its type and index until that is signed; encrypted data come in one.
        """
        for piece in pieces:
            if not isinstance(piece, dict):
                continue
            index = piece.get("index")
            key = str(piece.get("type")), index if isinstance(index, int) else None
            block = None if whole or piece.get("data") else self._unfinished.get(key)
            if block is None:
                block = _Block()
                self.blocks.append(block)
                self._unfinished[key] = block
            block.add(piece)
            if piece.get("signature"):
                del self._unfinished[key]
        return len(encode(pieces))

    def values(self) -> list[dict[str, Any]]:
        return [block.value() for block in self.blocks]


class _Block:
    """One block; its text gathers in a list."""

    __slots__ = ("_members", "_pieces")

    def __init__(self) -> None:
        self._members: dict[str, Any] = {}
        self._pieces: dict[str, list[str]] = {}

    def add(self, piece: dict[str, Any]) -> None:
        for name, value in piece.items():
            if name in _TEXTS and isinstance(value, str):
                self._members.setdefault(name, "")
                self._pieces.setdefault(name, []).append(value)
            elif value or name not in self._members:
                self._members[name] = value

    def value(self) -> dict[str, Any]:
        return self._members | {name: "".join(pieces) for name, pieces in self._pieces.items()}
