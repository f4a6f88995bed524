"""Notes as a header and as comments of a stream: plain ASCII, and not too long."""

from adapter.api.notes_header import note_comment, notes_header
from translators.notes import Note, Notes


def test_no_notes_are_no_header() -> None:
    assert notes_header(Notes()) == {}


def test_a_header_is_short_and_plain() -> None:
    notes = Notes()
    notes.add("input[0]", "dropped", "é\n" * 2000)
    header = notes_header(notes)["x-adapter-notes"]
    assert header == notes_header(Notes.read(notes.json()))["x-adapter-notes"]
    assert header.startswith("input[0] dropped: ??")
    assert len(header) == 2000


def test_a_comment_is_one_line() -> None:
    note = Note("content", "dropped", "a\r\nevent: x\n\ndata: é")
    assert note_comment(note) == b": note: content dropped: a??event: x??data: ?\n\n"
