"""Pictures, sound and files where the provider cannot be shown them: in a tool's output, and far behind in the talk.

A tool message is text alone, so what an output has attached moves into a user message behind the tool messages, and
both say so. What the provider takes none of is left out with a word in its place, but for the last that the user
asks: there it is refused (`content.py`), since an answer that never saw it would be worth nothing.
"""

from collections.abc import Sequence

from translators.chat.messages import Part, TextPart
from translators.dialects.dialect import Dialect
from translators.notes import Notes
from translators.responses.items import ContentPart, InputText
from translators.to_chat.content import BETWEEN, is_media, is_taken, media_parts, text_of


def taken_parts(parts: Sequence[ContentPart], dialect: Dialect, notes: Notes, where: str) -> list[ContentPart]:
    """Return a message's parts without those that the provider takes none of, and a word for them."""
    taken = [part for part in parts if is_taken(part, dialect)]
    left = len(parts) - len(taken)
    return [*taken, InputText(_left_out(left, dialect, notes, where))] if left else taken


def lifted(
    parts: Sequence[ContentPart], source: str, dialect: Dialect, notes: Notes, where: str
) -> tuple[str, list[Part]]:
    """Return an output as text, and what is attached to it as parts of a user message. `source` names the call."""
    text = text_of(parts)
    attached = [part for part in parts if is_media(part)]
    taken = sum([is_taken(part, dialect) for part in attached])
    if left := len(attached) - taken:
        text = BETWEEN.join(filter(None, (text, _left_out(left, dialect, notes, where))))
    if not taken:
        return text, []
    caption = f"{taken} attachment(s) of the output of {source}"
    text = BETWEEN.join(filter(None, (text, f"[{caption}: see the next user message]")))
    return text, [TextPart(f"[{caption}]"), *media_parts(parts, dialect, notes, where, of_tool=True)]


def _left_out(count: int, dialect: Dialect, notes: Notes, where: str) -> str:
    """Note that attachments are left out; return the word for them."""
    notes.add(where, "dropped", f"{count} attachment(s): provider '{dialect.name}' takes none such")
    return f"[{count} attachment(s) that cannot be shown to you]"
