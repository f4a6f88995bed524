"""Thinking in content: what is told apart, what is let through at once."""

import pytest

from translators.reasoning.think_tags import ThinkTags

TABLE: dict[str, tuple[list[str], list[tuple[bool, str]]]] = {
    "no tags": (["Hi", " there"], [(False, "Hi")]),
    "in one piece": (["<think>Hm.</think>Hi"], [(True, "Hm."), (False, "Hi")]),
    "split tags": (["<thi", "nk>Hm.</th", "ink>Hi"], [(True, "Hm."), (False, "Hi")]),
    "line ends behind the thinking": (["<think>Hm.</think>\n", "\r\n", "\nHi"], [(True, "Hm."), (False, "Hi")]),
    "spaces behind the thinking stay": (["<think>Hm.</think>\n  Hi"], [(True, "Hm."), (False, "  Hi")]),
    "white space ahead of the tag": (["\n", " <think>Hm.</think>Hi"], [(True, "Hm."), (False, "Hi")]),
    "other names": (["<thought>Hm.</thought>Hi"], [(True, "Hm."), (False, "Hi")]),
    "the closing tag has the same name": (["<thinking>a</think>b</thinking>c"], [(True, "a</think>b"), (False, "c")]),
    "a tag later on is text": (["Hi <think>x</think>"], [(False, "Hi <think>x</think>")]),
    "something like a tag": (["<", "thing>"], [(False, "<thing>")]),
    "something like a closing tag": (["<think>1 <", " 2</", "p>"], [(True, "1 "), (True, "< 2"), (True, "</p>")]),
    "never closed": (["<think>Hm."], [(True, "Hm.")]),
    "empty": (["<think></think>Hi"], [(False, "Hi")]),
    "a namespace in the tag (MiniMax M3)": (["<mm:thi", "nk>Hm.</mm:think>Hi"], [(True, "Hm."), (False, "Hi")]),
    "square brackets (Magistral)": (["[THI", "NK]Hm.[/TH", "INK]Hi"], [(True, "Hm."), (False, "Hi")]),
    "other square brackets": (["[TH", "E] Hi"], [(False, "[THE] Hi")]),
    "triangles (Kimi)": (["◁think▷Hm.◁/think▷Hi"], [(True, "Hm."), (False, "Hi")]),
    "a channel (Gemma)": (["<|channel>thought", "\nHm.<chan", "nel|>\nHi"], [(True, "Hm."), (False, "Hi")]),
    "a channel without a line of its own": (["<|channel>thought", " Hm.<channel|>Hi"], [(True, " Hm."), (False, "Hi")]),
    "unused tokens (MedGemma)": (["<unused94>thou", "ght\nHm.<unus", "ed95>Hi"], [(True, "Hm."), (False, "Hi")]),
    "a model's own name (LongCat)": (["<longcat_think>Hm.</longcat_think>\nHi"], [(True, "Hm."), (False, "Hi")]),
    "a tag for each piece (Bedrock)": (
        ["<reasoning>Hm", "</reasoning><reas", "oning>.</reasoning>", "\n", "Hi"],
        [(True, "Hm"), (True, "."), (False, "Hi")],
    ),
    "another tag behind it is text": (
        ["<reasoning>Hm.</reasoning><rea", "der>Hi"], [(True, "Hm."), (False, "<reader>Hi")]
    ),
    "a second tag of a form that has one is text": (
        ["<think>a</think><think>b</think>c"], [(True, "a"), (False, "<think>b</think>c")]
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_pieces(name: str) -> None:
    pieces, expected = TABLE[name]
    tags = ThinkTags()
    told: list[tuple[bool, str]] = []
    for piece in pieces:
        if not tags.over:
            told += tags.feed(piece)
    assert told + tags.flush() == expected


BEGUN: dict[str, tuple[list[str], list[tuple[bool, str]]]] = {
    "only the closing tag": (["Hm.", "</thi", "nk>\n\nHi"], [(True, "Hm."), (False, "Hi")]),
    "the opening tag after all": (["\n<thi", "nk>Hm.</think>Hi"], [(True, "Hm."), (False, "Hi")]),
    "something like the opening tag": (["<", "b>Hm.</b></think>Hi"], [(True, "<b>Hm.</b>"), (False, "Hi")]),
    "half an opening tag": (["<thi"], [(True, "<thi")]),
    "never closed": (["Hm."], [(True, "Hm.")]),
    "nothing thought": (["</think>", "\n", "Hi"], [(False, "Hi")]),
    "another closing tag is text": (["Hm.</think>Hi", "</think>"], [(True, "Hm."), (False, "Hi")]),
    "a closing tag of another form": (["Hm.[/TH", "INK]Hi"], [(True, "Hm."), (False, "Hi")]),
}


@pytest.mark.parametrize("name", BEGUN)
def test_content_that_begins_inside_the_thinking(name: str) -> None:
    pieces, expected = BEGUN[name]
    tags = ThinkTags(begun=True)
    told: list[tuple[bool, str]] = []
    for piece in pieces:
        if not tags.over:
            told += tags.feed(piece)
    assert told + tags.flush() == expected


def test_what_was_held_back_is_let_go() -> None:
    tags = ThinkTags()
    assert tags.feed("<thi") == []
    assert tags.flush() == [(False, "<thi")]
    assert tags.over


def test_a_flush_that_finds_nothing_keeps_looking() -> None:
    tags = ThinkTags()
    assert tags.flush() == []
    assert tags.feed("<think>Hm.") == [(True, "Hm.")]
