"""Make or edit an image for a model, with the images API of an upstream.

What the API calls `image_generation` is here a POST to `/v1/images/generations` of the configured upstream and model,
or to `/v1/images/edits` if images are edited. An image that the provider returns as a URL is fetched through the guard,
from public addresses only. Source: OpenAI API reference, Images: create; OpenAI API reference, Images: edit.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType
from urllib3.filepost import encode_multipart_formdata

from adapter.event_loop.client_watch import ClientWatch
from adapter.files.files import Files
from adapter.files.guard import FetchFailed, HostNotAllowed
from adapter.settings.tools.backends import ImageSettings
from adapter.upstream.client import Upstream
from translators.errors import RequestError, UpstreamError, answer_too_large
from translators.failures.classes import classify_error_object
from translators.responses.hosted.usage import ImageGenUsage, TokensOfImages
from translators.responses.items import InputImage
from translators.to_responses.sse import SSEDecoder

MAX_IMAGE_BYTES: Final = 8 * 1024 * 1024
_MAX_EVENT_BYTES: Final = 12 * 1024 * 1024
"""Of an answer, or of one event of a streamed one: an image in base64, and what is said about it."""
_MAX_PROMPT_CHARS: Final = 32_000
"""What OpenAI accepts."""
_IMAGE_TYPE: Final = re.compile(r"image/[a-z0-9.+-]{1,40}")
_NOT_OF_EDITS: Final = frozenset({"moderation"})
"""Members of the options that `/v1/images/edits` does not have."""


class ImageOptions(Struct, frozen=True, omit_defaults=True):
    """Parameters of the tool that the images API has too; unset ones are not sent."""

    size: str | UnsetType = UNSET
    quality: str | UnsetType = UNSET
    background: str | UnsetType = UNSET
    output_format: str | UnsetType = UNSET
    output_compression: int | UnsetType = UNSET
    moderation: str | UnsetType = UNSET


class SourceImage(Struct, frozen=True, gc=False):
    """An image that is sent to be edited, or the mask that says where."""

    type: str
    """Its media type, for example image/png."""
    data: bytes


class ImageRequest(Struct, frozen=True):
    """What one image is made of."""

    prompt: str
    options: ImageOptions = ImageOptions()
    sources: Sequence[SourceImage] = ()
    """The images to edit; none: a new one is made."""
    mask: SourceImage | None = None
    input_fidelity: str | None = None
    """How closely an edited image follows its sources."""
    partial_images: int = 0
    """Previews that the client wants."""


class PartialImage(Struct, frozen=True, gc=False):
    """A preview of an image that is being made."""

    data: str
    """Base64."""
    index: int
    output_format: str | None = None
    size: str | None = None
    quality: str | None = None
    background: str | None = None


class ImageGone(Exception):
    """An image to edit cannot be read; the message says why."""


class ImageResult(Struct, frozen=True):
    """An image, or why there is none."""

    data: str = ""
    """Base64; "" if there is none. The item's `result` then is "" too, since null breaks the AI SDK."""
    revised_prompt: str = ""
    output_format: str = "png"
    background: str | None = None
    quality: str | None = None
    size: str | None = None
    usage: ImageGenUsage | None = None
    """None: the provider counted none."""
    error: str | None = None

    @property
    def text(self) -> str:
        """What the model reads."""
        if self.error is not None:
            return f"Error: {self.error}"
        return "The image was made and is shown to the user."


class _Made(Struct):
    b64_json: str | None = None
    url: str | None = None
    revised_prompt: str | None = None


class _Usage(Struct):
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    input_tokens_details: TokensOfImages | None = None
    output_tokens_details: TokensOfImages | None = None


class _Answer(Struct):
    data: list[_Made] = []
    output_format: str | None = None
    background: str | None = None
    quality: str | None = None
    size: str | None = None
    usage: Any = None


