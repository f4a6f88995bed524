"""HTML → the text that a reader sees: no scripts, styles, menus, headers or footers.

Headings and list items keep a mark, so that the structure survives. What belongs to the content is decided by the
element alone, and not guessed. Any text is read, in time proportional to its length: the standard library's parser
takes minutes for some pages of a few kilobytes. Source: WHATWG HTML §13.2.5.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from adapter.hosting.results import clean, unescape

_RAW: Final = frozenset({"script", "style", "noscript", "iframe", "textarea", "title"})
"""Elements whose content is text up to their end tag."""
_LEFT_OUT: Final = frozenset(
    {"template", "svg", "nav", "header", "footer", "aside", "form", "object", "select", "button", "canvas", "math"}
)
_BLOCKS: Final = frozenset(
    {"p", "div", "section", "article", "main", "ul", "ol", "table", "tr", "blockquote", "pre", "figure", "dl", "dt"}
    | {"dd", "h1", "h2", "h3", "h4", "h5", "h6", "li", "hr", "br", "address", "details", "summary", "figcaption"}
)
_CELLS: Final = frozenset({"td", "th"})
_MARKS: Final = {"li": "- ", **{f"h{level}": "#" * level + " " for level in range(1, 7)}}
_MAX_TITLE_CHARS: Final = 200
_MAX_TAG_CHARS: Final = 2048
"""Within which a `>` in quotes does not end a tag."""
_MAX_DEPTH: Final = 1000
"""Of elements that are left out; deeper ones are not counted."""
_AFTER_LESS_THAN: Final = frozenset("!?/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""What begins a tag, comment or declaration behind `<`; otherwise the `<` is text."""
_NAME: Final = re.compile(r"</?([a-zA-Z][a-zA-Z0-9-]{0,31})")
_ENDS: Final = {name: re.compile(rf"</{name}", re.I) for name in _RAW}


class _Piece(NamedTuple):
    """Text, or a tag if it has a name."""

    text: str
    name: str = ""
    is_end: bool = False


def read_html(page: str) -> tuple[str, str]:
    """Return the title and the text of a page."""
    title, found = "", []
    left_out: list[str] = []
    """Open elements that are left out, the outermost first."""
    for piece in _split(page):
        if piece.name == "title" and not piece.is_end:
            title = title or " ".join(clean(unescape(piece.text)).split())[:_MAX_TITLE_CHARS]
        elif piece.name in _LEFT_OUT:
            if not piece.is_end:
                left_out.append(piece.name) if len(left_out) < _MAX_DEPTH else None
            elif piece.name in left_out:
                del left_out[left_out.index(piece.name) :]
        elif left_out:
            continue
        elif piece.name in _BLOCKS:
            found.append("\n" if piece.is_end else "\n" + _MARKS.get(piece.name, ""))
        elif piece.name in _CELLS:
            found.append(" ")
        elif not piece.name:
            found.append(" ".join(re.split(r"[ \t\r\n\f]+", unescape(piece.text))))
    lines = [" ".join(line.split()) for line in clean("".join(found)).split("\n")]
    return title, re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _split(page: str) -> Iterator[_Piece]:
    """Yield the texts and tags of a page in order; comments and raw text other than the title are skipped."""
    at = searched = 0
    while (start := page.find("<", searched)) >= 0:
        if page[start + 1 : start + 2] not in _AFTER_LESS_THAN:
            searched = start + 1
            continue
        if start > at:
            yield _Piece(page[at:start])
        if page.startswith("<!--", start):
            end = page.find("-->", start + 4)
            at = searched = len(page) if end < 0 else end + 3
            continue
        at = _end_of_tag(page, start)
        if name := _NAME.match(page, start):
            tag, is_end = name[1].lower(), page[start + 1] == "/"
            if tag in _RAW and not is_end:
                close = _ENDS[tag].search(page, at)
                end = close.start() if close else len(page)
                yield _Piece(page[at:end] if tag == "title" else "", tag)
                at = end
            else:
                yield _Piece("", tag, is_end)
        searched = at
    if at < len(page):
        yield _Piece(page[at:])


def _end_of_tag(page: str, start: int) -> int:
    """Return the position behind a tag; a `>` in quotes does not end it, unless the quotes are never closed."""
    first = end = page.find(">", start)
    if first < 0:
        return len(page)
    while end >= 0 and end - start <= _MAX_TAG_CHARS:
        tag = page[start:end]
        if tag.count('"') % 2 == 0 or "=" not in tag:
            return end + 1
        end = page.find(">", end + 1)
    return first + 1
