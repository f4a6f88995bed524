"""Content parts → chat parts, and what is refused with the path of the part."""

from typing import Any

import pytest

from translators.chat.messages import AudioPart, FilePart, ImagePart, ImageURL, Part, TextPart
from translators.dialects.dialect import Dialect
from translators.dialects.presets import PRESETS
from translators.dialects.rendering import Rendering
from translators.errors import RequestError
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
from translators.to_chat.content import attachment_parts, content_parts, text_of

PNG = "data:image/png;base64,iVBORw0KGgo="
PDF = "data:application/pdf;base64,JVBERi0="
OPENAI = PRESETS["openai"]

TEXTS: dict[str, tuple[str | list[ContentPart], str]] = {
    "a string": ("a", "a"),
    "no parts": ([], ""),
    "one part": ([InputText("a")], "a"),
    "every kind of text": (
        [InputText("a"), OutputText("b"), Refusal("c"), SummaryText("d"), ReasoningText("e"), PlainText("f")],
        "a\n\nb\n\nc\n\nd\n\ne\n\nf",
    ),
    "empty parts": ([InputText(""), InputText("a"), InputText("")], "a"),
    "an image": ([InputImage(PNG)], ""),
    "text around an image": ([InputText("a"), InputImage(PNG), InputText("b")], "a\n\nb"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_text(name: str) -> None:
    content, expected = TEXTS[name]
    assert text_of(content) == expected


PARTS: dict[str, tuple[ContentPart, Dialect, Part]] = {
    "text": (InputText("a"), Dialect(), TextPart("a")),
    "an image": (InputImage(PNG), Dialect(), ImagePart(ImageURL(PNG))),
    "an image by URL": (InputImage("http://x/a.png", "low"), Dialect(), ImagePart(ImageURL("http://x/a.png", "low"))),
    "the original detail": (InputImage(PNG, "original"), OPENAI, ImagePart(ImageURL(PNG, "original"))),
    "a file": (InputFile(file_data=PDF), OPENAI, FilePart({"filename": "file", "file_data": PDF})),
    "a file with a name": (InputFile(PDF, filename="a"), OPENAI, FilePart({"filename": "a", "file_data": PDF})),
    "sound": (InputAudio({"data": "x", "format": "wav"}), Dialect(), AudioPart({"data": "x", "format": "wav"})),
}


@pytest.mark.parametrize("name", PARTS)
def test_parts(name: str) -> None:
    part, dialect, expected = PARTS[name]
    notes = Notes()
    assert content_parts([part], Rendering(dialect, notes), "input[0].content") == [expected]
    assert not len(notes)


def test_the_original_detail_is_approximated_with_a_note() -> None:
    notes = Notes()
    parts = [InputText("a"), InputImage(PNG, "original")]
    assert content_parts(parts, Rendering(Dialect(), notes), "input[3].content")[1] == ImagePart(ImageURL(PNG, "high"))
    assert [note.param for note in notes] == ["input[3].content[1].detail"]


def test_of_a_tools_parts_only_the_media_that_are_taken() -> None:
    parts = [InputText("a"), InputImage(PNG), InputAudio({"data": "x", "format": "wav"})]
    silent = Dialect(media=frozenset({"image"}))
    assert attachment_parts(parts, Rendering(silent, Notes()), "x") == [ImagePart(ImageURL(PNG))]


@pytest.mark.parametrize("part", [InputImage(PNG), InputAudio({"data": "x", "format": "wav"})])
def test_a_users_are_refused(part: ContentPart) -> None:
    with pytest.raises(RequestError, match="takes no") as caught:
        content_parts([InputText("a"), part], Rendering(Dialect(media=frozenset()), Notes()), "input[0].content")
    assert caught.value.param == "input[0].content[1]"


@pytest.mark.parametrize(
    ("lessons", "end"), [((), "takes no image."), (("image",), "forgotten: responses-adapter lessons --forget.")]
)
def test_what_was_learned_can_be_forgotten(lessons: tuple[str, ...], end: str) -> None:
    blind = Dialect(media=frozenset(), lessons=lessons)
    with pytest.raises(RequestError) as caught:
        content_parts([InputImage(PNG)], Rendering(blind, Notes()), "input[0].content")
    assert caught.value.message.endswith(end)


REFUSED: dict[str, tuple[Any, str, str]] = {
    "no image": (InputImage(), "image_url", "missing_required_parameter"),
    "an empty URL": (InputImage(""), "image_url", "missing_required_parameter"),
    "another scheme": (InputImage("file:///etc/passwd"), "image_url", "invalid_value"),
    "data that is no image": (InputImage("data:text/html,x"), "image_url", "invalid_value"),
    "an image by file_id": (InputImage(file_id="file-1"), "file_id", "unsupported_parameter"),
    "a file": (InputFile(file_data=PDF), "", "unsupported_file"),
    "a file by URL": (InputFile(file_url="https://x/a.pdf"), "", "unsupported_file"),
    "a file by file_id": (InputFile(file_id="file-1"), "", "unsupported_file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    part, member, code = REFUSED[name]
    with pytest.raises(RequestError) as caught:
        content_parts([InputText("a"), part], Rendering(Dialect(), Notes()), "input[0].content")
    assert caught.value.param == "input[0].content[1]" + (f".{member}" if member else "")
    assert caught.value.code == code
