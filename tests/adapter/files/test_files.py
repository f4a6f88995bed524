"""Files in messages and tool outputs: what becomes of them for a provider that takes files and for one that does not,
and what of those that cannot be had. An item of the wire goes in, and one comes out."""

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from adapter.files import pdf_child
from adapter.files.files import Files
from adapter.files.pdf import NoText, text_of_pdf
from adapter.settings.settings import Settings
from tests.support.files.pdf import of_contents, pdf
from tests.support.servers.web_server import WebServer, http_response, web_server
from translators.dialects.dialect import Dialect
from translators.dialects.presets import PRESETS
from translators.errors import RequestError
from translators.notes import Notes
from translators.responses.decoding.items import decode_items
from translators.wire import encode

PLAIN = Dialect()
OPENAI = PRESETS["openai"]
LETTER = pdf("Dear Ada", "Yours, Charles")


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as web:
        yield web


@pytest.fixture
def files(web: WebServer) -> Files:
    return Files(Settings(file_url_hosts=(web.host,), max_body_bytes=1500))


def data(content: bytes, type: str = "") -> str:
    return f"data:{type};base64,{b64encode(content).decode()}"


def part(**members: str | None) -> dict[str, Any]:
    return {"type": "input_file", **members}


def message(*parts: dict[str, Any], role: str = "user") -> dict[str, Any]:
    return {"type": "message", "role": role, "content": list(parts)}


def resolved(files: Files, item: dict[str, Any], dialect: Dialect = PLAIN, notes: Notes | None = None) -> Any:
    """Return what became of an item of a request."""
    items = decode_items(json.dumps([item]).encode())
    return json.loads(encode(files.of_request(items, dialect, Notes() if notes is None else notes)))[0]


def remembered(files: Files, item: dict[str, Any], notes: Notes, dialect: Dialect = PLAIN) -> Any:
    """Return what became of an item of a history."""
    items = decode_items(json.dumps([item]).encode())
    return json.loads(encode(files.of_history(items, dialect, notes)))[0]


def refusal(files: Files, item: dict[str, Any], dialect: Dialect = PLAIN) -> RequestError:
    with pytest.raises(RequestError) as caught:
        resolved(files, item, dialect)
    assert caught.value.status == 400
    return caught.value


def text(words: str) -> dict[str, Any]:
    return {"type": "input_text", "text": words}


def lines(notes: Notes) -> list[str]:
    return [f"{note.param} {note.action}: {note.reason}" for note in notes]


# --- providers without files -------------------------------------------------------------------------------------

AS_TEXT: dict[str, tuple[dict[str, Any], str]] = {
    "a data URL": (part(file_data=data(b"a,b\n", "text/csv"), filename="t.csv"), '<file name="t.csv">\na,b\n\n</file>'),
    "base64": (part(file_data=b64encode(b"hello").decode(), filename="a"), '<file name="a">\nhello\n</file>'),
    "text by another name": (part(file_data=data(b"{}", "application/octet-stream"), filename="a.bin"),
                             '<file name="a.bin">\n{}\n</file>'),
    "a PDF": (part(file_data=data(LETTER, "application/pdf"), filename="l.pdf"),
              '<file name="l.pdf">\nDear Ada\n\nYours, Charles\n</file>'),
    "a PDF that is called nothing": (part(file_data=b64encode(LETTER).decode()),
                                     '<file name="file">\nDear Ada\n\nYours, Charles\n</file>'),
    "members that are null": (part(file_data=data(b"hello"), file_url=None, file_id=None, filename=None),
                              '<file name="file">\nhello\n</file>'),
    "data beside an id": (part(file_data=data(b"hello"), file_id="file-1"), '<file name="file">\nhello\n</file>'),
}  # fmt: skip


@pytest.mark.parametrize("name", AS_TEXT)
def test_a_file_is_sent_as_text(name: str, files: Files) -> None:
    file, expected = AS_TEXT[name]
    notes = Notes()
    assert resolved(files, message(text("Look:"), file), PLAIN, notes)["content"] == [text("Look:"), text(expected)]
    (note,) = lines(notes)
    assert note.startswith("input[0].content[1] approximated: file ")


