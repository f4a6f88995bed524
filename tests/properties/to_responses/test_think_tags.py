"""Think tags: any split of the content says the same, and nothing of it is lost."""

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from translators.reasoning.think_tags import ThinkTags

NAMES = ("think", "thinking", "thought")
TAGS = ["<think", "<think>", "</think>", "</thinking>", "<thinking>", "<thought>", "</thought>"]
parts = st.sampled_from([*TAGS, "<", "</", ">", "\n", "\r", " " * 40, "x"])
contents = st.lists(parts | st.text(max_size=2), max_size=12).map("".join)


def split(pieces: list[str]) -> tuple[str, str]:
    """Return the thinking and the text that content in these pieces holds."""
    tags = ThinkTags()
    thinking, text = "", ""
    for piece in pieces:
        if tags.over:
            text += piece
            continue
        for is_thinking, told in tags.feed(piece):
            assert told, "an empty piece"
            thinking, text = (thinking + told, text) if is_thinking else (thinking, text + told)
    for is_thinking, told in tags.flush():
        thinking, text = (thinking + told, text) if is_thinking else (thinking, text + told)
    return thinking, text


@given(contents, st.data())
@example("<think>a</think>\n\nb", None)
@example(" " * 65 + "<think>a</think>b", None)
@example("<thinking>a</think></thinking>b", None)
def test_any_split_equals_the_whole(content: str, data: st.DataObject | None) -> None:
    whole = split([content])
    assert split(list(content)) == whole
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=5))) if data else []
    assert split([content[start:end] for start, end in pairwise([0, *cuts, len(content)])]) == whole


@given(contents)
def test_nothing_is_lost(content: str) -> None:
    thinking, text = split([content])
    few = len(content) - len(content.lstrip()) <= 64
    for name in NAMES:
        if few and content.lstrip().startswith(f"<{name}>"):
            inside, closed, behind = content.lstrip()[len(name) + 2 :].partition(f"</{name}>")
            assert (thinking, text) == (inside, behind.lstrip("\r\n") if closed else "")
            return
    assert (thinking, text) == ("", content)


@given(st.text(min_size=1).filter(lambda text: text.lstrip() and not text.lstrip().startswith("<")))
def test_content_without_tags_is_not_held_back(content: str) -> None:
    tags = ThinkTags()
    assert tags.feed(content) == [(False, content)]
    assert tags.over
