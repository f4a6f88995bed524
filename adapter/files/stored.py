"""Files that a client has uploaded and names by id.

The store keeps the id in a history and not the bytes, so a file that is deleted leaves every later request.
"""

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final

from adapter.store.base import NotFound, StoreDown
from adapter.store.files.protocols import FileReader, FileStore
from adapter.store.files.values import StoredFile
from translators.context.files import File
from translators.errors import RequestError, invalid_parameter, shorten, unsupported_parameter
from translators.responses.items import ComputerCallOutput, InputFile, InputImage, Item, Screenshot

_UNKNOWN_TYPE: Final = "application/octet-stream"
_IMAGE_SIGNATURES: Final = {
    re.compile(rb"\x89PNG\r\n\x1a\n"): "image/png",
    re.compile(rb"\xff\xd8\xff"): "image/jpeg",
    re.compile(rb"GIF8"): "image/gif",
    re.compile(rb"RIFF.{4}WEBP", re.DOTALL): "image/webp",
}


class FileGone(RequestError):
    """A tenant has no file with an id: it never had, or it is deleted or expired."""


class StoredFiles:
    """The files of a store, as requests name them."""

    def __init__(self, store: FileStore | None) -> None:
        """`store`: None: this server keeps no files."""
        self.store = store

    def load(self, id: str, tenant: str, param: str, max_bytes: int) -> File:
        """Return a tenant's file, of at most `max_bytes`.

        Raises FileGone, RequestError if it is too large or the server keeps no files, and StoreDown.
        """
        if self.store is None:
            raise unsupported_parameter(
                param, "needs a file store, which this server does not have. Send the file itself instead."
            )
        now = time.time()
        try:
            stored = self.store.file(id, tenant, now)
            if stored.bytes > max_bytes:
                raise invalid_parameter(
                    param, f"the file has {stored.bytes} bytes, and one request may have read {max_bytes} more"
                )
            data = b"".join(read_pieces(self.store, stored))
        except NotFound:
            raise FileGone(f"No such File object: {shorten(id)}", param=param, code="invalid_value") from None
        with suppress(StoreDown):
            self.store.mark_used(id, tenant, now)
        return File(data, stored.filename, "" if stored.type == _UNKNOWN_TYPE else stored.type)

    def load_image(self, id: str, tenant: str, param: str, max_bytes: int) -> File:
        """Return a tenant's file with its type as an image; raise as `load`, and RequestError if it is none."""
        file = self.load(id, tenant, param, max_bytes)
        type = next((type for start, type in _IMAGE_SIGNATURES.items() if start.match(file.data)), None)
        if type is None:
            raise RequestError(
                f"Invalid '{param}': the file is no image of type PNG, JPEG, GIF or WebP.",
                param=param, code="unsupported_file",
            )  # fmt: skip
        return File(file.data, file.name, type)

    def has_all(self, ids: Iterable[str], tenant: str) -> bool:
        """Whether a tenant still has all these files."""
        now = time.time()
        try:
            for id in ids:
                if self.store is not None:
                    self.store.file(id, tenant, now)
        except NotFound:
            return False
        return True


def read_pieces(store: FileReader, file: StoredFile) -> Iterator[bytes]:
    """Yield the bytes of a file; raise NotFound if it is erased meanwhile."""
    for number in range(file.pieces):
        yield store.piece(file.id, file.tenant, number)


def stored_ids(items: Sequence[Item]) -> frozenset[str]:
    """Return the ids of the files that items name."""
    return frozenset(id for item in items for id in _ids(item))


def _ids(item: Item) -> Iterator[str]:
    if isinstance(item, ComputerCallOutput):
        if is_by_id(item.output):
            yield item.output.file_id or ""
        return
    for member in ("content", "output"):
        parts = getattr(item, member, None)
        if isinstance(parts, list):
            yield from (part.file_id for part in parts if is_by_id(part))


def is_by_id(part: object) -> bool:
    """Whether a content part or a screenshot is a file that is named by its id alone."""
    if isinstance(part, InputFile):
        return bool(part.file_id) and not part.file_data and not part.file_url
    return isinstance(part, (InputImage, Screenshot)) and bool(part.file_id) and not part.image_url
