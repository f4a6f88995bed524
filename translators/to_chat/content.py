"""Content parts of a message or a tool output → chat content.

Text-only content becomes one string, the form that every provider takes. Images stay parts of a user message; those
in a tool output cannot, so they are lifted into a user message behind the tool messages, with attribution. Files come
here as data for a provider that takes them; of the others, text was made before (`files.py`). What a provider cannot
take is refused with the path of the part. Source: responses-api reference §3.2.
"""

from collections.abc import Sequence
from typing import Final, Literal

from translators.chat.messages import AudioPart, FilePart, ImagePart, ImageURL, Part, TextPart
from translators.dialects.dialect import Dialect
from translators.errors import RequestError, missing_parameter, unsupported_parameter
from translators.notes import Notes
from translators.responses.items import (
    ContentPart,
    InputAudio,
    InputFile,
    InputImage,
    InputText,
    OutputText,
    PlainText,
    ReasoningText,
    Refusal,
    SummaryText,
)

BETWEEN: Final = "\n\n"
"""What stands between texts that become one string."""
_TEXTS: Final = (InputText, OutputText, PlainText, SummaryText, ReasoningText)
_KINDS: Final[dict[type, Literal["image", "audio"]]] = {InputImage: "image", InputAudio: "audio"}
_MEDIA: Final = frozenset({InputImage, InputFile, InputAudio})


def text_of(content: str | Sequence[ContentPart]) -> str:
    """Return the text of content, its parts joined; other media are left out."""
    if isinstance(content, str):
        return content
    if len(content) == 1:
        return _text(content[0])
    return BETWEEN.join(filter(None, map(_text, content)))


def has_media(content: str | Sequence[ContentPart]) -> bool:
    """Tell whether content is more than text."""
    if isinstance(content, str):
        return False
    return any([part.__class__ in _MEDIA for part in content])  # noqa: C419 - a list is quicker for the usual one part


def media_parts(
    content: Sequence[ContentPart], dialect: Dialect, notes: Notes, where: str, *, of_tool: bool = False
) -> list[Part]:
    """Return parts as chat parts, of a tool's only media that the provider takes; `where` is their path."""
    return [
        _chat_part(part, dialect, notes, f"{where}[{position}]")
        for position, part in enumerate(content)
        if (is_media(part) and is_taken(part, dialect) if of_tool else is_media(part) or _text(part))
    ]


def is_media(part: ContentPart) -> bool:
    return part.__class__ in _MEDIA


def _text(part: ContentPart) -> str:
    if isinstance(part, _TEXTS):
        return part.text
    return part.refusal if isinstance(part, Refusal) else ""


def is_taken(part: ContentPart, dialect: Dialect) -> bool:
    """Tell whether a provider takes media of this kind; files, whose text was made before, it always does."""
    kind = _KINDS.get(part.__class__)
    return kind is None or kind in dialect.media


def _chat_part(part: ContentPart, dialect: Dialect, notes: Notes, where: str) -> Part:
    if not is_taken(part, dialect):
        raise RequestError(
            f"Unsupported content in '{where}': provider '{dialect.name}' takes no {_KINDS[part.__class__]}.",
            param=where, code="unsupported_value",
        )
    if isinstance(part, InputImage):
        return _image(part, dialect, notes, where)
    if isinstance(part, InputFile):
        return _file(part, dialect, where)
    if isinstance(part, InputAudio):
        return AudioPart(part.input_audio)
    return TextPart(_text(part))


def _image(part: InputImage, dialect: Dialect, notes: Notes, where: str) -> ImagePart:
    if not part.image_url:
        if part.file_id:
            raise unsupported_parameter(f"{where}.file_id", "needs a file store, which this server does not have. "
                              "Send the image as 'image_url' (an http(s) or data URL).")
        raise missing_parameter(f"{where}.image_url")
    if not part.image_url.startswith(("http://", "https://", "data:image/")):
        raise RequestError(
            f"Invalid '{where}.image_url'. Expected a valid URL, but got a value with an invalid format.",
            param=f"{where}.image_url", code="invalid_value",
        )
    detail = part.detail
    if detail == "original" and not dialect.original_detail:
        notes.add(f"{where}.detail", "approximated", "'original' is sent as 'high'")
        detail = "high"
    return ImagePart(ImageURL(part.image_url, detail))


def _file(part: InputFile, dialect: Dialect, where: str) -> FilePart:
    if not dialect.file_parts or not part.file_data:
        raise RequestError(
            f"Unsupported file in '{where}': provider '{dialect.name}' takes no files of this form. "
            "Send the file's text as 'input_text'.",
            param=where, code="unsupported_file",
        )
    return FilePart({"filename": part.filename or "file", "file_data": part.file_data})
