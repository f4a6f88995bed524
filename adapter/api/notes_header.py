"""The notes of a response as an HTTP header."""

from typing import Final

from translators.notes import Notes

_MAX_CHARACTERS: Final = 2000
"""Of the header's value: proxies refuse answers whose headers exceed their buffer, often 4 or 8 KB for all of them."""


def notes_header(notes: Notes) -> dict[str, str]:
    """Return `x-adapter-notes: path action: reason; …`; no header if there are no notes.

    Plain ASCII: a note may quote text of the client or the provider, and what cannot be in a header becomes "?".
    """
    if not notes:
        return {}
    text = "; ".join(f"{note.param} {note.action}: {note.reason}" for note in notes)
    return {"x-adapter-notes": "".join(c if " " <= c <= "~" else "?" for c in text[:_MAX_CHARACTERS])}
