"""Compaction items: sealed when they are made, opened before anything is translated.

A conversation is summarised by the model behind, in a round of its own (`create.py`); what it wrote is checked here and
sealed for the tenant, whatever the model: another one may go on with it. Nothing but a whole answer in words is a
summary. An item that cannot be opened is refused, never ignored, since nothing else tells what it stands for.
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

_FOR: Final = "compaction"
"""Stands in the place of the upstream: a summary is no upstream's own, and no other seal opens as one."""
_MOST: Final = 20_971_520
"""Characters that a client may send back."""

_sealed: Final = Decoder(CompactedContext).decode


class PendingCompaction(Struct, frozen=True, gc=False):
    """A compaction under way."""

    context: Sequence[Item]
    """All that it will stand for."""
    to_summarise: Sequence[Item]
    """What of it has to be summarised."""
    rest: list[Item] | None = None
    """The rest, the turn that goes on then; None: nothing does."""


class CompactionSealer:
    """Opens and makes what compaction items hold."""

    def __init__(self, keyring: Callable[[], Keyring]) -> None:
        self._keyring = keyring

    def seal(self, content: CompactedContext, tenant: str) -> str:
        """Return the content of an item; raise UpstreamError if no client could send it back."""
        text = self._keyring().seal(encode(content), tenant=tenant, upstream=_FOR)
        if len(text) > _MOST:
            raise UpstreamError("The turn under way is too large to be kept beside a summary.")
        return text

    def expand(self, items: Sequence[Item], tenant: str, param: str) -> tuple[Item, ...]:
        """Return items with the last compaction, and all before it, put into words.

        `param` is what brought them. Raises RequestError for a compaction that was not made for this tenant.
        """
        at = last_compaction(items)
        if at is None:
            return tuple(items)
        return (*self.unseal_window(items[: at + 1], tenant, param), *items[at + 1 :])

    def unseal_window(self, items: Sequence[Item], tenant: str, param: str) -> list[Item]:
        """Return what items say of which the last is a compaction; raise RequestError as `behind` does."""
        last = items[-1]
        assert isinstance(last, Compaction)
        payload = self._keyring().unseal(last.encrypted_content, tenant=tenant, upstream=_FOR)
        try:
            content = None if payload is None else _sealed(payload)
        except NotJSON:  # sealed by a version to come
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
    """Return the summary that a model's answer is; raise UpstreamError if it is none."""
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
