"""JSON as databases store it: short values as they are, long ones compressed.

Clients send an agent's input again with every turn, and most of it is repetitive text: compressed it is a tenth of the
size, and compressing costs less time than writing the pages it saves. A compressed value is recognised by the magic
number of a Zstandard frame, with which no JSON begins. Source: RFC 8878 §3.1.1.
"""

from typing import Final

from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError

from adapter.store.base import StoreDown

_MIN_COMPRESSED_BYTES: Final = 4096
"""Shorter values stay as they are: they fit into a database page either way."""
_MAGIC: Final = b"\x28\xb5\x2f\xfd"


class Packing:
    """Packs and unpacks on one thread: a compressor and a decompressor have workspaces that threads cannot share."""

    def __init__(self) -> None:
        self._compressor = ZstdCompressor(level=1)
        self._decompressor = ZstdDecompressor()

    def pack(self, json: bytes) -> bytes:
        return json if len(json) <= _MIN_COMPRESSED_BYTES else self._compressor.compress(json)

    def unpack(self, value: bytes) -> bytes:
        """Return the JSON of a packed value; raise StoreDown for one that is damaged."""
        if not value.startswith(_MAGIC):
            return value
        try:
            return self._decompressor.decompress(value)
        except ZstdError as error:
            raise StoreDown(f"a stored response is damaged ({error})") from error
