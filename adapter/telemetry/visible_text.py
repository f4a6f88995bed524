"""What callers, models and providers wrote, as text that a terminal can show.

A terminal obeys control characters, and some characters turn the direction of text, have no width, or carry a hidden
text. None of them reaches it: they are shown by their numbers.
"""

import re
from typing import Final

_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e01ef]"
)
"""Other than tab and line feed, and the joiners that scripts and emoji need."""


def visible(text: str) -> str:
    """Return a text in which no character steers a terminal or is hidden."""
    return _UNSEEN.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)


def visible_line(text: str) -> str:
    """Return such a text as one line."""
    return visible(" ".join(text.split()))
