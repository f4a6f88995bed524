"""Reasoning items of the history → the thinking that an assistant message returns to the provider.

Many providers answer worse, or reject the request, when the thinking of an earlier turn is missing; a few reject it if
it is there. The dialect's `reasoning_field` (`fields.py`) says where it goes; this module decides what goes.
Source: docs/decisions/0011-reasoning.md.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

from msgspec import Struct

from translators.notes import Notes
from translators.reasoning.thinking import Sealer, Thinking, is_opaque
from translators.responses.items import Reasoning
from translators.wire import Decoder, NotJSON

_decode_thinking: Final = Decoder(Thinking).decode


class ReturnPolicy(Struct, frozen=True, gc=False):
    """Which thinking goes back, and what unseals it."""

    sealer: Sealer | None = None
    turns: Literal["all", "current"] = "all"
    """The current turns are those after the last user message."""

    def unseal(self, sealed: str) -> Thinking | None:
        """Return the sealed thinking; None if it cannot be unsealed."""
        payload = None if self.sealer is None else self.sealer.unseal(sealed)
        try:
            return None if payload is None else _decode_thinking(payload)
        except NotJSON:
            return None


class ReturnedThinking(Struct, frozen=True, gc=False):
    """One turn's thinking as its assistant message and its calls return it."""

    text: str | None
    details: list[dict[str, Any]] | None
    """`reasoning_details`."""
    calls: dict[str, dict[str, Any]]
    """The `extra_content` of calls, by call_id."""
    answer: dict[str, Any] | None
    """The `extra_content` of the message."""
    blocks: list[dict[str, Any]] | None = None
    """`thinking_blocks`."""
    sealed: str | None = None
    """`reasoning_opaque`, which goes back together with the text."""


_NOTHING: Final = ReturnedThinking(None, None, {}, None)


def restore_thinking(item: Reasoning, policy: ReturnPolicy, notes: Notes, path: str) -> Thinking:
    """Return the thinking of a reasoning item: the sealed one, else its raw text, else its summary."""
    if item.encrypted_content:
        thinking = policy.unseal(item.encrypted_content)
        if thinking is not None:
            return thinking
        why = "it was not sealed here, or not for this caller, provider and model"
        notes.add(f"{path}.encrypted_content", "dropped", why)
    return Thinking("\n".join([part.text for part in item.content or item.summary]))


def thinking_to_return(turn: Sequence[Thinking]) -> ReturnedThinking:
    """Return one turn's thinking for its assistant message.

    If a block holds more than text, the blocks go back in place of the text, which they repeat (OpenRouter, Vercel,
    LiteLLM).
    """
    if not turn:
        return _NOTHING
    opaque = any(is_opaque(block) for thinking in turn for block in (*thinking.details, *thinking.blocks))
    texts: list[str] = []
    details: list[dict[str, Any]] = []
    blocks: list[dict[str, Any]] = []
    sealed = ""
    calls: dict[str, dict[str, Any]] = {}
    answer: dict[str, Any] = {}
    for thinking in turn:
        sealed = thinking.sealed or sealed
        if opaque and (thinking.details or thinking.blocks):
            details += thinking.details
            blocks += thinking.blocks
        elif thinking.text:
            texts.append(thinking.text)
        calls |= thinking.calls
        answer = thinking.answer or answer
    return ReturnedThinking(
        "\n".join(texts) or None, details or None, calls, answer or None, blocks or None, sealed or None
    )
