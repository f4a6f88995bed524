"""Replace the files of a request, before translation, by what the provider accepts.

A provider that accepts files gets their data, whether the client sent base64, a data URL, the id of a file that it has
uploaded, or an http(s) URL, which is fetched through the outbound guard. An image by its id becomes a data URL. For
other providers, and in messages that can only be text, a file is replaced by its text with its name in front: plain
text as it is, or the text of a PDF. Any other file is a request error with the path of its part.

The store keeps the input as the client sent it, so the files of a history are replaced again in each request. A file
that is no longer available becomes a placeholder text, with a note: it is no error of the current request. The same
holds for a deleted file in an input that has the history itself, up to what the model has answered. All files of
one request together are limited to the size and time of a request body.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

from msgspec.structs import replace

from adapter.files.guard import FetchFailed, Guard, HostNotAllowed
from adapter.files.stored import FileGone, StoredFiles, is_by_id
from adapter.settings.settings import Settings
from adapter.sharing.offload import LARGE_BYTES, Offload
from adapter.sharing.shares import TenantSemaphore, share_of
from adapter.store.files.protocols import FileStore
from translators.context.files import File, decode_file, file_as_text, file_name, printable_name
from translators.context.pairs import first_unanswered
from translators.dialects.dialect import Dialect
from translators.errors import RequestError, invalid_parameter, missing_parameter, unsupported_parameter
from translators.notes import Notes
from translators.responses.items import (
    ComputerCallOutput,
    ContentPart,
    CustomToolCallOutput,
    FunctionCallOutput,
    InputFile,
    InputImage,
    InputText,
    Item,
    Message,
)

_MAX_URLS: Final = 64
"""Fetched for one request. Each is a request to another server, so a caller could use this one for an attack."""

_MAX_FETCHES: Final = 8
"""Files that a worker fetches at a time: gevent has ten threads for name look-ups, and calls of providers need some."""
_MAX_PDFS: Final = 2
"""Files that a worker reads the text of at a time: each may keep a core busy."""

_PARTS_OF: Final[dict[type, str]] = {Message: "content", FunctionCallOutput: "output", CustomToolCallOutput: "output"}
"""The member of an item that may have content parts."""
_FILES: Final = frozenset({InputFile, InputImage})
"""Content parts that may be files."""


class Files:
    """Replaces files by what the provider accepts."""

    def __init__(
        self, settings: Settings, offload: Offload | None = None, store: FileStore | None = None
    ) -> None:
        """`store`: None: there are no files with an id."""
        self.stored = StoredFiles(store)
        self.offload = offload or Offload(settings.share_percent)
        self.guard = Guard(settings.file_url_hosts, settings.admin_port)
        self.public_hosts = Guard(["*"], settings.admin_port)
        """For URLs that a model or a provider names: every host, but public addresses only."""
        self.fetches = TenantSemaphore(_MAX_FETCHES, share_of(_MAX_FETCHES, settings.share_percent))
        self.pdf_conversions = TenantSemaphore(_MAX_PDFS, share_of(_MAX_PDFS, settings.share_percent))
        self.max_bytes = settings.max_body_bytes
        self.seconds = settings.body_timeout

    def of_request(
        self, items: Sequence[Item], dialect: Dialect, notes: Notes, first: int = 0, tenant: str = ""
    ) -> tuple[Item, ...]:
        """Return the items of a tenant's request, with the files from item `first` on replaced.

        Raises RequestError with the path of a file that cannot be fetched, read or sent.
        """
        places = _items_with_files(items, first)
        return _RequestFiles(self, dialect, notes, tenant).replace_in_items(items, places) if places else tuple(items)

    def of_history(
        self, items: Sequence[Item], dialect: Dialect, notes: Notes, tenant: str = ""
    ) -> tuple[Item, ...]:
        """Return the items of earlier requests in the same way; an unavailable file becomes a placeholder text."""
        places = _items_with_files(items)
        return _HistoryFiles(self, dialect, notes, tenant).replace_in_items(items, places) if places else tuple(items)


def _items_with_files(items: Sequence[Item], first: int = 0) -> list[int]:
    """Return the indexes of items with files; checking every item costs less than a search through the JSON."""
    places: list[int] = []
    for at, item in enumerate(items[first:], first):
        member = _PARTS_OF.get(item.__class__)
        if member is not None:
            parts = getattr(item, member)
            has_file = isinstance(parts, list) and not _FILES.isdisjoint(map(type, parts)) and any(map(_is_file, parts))
        else:
            has_file = isinstance(item, ComputerCallOutput) and is_by_id(item.output)
        if has_file:
            places.append(at)
    return places


def _is_file(part: ContentPart) -> bool:
    kind = part.__class__
    return kind is InputFile or (kind is InputImage and is_by_id(part))


class _RequestFiles:
    """The files of one request, with the bytes, seconds and URLs that remain for them."""

    def __init__(self, files: Files, dialect: Dialect, notes: Notes, tenant: str) -> None:
        self._files = files
        self._tenant = tenant
        self._bytes = files.max_bytes
        self._deadline = time.monotonic() + files.seconds
        self._urls = _MAX_URLS
        self._dialect = dialect
        self._notes = notes
        self._is_answered = False
        """Whether the model has answered the item whose files are replaced."""

    def replace_in_items(self, items: Sequence[Item], places: Sequence[int]) -> tuple[Item, ...]:
        """Return items with the files of those at `places` replaced."""
        resolved = list(items)
        unanswered = first_unanswered(items)
        for at in places:
            self._is_answered = at < unanswered
            resolved[at] = self._replace_in_item(items[at], self._path(at))
        return tuple(resolved)

    def _path(self, at: int) -> str:
        """Return the path of an item for errors and notes."""
        return f"input[{at}]"

    def _replace_in_item(self, item: Item, path: str) -> Item:
        if isinstance(item, ComputerCallOutput):
            screenshot = self._replace_part(InputImage(file_id=item.output.file_id), f"{path}.output", False)
            if not isinstance(screenshot, InputImage):
                return item  # what is left out of a history is left to the translation
            return replace(item, output=replace(item.output, image_url=screenshot.image_url))
        member = _PARTS_OF[item.__class__]
        as_files = self._dialect.file_parts and not (isinstance(item, Message) and item.role != "user")
        parts = [
            self._replace_part(part, f"{path}.{member}[{at}]", as_files) if _is_file(part) else part
            for at, part in enumerate(getattr(item, member))
        ]
        return replace(item, **{member: parts})

    def _replace_part(self, part: InputFile | InputImage, where: str, as_files: bool) -> ContentPart:
        """Return the part that replaces a file; raise RequestError."""
        try:
            return self._image(part, where) if isinstance(part, InputImage) else self._file(part, where, as_files)
        except FileGone as error:
            if not self._is_answered:
                raise
            self._notes.add(where, "dropped", error.message)
            return _placeholder(part)

    def _image(self, part: InputImage, where: str) -> ContentPart:
        file = self._load_stored(part, f"{where}.file_id", self._files.stored.load_image)
        return replace(part, image_url=self._data_url(file), file_id=None)

    def _file(self, part: InputFile, where: str, as_files: bool) -> ContentPart:
        file = self._load_file(part, where)
        if part.detail not in (None, "auto"):
            self._notes.add(f"{where}.detail", "dropped", "files are sent without a level of detail")
        if as_files:
            sent = part.file_data or ""  # a data URL is sent unchanged
            return InputFile(file_data=sent if sent.startswith("data:") else self._data_url(file), filename=file.name)
        text = self._read_text(file, where)
        self._notes.add(where, "approximated", f"file {printable_name(file.name)} is sent as text")
        if len(text) < LARGE_BYTES:
            return InputText(file_as_text(file.name, text))
        return InputText(self._files.offload.run(self._tenant, file_as_text, file.name, text))

    def _load_file(self, part: InputFile, where: str) -> File:
        if part.file_data:
            return self._decode(part.file_data, _name(part), f"{where}.file_data")
        if part.file_url:
            return self._fetch(part.file_url, _name(part), f"{where}.file_url")
        if part.file_id:
            file = self._load_stored(part, f"{where}.file_id", self._files.stored.load)
            return File(file.data, part.filename or file.name, file.type)
        raise missing_parameter(f"{where}.file_data")

    def _load_stored(
        self, part: InputFile | InputImage, param: str, load: Callable[[str, str, str, int], File]
    ) -> File:
        file = load(part.file_id or "", self._tenant, param, self._bytes)
        self._bytes -= len(file.data)
        return file

    def _decode(self, file_data: str, name: str, param: str) -> File:
        if len(file_data) < LARGE_BYTES:
            return decode_file(file_data, name, param)
        return self._files.offload.run(self._tenant, decode_file, file_data, name, param)

    def _data_url(self, file: File) -> str:
        if len(file.data) < LARGE_BYTES:
            return file.data_url
        return self._files.offload.run(self._tenant, lambda: file.data_url)

    def _fetch(self, url: str, name: str, param: str) -> File:
        if not self._urls:
            raise _fetch_error(param, f"at most {_MAX_URLS} are fetched for one request")
        self._urls -= 1
        try:
            slot = self._files.fetches.wait(self._tenant)
            fetched = self._files.guard.fetch(
                url, max_bytes=self._bytes, seconds=self._seconds_left(param), slot=slot
            )
        except HostNotAllowed:
            raise unsupported_parameter(
                param,
                "names a host that this server does not fetch files from. Send the file as 'file_data', or have the "
                "host added to ADAPTER_FILE_URL_HOSTS.",
            ) from None
        except FetchFailed as error:
            raise _fetch_error(param, str(error)) from None
        self._bytes -= len(fetched.data)
        return File(fetched.data, name, fetched.type.partition(";")[0].strip().lower())

    def _read_text(self, file: File, where: str) -> str:
        if file.is_pdf:
            return self._read_pdf(file, where)
        if (text := file.text) is None:
            raise self._unsupported(
                where, file, "is neither text in UTF-8 nor a PDF", "Send what it says as 'input_text'."
            )
        return text

    def _read_pdf(self, file: File, where: str) -> str:
        from adapter.files.pdf import NoText, text_of_pdf  # imported late: few requests have a PDF

        try:
            text = text_of_pdf(file.data, self._seconds_left(where), self._files.pdf_conversions.wait(self._tenant))
            self._bytes -= len(text)  # a small PDF can contain a long text
            if self._bytes < 0:
                raise NoText("holds more text than one request may")
        except NoText as error:
            raise self._unsupported(
                where, file, str(error), "Send its text as 'input_text', or its pages as images."
            ) from None
        return text

    def _seconds_left(self, param: str) -> float:
        """Return the seconds that remain; raise RequestError if there are none."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise RequestError("The files of this request took too long.", param=param, code="invalid_value")
        return left

    def _unsupported(self, where: str, file: File, reason: str, advice: str) -> RequestError:
        return RequestError(
            f"Unsupported file in '{where}': provider '{self._dialect.name}' takes it as text only, and "
            f"{printable_name(file.name)} {reason}. {advice}",
            param=where,
            code="unsupported_file",
        )


class _HistoryFiles(_RequestFiles):
    """The files of a history: one that is not available becomes a placeholder."""

    def _path(self, at: int) -> str:
        return "previous_response_id"

    def _replace_part(self, part: InputFile | InputImage, where: str, as_files: bool) -> ContentPart:
        try:
            return super()._replace_part(part, where, as_files)
        except RequestError as error:
            self._notes.add("previous_response_id", "dropped", f"a file of an earlier request: {error.message}")
            return _placeholder(part)


def _placeholder(part: InputFile | InputImage) -> InputText:
    if isinstance(part, InputImage):
        return InputText("[An image is no longer available.]")
    return InputText(f"[The file {printable_name(_name(part))} is no longer available.]")


def _name(part: InputFile) -> str:
    return part.filename or (part.file_url and file_name(part.file_url)) or "file"


def _fetch_error(param: str, reason: str) -> RequestError:
    return invalid_parameter(param, f"the file could not be downloaded: {reason}")