@pytest.mark.parametrize("type", ["function_call_output", "custom_tool_call_output"])
def test_a_file_in_a_tool_output(type: str, files: Files) -> None:
    output = {"type": type, "call_id": "c", "output": [part(file_data=data(b"hello"), filename="a"), text("done")]}
    notes = Notes()
    assert resolved(files, output, PLAIN, notes)["output"] == [text('<file name="a">\nhello\n</file>'), text("done")]
    assert lines(notes) == ["input[0].output[0] approximated: file a is sent as text"]
    sent = resolved(files, output, OPENAI)["output"][0]
    assert (sent["type"], sent["file_data"]) == ("input_file", data(b"hello"))


# --- providers with files ----------------------------------------------------------------------------------------

AS_FILE: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "a data URL": (part(file_data="data:a/b;c=d;base64,aGk=", filename="x"), ("x", "data:a/b;c=d;base64,aGk=")),
    "base64": (part(file_data="aGk="), ("file", "data:text/plain;base64,aGk=")),
    "a PDF in base64": (part(file_data=b64encode(LETTER).decode()), ("file", data(LETTER, "application/pdf"))),
    "what nobody can read": (part(file_data="AAA=", filename="x.docx"),
                             ("x.docx", "data:application/octet-stream;base64,AAA=")),
}  # fmt: skip


@pytest.mark.parametrize("name", AS_FILE)
def test_a_file_is_sent_as_a_file(name: str, files: Files) -> None:
    file, (filename, file_data) = AS_FILE[name]
    notes = Notes()
    (sent,) = resolved(files, message(file), OPENAI, notes)["content"]
    assert (sent["type"], sent["filename"], sent["file_data"]) == ("input_file", filename, file_data)
    assert lines(notes) == []


@pytest.mark.parametrize("role", ["system", "developer", "assistant"])
def test_messages_that_can_only_be_text_get_text(role: str, files: Files) -> None:
    item = message(part(file_data="aGk=", filename="a"), role=role)
    assert resolved(files, item, OPENAI)["content"] == [text('<file name="a">\nhi\n</file>')]


def test_the_level_of_detail_is_dropped_with_a_note(files: Files) -> None:
    notes = Notes()
    resolved(files, message(part(file_data="aGk=", detail="low"), part(file_data="aGk=", detail="auto")), OPENAI, notes)
    assert lines(notes) == ["input[0].content[0].detail dropped: files are sent without a level of detail"]


def test_items_without_files_are_left_alone(files: Files) -> None:
    items = decode_items(json.dumps([message(text("Hi")), {"role": "user", "content": "Hi"}]).encode())
    assert files.of_request(items, PLAIN, Notes()) is items
    assert files.of_history(items, PLAIN, Notes()) is items
    assert files.of_history(list(items), PLAIN, Notes()) == items


def test_other_items_stay_where_they_are(files: Files) -> None:
    around = [{"role": "user", "content": "Hi"}, message(part(file_data="aGk=")), message(text("there"))]
    items = decode_items(json.dumps(around).encode())
    result = files.of_request(items, PLAIN, Notes())
    assert (len(result), result[0], result[2]) == (3, items[0], items[2])


