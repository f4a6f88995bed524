"""Content parts of a message or a tool output → chat content.

Content that is only text becomes one string, the form that every provider accepts. Images, files and audio stay parts
of a user message; a tool message can only be text (see `attachments.py`). A file is data here if the provider takes
files; otherwise its text replaced it before. An unsupported part is a request error with the part's path.
Source: OpenAI API reference, Responses: create; OpenAI API reference, Chat: create.
"""

from collections.abc import Sequence
from typing import Final, Literal, NoReturn

from translators.chat.messages import AudioPart, FilePart, ImagePart, ImageURL, Part, TextPart
from translators.dialects.dialect import Dialect
from translators.dialects.rendering import Rendering
from translators.errors import RequestError, missing_parameter, unsupported_parameter
from translators.responses.items import (
    ContentPart,
    EncryptedContent,
    InputAudio,
    InputFile,
    InputImage,
    InputText,
    OutputText,
    PlainText,
    ReasoningText,
    Refusal,
    Sound,
    SummaryText,
)
from translators.responses.unknown_item import UnknownPart
from translators.to_chat.encrypted import shown_text, unknown_text

PARAGRAPH: Final = "\n\n"
"""Separates texts that become one string."""
_TEXT_PARTS: Final = (InputText, OutputText, PlainText, SummaryText, ReasoningText)
_MEDIA_KIND: Final[dict[type, Literal["image", "audio"]]] = {InputImage: "image", InputAudio: "audio"}
_MEDIA: Final = frozenset({InputImage, InputFile, InputAudio})
_SOUNDS: Final[dict[str, Literal["mp3", "wav"]]] = {
    "data:audio/wav": "wav", "data:audio/x-wav": "wav", "data:audio/wave": "wav",
    "data:audio/mpeg": "mp3", "data:audio/mp3": "mp3",
}
_IMAGE_URLS: Final = ("http://", "https://", "data:image/")
_NOT_PLAIN: Final = _MEDIA | {EncryptedContent, UnknownPart}


def text_of(content: str | Sequence[ContentPart]) -> str:
    """Return the text of content, its parts joined, without media."""
    if isinstance(content, str):
        return content
    if len(content) == 1:
        return _text(content[0])
    return PARAGRAPH.join([text for text in map(_text, content) if text and not text.isspace()])


def is_blank(text: str) -> bool:
    """Whether a text is empty or white space, which many providers refuse as a message or a part."""
    return not text or text.isspace()


def has_media(content: str | Sequence[ContentPart]) -> bool:
    """Whether content is more than text."""
    if isinstance(content, str):
        return False
    return not _MEDIA.isdisjoint(map(type, content))


def is_plain(content: str | Sequence[ContentPart]) -> bool:
    """Whether content is text that anyone may read, and nothing else."""
    if isinstance(content, str):
        return True
    return _NOT_PLAIN.isdisjoint(map(type, content))


def content_parts(content: Sequence[ContentPart], rendering: Rendering, path: str) -> list[Part]:
    """Return the chat parts of a user's content at `path`; raise RequestError for an unsupported one."""
    return [
        _chat_part(part, rendering, f"{path}[{index}]")
        for index, part in enumerate(content)
        if is_media(part) or not is_blank(_text(part))
    ]


def attachment_parts(content: Sequence[ContentPart], rendering: Rendering, path: str) -> list[Part]:
    """Return the chat parts of the media in a tool output at `path`, as far as the provider accepts them."""
    return [
        _chat_part(part, rendering, f"{path}[{index}]")
        for index, part in enumerate(content)
        if is_media(part) and is_accepted(part, rendering.dialect)
    ]


def is_media(part: ContentPart) -> bool:
    return part.__class__ in _MEDIA


def _text(part: ContentPart) -> str:
    if isinstance(part, _TEXT_PARTS):
        return part.text
    if isinstance(part, EncryptedContent):
        return shown_text(part)
    if isinstance(part, UnknownPart):
        return unknown_text(part)
    return part.refusal if isinstance(part, Refusal) else ""


def is_accepted(part: ContentPart, dialect: Dialect) -> bool:
    """Whether the provider accepts media of this kind and form; a file always, since text can replace it."""
    kind = _MEDIA_KIND.get(part.__class__)
    if kind is None:
        return True
    if isinstance(part, InputImage):
        return kind in dialect.media and (part.image_url or "").startswith(_IMAGE_URLS)
    return kind in dialect.media and isinstance(part, InputAudio) and _sound(part) is not None


def _learned(kind: str, rendering: Rendering) -> str:
    """Return what to do if a model that has refused a kind of media may take it by now, as after a restart."""
    if kind not in rendering.dialect.lessons:
        return ""
    return " It has refused one before; the operator can have that forgotten: responses-adapter lessons --forget."


def _chat_part(part: ContentPart, rendering: Rendering, path: str) -> Part:
    kind = _MEDIA_KIND.get(part.__class__)
    if kind is not None and kind not in rendering.dialect.media:
        raise RequestError(
            f"Unsupported content in '{path}': {rendering.provider} takes no {kind}.{_learned(kind, rendering)}",
            param=path, code="unsupported_value",
        )
    if isinstance(part, InputImage):
        return _image(part, rendering, path)
    if isinstance(part, InputFile):
        return _file(part, rendering, path)
    if isinstance(part, InputAudio):
        return AudioPart(_sound(part) or _no_sound(part, path))
    return TextPart(_text(part))


def _image(part: InputImage, rendering: Rendering, path: str) -> ImagePart:
    if not part.image_url:
        if part.file_id:
            raise unsupported_parameter(
                f"{path}.file_id", "needs a file store, which this server does not have. "
                "Send the image as 'image_url' (an http(s) or data URL)."
            )
        raise missing_parameter(f"{path}.image_url")
    if not part.image_url.startswith(_IMAGE_URLS):
        raise RequestError(
            f"Invalid '{path}.image_url'. Expected a valid URL, but got a value with an invalid format.",
            param=f"{path}.image_url", code="invalid_value",
        )
    detail = part.detail
    if detail == "original" and not rendering.dialect.original_detail:
        rendering.notes.add(f"{path}.detail", "approximated", "'original' is sent as 'high'")
        detail = "high"
    return ImagePart(ImageURL(part.image_url, detail))


def _sound(part: InputAudio) -> Sound | None:
    """Return the sound of a part; None: it has none that chat can carry."""
    if part.input_audio is not None or part.audio_url is None:
        return part.input_audio
    head, _, data = part.audio_url.partition(";base64,")
    format = _SOUNDS.get(head.partition(";")[0].lower())
    return None if format is None else Sound(data, format)


def _no_sound(part: InputAudio, path: str) -> NoReturn:
    if part.audio_url is None:
        raise missing_parameter(f"{path}.input_audio")
    raise RequestError(
        f"Invalid '{path}.audio_url'. Expected a base64 data URL of audio/wav or audio/mpeg.",
        param=f"{path}.audio_url", code="invalid_value",
    )


def _file(part: InputFile, rendering: Rendering, path: str) -> FilePart:
    if not rendering.dialect.file_parts or not part.file_data:
        raise RequestError(
            f"Unsupported file in '{path}': {rendering.provider} takes no files of this form. "
            "Send the file's text as 'input_text'.",
            param=path, code="unsupported_file",
        )
    return FilePart({"filename": part.filename or "file", "file_data": part.file_data})
