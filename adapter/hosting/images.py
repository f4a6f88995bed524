"""Make an image for a model, with the images API of an upstream.

What the API calls `image_generation` is here a POST to `/v1/images/generations` of the configured upstream and model. A
image that the provider returns as a URL is fetched through the guard, from public addresses only.
Source: OpenAI API reference, Images: create.
"""

import base64
import binascii
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from adapter.event_loop.client_watch import ClientWatch
from adapter.files.files import Files
from adapter.files.guard import PUBLIC_HOSTS, FetchFailed, HostNotAllowed
from adapter.settings.tool_backends import ImageSettings
from adapter.upstream.client import Upstream
from translators.errors import UpstreamError

_MAX_IMAGE_BYTES: Final = 8 * 1024 * 1024
_MAX_ANSWER_BYTES: Final = 12 * 1024 * 1024
_MAX_PROMPT_CHARS: Final = 32_000
"""What OpenAI accepts."""


class ImageOptions(Struct, frozen=True, omit_defaults=True):
    """Parameters of the tool that the images API has too; unset ones are not sent."""

    size: str | UnsetType = UNSET
    quality: str | UnsetType = UNSET
    background: str | UnsetType = UNSET
    output_format: str | UnsetType = UNSET
    output_compression: int | UnsetType = UNSET
    moderation: str | UnsetType = UNSET


class ImageResult(Struct, frozen=True):
    """An image, or why there is none."""

    data: str = ""
    """Base64; "" if there is none. The item's `result` then is "" too, since null breaks the AI SDK."""
    revised_prompt: str = ""
    output_format: str = "png"
    background: str | None = None
    quality: str | None = None
    size: str | None = None
    usage: dict[str, Any] = {}
    """Tokens, as the provider counts them."""
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


class _Answer(Struct):
    data: list[_Made] = []
    output_format: str | None = None
    background: str | None = None
    quality: str | None = None
    size: str | None = None
    usage: dict[str, Any] | None = None


_decode: Final = msgspec.json.Decoder(_Answer).decode


class ImageMaker:
    """Makes the images of one response."""

    def __init__(self, settings: ImageSettings, upstream: Upstream, files: Files, tenant: str) -> None:
        self._settings = settings
        self._upstream = upstream
        self._files = files
        self._tenant = tenant

    def run(
        self, prompt: str, options: ImageOptions, *, bearer: str | None, watch: ClientWatch
    ) -> ImageResult:
        """Make an image. Never raises for what a provider does; raises ClientDisconnected.

        `bearer`: the caller's key, sent only if the upstream uses callers' keys.
        """
        if not prompt.strip() or len(prompt) > _MAX_PROMPT_CHARS:
            return ImageResult(error=f"the prompt must have 1 to {_MAX_PROMPT_CHARS} characters")
        body = {"model": self._settings.model, "prompt": prompt, "n": 1, **msgspec.to_builtins(options)}
        try:
            data = self._upstream.make_image(
                msgspec.json.encode(body), bearer=bearer, watch=watch,
                seconds=self._settings.timeout, max_bytes=_MAX_ANSWER_BYTES,
            )  # fmt: skip
            answer = _decode(data)
        except UpstreamError as error:
            self._upstream.log_failure(error, model=self._settings.model)
            return ImageResult(error=error.message)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return ImageResult(error="the provider's answer is not one of the images API")
        if not answer.data:
            return ImageResult(error="the provider made no image")
        return self._read(answer, options)

    def _read(self, answer: _Answer, options: ImageOptions) -> ImageResult:
        made = answer.data[0]
        data = made.b64_json or ""
        if not data and made.url:
            try:
                slot = self._files.fetch_slots.wait(self._tenant)
                fetched = PUBLIC_HOSTS.fetch(
                    made.url, max_bytes=_MAX_IMAGE_BYTES, seconds=self._settings.timeout, slot=slot
                )
            except (FetchFailed, HostNotAllowed):
                return ImageResult(error="the image could not be fetched from the provider")
            data = base64.b64encode(fetched.data).decode()
        try:
            size = len(base64.b64decode(data, validate=True))
        except (binascii.Error, ValueError):
            size = 0
        if not 0 < size <= _MAX_IMAGE_BYTES:
            return ImageResult(error="the image is empty, not base64 or larger than the limit")
        requested = None if options.output_format is UNSET else options.output_format
        return ImageResult(
            data=data,
            revised_prompt=made.revised_prompt or "",
            output_format=answer.output_format or requested or "png",
            background=answer.background,
            quality=answer.quality,
            size=answer.size,
            usage=answer.usage or {},
        )