class _Event(_Answer):
    """An event of a streamed answer; the last one has the image in a member of its own."""

    type: str = ""
    b64_json: str | None = None
    partial_image_index: int = 0
    error: Any = None


_decode: Final = msgspec.json.Decoder(_Answer).decode
_decode_event: Final = msgspec.json.Decoder(_Event).decode


class ImageMaker:
    """Makes the images of one response."""

    def __init__(self, settings: ImageSettings, upstream: Upstream, files: Files, tenant: str) -> None:
        self._settings = settings
        self._upstream = upstream
        self._files = files
        self._tenant = tenant

    def run(
        self, asked: ImageRequest, show: Callable[[PartialImage], None], *, bearer: str | None, watch: ClientWatch
    ) -> ImageResult:
        """Make an image. Never raises for what a provider does; raises ClientDisconnected.

        `show` gets the previews. `bearer`: the caller's key, sent only if the upstream uses callers' keys.
        """
        if not asked.prompt.strip() or len(asked.prompt) > _MAX_PROMPT_CHARS:
            return ImageResult(error=f"the prompt must have 1 to {_MAX_PROMPT_CHARS} characters")
        try:
            answer = self._ask(asked, show, bearer, watch)
        except UpstreamError as failure:
            error = failure.redacted(self._upstream.redactor(bearer))
            self._upstream.log_failure(error, model=self._settings.model)
            return ImageResult(error=error.message)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return ImageResult(error="the provider's answer is not one of the images API")
        if not answer.data:
            return ImageResult(error="the provider made no image")
        return self._read(answer, asked.options)

    def load(self, image: InputImage) -> SourceImage:
        """Return an image, to be edited: one that was uploaded, or that of a `data:` or web URL; raise ImageGone."""
        try:
            if image.image_url is None:
                file = self._files.stored.load_image(str(image.file_id), self._tenant, "file_id", MAX_IMAGE_BYTES)
                return SourceImage(file.type, file.data)
            return self._load_url(image.image_url)
        except RequestError as error:
            raise ImageGone(error.message) from None
        except FetchFailed as error:
            raise ImageGone(str(error)) from None
        except HostNotAllowed:
            raise ImageGone("its host is not allowed") from None

    def _load_url(self, url: str) -> SourceImage:
        head, found, encoded = url.partition(";base64,")
        if head[:5].lower() == "data:":
            if not found or _size(encoded) == 0:
                raise FetchFailed("it is not a data URL in base64")
            type, data = head[5:], base64.b64decode(encoded)
        else:
            fetched = self._fetch(url)
            type, data = fetched.type, fetched.data
        type = type.partition(";")[0].strip().lower()
        if not _IMAGE_TYPE.fullmatch(type):  # it becomes a header within the body
            raise FetchFailed("it is not an image")
        return SourceImage(type, data)

    def _ask(
        self, asked: ImageRequest, show: Callable[[PartialImage], None], bearer: str | None, watch: ClientWatch
    ) -> _Answer:
        """Return the provider's answer. A provider that knows no previews is asked again without them."""
        path, type, body = self._body(asked)
        pieces = self._upstream.ask_images(
            path, body, type, bearer=bearer, watch=watch, seconds=self._settings.timeout
        )
        try:
            return _read_stream(pieces, show) if asked.partial_images else _decode(_join(pieces))
        except UpstreamError as error:
            if not asked.partial_images or error.provider_status not in (400, 422):
                raise
        return self._ask(msgspec.structs.replace(asked, partial_images=0), show, bearer, watch)

    def _body(self, asked: ImageRequest) -> tuple[str, str, bytes]:
        """Return the path, the content type and the body of a request."""
        members: dict[str, Any] = {"model": self._settings.model, "prompt": asked.prompt, "n": 1}
        members |= msgspec.to_builtins(asked.options)
        if asked.partial_images:
            members |= {"stream": True, "partial_images": asked.partial_images}
        if not asked.sources:
            return "/images/generations", "application/json", msgspec.json.encode(members)
        if asked.input_fidelity:
            members["input_fidelity"] = asked.input_fidelity
        fields: list[tuple[str, Any]] = [
            (name, str(value).lower() if isinstance(value, bool) else str(value))
            for name, value in members.items()
            if name not in _NOT_OF_EDITS
        ]
        name = "image" if len(asked.sources) == 1 else "image[]"
        fields += [(name, _part(f"image{at}", source)) for at, source in enumerate(asked.sources)]
        if asked.mask is not None:
            fields.append(("mask", _part("mask", asked.mask)))
        body, type = encode_multipart_formdata(fields)
        return "/images/edits", type, body

    def _fetch(self, url: str) -> Any:
        slot = self._files.fetches.wait(self._tenant)
        return self._files.public_hosts.fetch(
            url, max_bytes=MAX_IMAGE_BYTES, seconds=self._settings.timeout, slot=slot
        )

    def _read(self, answer: _Answer, options: ImageOptions) -> ImageResult:
        made = answer.data[0]
        data = made.b64_json or ""
        if not data and made.url:
            try:
                data = base64.b64encode(self._fetch(made.url).data).decode()
            except (FetchFailed, HostNotAllowed):
                return ImageResult(error="the image could not be fetched from the provider")
        if not 0 < _size(data) <= MAX_IMAGE_BYTES:
            return ImageResult(error="the image is empty, not base64 or larger than the limit")
        requested = None if options.output_format is UNSET else options.output_format
        return ImageResult(
            data=data,
            revised_prompt=made.revised_prompt or "",
            output_format=answer.output_format or requested or "png",
            background=answer.background,
            quality=answer.quality,
            size=answer.size,
            usage=_read_usage(answer.usage),
        )


