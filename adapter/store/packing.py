"""How a database keeps JSON: as it is while it is short, else compressed.

An agent's input comes again with every turn and is mostly text that repeats itself: compressed it is a tenth of the
size, which costs less time than the pages that it saves. A compressed value tells itself by the first bytes of a
Zstandard frame (RFC 8878), with which no JSON begins.
"""

from typing import Final

from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError

from adapter.store.base import StoreDown

_SHORT: Final = 4096
"""Bytes up to which a value stays as it is."""
_MAGIC: Final = b"\x28\xb5\x2f\xfd"


class Packing:
    """Packs and unpacks, on one thread: each of its two ways keeps a workspace, once it is used."""

    def __init__(self) -> None:
        self._compressor = ZstdCompressor(level=1)
        self._decompressor = ZstdDecompressor()

    def pack(self, json: bytes) -> bytes:
        return json if len(json) <= _SHORT else self._compressor.compress(json)

    def unpack(self, value: bytes) -> bytes:
        """Return the JSON of a packed value; raise StoreDown for one that is damaged."""
        if not value.startswith(_MAGIC):
            return value
        try:
            return self._decompressor.decompress(value)
        except ZstdError as error:
            raise StoreDown(f"a stored response is damaged ({error})") from error
