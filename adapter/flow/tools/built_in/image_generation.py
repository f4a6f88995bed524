"""`image_generation`: images that an upstream's images API makes.

Source: OpenAI guide, Image generation.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from msgspec import UNSET, UnsetType

from adapter.event_loop.client_watch import ClientDisconnected
from adapter.flow.tools.built_in.base import BuiltIn, Opening
from adapter.hosting.runs import BROKE, ToolRun
from translators.errors import unsupported_parameter
from translators.open_items.hosted import OpenHostedItem
from translators.open_items.image import OpenGeneratedImage
from translators.responses.tools import ImageGenerationTool
from translators.tools.built_in import MAKE_IMAGE, read_arguments

if TYPE_CHECKING:
    from adapter.hosting.images import ImageResult

log = structlog.get_logger()

_NOT_CONFIGURED: Final = (
    "'image_generation' is not supported: no images are made here. The operator can configure an upstream as "
    "[tools.image_generation]; or declare a function that makes them."
)


def open_image_generation(tool: ImageGenerationTool, opening: Opening) -> BuiltIn:
    """Return what makes images; raise RequestError if nothing is configured."""
    from adapter.hosting.images import ImageOptions  # imported late: most requests make none

    source, caller = opening.source, opening.caller
    maker = opening.policy.create_image_maker(source.services.upstreams, source.services.files, source.tenant)
    if maker is None:
        raise unsupported_parameter(f"{opening.path}.type", _NOT_CONFIGURED)
    if tool.partial_images:
        opening.notes.add("tools", "dropped", "partial_images: images come whole")
    if tool.model:
        opening.notes.add("tools", "approximated", "model of image_generation: the operator has chosen one")
    options = ImageOptions(
        size=_chosen(tool.size, "auto"),
        quality=_chosen(tool.quality, "auto"),
        background=_chosen(tool.background, "auto"),
        output_format=_chosen(tool.output_format, "png"),
        output_compression=UNSET if tool.output_compression in (None, 100) else tool.output_compression,
        moderation=_chosen(tool.moderation, "auto"),
    )
    make = partial(maker.run, options=options, bearer=caller.bearer, watch=caller.watch)
    return BuiltIn(tool, (MAKE_IMAGE,), partial(ImageRun, make))


def _chosen(value: str | None, default: str) -> str | UnsetType:
    return UNSET if value in (None, default) else str(value)


class ImageRun(ToolRun):
    """An image that is made."""

    def __init__(self, make: "Callable[[str], ImageResult]", function: str, arguments: str) -> None:
        """`make` returns what came of a prompt; it raises ClientDisconnected."""
        self._make = make
        self._prompt = read_arguments(arguments).get("prompt", "")
        self._text = BROKE
        self._data = ""
        self._members: dict[str, str | None] = {}

    def open_item(self, output_index: int, digits: str) -> OpenHostedItem:
        self._item = OpenGeneratedImage(output_index, f"ig_{digits}", prompt=self._prompt)
        return self._item

    def _run(self) -> None:
        try:
            result = self._make(self._prompt)
        except ClientDisconnected:
            return
        except Exception:
            log.exception("tool call broke", kind="image_generation")
            return
        self._text, self._data = result.text, result.data
        self._members = {
            "output_format": result.output_format, "background": result.background, "quality": result.quality,
            "size": result.size, "revised_prompt": result.revised_prompt,
        }  # fmt: skip

    def settle(self) -> None:
        self._item.settle(self._text, self._data, **self._members)

    def log_fields(self) -> dict[str, Any]:
        outcome = "ok" if self._data else "failed"
        return {"kind": "image_generation", "bytes": len(self._data), "outcome": outcome}
