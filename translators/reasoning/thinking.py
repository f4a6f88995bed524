"""Thinking: the whole content of one reasoning item, and the policy that seals it into the item.

The client sees the text. The JSON of the whole, with the opaque reasoning that only the provider can read
(`opaque.py`), is sealed into the item's `encrypted_content`: it comes back from the client even if nothing was stored.
Source: OpenAI guide, Reasoning; docs/decisions/0011-reasoning.md.
"""

from typing import Any, Protocol

from msgspec import UNSET, Struct, UnsetType

from translators.wire import encode


class Sealer(Protocol):
    """Encrypts bytes so that only this server can decrypt them."""

    def seal(self, payload: bytes) -> str: ...

    def unseal(self, text: str) -> bytes | None:
        """Return the sealed bytes; None if they were not sealed here or were changed."""


class Thinking(Struct, frozen=True, gc=False, omit_defaults=True):
    """The whole content of one reasoning item."""

    text: str = ""
    details: list[dict[str, Any]] = []
    """Entries of `reasoning_details`, whole."""
    calls: dict[str, dict[str, Any]] = {}
    """The `extra_content` of calls, by call_id."""
    answer: dict[str, Any] = {}
    """The `extra_content` of the message."""
    blocks: list[dict[str, Any]] = []
    """Entries of `thinking_blocks`, whole."""
    sealed: str = ""
    """`reasoning_opaque`."""

    def is_text(self) -> bool:
        """Whether the text is everything; blocks that hold only text repeat it."""
        return not (self.calls or self.answer or self.sealed or any(map(is_opaque, (*self.details, *self.blocks))))


def is_opaque(block: dict[str, Any]) -> bool:
    """Whether one of the `reasoning_details` or `thinking_blocks` has more than text."""
    return bool(block.get("signature") or block.get("data"))


class SealPolicy(Struct, frozen=True, gc=False):
    """Which reasoning items of a stream get an `encrypted_content`."""

    sealer: Sealer
    always: bool
    """All of them; otherwise only those with more than the text, which the item shows anyway."""

    def seal(self, thinking: Thinking) -> str | UnsetType:
        """Return the `encrypted_content` of an item."""
        if not self.always and thinking.is_text():
            return UNSET
        return self.sealer.seal(encode(thinking))
