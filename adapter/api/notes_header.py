"""The notes of a response as an HTTP header, and as comments of its stream."""

from typing import Final

from translators.notes import Note, Notes

_MAX_CHARACTERS: Final = 2000
"""Of the header's value: proxies refuse answers whose headers exceed their buffer, often 4 or 8 KB for all of them."""


def notes_header(notes: Notes) -> dict[str, str]:
    """Return `x-adapter-notes: path action: reason; …`; no header if there are no notes.

    Plain ASCII: a note may quote text of the client or the provider, and what cannot be in a header becomes "?".
    """
    return {"x-adapter-notes": _plain("; ".join(map(_line, notes)))} if notes else {}


def note_comment(note: Note) -> bytes:
    """Return the comment of an event stream that has a note: `: note: path action: reason`, in plain ASCII.

    Source: WHATWG HTML, Server-sent events.
    """
    return f": note: {_plain(_line(note))}\n\n".encode()


def _line(note: Note) -> str:
    return f"{note.param} {note.action}: {note.reason}"


def _plain(text: str) -> str:
    text = text[:_MAX_CHARACTERS]
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if " " <= c <= "~" else "?" for c in text)
