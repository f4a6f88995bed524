"""Pictures in an answer → `image_generation_call` items, as if OpenAI's tool had made them.

Providers send a picture whole, as a `data:` URL. Its item gets the events of an OpenAI picture without previews, all at
once, and is completed even if the rest of the answer fails. A web URL has no place in such an item: the sequencer makes
it a link in the text. Source: OpenAI API reference, Streaming events; docs/decisions/0017-sources-and-pictures.md.
"""

import re
from base64 import b64encode
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from msgspec import UNSET

from translators.open_items.base import FinalStatus, PieceKind
from translators.responses.events import (
    Event,
    ImageGenerationCompleted,
    ImageGenerationGenerating,
    ImageGenerationInProgress,
    OutputItemAdded,
    OutputItemDone,
)
from translators.responses.hosted_items import ImageGenerationCall
from translators.responses.items import OutputItem

_DATA_URL: Final = re.compile(r"data:image/([\w.+-]+)((?:;[^;,]*)*),(?=.)", re.IGNORECASE)
_FORMATS: Final = {"png": "png", "jpeg": "jpeg", "jpg": "jpeg", "webp": "webp", "gif": "gif", "svg+xml": "svg"}
"""`output_format` by media type, as far as clients' types allow it; left out for other types."""


def is_picture(url: str) -> bool:
    """Tell whether a URL holds the picture itself."""
    return _DATA_URL.match(url) is not None


class OpenPicture:
    """One picture; its only piece is its URL."""

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

    def append(self, piece: PieceKind, delta: str, logprobs: list[Any]) -> list[Event]:
        self._url = delta
        return []

    def close(self, status: FinalStatus) -> list[Event]:
        self.item = _completed(self._id, self._url)
        return [
            ImageGenerationCompleted(item_id=self._id, output_index=self._output_index),
            OutputItemDone(output_index=self._output_index, item=self.item),
        ]


def _completed(id: str, url: str) -> ImageGenerationCall:
    found = _DATA_URL.match(url)
    assert found is not None
    data = url[found.end() :]
    if not found[2].lower().endswith(";base64"):
        data = b64encode(unquote_to_bytes(data)).decode()
    format = _FORMATS.get(found[1].lower(), UNSET)
    return ImageGenerationCall(data, id=id, status="completed", output_format=format)
