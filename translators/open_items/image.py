"""Images → `image_generation_call` items: those in an answer, as if OpenAI's tool had made them, and those that the
adapter makes for the model.

Providers send an image whole, as a `data:` URL. Its item gets the events of an OpenAI image without previews, all at
once, and is completed even if the rest of the answer fails. A web URL has no place in such an item: the sequencer makes
it a link in the text. Source: OpenAI API reference, Streaming events; docs/decisions/0017-sources-and-images.md.
"""

import re
from base64 import b64encode
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from msgspec import UNSET
from msgspec.structs import replace

from translators.open_items.base import FinalStatus, PieceKind
from translators.open_items.hosted import OpenHostedItem
from translators.responses.events import (
    Event,
    ImageGenerationCompleted,
    ImageGenerationGenerating,
    ImageGenerationInProgress,
    ImageGenerationPartialImage,
    OutputItemAdded,
    OutputItemDone,
)
from translators.responses.hosted.items import ImageGenerationCall
from translators.responses.items import OutputItem

_DATA_URL: Final = re.compile(r"data:image/([\w.+-]+)((?:;[^;,]*)*),(?=.)", re.IGNORECASE)
_FORMATS: Final = {"png": "png", "jpeg": "jpeg", "jpg": "jpeg", "webp": "webp", "gif": "gif", "svg+xml": "svg"}
"""`output_format` by media type, as far as clients' types allow it; left out for other types."""


def is_image(url: str) -> bool:
    """Whether a URL holds the image itself."""
    return _DATA_URL.match(url) is not None


class OpenImage:
    """One image; its only piece is its URL."""

    def __init__(self, output_index: int, id: str) -> None:
        self._output_index = output_index
        self._id = id
        self._url = ""
        self.item: OutputItem = ImageGenerationCall(id=id, status="in_progress")

    def open(self) -> list[Event]:
        at = (self._id, self._output_index)
        return [
            OutputItemAdded(output_index=at[1], item=self.item),
            ImageGenerationInProgress(item_id=at[0], output_index=at[1]),
            ImageGenerationGenerating(item_id=at[0], output_index=at[1]),
        ]

    def append(self, piece: PieceKind, delta: str, logprobs: list[Any], events: list[Event]) -> None:
        self._url = delta

    def close(self, status: FinalStatus) -> list[Event]:
        self.item = _completed(self._id, self._url)
        return [
            ImageGenerationCompleted(item_id=self._id, output_index=self._output_index),
            OutputItemDone(output_index=self._output_index, item=self.item),
        ]


class OpenGeneratedImage(OpenHostedItem):
    """An image that the adapter has made by the images API. Without one, `result` is "": null breaks the AI SDK."""

    def __init__(self, output_index: int, id: str, *, arguments: dict[str, Any]) -> None:
        """`arguments`: those of the call, for the later turns."""
        super().__init__(output_index, id)
        self._item = ImageGenerationCall(UNSET, id=id, status="in_progress")
        self.item: OutputItem = self._item
        self.hidden = arguments

    def _begin(self) -> list[Event]:
        at: dict[str, Any] = {"item_id": self._id, "output_index": self._index}
        return [ImageGenerationInProgress(**at), ImageGenerationGenerating(**at)]

    def show_partial(self, data: str, index: int, **members: str | None) -> Event:
        """Return the event of a preview, as base64, and what it is like."""
        known: dict[str, Any] = {name: value for name, value in members.items() if value}
        return ImageGenerationPartialImage(
            item_id=self._id, output_index=self._index, partial_image_b64=data, partial_image_index=index, **known
        )

    def settle(self, text: str, data: str, **members: str | None) -> None:
        """Take the result: what the model reads, the image as base64 ("": there is none), and what it is like."""
        self.hidden = {**(self.hidden or {}), "text": text}
        known = {name: value for name, value in members.items() if value}
        status = "completed" if data else "failed"
        self._item = replace(self._item, status=status, result=data, **(known if data else {}))

    def _end(self, status: FinalStatus) -> list[Event]:
        if status == "incomplete" or self._item.status == "in_progress":
            self.item = replace(self._item, status="failed", result="")
            return []
        self.item = self._item
        completed = ImageGenerationCompleted(item_id=self._id, output_index=self._index)
        return [completed] if self._item.status == "completed" else []


def _completed(id: str, url: str) -> ImageGenerationCall:
    found = _DATA_URL.match(url)
    assert found is not None
    data = url[found.end() :]
    if not found[2].lower().endswith(";base64"):
        data = b64encode(unquote_to_bytes(data)).decode()
    format = _FORMATS.get(found[1].lower(), UNSET)
    return ImageGenerationCall(data, id=id, status="completed", output_format=format)
