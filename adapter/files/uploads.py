"""Uploads: a multipart body, read in pieces that go to the file store as they arrive.

Fields may come in any order. One piece of the file is in memory at a time, so an upload takes no part of what a worker
may have in memory for request bodies. Its bytes count against the tenant's quota from the moment they are stored. An
upload that fails is erased at once; that of a worker that dies is erased by the next sweep, and no request ever finds
either.
Source: RFC 7578; OpenAI API reference, Files: create.
"""

import mimetypes
import re
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from msgspec.structs import replace
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from adapter.event_loop.deadline import read_in_time
from adapter.settings.settings import Settings
from adapter.store.base import NotFound, StoreDown
from adapter.store.files.protocols import FileStore
from adapter.store.files.values import PIECE_BYTES, StoredFile
from adapter.store.quota import Quota
from translators.errors import (
    RequestError,
    UpstreamError,
    invalid_parameter,
    invalid_value,
    missing_parameter,
    shorten,
    unknown_parameter,
)

PURPOSES: Final = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
MIN_EXPIRY_SECONDS: Final = 3600
MAX_EXPIRY_SECONDS: Final = 30 * 24 * 3600
"""Source: OpenAI API reference, Files: create."""

_READ_BYTES: Final = 64 * 1024
_MAX_BUFFER_BYTES: Final = 4 * _READ_BYTES
"""Of what is neither a field nor the file: preamble, head of a part, epilogue."""
_MAX_PARTS: Final = 16
_MAX_FIELD_BYTES: Final = 4096
_MAX_NAME_CHARACTERS: Final = 255
_MAX_BOUNDARY_BYTES: Final = 70
"""Source: RFC 2046 §5.1.1."""
_READS_ALIVE: Final = 6
"""An upload counts as dead after so many of the longest reads: a piece takes four, and its commit some time."""

_FIELDS: Final = ("purpose", "expires_after[anchor]", "expires_after[seconds]")
_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}")
_ANY_TYPE: Final = "application/octet-stream"
_BIDI_CONTROLS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Upload:
    """One upload of a tenant, from its request to its file."""

    def __init__(self, store: FileStore, quota: Quota, settings: Settings, id: str, tenant: str) -> None:
        self._store = store
        self._quota = quota
        self._max_bytes = settings.max_file_bytes
        self._seconds = settings.body_timeout
        self._file = StoredFile(id, tenant, int(time.time()), "", "", _ANY_TYPE)
        self._piece = bytearray()
        self._fields: dict[str, str] = {}

    def receive(self, environ: dict[str, Any], *, length: int | None) -> StoredFile:
        """Return the file that a request brings, once it is stored.

        `length`: of the body as it was announced; None: not known. Raises RequestError for a body that is no upload,
        is too slow (408) or too large (413), NoRoom for a quota that is used up, and StoreDown.
        """
        boundary = _read_boundary(environ)
        if length is not None and length > self._max_bytes + _MAX_BUFFER_BYTES:
            raise self._too_large()
        self._quota.check(self._file.tenant)
        try:
            self._read_parts(_read_events(environ["wsgi.input"], boundary, self._seconds))
            file = self._finish()
        except BaseException:
            self._discard()
            raise
        self._quota.add(file.tenant, 0, 1)
        return file

    def _read_parts(self, events: Iterator[Event]) -> None:
        take: Callable[[bytes], None] | None = None
        name, value = "", bytearray()
        for event in events:
            match event:
                case File(name="file", filename=filename, headers=headers):
                    self._begin(filename, headers.get("content-type", ""))
                    take = self._write
                case File(name=given):
                    raise unknown_parameter(shorten(str(given)), "Send the file as 'file'.")
                case Field(name=given):
                    name, value = self._check_field(given), bytearray()
                    take = value.extend
                case Data(data=data, more_data=more_data) if take is not None:
                    take(data)
                    if len(value) > _MAX_FIELD_BYTES:
                        raise invalid_parameter(name, "it is too long")
                    if not more_data and take != self._write:
                        self._fields[name] = value.decode("utf-8", "replace").strip()
                        self._check_values()

    def _check_field(self, name: str | None) -> str:
        if name == "file":
            raise invalid_parameter("file", "it has no filename; send it as a file")
        if name is None or name not in _FIELDS:
            raise unknown_parameter(shorten(str(name)), f"An upload has 'file', {', '.join(map(repr, _FIELDS))}.")
        if name in self._fields:
            raise RequestError(f"Invalid body: '{name}' occurs twice.", param=name, code="invalid_value")
        return name

    def _check_values(self) -> None:
        """Raise RequestError for a field that is wrong, as soon as it is known."""
        purpose = self._fields.get("purpose")
        if purpose is not None and purpose not in PURPOSES:
            raise invalid_value("purpose", shorten(purpose), PURPOSES)
        anchor, seconds = (self._fields.get(f"expires_after[{member}]") for member in ("anchor", "seconds"))
        if anchor not in (None, "created_at"):
            raise invalid_value("expires_after[anchor]", shorten(str(anchor)), ["created_at"])
        if seconds is not None and not (
            re.fullmatch("[0-9]{1,9}", seconds) and MIN_EXPIRY_SECONDS <= int(seconds) <= MAX_EXPIRY_SECONDS
        ):
            raise invalid_parameter(
                "expires_after[seconds]",
                f"expected a number from {MIN_EXPIRY_SECONDS} to {MAX_EXPIRY_SECONDS}, got '{shorten(seconds)}'",
            )

    def _begin(self, filename: str, type: str) -> None:
        if self._file.filename:
            raise invalid_parameter("file", "there are two")
        name = _check_name(filename)
        type = type.partition(";")[0].strip().lower()
        if not _TYPE.fullmatch(type) or type == _ANY_TYPE:
            type = mimetypes.guess_type(name)[0] or _ANY_TYPE
        self._store.begin_file(replace(self._file, filename=name, type=type), self._alive_until())
        self._file = replace(self._file, filename=name, type=type)

    def _write(self, data: bytes) -> None:
        self._piece += data
        if self._file.bytes + len(self._piece) > self._max_bytes:
            raise self._too_large()
        while len(self._piece) >= PIECE_BYTES:
            self._add_piece()

    def _add_piece(self) -> None:
        file, data = self._file, bytes(self._piece[:PIECE_BYTES])
        del self._piece[:PIECE_BYTES]
        if not self._store.add_piece(file.id, file.tenant, file.pieces, data, self._alive_until()):
            raise _died()
        self._file = replace(file, bytes=file.bytes + len(data), pieces=file.pieces + 1)
        self._quota.add(file.tenant, len(data), 0)
        self._quota.check(file.tenant)

    def _finish(self) -> StoredFile:
        if not self._file.filename:
            raise missing_parameter("file")
        if "purpose" not in self._fields:
            raise missing_parameter("purpose")
        anchor, seconds = (self._fields.get(f"expires_after[{member}]") for member in ("anchor", "seconds"))
        if (anchor is None) != (seconds is None):
            raise missing_parameter(f"expires_after[{'anchor' if anchor is None else 'seconds'}]")
        if self._piece:
            self._add_piece()
        if not self._file.bytes:
            raise invalid_parameter("file", "it is empty")
        file = replace(
            self._file,
            purpose=self._fields["purpose"],
            expires_at=None if seconds is None else self._file.created_at + int(seconds),
        )
        if not self._store.complete_file(file):
            raise _died()
        self._file = file
        return file

    def _discard(self) -> None:
        """Erase what was stored of it; what fails here is left to the next sweep."""
        if self._file.filename:
            self._quota.add(self._file.tenant, -self._file.bytes, 0)
            with suppress(NotFound, StoreDown):
                self._store.delete_file(self._file.id, self._file.tenant)

    def _alive_until(self) -> float:
        return time.time() + _READS_ALIVE * self._seconds

    def _too_large(self) -> RequestError:
        return RequestError(
            f"The file is too large. This server accepts files of at most {self._max_bytes} bytes.",
            param="file", code="file_too_large", status=413,
        )  # fmt: skip


