"""Files by their id: what a request, a history and an input with its history get."""

import base64
import json
import time
from typing import Any

import pytest

from adapter.files.files import Files
from adapter.files.stored import stored_ids
from adapter.settings.settings import Settings
from adapter.store.files.memory import MemoryFileStore
from tests.adapter.store.files.conformance import OURS, THEIRS, keep
from tests.support.files.pdf import pdf
from translators.dialects.dialect import Dialect
from translators.dialects.presets import PRESETS
from translators.errors import RequestError
from translators.notes import Notes
from translators.responses.decoding.items import decode_items
from translators.wire import encode

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
TEXT = {"type": "input_file", "file_id": "file-1"}
IMAGE = {"type": "input_image", "file_id": "file-2", "detail": "low"}
ANSWER = {"type": "message", "role": "assistant", "content": "Yes."}


@pytest.fixture
def store() -> MemoryFileStore:
    store = MemoryFileStore()
    keep(store, "file-1", b"hel", b"lo", filename="a.txt")
    keep(store, "file-2", PNG, filename="b.png", type="application/octet-stream")
    keep(store, "file-3", pdf("Dear Ada"), filename="c.pdf", type="application/pdf")
    return store


@pytest.fixture
def files(store: MemoryFileStore) -> Files:
    return Files(Settings(max_body_bytes=2000), store=store)


def message(*parts: dict[str, Any], role: str = "user") -> dict[str, Any]:
    return {"type": "message", "role": role, "content": list(parts)}


def replaced(
    files: Files, *items: dict[str, Any], dialect: Dialect = PRESETS["openai"], notes: Notes | None = None,
    tenant: str = OURS, history: bool = False,
) -> Any:  # fmt: skip
    read = files.of_history if history else files.of_request
    decoded = decode_items(json.dumps(items).encode())
    return json.loads(encode(read(decoded, dialect, Notes() if notes is None else notes, tenant=tenant)))


def data_url(type: str, data: bytes) -> str:
    return f"data:{type};base64,{base64.b64encode(data).decode()}"


def test_a_file_is_sent_as_any_other(files: Files) -> None:
    (item,) = replaced(files, message(TEXT, {**TEXT, "filename": "own.txt"}))
    assert [(part["filename"], part["file_data"]) for part in item["content"]] == [
        ("a.txt", data_url("text/plain", b"hello")), ("own.txt", data_url("text/plain", b"hello")),
    ]  # fmt: skip
    (item,) = replaced(files, message(TEXT, {**TEXT, "file_id": "file-3"}), dialect=Dialect())
    assert [part["text"] for part in item["content"]] == [
        '<file name="a.txt">\nhello\n</file>', '<file name="c.pdf">\nDear Ada\n</file>',
    ]  # fmt: skip


def test_an_image_is_a_data_url_of_its_own_type(files: Files) -> None:
    (item,) = replaced(files, message(IMAGE))
    (part,) = item["content"]
    assert (part["image_url"], part["detail"], part["file_id"]) == (data_url("image/png", PNG), "low", None)


def test_only_a_webp_file_is_webp(files: Files, store: MemoryFileStore) -> None:
    keep(store, "file-4", b"RIFF\x24\x0a\0\0WEBPVP8 ", filename="a.webp")
    keep(store, "file-5", b"RIFF\x24\x0a\0\0WAVEfmt ", filename="a.wav")
    assert files.stored.load_image("file-4", OURS, "file_id", 2000).type == "image/webp"
    with pytest.raises(RequestError, match="no image"):
        files.stored.load_image("file-5", OURS, "file_id", 2000)


def test_tool_outputs_and_screenshots_have_files_too(files: Files) -> None:
    outputs = [
        {"type": "function_call_output", "call_id": "c", "output": [TEXT, IMAGE]},
        {"type": "custom_tool_call_output", "call_id": "c", "output": [IMAGE]},
        {"type": "computer_call_output", "call_id": "c",
         "output": {"type": "computer_screenshot", "file_id": "file-2"}},
    ]  # fmt: skip
    one, two, three = replaced(files, *outputs)
    assert [part["type"] for part in one["output"]] == ["input_file", "input_image"]
    assert two["output"][0]["image_url"] == three["output"]["image_url"] == data_url("image/png", PNG)
    assert stored_ids(decode_items(json.dumps(outputs).encode())) == {"file-1", "file-2"}


@pytest.mark.parametrize(
    ("part", "tenant", "message_"),
    [
        ({**TEXT, "file_id": "file-9"}, OURS, "No such File object: file-9"),
        (TEXT, THEIRS, "No such File object: file-1"),
        ({**TEXT, "file_id": "\0"}, OURS, "No such File object"),
        ({**IMAGE, "file_id": "file-1"}, OURS, "the file is no image of type PNG"),
        (IMAGE, THEIRS, "No such File object: file-2"),
    ],
)
def test_what_a_request_may_not_name(files: Files, part: dict[str, Any], tenant: str, message_: str) -> None:
    with pytest.raises(RequestError) as caught:
        replaced(files, message(part), tenant=tenant)
    assert caught.value.status == 400
    assert caught.value.param == "input[0].content[0].file_id"
    assert message_ in caught.value.message


def test_files_of_one_request_have_a_limit_together(files: Files, store: MemoryFileStore) -> None:
    keep(store, "file-4", b"x" * 1500)
    with pytest.raises(RequestError, match="one request may have read 500 more"):
        replaced(files, message({**TEXT, "file_id": "file-4"}, {**TEXT, "file_id": "file-4"}))


def test_a_deleted_file_of_a_history_is_said_and_noted(files: Files, store: MemoryFileStore) -> None:
    store.delete_file("file-1", OURS)
    store.delete_file("file-2", OURS)
    notes = Notes()
    (item,) = replaced(files, message(TEXT, IMAGE), notes=notes, history=True)
    gone = ["[The file file is no longer available.]", "[An image is no longer available.]"]
    assert [part["text"] for part in item["content"]] == gone
    assert len(list(notes)) == 2


def test_so_is_one_in_an_input_that_has_the_history(files: Files, store: MemoryFileStore) -> None:
    store.delete_file("file-1", OURS)
    notes = Notes()
    first, _, second = replaced(files, message(TEXT), ANSWER, message({**TEXT, "file_id": "file-3"}), notes=notes)
    assert first["content"][0]["text"] == "[The file file is no longer available.]"
    assert second["content"][0]["filename"] == "c.pdf"
    assert [note.param for note in notes] == ["input[0].content[0]"]
    with pytest.raises(RequestError, match="No such File object: file-1"):
        replaced(files, message(TEXT), ANSWER, message(TEXT))


def test_a_use_keeps_a_file(files: Files, store: MemoryFileStore) -> None:
    before = time.time()
    replaced(files, message(TEXT))
    assert store.prune_files(before) == 2, "the others"
    assert store.prune_files(before + 10) == 1


def test_a_server_without_a_file_store() -> None:
    with pytest.raises(RequestError, match="needs a file store, which this server does not have"):
        replaced(Files(Settings()), message(IMAGE))
