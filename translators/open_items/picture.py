"""Pictures in an answer → `image_generation_call` items, as if OpenAI's tool had made them.

Providers send a picture whole, as a `data:` URL. Its item goes through the events of one that OpenAI makes without
previews, all at once, and is completed whatever becomes of the rest of the answer. A URL of the web has no place in
such an item: the stream machine makes it a link in the text. Source: responses-api reference §5.1, §5.3.
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
from translators.responses.items import ImageGenerationCall, OutputItem

_PICTURE: Final = re.compile(r"data:image/([\w.+-]+)((?:;[^;,]*)*),(?=.)", re.IGNORECASE)
_FORMATS: Final = {"png": "png", "jpeg": "jpeg", "jpg": "jpeg", "webp": "webp", "gif": "gif", "svg+xml": "svg"}
"""What clients' types allow as `output_format`, by media type; it is left out for others."""


def is_picture(url: str) -> bool:
    """Tell whether a URL is the picture itself."""
    return _PICTURE.match(url) is not None


class OpenPicture:
    """One picture; the one piece that is added to its item is its URL."""

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
        self.item = _finished(self._id, self._url)
        return [
            ImageGenerationCompleted(item_id=self._id, output_index=self._output_index),
            OutputItemDone(output_index=self._output_index, item=self.item),
        ]


def _finished(id: str, url: str) -> ImageGenerationCall:
    found = _PICTURE.match(url)
    assert found is not None
    data = url[found.end() :]
    if not found[2].lower().endswith(";base64"):
        data = b64encode(unquote_to_bytes(data)).decode()
    format = _FORMATS.get(found[1].lower(), UNSET)
    return ImageGenerationCall(data, id=id, status="completed", output_format=format)