def _read_boundary(environ: dict[str, Any]) -> bytes:
    """Return what separates the parts of a body; raise RequestError (400, 415)."""
    given = environ.get("CONTENT_TYPE", "")
    type, options = parse_options_header(given)
    if type.lower() != "multipart/form-data":
        raise RequestError(
            f"Unsupported content type. An upload is 'Content-Type: multipart/form-data', not '{shorten(given)}'.",
            code="unsupported_content_type", status=415,
        )  # fmt: skip
    if environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in ("", "identity"):
        raise RequestError(
            "Uploads must not be compressed. Send them without a Content-Encoding.",
            code="unsupported_content_encoding", status=415,
        )  # fmt: skip
    boundary: bytes = options.get("boundary", "").encode("latin-1", "replace")
    if not 0 < len(boundary) <= _MAX_BOUNDARY_BYTES:
        raise RequestError(
            f"The Content-Type names no boundary of 1 to {_MAX_BOUNDARY_BYTES} characters.", code="invalid_value"
        )
    return boundary


def _read_events(stream: Any, boundary: bytes, seconds: float) -> Iterator[Event]:
    """Yield the parts of a body as they arrive, `seconds` being the time for 64 KiB; raise RequestError."""
    decoder = MultipartDecoder(boundary, _MAX_BUFFER_BYTES, max_parts=_MAX_PARTS)
    too_slow = f"The upload brought less than {_READ_BYTES} bytes in {seconds:g} seconds."
    data: bytes | None = b""
    while data is not None:
        data = read_in_time(lambda: stream.read(_READ_BYTES), seconds, too_slow) or None
        try:
            decoder.receive_data(data)
            while not isinstance(event := decoder.next_event(), (NeedData, Epilogue)):
                yield event
        except RequestEntityTooLarge:
            raise RequestError(
                "The multipart body has too many parts, or too much beside them.", code="invalid_value", status=413
            ) from None
        except ValueError:
            raise RequestError(
                "The multipart body is malformed, or ended before its last boundary.", code="invalid_value"
            ) from None


def _check_name(filename: str) -> str:
    """Return the last component of a file's name; raise RequestError for one that could mislead.

    Source: RFC 7578 §4.2.
    """
    name = re.split(r"[/\\]", filename)[-1].strip()
    if name in ("", ".", ".."):
        raise invalid_parameter("file", "its filename is empty")
    if len(name) > _MAX_NAME_CHARACTERS:
        raise invalid_parameter("file", f"its filename has more than {_MAX_NAME_CHARACTERS} characters")
    if any(c in _BIDI_CONTROLS or unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name):
        raise invalid_parameter("file", "its filename has control characters")
    return name


def _died() -> UpstreamError:
    return UpstreamError("The upload took too long and was dropped. Please send it again.", status=503, retry_after=1.0)
