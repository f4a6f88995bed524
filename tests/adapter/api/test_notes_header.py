"""Notes as a header: plain ASCII, and not too long."""

from adapter.api.notes_header import notes_header
from translators.notes import Notes


def test_no_notes_are_no_header() -> None:
    assert notes_header(Notes()) == {}


def test_a_header_is_short_and_plain() -> None:
    notes = Notes()
    notes.add("input[0]", "dropped", "é\n" * 2000)
    header = notes_header(notes)["x-adapter-notes"]
    assert header == notes_header(Notes.read(notes.json()))["x-adapter-notes"]
    assert header.startswith("input[0] dropped: ??")
    assert len(header) == 2000
