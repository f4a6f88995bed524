"""Notes keep their order, and say each thing once."""

from translators.notes import Note, Notes


def test_what_is_said_again_is_kept_once() -> None:
    notes = Notes()
    for param in ("user", "tools", "user"):
        notes.add(param, "dropped", "x")
    assert list(notes) == [Note("user", "dropped", "x"), Note("tools", "dropped", "x")]
    assert len(notes) == 2


def test_what_is_stored_is_read_again() -> None:
    notes = Notes()
    assert list(Notes.read(notes.json())) == []
    notes.add("input[0]", "dropped", "é\n" * 2000)
    again = Notes.read(notes.json())
    assert list(again) == list(notes)
