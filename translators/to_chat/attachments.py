"""Images, audio and files where chat has no place for them: outputs, system messages, older messages of the user.

A tool message is only text, and so is a system message: their media move into a user message behind, and both mention
it. Media that the provider does not accept become a placeholder text, with a note; but in the user's last
message they are a request error (`content.py`), since an answer without them would be worthless.
"""

from collections.abc import Sequence

from translators.chat.messages import Part, TextPart
from translators.dialects.rendering import Rendering
from translators.responses.items import ContentPart, InputText
from translators.to_chat.content import PARAGRAPH, attachment_parts, is_accepted, is_media, text_of


def replace_unaccepted(parts: Sequence[ContentPart], rendering: Rendering, path: str) -> list[ContentPart]:
    """Return a message's parts with one placeholder for all media that the provider does not accept."""
    accepted = [part for part in parts if is_accepted(part, rendering.dialect)]
    missing = len(parts) - len(accepted)
    return [*accepted, InputText(_placeholder(missing, rendering, path))] if missing else accepted


def split_attachments(
    parts: Sequence[ContentPart], source: str, rendering: Rendering, path: str
) -> tuple[str, list[Part]]:
    """Return the text of content that must be text, and its attachments as parts of a user message.

    `source` says whose they are.
    """
    text = text_of(parts)
    media = [part for part in parts if is_media(part)]
    accepted = sum([is_accepted(part, rendering.dialect) for part in media])
    if missing := len(media) - accepted:
        text = PARAGRAPH.join(filter(None, (text, _placeholder(missing, rendering, path))))
    if not accepted:
        return text, []
    caption = f"{accepted} attachment(s) of {source}"
    text = PARAGRAPH.join(filter(None, (text, f"[{caption}: see the next user message]")))
    return text, [TextPart(f"[{caption}]"), *attachment_parts(parts, rendering, path)]


def _placeholder(count: int, rendering: Rendering, path: str) -> str:
    """Note that attachments are left out; return the text in their place."""
    rendering.note(path, "dropped", f"does not accept {count} attachment(s) of this kind")
    return f"[{count} attachment(s) that cannot be shown to you]"
