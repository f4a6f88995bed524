"""Thinking: what a provider sent as such, kept whole, and its way back to the provider.

The client sees the text. Some providers send more, which nobody but them can read and which they want back as it was:
the `reasoning_details` of OpenRouter and Vercel, with signatures or encrypted; the `extra_content` of Gemini, which
holds the signature of a call or of an answer. `Opaque` gathers it while an answer streams, `Thinking` is what one
reasoning item stands for, and its JSON is sealed into the item's `encrypted_content`. What has to go back, and how:
providers reference §2; what goes wrong otherwise: field-lessons reference §1.1.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal, Protocol

from msgspec import UNSET, Struct, UnsetType

from translators.notes import Notes
from translators.responses.items import Reasoning
from translators.wire import Decoder, NotJSON, encode


class Sealer(Protocol):
    """Makes bytes unreadable for everyone else, and reads them again."""

    def seal(self, payload: bytes) -> str: ...

    def unseal(self, text: str) -> bytes | None:
        """Return what was sealed; None for what cannot be opened."""


class Thinking(Struct, frozen=True, gc=False, omit_defaults=True):
    """What stands behind one reasoning item."""

    text: str = ""
    details: list[dict[str, Any]] = []
    """Entries of `reasoning_details`, whole."""
    calls: dict[str, dict[str, Any]] = {}
    """The `extra_content` of calls, by call_id."""
    answer: dict[str, Any] = {}
    """The `extra_content` of the message."""

    def is_text(self) -> bool:
        """Tell whether the text is all there is to keep."""
        return not (self.calls or self.answer or any(map(_is_opaque, self.details)))


_payload: Final = Decoder(Thinking).decode


class Opaque:
    """What belongs to thinking and is not its text, while it arrives."""

    __slots__ = ("_answer", "_calls", "_details", "_growing")

    def __init__(self) -> None:
        self._details: list[_Detail] = []
        self._growing: dict[tuple[str, int | None], _Detail] = {}
        """Entries that may not be whole, by type and index."""
        self._calls: dict[str, dict[str, Any]] = {}
        self._answer: dict[str, Any] = {}

    def __bool__(self) -> bool:
        return bool(self._details or self._calls or self._answer)

    def take_details(self, details: list[Any], *, whole: bool) -> int:
        """Add entries of `reasoning_details`, or (unless they are whole) pieces; return how many characters they have.

        A piece continues the last entry of its type and index, until that is signed; encrypted data come in one piece.
        """
        for piece in details:
            if not isinstance(piece, dict):
                continue
            index = piece.get("index")
            key = str(piece.get("type")), index if isinstance(index, int) else None
            entry = None if whole or piece.get("data") else self._growing.get(key)
            if entry is None:
                entry = _Detail()
                self._details.append(entry)
                self._growing[key] = entry
            entry.take(piece)
            if piece.get("signature"):
                del self._growing[key]
        return len(encode(details))

    def take_call(self, call_id: str, extra: dict[str, Any]) -> int:
        """Keep the `extra_content` of a call; return how many characters it has."""
        self._calls[call_id] = extra
        return len(encode(extra))

    def take_answer(self, extra: dict[str, Any]) -> int:
        """Keep the `extra_content` of the message if it is signed; return how many characters it has."""
        if not any(isinstance(of, dict) and of.get("thought_signature") for of in extra.values()):
            return 0  # Gemini marks thoughts and answers alike; a mark alone says nothing to it
        self._answer = extra
        return len(encode(extra))

    def thinking(self, text: str) -> Thinking:
        """Return all that there is, with the text that was told."""
        return Thinking(text, [entry.whole() for entry in self._details], self._calls, self._answer)


class _Detail:
    """An entry of `reasoning_details`; its text gathers in a list."""

    __slots__ = ("_members", "_pieces")

    def __init__(self) -> None:
        self._members: dict[str, Any] = {}
        self._pieces: dict[str, list[str]] = {}

    def take(self, piece: dict[str, Any]) -> None:
        for name, value in piece.items():
            if name in ("text", "summary") and isinstance(value, str):
                self._members.setdefault(name, "")
                self._pieces.setdefault(name, []).append(value)
            elif value or name not in self._members:
                self._members[name] = value

    def whole(self) -> dict[str, Any]:
        return self._members | {name: "".join(pieces) for name, pieces in self._pieces.items()}


class SealPolicy(Struct, frozen=True, gc=False):
    """What becomes `encrypted_content` of a stream's reasoning items."""

    sealer: Sealer
    always: bool
    """Thinking that is text alone is sealed too; the item tells that text anyway."""

    def of(self, thinking: Thinking) -> str | UnsetType:
        if not self.always and thinking.is_text():
            return UNSET
        return self.sealer.seal(encode(thinking))


class Replay(Struct, frozen=True, gc=False):
    """Which thinking goes back, and what opens it."""

    sealer: Sealer | None = None
    turns: Literal["all", "current"] = "all"
    """The current turn begins with what the user said last."""

    def opened(self, sealed: str) -> Thinking | None:
        """Return the thinking that was sealed; None for what cannot be opened."""
        payload = None if self.sealer is None else self.sealer.unseal(sealed)
        try:
            return None if payload is None else _payload(payload)
        except NotJSON:
            return None


def thinking_of(item: Reasoning, replay: Replay, notes: Notes, where: str) -> Thinking:
    """Return the thinking behind an item: what is sealed in it, else what it tells, its raw text before its summary."""
    if item.encrypted_content:
        thinking = replay.opened(item.encrypted_content)
        if thinking is not None:
            return thinking
        why = "it was not sealed here, or not for this caller, provider and model"
        notes.add(f"{where}.encrypted_content", "dropped", why)
    return Thinking("\n".join([part.text for part in item.content or item.summary]))


class GoingBack(Struct, frozen=True, gc=False):
    """What a turn's thinking comes to when it goes back to its provider."""

    text: str | None
    details: list[dict[str, Any]] | None
    calls: dict[str, dict[str, Any]]
    answer: dict[str, Any] | None


def going_back(turn: Sequence[Thinking]) -> GoingBack:
    """Return one turn's thinking for its assistant message.

    Details go back in place of the text that they repeat, if some hold more than text (OpenRouter, Vercel: recorded).
    """
    opaque = any(_is_opaque(detail) for thinking in turn for detail in thinking.details)
    texts: list[str] = []
    details: list[dict[str, Any]] = []
    calls: dict[str, dict[str, Any]] = {}
    answer: dict[str, Any] = {}
    for thinking in turn:
        if opaque and thinking.details:
            details += thinking.details
        elif thinking.text:
            texts.append(thinking.text)
        calls |= thinking.calls
        answer = thinking.answer or answer
    return GoingBack("\n".join(texts) or None, details or None, calls, answer or None)


def _is_opaque(detail: dict[str, Any]) -> bool:
    return bool(detail.get("signature") or detail.get("data"))