def _part(stem: str, image: SourceImage) -> tuple[str, bytes, str]:
    return f"{stem}.{image.type.partition('/')[2]}", image.data, image.type


def _join(pieces: Iterator[bytes]) -> bytes:
    parts, size = [], 0
    for piece in pieces:
        parts.append(piece)
        size += len(piece)
        if size > _MAX_EVENT_BYTES:
            raise answer_too_large()
    return b"".join(parts)


def _read_stream(pieces: Iterator[bytes], show: Callable[[PartialImage], None]) -> _Answer:
    """Return what a streamed answer ends with; a provider that does not stream answers with a whole body."""
    first = next(pieces, b"")
    if first.lstrip().startswith(b"{"):
        return _decode(first + _join(pieces))
    decoder = SSEDecoder(_MAX_EVENT_BYTES)
    payloads = [*decoder.feed(first)]
    last = _Answer()
    while True:
        for payload in payloads:
            event = _decode_event(payload) if payload.startswith(b"{") else _Event()
            if event.type.endswith(".partial_image") and 0 < _size(event.b64_json or "") <= MAX_IMAGE_BYTES:
                show(
                    PartialImage(
                        event.b64_json or "", event.partial_image_index, event.output_format, event.size,
                        event.quality, event.background,
                    )
                )  # fmt: skip
            elif event.type.endswith(".completed") and event.b64_json:
                event.data = [_Made(event.b64_json)]
                last = event
            elif event.error:
                raise classify_error_object(event.error)
        piece = next(pieces, b"")
        if not piece:
            return last
        payloads = decoder.feed(piece)


def _size(data: str) -> int:
    """Return the number of bytes of a text in base64; 0: it is none."""
    try:
        return len(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError):
        return 0


def _read_usage(usage: object) -> ImageGenUsage | None:
    try:
        found = msgspec.convert(usage, _Usage)
    except msgspec.ValidationError:
        return None
    details = (found.input_tokens_details or TokensOfImages(), found.output_tokens_details)
    if not (found.total_tokens or found.input_tokens or found.output_tokens):
        return None
    return ImageGenUsage(found.input_tokens, details[0], found.output_tokens, found.total_tokens, details[1] or UNSET)
