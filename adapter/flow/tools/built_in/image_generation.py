"""`image_generation`: images that an upstream's images API makes, or edits.

Edited are the latest images of the conversation: those of the user's last message that has some, or the one that was
made after it. Source: OpenAI guide, Image generation.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET, UnsetType, structs
from msgspec.structs import replace

from adapter.event_loop.client_watch import ClientDisconnected
from adapter.flow.caller import Caller
from adapter.flow.tools.built_in.base import BuiltIn, Opening
from adapter.hosting.runs import BROKE, ToolRun
from translators.errors import unsupported_value
from translators.open_items.hosted import OpenHostedItem
from translators.open_items.image import OpenGeneratedImage
from translators.responses.events import Event
from translators.responses.hosted.items import ImageGenerationCall
from translators.responses.hosted.usage import ToolUsage
from translators.responses.items import InputImage, Item, Message
from translators.responses.tools import FunctionTool, ImageGenerationTool
from translators.tools.built_in import EDIT_IMAGE, MAKE_IMAGE, MAKE_OR_EDIT_IMAGE, read_arguments, wants_edit

if TYPE_CHECKING:
    from adapter.hosting.images import ImageMaker, ImageRequest, ImageResult, PartialImage

_NOT_CONFIGURED: Final = (
    "is not supported: no images are made here. The operator can configure an upstream as "
    "[tools.image_generation]; or declare a function that makes them."
)
_FUNCTIONS: Final[dict[object, FunctionTool]] = {"generate": MAKE_IMAGE, "edit": EDIT_IMAGE}
_MAX_SOURCES: Final = 16
"""Images of one edit: what OpenAI accepts."""


def open_image_generation(tool: ImageGenerationTool, opening: Opening) -> BuiltIn:
    """Return what makes images; raise RequestError if nothing is configured."""
    from adapter.hosting.images import ImageOptions, ImageRequest  # imported late: most requests make none

    source, caller = opening.source, opening.caller
    maker = opening.policy.create_image_maker(source.services.upstreams, source.services.files, source.tenant)
    if maker is None:
        raise unsupported_value(f"{opening.path}.type", "image_generation", _NOT_CONFIGURED)
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
    previews = (tool.partial_images or 0) if source.request.stream or source.request.background else 0
    asked = ImageRequest(
        "", options, partial_images=previews,
        input_fidelity=tool.input_fidelity if isinstance(tool.input_fidelity, str) else None,
    )  # fmt: skip
    images = Images(maker, asked, tool, opening.items, caller)
    return BuiltIn(tool, (_FUNCTIONS.get(tool.action, MAKE_OR_EDIT_IMAGE),), partial(ImageRun, images))


def _chosen(value: str | None, default: str) -> str | UnsetType:
    return UNSET if value in (None, default) else str(value)


def _latest_images(items: Sequence[Item]) -> Sequence[InputImage]:
    """Return the images of the last message that has some, or the one that was made after it."""
    for item in reversed(items):
        if isinstance(item, ImageGenerationCall) and isinstance(item.result, str) and item.result:
            return [_made_image(item.result, item.output_format)]
        parts = item.content if isinstance(item, Message) and item.role == "user" else ()
        if images := [part for part in parts if isinstance(part, InputImage)]:
            return images
    return ()


def _made_image(data: str, format: object) -> InputImage:
    return InputImage(f"data:image/{format if isinstance(format, str) else 'png'};base64,{data}")


class Images:
    """The images of one response: what they are made with, and which of them are the latest."""

    def __init__(
        self, maker: "ImageMaker", asked: "ImageRequest", tool: ImageGenerationTool, items: Sequence[Item],
        caller: Caller,
    ) -> None:  # fmt: skip
        """`asked`: what each image is made of, without a prompt. `items`: the whole context."""
        self._maker = maker
        self._asked = asked
        mask = tool.input_image_mask or None
        self._mask = None if mask is None else InputImage(mask.image_url, file_id=mask.file_id)
        self._items = items
        self._made: InputImage | None = None
        """The last image of this response."""
        self.always_edits = tool.action == "edit"
        self._caller = caller

    def make(self, prompt: str, show: "Callable[[PartialImage], None]", *, edit: bool) -> "ImageResult":
        """Return what came of a prompt; raises ClientDisconnected."""
        from adapter.hosting.images import ImageGone, ImageResult

        asked = replace(self._asked, prompt=prompt)
        if edit:
            latest = _latest_images(self._items) if self._made is None else [self._made]
            if not latest:
                return ImageResult(error="the conversation has no image that can be edited")
            try:
                sources = [self._maker.load(image) for image in latest[:_MAX_SOURCES]]
                mask = None if self._mask is None else self._maker.load(self._mask)
            except ImageGone as error:
                return ImageResult(error=f"an image could not be read: {error}")
            asked = replace(asked, sources=sources, mask=mask)
        result = self._maker.run(asked, show, bearer=self._caller.bearer, watch=self._caller.watch)
        if result.data:
            self._made = _made_image(result.data, result.output_format)
        return result


class ImageRun(ToolRun):
    """An image that is made, or edited."""

    def __init__(self, images: Images, function: str, arguments: str) -> None:
        self._images = images
        self._prompt = read_arguments(arguments).get("prompt", "")
        self._wants_edit = wants_edit(arguments)
        self._previews: list[PartialImage] = []
        self._text = BROKE
        self._data = ""
        self._members: dict[str, str | None] = {}

    def open_item(self, output_index: int, digits: str) -> OpenHostedItem:
        arguments = {"prompt": self._prompt} | ({"edit": True} if self._wants_edit else {})
        self._item = OpenGeneratedImage(output_index, f"ig_{digits}", arguments=arguments)
        return self._item

    def _run(self) -> None:
        edit = self._images.always_edits or self._wants_edit
        try:
            result = self._images.make(self._prompt, self._previews.append, edit=edit)
        except ClientDisconnected:
            return
        self._text, self._data = result.text, result.data
        self._members = {
            "output_format": result.output_format, "background": result.background, "quality": result.quality,
            "size": result.size, "revised_prompt": result.revised_prompt,
        }  # fmt: skip
        if result.usage is not None:
            self.usage = ToolUsage(image_gen=result.usage)

    def take_events(self) -> list[Event]:
        previews, self._previews[:] = self._previews[:], []
        return [self._item.show_partial(**structs.asdict(preview)) for preview in previews]

    def settle(self) -> None:
        self._item.settle(self._text, self._data, **self._members)

    def log_fields(self) -> dict[str, Any]:
        outcome = "ok" if self._data else "failed"
        return {"kind": "image_generation", "bytes": len(self._data), "outcome": outcome}
