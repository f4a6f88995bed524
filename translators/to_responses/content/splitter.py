"""Splits content into text, thinking and the calls that the model wrote as text, while it streams.

Marks count where the request declares functions, and only if what stands between them is a call of one of these:
everything else stays text, with a note. Text ahead of a mark goes out at once; characters that could still become a
mark wait for the next piece, no others do. What follows an opening mark waits for the closing one. Any split of the
content gives the same result.

gpt-oss (harmony) writes thinking and answers between marks, too. Content that begins with those is read even if no
functions are declared. A call of Llama 3 has no mark at all: content that begins with `{"name": "<a function>",
"parameters": {` is one, if nothing else follows.
"""

import re
from collections.abc import Callable
from typing import Final, Literal

from translators.loose_json import is_json_prefix, loose_value
from translators.reasoning.think_tags import Piece
from translators.to_responses.content.forms import (
    AROUND_CALLS,
    BARE_CALL,
    BARE_PREFIXES,
    CALL_FORMS,
    HARMONY_ENDS,
    HARMONY_MESSAGE,
    HARMONY_OPENINGS,
    CallForm,
    harmony_call,
)
from translators.to_responses.content.functions import DeclaredFunctions, MarkedCall
from translators.to_responses.content.marks import BEGINNINGS, OPENINGS, first_mark, mark_at_start, may_become

_MAX_BLOCK: Final = 1024 * 1024
"""Characters between two marks; more than that is text."""
_MAX_TRIES: Final = 16
"""Closing marks within the strings of one call."""
_MAX_UNREAD: Final = 32
"""Marks that turned out to be text; behind that many, all is text."""
_MAX_WAIT: Final = 256
"""Characters of a harmony header, and of white space that waits for a mark."""
_FORMS: Final = {form.opening: form for form in CALL_FORMS}
_BEHIND: Final = (*AROUND_CALLS, *(closing for form in CALL_FORMS for closing in form.closings), *HARMONY_ENDS)
"""What follows a call and says nothing more."""
_IN_HARMONY: Final = (*HARMONY_ENDS, *HARMONY_OPENINGS)
_CHANNEL: Final = re.compile(r"<\|channel\|>\s*(\w+)")
_RECIPIENT: Final = re.compile(r"\bto=([\w.-]+)")
_BRACKET: Final = re.compile(r"[{\[]")

_Place = Literal["start", "text", "around", "call", "header", "thinking", "answer", "behind", "off"]
"""Where the content is: at its start, in text, behind a mark that stands around calls, in a call, in a harmony header,
in one of its channels, behind a call, or where no marks count."""


