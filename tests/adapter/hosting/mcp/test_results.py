"""What the model reads of a tool's result, and what is returned beside it."""

import base64
from typing import Any

import pytest

from adapter.hosting.mcp.results import read_result
from adapter.hosting.results import MAX_TEXT_BYTES, Image
from translators.responses.hosted.errors import ToolExecutionError

DATA = base64.b64encode(b"x" * 3000).decode()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([], ""),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
        ([{"type": "text", "text": "a\x00\x1b[31m\r\nb\tc\u0085\ud800"}], "a[31m\nb\tc"),
        ([{"type": "resource_link", "uri": "file:///a", "name": "A", "description": "the a"}], "[A](file:///a) the a"),
        ([{"type": "resource", "resource": {"uri": "a", "text": "inside"}}], "inside"),
        ([{"type": "resource", "resource": {"mimeType": "application/zip", "blob": DATA}}],
         "[resource application/zip, 2 KB]"),
        ([{"type": "image", "mimeType": "image/png", "data": DATA}], "[image image/png, 2 KB]"),
        ([{"type": "audio", "mimeType": "audio/wav", "data": "eA=="}], "[audio audio/wav, 3 bytes]"),
        ([{"type": "hologram"}, {"text": 7}], "[hologram]\n[content of an unknown type]"),
    ],
    ids=str,
)  # fmt: skip
def test_content_as_text(content: list[Any], text: str) -> None:
    assert read_result({"content": content}).text == text


def test_structured_content_is_used_if_there_is_no_text() -> None:
    structured = {"structuredContent": {"result": 8}}
    assert read_result({"content": [{"type": "text", "text": "8"}], **structured}).text == "8"
    assert read_result({"content": [], **structured}).text == '{"result":8}'


def test_a_long_text_is_cut_with_a_mark() -> None:
    found = read_result({"content": [{"type": "text", "text": "ä" * MAX_TEXT_BYTES}]})
    assert found.cut_bytes == MAX_TEXT_BYTES
    assert found.text == "ä" * (MAX_TEXT_BYTES // 2) + f"\n[cut: {MAX_TEXT_BYTES} more bytes]"


@pytest.mark.parametrize(
    ("type", "data", "readable"),
    [
        ("image/png", DATA, True), ("IMAGE/PNG", DATA, True), ("image/svg+xml", DATA, False),
        ("image/png", "not base64", False), ("image/png", "", False),
        ("image/png", base64.b64encode(b"x" * (8 * 1024 * 1024 + 3)).decode(), False),
    ],
    ids=["png", "upper case", "svg", "no base64", "empty", "too large"],
)  # fmt: skip
def test_images_that_a_model_can_read(type: str, data: str, readable: bool) -> None:
    found = read_result({"content": [{"type": "image", "mimeType": type, "data": data}]})
    assert found.images == ((Image("image/png", data),) if readable else ())


def test_at_most_eight_images() -> None:
    found = read_result({"content": [{"type": "image", "mimeType": "image/png", "data": DATA}] * 9})
    assert len(found.images) == 8


def test_the_content_of_an_error_is_bounded() -> None:
    found = read_result({"isError": True, "content": [{"type": "image", "data": "x" * MAX_TEXT_BYTES}]})
    assert isinstance(found.error, ToolExecutionError)
    assert [part["type"] for part in found.error.content] == ["text"]
