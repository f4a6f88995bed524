"""Compaction items: sealed when they are created, unsealed before anything is translated.

The provider's model summarises a conversation in a round of its own (`adapter/flow`); the summary is checked here and
sealed for the tenant. It is not sealed for a model: another model may continue with it. Only a complete answer in text
is a summary. An item that cannot be unsealed is an error and never ignored, since nothing else has its content.
Source: OpenAI guide, Compaction.
"""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from adapter.history.sealing import Keyring
from translators.context.compaction import CompactedContext, last_compaction, window
from translators.context.summary import MAX_SUMMARY_TOKENS
from translators.errors import RequestError, UpstreamError, shorten
from translators.responses.items import Compaction, Item, Message, OutputText, Reasoning
from translators.responses.response import Response
from translators.wire import Decoder, NotJSON, encode

_PURPOSE: Final = "compaction"
"""Takes the place of the upstream in the seal: a summary belongs to no upstream, and no other sealed text unseals as
one."""
_MAX_CHARACTERS: Final = 20_971_520
"""Limit of `encrypted_content` in a request (`translators.responses.items.Compaction`): a longer one could not be sent
back."""

_decode: Final = Decoder(CompactedContext).decode


class PendingCompaction(Struct, frozen=True, gc=False):
    """A compaction that waits for its summary."""

    context: Sequence[Item]
    """All items that the compaction item replaces."""
    to_summarise: Sequence[Item]
    """The items that the model summarises."""
    rest: list[Item] | None = None
    """The unfinished segment, with which the request goes on; None: only a compaction was requested."""


class CompactionSealer:
    """Seals and unseals the content of compaction items."""

    def __init__(self, keyring: Callable[[], Keyring]) -> None:
        self._keyring = keyring

    def seal(self, content: CompactedContext, tenant: str) -> str:
        """Return the `encrypted_content` of an item; raise UpstreamError if it is too long to be sent back."""
        text = self._keyring().seal(encode(content), tenant=tenant, upstream=_PURPOSE)
        if len(text) > _MAX_CHARACTERS:
            raise UpstreamError("The turn under way is too large to be kept beside a summary.")
        return text

    def expand(self, items: Sequence[Item], tenant: str, param: str) -> tuple[Item, ...]:
        """Return items with the last compaction item, and all before it, replaced by its window.

        `param` is the path of the items in the request. Raises RequestError for a compaction item that was not sealed
        for this tenant.
        """
        at = last_compaction(items)
        if at is None:
            return tuple(items)
        return (*self.unseal_window(items[: at + 1], tenant, param), *items[at + 1 :])

    def unseal_window(self, items: Sequence[Item], tenant: str, param: str) -> list[Item]:
        """Return the window of items that end with a compaction item; raise RequestError as `expand` does."""
        last = items[-1]
        assert isinstance(last, Compaction)
        payload = self._keyring().unseal(last.encrypted_content, tenant=tenant, upstream=_PURPOSE)
        try:
            content = None if payload is None else _decode(payload)
        except NotJSON:  # sealed by a later version
            content = None
        if content is None:
            raise RequestError(
                f"The encrypted content of compaction item '{shorten(last.id or '')}' could not be verified: it was "
                "not made by this server for this caller, or with a key that is no longer kept.",
                param=param,
                code="invalid_encrypted_content",
            )
        return window(items[:-1], content)


def read_summary(response: Response) -> str:
    """Return the text of a model's summary; raise UpstreamError if its answer is not a complete text."""
    if response.error is not None:
        raise UpstreamError(response.error.message, code=response.error.code)
    if response.status != "completed":
        raise _unusable_summary(f"it was cut short, and may take {MAX_SUMMARY_TOKENS} tokens")
    if not all(isinstance(item, Message | Reasoning) for item in response.output):
        raise _unusable_summary("it is more than text")
    parts = [part for item in response.output if isinstance(item, Message) for part in item.content]
    summary = "".join([part.text for part in parts if isinstance(part, OutputText)]).strip()
    if not summary:
        raise _unusable_summary("it has no text")
    return summary


def _unusable_summary(reason: str) -> UpstreamError:
    return UpstreamError(f"The model's summary cannot be used: {reason}.")
