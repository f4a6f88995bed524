"""Thinking that comes twice is written once; thinking that is another's is not lost."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import chat
from tests.support.stream_harness import StreamHarness
from translators.reasoning.repetition import Repetition

TABLE: dict[str, tuple[list[str], list[str], list[str]]] = {
    "nothing before": ([], ["a", "b"], ["a", "b", ""]),
    "the same": (["plan"], ["plan"], ["", ""]),
    "the same in other pieces": (["pl", "an"], ["p", "la", "n"], ["", "", "", ""]),
    "the same with other white space": (["I plan."], ["\nI  ", "plan.\n"], ["", "", ""]),
    "the beginning": (["plan A"], ["plan"], ["", ""]),
    "the same and more": (["plan"], ["plan", " and more"], ["", "", " and more"]),
    "another": (["plan"], ["play", " it"], ["play", " it", ""]),
    "another from the middle on": (["plan"], ["pl", "ay"], ["", "play", ""]),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_is_new(name: str) -> None:
    original, pieces, expected = TABLE[name]
    repetition = Repetition(original)
    assert [*map(repetition.add, pieces), repetition.end()] == expected


def test_the_original_may_come_later() -> None:
    original = ["pl"]
    repetition = Repetition(original)
    assert repetition.add("plan") == ""
    original.append("an B")
    assert repetition.add(" B") == ""
    assert repetition.end() == ""


def read(*deltas: dict[str, object]) -> StreamHarness:
    return StreamHarness().read([*map(chat.chunk, deltas), chat.end()])


words = st.lists(st.sampled_from(["a", "b", " ", "\n", "ab"]), max_size=6).map("".join)


@given(words, words, st.data())
def test_nothing_is_lost_and_nothing_is_doubled(first: str, second: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(second)), max_size=3)))
    repetition = Repetition([first] if first else [])
    new = [repetition.add(second[start:end]) for start, end in pairwise([0, *cuts, len(second)])]
    written = "".join([*new, repetition.end()])
    one, other = "".join(first.split()), "".join(second.split())
    if one.startswith(other) and first:
        assert written == ""
    elif other.startswith(one) and first:
        assert "".join(written.split()) == other[len(one) :]
        assert second.endswith(written)
    else:
        assert written == second


@pytest.mark.parametrize(
    "deltas",
    [
        ({"reasoning_content": "plan"}, {"content": "<think>\nplan\n</think>\n\nHi"}),
        ({"reasoning_content": "plan", "content": "<think>plan</think>Hi"},),
        ({"reasoning": "pl", "content": "<think>pl"}, {"reasoning": "an", "content": "an</think>"}, {"content": "Hi"}),
        ({"reasoning_text": "plan"}, {"content": "Hi"}, {"thinking_blocks": [{"thinking": "plan", "signature": "s"}]}),
    ],
)
def test_an_answer_thinks_once(deltas: tuple[dict[str, object], ...]) -> None:
    answer = read(*deltas)
    assert [item["type"] for item in answer.output] == ["reasoning", "message"]
    assert answer.output[0]["summary"] == [{"type": "summary_text", "text": "plan"}]
    assert answer.output[1]["content"][0]["text"] == "Hi"
    assert ("reasoning", "dropped") in answer.notes


def test_thinking_cut_in_its_repetition() -> None:
    answer = read({"reasoning": "plan A"}, {"content": "<think>plan"})
    assert [item["type"] for item in answer.output] == ["reasoning"]


def test_other_thinking_in_tags_is_written() -> None:
    answer = read({"reasoning": "plan A"}, {"content": "<think>plan B</think>Hi"})
    assert answer.output[0]["summary"] == [{"type": "summary_text", "text": "plan Aplan B"}]
