"""The data of an input_file as bytes, and as text if it is text.

A client sends data as base64, bare or as a data URL. A provider that accepts files gets a data URL, which names the
media type. Others get text: data is text if it decodes as UTF-8 (or UTF-16 with a byte order mark) and contains no NUL,
whatever its name. Source: OpenAI guide, File inputs.
"""

import binascii
from base64 import b64decode, b64encode
from typing import Final
from urllib.parse import unquote

from msgspec import Struct

from translators.errors import RequestError

_PDF: Final = "application/pdf"
_UNKNOWN: Final = "application/octet-stream"
_PDF_SIGNATURE: Final = b"%PDF-"
_PIECE: Final = 1 << 20
"""Characters of base64 that are coded at a time; a multiple of four."""
_MAX_NAME_LENGTH: Final = 200
"""Characters; file systems allow 255 bytes, and a longer name would only cost the model's attention."""


class File(Struct, frozen=True, gc=False):
    """A file's bytes, its name, and the media type that the client declared, if any."""

    data: bytes
    name: str
    type: str = ""

    @property
    def is_pdf(self) -> bool:
        return self.data.startswith(_PDF_SIGNATURE) or self.type == _PDF or self.name.lower().endswith(".pdf")

    @property
    def text(self) -> str | None:
        """Its text; None if it is not text."""
        encoding = "utf-16" if self.data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
        try:
            text = self.data.decode(encoding)
        except UnicodeDecodeError:
            return None
        return None if "\0" in text else text

    @property
    def data_url(self) -> str:
        type = self.type or (_PDF if self.is_pdf else _UNKNOWN if self.text is None else "text/plain")
        return f"data:{type};base64,{_encode_base64(self.data)}"


def decode_file(file_data: str, name: str, param: str) -> File:
    """Return the file in `file_data`; raise RequestError naming `param` for what is not base64 or such a data URL."""
    type = ""
    if file_data.startswith("data:"):
        head, comma, file_data = file_data.partition(",")
        type, _, parameters = head.removeprefix("data:").partition(";")
        if not comma or parameters.split(";")[-1] != "base64":
            raise _not_base64(param)
    try:
        data = _decode_base64(file_data)
    except (binascii.Error, ValueError):
        raise _not_base64(param) from None
    return File(data, name, type.strip().lower())


def _decode_base64(text: str) -> bytes:
    """Return the data of base64; raise ValueError. In pieces, so that other threads get their turn."""
    if len(text) <= _PIECE:
        return b64decode(text, validate=True)
    if text.find("=", 0, len(text) - 2) != -1:
        raise ValueError("padding before the end")
    pieces = range(0, len(text), _PIECE)
    return b"".join([b64decode(text[at : at + _PIECE], validate=True) for at in pieces])


def _encode_base64(data: bytes) -> str:
    pieces = range(0, len(data), _PIECE // 4 * 3)
    return "".join([b64encode(data[at : at + _PIECE // 4 * 3]).decode() for at in pieces])


def file_name(url: str) -> str:
    """Return the file name at the end of a URL, "" if there is none."""
    path = url.partition("?")[0].partition("#")[0]
    return unquote(path.rpartition("/")[2])


def printable_name(name: str) -> str:
    """Return the end of a file's name, with its extension, as one line without markup."""
    end = name[-_MAX_NAME_LENGTH:]
    return "".join(letter if letter.isprintable() and letter not in '<>"' else "_" for letter in end)


def file_as_text(name: str, text: str) -> str:
    """Return a file as part of a longer text, between tags with its name."""
    return f'<file name="{printable_name(name)}">\n{text}\n</file>'


def _not_base64(param: str) -> RequestError:
    return RequestError(
        f"Invalid '{param}'. Expected base64-encoded data, bare or as a data URL (e.g. "
        "'data:application/pdf;base64,aGVsbG8=').",
        param=param,
        code="invalid_value",
    )