# --- what is refused ---------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "nothing": (part(), ".file_data", "missing_required_parameter",
                "Missing required parameter: 'input[0].content[0].file_data'."),
    "empty members": (part(file_data="", file_url="", file_id=""), ".file_data", "missing_required_parameter",
                      "Missing required parameter"),
    "an id": (part(file_id="file-1"), ".file_id", "unsupported_parameter",
              "Unsupported parameter: 'input[0].content[0].file_id' needs a file store"),
    "no base64": (part(file_data="hello"), ".file_data", "invalid_value",
                  "Invalid 'input[0].content[0].file_data'. Expected base64-encoded data"),
    "a DOCX": (part(file_data=data(b"PK\x03\x04\0"), filename="cv.docx"), "", "unsupported_file",
               "Unsupported file in 'input[0].content[0]': provider 'default' takes it as text only, and cv.docx is "
               "neither text in UTF-8 nor a PDF. Send what it says as 'input_text'."),
    "a PDF without text": (part(file_data=data(of_contents(b"0 0 m 9 9 l S")), filename="scan.pdf"), "",
                           "unsupported_file", "Unsupported file in 'input[0].content[0]': provider 'default' takes it "
                           "as text only, and scan.pdf holds no text; it may be scanned. Send its text as "
                           "'input_text', or its pages as images."),
    "a PDF that is none": (part(file_data=data(b"%PDF-1.4\n")), "", "unsupported_file",
                           "Unsupported file in 'input[0].content[0]': provider 'default' takes it as text only, and "
                           "file could not be read as a PDF."),
    "a host that is not allowed": (part(file_url="http://files.example/a"), ".file_url", "unsupported_parameter",
                                   "Unsupported parameter: 'input[0].content[0].file_url' names a host that this "
                                   "server does not fetch files from. Send the file as 'file_data', or have the host "
                                   "added to ADAPTER_FILE_URL_HOSTS."),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_is_refused(name: str, files: Files) -> None:
    file, member, code, words = REFUSED[name]
    error = refusal(files, message(file))
    assert (error.param, error.code) == (f"input[0].content[0]{member}", code)
    assert error.message.startswith(words)


def test_nothing_is_fetched_unless_the_operator_says_so() -> None:
    error = refusal(Files(Settings()), message(part(file_url="http://127.0.0.1/")))
    assert error.code == "unsupported_parameter"
    assert "ADAPTER_FILE_URL_HOSTS" in error.message


# --- files by URL ------------------------------------------------------------------------------------------------

NAMES = [("/docs/r%C3%A9port.md", None, "réport.md"), ("/docs/?x=/y", None, "file"), ("/a.md", "b.md", "b.md")]


@pytest.mark.parametrize(("path", "filename", "name"), NAMES)
def test_a_file_by_url(path: str, filename: str | None, name: str, web: WebServer, files: Files) -> None:
    web.responses[path] = http_response(b"hello", content_type="text/markdown; charset=utf-8")
    file = part(file_url=web.url + path, filename=filename)
    assert resolved(files, message(file))["content"] == [text(f'<file name="{name}">\nhello\n</file>')]
    (sent,) = resolved(files, message(file), OPENAI)["content"]
    assert (sent["filename"], sent["file_data"]) == (name, data(b"hello", "text/markdown"))
    assert sent["file_url"] is None


def test_a_pdf_by_url(web: WebServer, files: Files) -> None:
    web.responses["/letter"] = http_response(LETTER, content_type="binary/octet-stream")
    (sent,) = resolved(files, message(part(file_url=f"{web.url}/letter")))["content"]
    assert "Yours, Charles" in sent["text"]


def test_a_url_that_cannot_be_had(web: WebServer, files: Files) -> None:
    web.responses["/gone"] = http_response(b"", status=410)
    error = refusal(files, message(text("Look:"), part(file_url=f"{web.url}/gone")))
    assert (error.param, error.code) == ("input[0].content[1].file_url", "invalid_value")
    assert error.message == (
        "Invalid 'input[0].content[1].file_url': the file could not be downloaded: its server answered with status 410."
    )


def test_all_files_of_a_request_together_are_as_large_as_a_body(web: WebServer, files: Files) -> None:
    web.responses["/"] = http_response(b"x" * 800)
    error = refusal(files, message(part(file_url=web.url), part(file_url=web.url)))
    assert error.param == "input[0].content[1].file_url"
    assert error.message.endswith(": it is larger than 700 bytes.")