class MarkSplitter:
    """Splits the content of one answer. `feed` and `flush` return pieces in order; `calls` are those that were read."""

    __slots__ = (
        "_ahead", "_block", "_form", "_functions", "_openings", "_place", "_rejected", "_size", "_tries", "calls",
        "held",
    )  # fmt: skip

    def __init__(self, functions: DeclaredFunctions, *, in_text: bool = False) -> None:
        """`in_text`: the content begins with text."""
        self.calls: list[MarkedCall] = []
        self._functions = functions
        self._openings = OPENINGS if functions else HARMONY_OPENINGS
        self._place: _Place = "text" if in_text else "start"
        self.held = ""
        """Text that waits for what follows it."""
        self._ahead = ""
        """Marks around calls that no call has followed yet."""
        self._form = BARE_CALL
        """Of the call that is being written; its text so far, and how much that is."""
        self._block: list[str] = []
        self._size = self._tries = 0
        self._rejected = 0

    @property
    def is_idle(self) -> bool:
        """Whether text without a mark's first character goes out as it is."""
        return self._place == "off" or (self._place == "text" and not self.held)

    @property
    def is_over(self) -> bool:
        """Whether no further mark counts."""
        return self._place == "off"

    @property
    def ends_in_call(self) -> bool:
        """Whether nothing follows the last call."""
        return self._place == "behind" and bool(self.calls)

    @property
    def has_unread(self) -> bool:
        """Whether something between marks stayed text."""
        return self._rejected > 0

    def take_text(self, text: str, find_mark: Callable[[str], re.Match[str] | None]) -> str | None:
        """Return what of text can go out at once, and hold the rest; None if a mark may be in it, and do nothing.

        It does what `feed` does at less cost, while the content is in text. `find_mark` is `may_hold_mark`, or
        `may_hold_minimax_mark`.
        """
        text = self.held + text
        found = find_mark(text)
        if found is None:
            self.held = ""
            return text
        if found.end() < len(text) or found[0] not in BEGINNINGS:
            return None
        self.held = found[0]
        return text[: found.start()]

    def feed(self, text: str) -> list[Piece]:
        pieces: list[Piece] = []
        text = self.held + text
        self.held = ""
        while text:
            match self._place:
                case "start":
                    text = self._read_start(text)
                case "text":
                    text = self._read_text(text, pieces)
                case "around":
                    text = self._read_around(text, pieces)
                case "call":
                    text = self._read_call(text, pieces)
                case "header":
                    text = self._read_header(text, pieces)
                case "thinking" | "answer":
                    text = self._read_channel(text, pieces)
                case "behind":
                    text = self._read_behind(text)
                case "off":
                    _write(text, pieces)
                    text = ""
        return pieces

    def flush(self) -> list[Piece]:
        """Return what was held back, now that other than content arrives, or the answer ends."""
        pieces: list[Piece] = []
        held, self.held = self.held, ""
        match self._place:
            case "call":
                body = "".join(self._block) + held
                if self._take(self._form, body):
                    self._place = "behind"
                else:
                    _write(self._reject(body), pieces)
            case "header" | "around":
                self._place = "text"
                _write(self._ahead + held, pieces)
                self._ahead = ""
            case "behind" if not held.strip():
                pass
            case place:
                _write(held, pieces, thinking=place == "thinking")
        return pieces

    # --- text -------------------------------------------------------------------------------------------------

    def _read_start(self, text: str) -> str:
        """Find out how the content begins; return what is left to read."""
        start = text.lstrip()
        if len(text) - len(start) > _MAX_WAIT:
            self._place = "text" if self._functions else "off"
            return text
        if mark_at_start(start, self._openings) is not None:
            self._place = "text"
            return start
        if not start or may_become(start, self._openings):
            self.held = text
            return ""
        if not self._functions:
            self._place = "off"
            return text
        is_call = self._is_bare_call(start)
        if is_call is None:
            self.held = text
            return ""
        if is_call:
            self._begin_call(BARE_CALL)
            return text
        self._place = "text"
        return text

    def _is_bare_call(self, start: str) -> bool | None:
        """Whether content begins like a call without marks; None: it may still."""
        start = "".join(start[: 4 * _MAX_WAIT].split())
        prefix = next((prefix for prefix in BARE_PREFIXES if start[: len(prefix)] == prefix[: len(start)]), "")
        if start[0] not in "{[" and not prefix:
            return False
        start = start[len(prefix) :].removeprefix("[")
        names = self._functions.parameters
        heads = [
            f'{{{kind}"name":"{name}","{member}":{{'
            for name in names
            for kind in ("", '"type":"function",')
            for member in ("parameters", "arguments")
        ] + [f"{before}{name}(" for name in names for before in ("", "print(", "default_api.", "print(default_api.")]
        found = False
        for head in heads:
            if start.startswith(head):
                return True
            found = found or head.startswith(start)
        return None if found else False

    def _read_text(self, text: str, pieces: list[Piece]) -> str:
        """Read text up to the first mark; return what is left to read."""
        at, mark = first_mark(text, self._openings)
        _write(text[:at], pieces)
        if mark:
            return self._begin(mark, text[at + len(mark) :])
        self.held = text[at:]
        return ""

    def _begin(self, mark: str, rest: str) -> str:
        """Go to where an opening mark leads; return what is left to read."""
        if mark in HARMONY_OPENINGS:
            self._place = "header"
            return mark + rest
        if mark in _FORMS:
            self._begin_call(_FORMS[mark])
        else:
            self._ahead += mark
            self._place = "around"
        return rest

    def _read_around(self, text: str, pieces: list[Piece]) -> str:
        """Read what follows a mark that stands around calls; return what is left to read."""
        start = text.lstrip()
        if (mark := mark_at_start(start, self._openings)) is not None:
            self._ahead += text[: -len(start)]
            return self._begin(mark, start[len(mark) :])
        if len(text) <= _MAX_WAIT and (not start or may_become(start, self._openings)):
            self.held = text
            return ""
        _write(self._ahead, pieces)
        self._ahead = ""
        self._place = "text"
        return text

    def _read_behind(self, text: str) -> str:
        """Read what follows a call, and leave out marks; return what is left to read."""
        start = text.lstrip()
        if (mark := mark_at_start(start, _BEHIND)) is not None:
            return start[len(mark) :]
        if (mark := mark_at_start(start, self._openings)) is not None:
            return self._begin(mark, start[len(mark) :])
        waits = not start or may_become(start, _BEHIND) or may_become(start, self._openings)
        if waits and len(text) <= _MAX_WAIT:
            self.held = text
            return ""
        self._place = "text"
        return text

    # --- calls ------------------------------------------------------------------------------------------------

    def _begin_call(self, form: CallForm) -> None:
        self._place, self._form, self._size, self._tries = "call", form, 0, 0
        self._block.clear()

    def _read_call(self, text: str, pieces: list[Piece]) -> str:
        """Read a call up to its closing mark; return what is left to read."""
        form = self._form
        if self._size < _MAX_WAIT:
            body = "".join(self._block) + text
            if not form.may_begin(body[:_MAX_WAIT], self._functions):
                return self._give_up(body, pieces)
        at, mark = first_mark(text, (*form.closings, form.opening) if form.closings and form.opening else form.closings)
        self._block.append(text[:at])
        self._size += at
        if self._size > _MAX_BLOCK:
            rest = self._give_up("".join(self._block) + text[at:], pieces)
            self._place = "off"
            return rest
        if not mark:
            self.held = text[at:]
            return ""
        body = "".join(self._block)
        if self._take(form, body):
            self._place = "behind"
            if mark == form.opening:  # the closing mark is missing
                return text[at:]
        elif self._tries < _MAX_TRIES and _is_cut_json(body):  # the mark is in a string
            self._tries += 1
            self._block[:] = [body + mark]
            self._size = len(body) + len(mark)
        else:
            return self._give_up(body + text[at:], pieces)
        return text[at + len(mark) :]

    def _take(self, form: CallForm, body: str) -> bool:
        """Read the calls in a whole text; return whether it has any, and nothing else."""
        calls = form.read(form.opening + body if form.keeps_opening else body, self._functions)
        if not calls:
            return False
        self.calls += calls
        self._ahead = ""
        return True

    def _give_up(self, body: str, pieces: list[Piece]) -> str:
        """Take an opening mark as text; return what followed it, to be read as text."""
        _write(self._reject(""), pieces)
        return body

    def _reject(self, body: str) -> str:
        """Return the text that a call turned out to be."""
        text = self._ahead + self._form.opening + body
        self._ahead = ""
        self._rejected += self._form is not BARE_CALL
        self._place = "text" if self._functions and self._rejected <= _MAX_UNREAD else "off"
        return text

    # --- harmony ----------------------------------------------------------------------------------------------

    def _read_header(self, text: str, pieces: list[Piece]) -> str:
        """Read a harmony header; return what is left to read."""
        header, ended, rest = text.partition(HARMONY_MESSAGE)
        if len(header) > _MAX_WAIT or not ended:
            if len(text) <= _MAX_WAIT:
                self.held = text
                return ""
            mark = mark_at_start(text, HARMONY_OPENINGS) or ""
            self._form = BARE_CALL._replace(opening=mark)
            return self._give_up(text[len(mark) :], pieces)
        if recipient := _RECIPIENT.search(header):
            self._begin_call(harmony_call(header + ended, recipient[1]))
        else:
            channel = _CHANNEL.search(header)
            self._place = "thinking" if channel and channel[1] == "analysis" else "answer"
        return rest

    def _read_channel(self, text: str, pieces: list[Piece]) -> str:
        """Read what a channel has up to the mark that ends it; return what is left to read."""
        at, mark = first_mark(text, _IN_HARMONY)
        _write(text[:at], pieces, thinking=self._place == "thinking")
        if not mark:
            self.held = text[at:]
            return ""
        self._place = "behind"
        return text[at:] if mark in HARMONY_OPENINGS else text[at + len(mark) :]


def _write(text: str, pieces: list[Piece], *, thinking: bool = False) -> None:
    if text:
        pieces.append((thinking, text))


def _is_cut_json(body: str) -> bool:
    """Whether the JSON in a call goes on behind its text."""
    found = _BRACKET.search(body)
    json = body[found.start() :] if found else ""
    return bool(json) and is_json_prefix(json) and loose_value(json) is None
