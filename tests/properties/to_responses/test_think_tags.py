"""Think tags: any split of the content says the same, and nothing of it is lost."""

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from translators.reasoning.think_tags import THINK_TAGS, ThinkTags, answer_in

MARKS = [mark for tag in THINK_TAGS for mark in (tag.opening, tag.closing)]
parts = st.sampled_from([*MARKS, "<think", "<", "</", ">", "[", "\n", "\r", " " * 40, "x"])
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
@example("<reasoning>a</reasoning>\n<reasoning> b</reasoning><reason>", None)
@example("<|channel>thought", None)
def test_any_split_equals_the_whole(content: str, data: st.DataObject | None) -> None:
    whole = split([content])
    assert split(list(content)) == whole
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=5))) if data else []
    assert split([content[start:end] for start, end in pairwise([0, *cuts, len(content)])]) == whole


@given(contents)
def test_nothing_is_lost(content: str) -> None:
    thinking, text = split([content])
    start = content.lstrip()
    tags = [tag for tag in THINK_TAGS if start.startswith(tag.opening)]
    if not tags or len(content) - len(start) > 64 or any(other.opening == start for other in tags):
        assert text == content or (not text and start in MARKS and thinking + text in ("", content))
        return
    inside, closed, behind = start[len(tags[0].opening) :].partition(tags[0].closing)
    behind = behind.lstrip("\r\n")
    while tags[0].repeated and behind.startswith(tags[0].opening):
        more, closed, behind = behind[len(tags[0].opening) :].partition(tags[0].closing)
        inside, behind = inside + more, behind.lstrip("\r\n")
    assert (thinking, text) == (inside, behind if closed else "")
    assert answer_in(content) == text


@given(st.text(min_size=1).filter(lambda text: text.lstrip() and text.lstrip()[0] not in "<[◁"))
def test_content_without_tags_is_not_held_back(content: str) -> None:
    tags = ThinkTags()
    assert tags.feed(content) == [(False, content)]
    assert tags.over