def test_the_text_of_pdfs_counts(files: Files) -> None:
    long = part(file_data=data(pdf("x" * 800)), filename="long.pdf")
    error = refusal(files, message(long, long))
    assert (error.param, error.code) == ("input[0].content[1]", "unsupported_file")
    assert "long.pdf holds more text than one request may" in error.message


def test_one_request_is_no_flood_of_others(web: WebServer, files: Files) -> None:
    web.responses["/"] = http_response(b"")
    error = refusal(files, message(*[part(file_url=web.url)] * 100))
    assert error.param == "input[0].content[64].file_url"
    assert len(web.requests) == 64


# --- files of a history ------------------------------------------------------------------------------------------


def test_a_history_is_read_in_the_same_way(web: WebServer, files: Files) -> None:
    web.responses["/a"] = http_response(b"hello")
    notes = Notes()
    (sent,) = remembered(files, message(part(file_url=f"{web.url}/a")), notes)["content"]
    assert sent == text('<file name="a">\nhello\n</file>')
    assert lines(notes) == ["previous_response_id.content[0] approximated: file a is sent as text"]


@pytest.mark.parametrize(
    "file",
    [part(file_url="http://files.example/a", filename="a"), part(file_data="AAA=", filename="a"), part(file_id="f"),
     part(file_data="?", filename="a")],
)  # fmt: skip
def test_what_is_gone_from_a_history_is_said_and_noted(file: dict[str, Any], files: Files) -> None:
    notes = Notes()
    (sent,) = remembered(files, message(file), notes)["content"]
    assert sent == text(f"[The file {file.get('filename', 'file')} is no longer available.]")
    (note,) = lines(notes)
    assert note.startswith("previous_response_id dropped: a file of an earlier request: ")


# --- PDF ---------------------------------------------------------------------------------------------------------

BAD_PDFS = {
    "a bomb": (of_contents(b" " * (200 << 20)), "could not be read as a PDF"),
    "pages without end": (pdf(*["x"] * (pdf_child.MAX_PAGES + 1)), "has more than 2000 pages or "),
    "a tree that holds itself": (
        b"%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n"
        b"2 0 obj << /Type /Pages /Kids [2 0 R] /Count 1 >> endobj\ntrailer << /Root 1 0 R >>",
        "could not be read as a PDF",
    ),
    "depth without end": (b"%PDF-1.4\ntrailer " + b"<< /Root " * 100_000, "could not be read as a PDF"),
    "a password": (
        of_contents(b"", trailer=b"/ID [<00><00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%b> /U <%b> >>"
                    % (b"11" * 32, b"22" * 32)),
        "is locked with a password",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_PDFS)
def test_a_bad_pdf(name: str) -> None:
    file, reason = BAD_PDFS[name]
    with pytest.raises(NoText) as caught:
        text_of_pdf(file, 20, nullcontext())
    assert str(caught.value).startswith(reason)


def test_a_pdf_with_more_text_than_any_model_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_child, "MAX_CHARACTERS", 10)
    assert pdf_child.read(pdf("12345", "67890")) == (pdf_child.TEXT, "12345\n\n67890")
    assert pdf_child.read(pdf("12345", "67890", "!")) == (pdf_child.TOO_LONG, "")


def test_a_pdf_that_takes_too_long() -> None:
    with pytest.raises(NoText, match="could not be read in time"):
        text_of_pdf(of_contents(b"BT () Tj ET " * (1 << 17)), 0.2, nullcontext())


def test_the_reader_of_pdfs_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    class Popen:
        def __init__(self, *_: object, **options: Any) -> None:
            seen.update(options["env"])
            raise OSError

    for name in ("ADAPTER_UPSTREAM_API_KEY", "OPENAI_API_KEY", "PGPASSWORD"):
        monkeypatch.setenv(name, "hunter2")
    monkeypatch.setattr("subprocess.Popen", Popen)
    with pytest.raises(OSError):  # noqa: PT011 - the one above
        text_of_pdf(LETTER, 20, nullcontext())
    assert seen
    assert "hunter2" not in seen.values()
