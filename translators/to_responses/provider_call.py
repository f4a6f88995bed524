"""One call of the provider's and its arguments, read piece by piece.

Arguments are one JSON object. Providers send it whole or in pieces, and some send other things; these are the rules:

- Pieces are joined. A fragment that begins with all that came before, where joining the two cannot be JSON, is a
  snapshot: only what it adds counts. While both readings are possible, the fragment is held back.
- A word for nothing (`{}`, `null`) that opens the arguments is held back: real arguments may follow. Arguments that are
  whole at once are held back too, until the call closes, since a larger snapshot may replace them.
- What follows the whole object is no part of it. The same object again is a repetition; any other object means that
  the pieces do not tell what the arguments are: `problem` says so, and the response fails.
- Raw line ends and other control characters in strings are escaped. An object that was encoded twice is decoded once.
- Text that begins otherwise is held back: a custom tool takes it as its input. For a function it is unreadable, unless
  it is a dictionary in Python, or a list of one object. An object that comes whole may have Python's words and commas.
- An object that begins with the name of its call is held back: it may be the whole call, with the arguments in it.

Each character is looked at once, so that long arguments cost time in proportion to their length.
Source: BerriAI/litellm#4537; vercel/ai#15888; langchain-ai/langgraphjs#2697; openvinotoolkit/model_server#3838.
"""

import json
import re
from typing import Any, Final

from translators.loose_json import is_json_object, is_json_prefix, loose_object, loose_value
from translators.to_responses.content.values import may_wrap, python_object, wrapped_arguments

_TOKEN: Final = re.compile(r'[\\"{}\[\]\x00-\x1f](?:(?<!\\)|.)', re.DOTALL)
"""One of these characters; after a backslash, with the next one. `re` finds what begins with a set much faster."""
_WORDS_FOR_NOTHING: Final = frozenset({"{}", "null", "None", "undefined", '""', "[]"})
_FENCED: Final = re.compile(r"\s*```(?:json)?\s*(\{.*\})\s*```\s*", re.DOTALL)
"""Arguments in a block of Markdown."""
_PYTHON: Final = re.compile(r"\{\s*'")
"""A dictionary in Python."""
_MAX_DOUBTFUL: Final = 8
"""Fragments that may be both pieces and snapshots, as long as the pieces do not tell which."""
_MAX_OPENING: Final = 32
"""Fragments by which an object is known to be a whole call, or not."""
_MAX_ENCODINGS: Final = 3
"""Times that an object may have been encoded as a string."""


class ProviderCall:
    """A call as the provider sends it. The pieces of its arguments are joined only when the whole is needed."""

    __slots__ = (
        "_broken", "_conflict", "_cumulative", "_depth", "_doubtful", "_ended", "_escaped", "_gone", "_held",
        "_in_string", "_left", "_mended", "_plain", "_scanned", "_second", "_size", "_sized", "_tail",
        "_takes_nothing", "_value", "_wraps", "has_tail", "held_size", "id", "index", "is_writing", "name", "opening",
        "pieces", "rivals_among",
    )  # fmt: skip

    def __init__(self, id: str, name: str, index: int | None = None) -> None:
        self.id = id
        self.name = name
        self.index = index
        """The index under which the call began."""
        self.rivals_among = 1
        """Calls of the answer when `CallSorter` last looked whether a piece might belong to another one than this."""
        self.opening = ""
        """A word for nothing that opened the arguments."""
        self._takes_nothing = False
        """The opening is all there is."""
        self.has_tail = False
        """Something that is no JSON followed the whole arguments."""
        self.held_size = 0
        """Characters that came and are buffered, and that the sequencer has not counted yet."""
        self.pieces: list[str] = []
        """The arguments as they came; [] as long as there are none."""
        self.is_writing = False
        """An object is being written: a fragment without braces and control characters is only one more piece."""
        self._plain = self._wraps = False
        """The arguments do not begin like an object; they may be the whole call."""
        self._gone = 0
        """Characters of such arguments that went out while they might still have been JSON: a brace, and blanks."""
        self._broken = False
        """They began like an object and are none."""
        self._ended = False
        self._value: dict[str, Any] = {}
        """The arguments, once they have ended."""
        self._held = ""
        self._doubtful: list[str] = []
        self._cumulative = False
        self._conflict = False
        self._second: ProviderCall | None = None
        """The object behind the arguments that is being read."""
        self._tail: list[str] = []
        self._left = ""
        """What a fragment holds behind the end of the object."""
        self._mended = False
        self._scanned = self._sized = self._size = self._depth = 0
        """Pieces that were scanned, and counted in `_size`; objects and arrays that are open."""
        self._in_string = self._escaped = False

    # --- what is known ----------------------------------------------------------------------------------------

    @property
    def arguments(self) -> str:
        return "".join(self.pieces) or self.opening

    def has_begun(self) -> bool:
        """Return whether anything has been said of the arguments."""
        return bool(self.pieces) or bool(self.opening)

    def is_complete(self) -> bool:
        """Return whether the arguments are a whole JSON object, or a word for nothing."""
        return self._ended or (bool(self.opening) and not self.pieces)

    def has_ended(self) -> bool:
        """Return whether the arguments are whole and nothing may still take their place."""
        return (self._ended or self._takes_nothing) and not self._conflict and self._second is None

    def is_cut(self) -> bool:
        """Return whether the arguments are the beginning of an object, and nothing else is wrong with them."""
        if self._ended or self._broken or self._conflict or not self.pieces:
            return False
        if self._plain and (not self._wraps or self._resolved() is not None):
            return False
        if self._doubtful and self._resolved() is not None:
            return False
        return is_json_prefix("".join(self.pieces))

    def repeats(self, fragment: str) -> bool:
        """Return whether a fragment is the whole arguments once more."""
        if fragment == self.arguments:
            return True
        return self._ended and loose_object(fragment) == self._value

    def grows_into(self, fragment: str) -> bool:
        """Return whether a fragment is a whole object that holds all of these arguments and more."""
        value = loose_object(fragment) if self._ended else None
        return value is not None and _grows(self._value, value)

    def problem(self, *, free_text: bool) -> str | None:
        """Return why the call cannot be executed as it stands; `free_text`: its tool takes any text."""
        if free_text and (not self._ended or "input" not in self._value):
            return None
        if self._conflict or self._second is not None:
            return "more than one value came for its arguments"
        if self._ended or not self.pieces:
            return None
        if self._doubtful or self._plain:
            return None if self._resolved() is not None else "its arguments are not a JSON object"
        return "its arguments are not a whole JSON object"

    def rest(self, *, free_text: bool) -> str:
        """Return what was held back, now that the call closes."""
        rest, self._held = self._held, ""
        if free_text and (self._tail and "input" not in self._value):
            return rest + "".join(self._tail)
        if not self.pieces and (free_text or self.opening == "{}"):
            return self.opening
        if self._doubtful or self._plain:
            resolved = self._resolved()
            self._doubtful, self._plain = [], False
            return "".join(self.pieces)[self._gone :] if resolved is None else resolved.lstrip()[self._gone and 1 :]
        return rest

    def is_repaired(self) -> bool:
        """Return whether the arguments go out otherwise than they came."""
        return self._mended or (self._plain and self._resolved() is not None)

    def _resolved(self) -> str | None:
        """Return what is left to send of arguments that were doubtful or no object; None if they are unreadable."""
        joined = "".join(self.pieces)
        if self._doubtful:
            if is_json_object(joined + "".join(self._doubtful)):
                return "".join(self._doubtful)
            return self._doubtful[-1][len(joined) :] if is_json_object(self._doubtful[-1]) else None
        if joined.strip() in _WORDS_FOR_NOTHING:
            return ""
        last = self.pieces[-1]
        if all(last.startswith(piece) for piece in self.pieces) and loose_value(last) is not None:
            joined = last
        fenced = _FENCED.fullmatch(joined)
        value: Any = fenced[1] if fenced else joined
        for _ in range(_MAX_ENCODINGS + 1):
            if isinstance(one := loose_value(value), list) and len(one) == 1 and isinstance(one[0], dict):
                value = json.dumps(one[0], ensure_ascii=False)
            elif one is None and (read := python_object(value)) is not None:
                value = json.dumps(read, ensure_ascii=False)
            if (found := loose_object(value)) is not None:
                if self._wraps and (wrapped := wrapped_arguments(found, self.name)) is not None:
                    return wrapped
                return value if is_json_object(value) else json.dumps(found, ensure_ascii=False)
            value = loose_value(value)
            if not isinstance(value, str):
                return None
        return None

    # --- what arrives -----------------------------------------------------------------------------------------

    def take_nothing_more(self) -> None:
        """Take a word for nothing as all of the arguments: the provider has gone on to something else."""
        if self.opening and not self.pieces:
            self._takes_nothing = True

    def add(self, fragment: str) -> str:
        """Add a fragment of the arguments and return what of it can be sent on now."""
        if self.is_writing and "{" not in fragment and "}" not in fragment and fragment.isprintable():
            self.pieces.append(fragment)
            return fragment
        text = self._take(fragment)
        if self._left:
            left, self._left = self._left, ""
            self._take_behind(left)
        return text

    def _take(self, fragment: str) -> str:
        if self._ended:
            self._left = fragment
            return ""
        if not self.pieces:
            start = fragment.strip()
            if start in _WORDS_FOR_NOTHING:
                self.opening = self.opening or start
                self.held_size += len(fragment)
                return ""
            if not start:
                return ""
            if self._takes_nothing:
                self._conflict = True
                return ""
            self._wraps = start != "{" and may_wrap(start, self.name)
            self._plain = self._wraps or start[0] != "{" or _PYTHON.match(start) is not None
        elif len(self.pieces) == 1 and not self._plain and self.pieces[0].strip() == "{":
            self._wraps = may_wrap("{" + fragment, self.name)
            self._plain = self._wraps or _PYTHON.match("{" + fragment) is not None
            self._gone = len(self.pieces[0]) if self._plain else 0
        elif self._wraps and not self._may_wrap(fragment):
            return self._release() + self._take(fragment)
        if self._plain:
            self.pieces.append(fragment)
            self.held_size += len(fragment)
            return ""
        if self._broken:
            self.pieces.append(fragment)
            return fragment
        return self._write(self._without_snapshot(fragment) if self.pieces else fragment)

    def _may_wrap(self, fragment: str) -> bool:
        """Return whether what was held back and a fragment may begin a whole call; late fragments are not looked at."""
        return len(self.pieces) > _MAX_OPENING or may_wrap("".join(self.pieces) + fragment, self.name)

    def _release(self) -> str:
        """Write what was held back as the beginning of a whole call and is none."""
        text = "".join(self.pieces)
        held, self.pieces = text[self._gone :], [text[: self._gone]] if self._gone else []
        self._wraps, self._plain, self._gone = False, False, 0
        self.held_size -= len(held)
        return self._write(held)

    def _without_snapshot(self, fragment: str) -> str:
        """Return what a fragment adds: all of it, or what a snapshot has more; "" while it is doubtful."""
        if not self._doubtful and not self._cumulative:
            if fragment.lstrip()[:1] != "{":
                return fragment
            self._size += sum(map(len, self.pieces[self._sized :]))
            self._sized = len(self.pieces)
            if len(fragment) < self._size:
                return fragment
        before = self._join()
        last = self._doubtful[-1] if self._doubtful else before
        is_snapshot = fragment.startswith(last)
        if self._cumulative:
            self._conflict |= not is_snapshot
            return fragment[len(before) :] if is_snapshot else ""
        if not is_snapshot and not self._doubtful:
            return fragment
        pieces = "".join(self._doubtful) + fragment
        are_pieces = is_json_prefix(before + pieces)
        if are_pieces and is_snapshot and is_json_prefix(fragment):
            self._doubtful.append(fragment)
            self.held_size += len(fragment)
            self._conflict |= len(self._doubtful) > _MAX_DOUBTFUL
            self.is_writing = False
            return ""
        if are_pieces:
            self.held_size -= len(pieces) - len(fragment)
            self._doubtful.clear()
            return pieces
        self._doubtful.clear()
        self._cumulative = is_snapshot
        self._conflict |= not is_snapshot
        self.is_writing = False
        return fragment[len(before) :] if is_snapshot else ""

    def _join(self) -> str:
        self._scan_pieces()
        text = self.pieces[0] if len(self.pieces) == 1 else "".join(self.pieces)
        self.pieces, self._scanned, self._sized, self._size = [text], 1, 1, len(text)
        return text

    def _write(self, text: str) -> str:
        """Add text to the object and return it with its strings mended; what lies behind its end is left over."""
        if not text:
            return ""
        is_first = not self.pieces
        self._scan_pieces()
        end, mended = self._scan(text)
        self.pieces.append(text[:end])
        self._scanned = len(self.pieces)
        self.is_writing = not self._cumulative and not (is_first and text.strip() == "{")
        if self._depth:
            return mended
        self.is_writing = False
        value = loose_object("".join(self.pieces))
        if value is None and is_first and python_object(text[:end]) is not None:
            self._plain, self._left = True, text[end:]
            self.held_size += end
            return ""
        if value is None:
            self._broken = True
            self.pieces.append(text[end:])
            return mended + text[end:]
        self._ended, self._value = True, value
        self._left = text[end:]
        if is_first:
            self._held = mended
            self.held_size += len(mended)
            return ""
        return mended

    def _scan_pieces(self) -> None:
        if self._scanned < len(self.pieces):
            self._scan("".join(self.pieces[self._scanned :]))
        self._scanned = len(self.pieces)

    def _scan(self, text: str) -> tuple[int, str]:
        """Follow text through its strings and brackets; return where the object ends, and the text up to there.

        Control characters in its strings are escaped.
        """
        mended: list[str] = []
        done = 0
        position = 1 if self._escaped else 0
        self._escaped = False
        for found in _TOKEN.finditer(text, position):
            token = found[0]
            position = found.end()
            if self._in_string:
                if token == '"':
                    self._in_string = False
                elif token[-1] < " ":
                    mended += (text[done : found.start()], json.dumps(token[-1])[1:-1])
                    done = position
            elif token == '"':
                self._in_string = True
            elif token in "{[":
                self._depth += 1
            elif token in "}]":
                self._depth -= 1
                if self._depth <= 0:
                    self._depth = 0
                    break
        else:
            self._escaped = self._in_string and position < len(text) and text[-1] == "\\"
            position = len(text)
        if not mended:
            return position, text[:position]
        self._mended = True
        return position, "".join(mended) + text[done:position]

    def _take_behind(self, fragment: str) -> None:
        """Read what follows the whole arguments: a repetition, a larger snapshot, or what is no part of them."""
        self._tail.append(fragment)
        self.held_size += len(fragment)
        while fragment and not self._conflict:
            second = self._second
            if second is None:
                start = fragment.find("{")
                between = (fragment if start < 0 else fragment[:start]).strip()
                self.has_tail |= bool(between) and between not in _WORDS_FOR_NOTHING
                if start < 0:
                    return
                fragment = fragment[start:]
                second = self._second = ProviderCall("", "")
                if fragment.strip() in _WORDS_FOR_NOTHING:  # `{}` would only open the second object
                    self._second = None
                    return
            second._take(fragment)
            fragment, second._left = second._left, ""
            self._conflict |= second._broken or second._conflict
            if second._ended:
                self._replace_by(second)

    def _replace_by(self, second: "ProviderCall") -> None:
        self._second = None
        if second._value == self._value:
            return
        if self._held and _grows(self._value, second._value):
            self._value, self.pieces = second._value, second.pieces
            self._held = second._held or "".join(second.pieces)
        else:
            self._conflict = True


def _grows(before: Any, after: Any) -> bool:
    """Return whether a value may be a later snapshot of another: nothing that was there is gone."""
    if isinstance(before, dict) and isinstance(after, dict):
        return all(name in after and _grows(value, after[name]) for name, value in before.items())
    if isinstance(before, list) and isinstance(after, list):
        return len(before) <= len(after) and all(map(_grows, before, after))
    if isinstance(before, str) and isinstance(after, str):
        return after.startswith(before)
    return before is None or bool(before == after)
