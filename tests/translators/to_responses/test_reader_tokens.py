"""Whole answers: where providers put token counts, and characters that arrive in two halves."""

from typing import Any

import pytest

from tests.support.stream_harness import StreamHarness, contents
from tests.translators.to_responses.chunks import CALLED, DONE, HI, HM, STOP, Chunk, call, called, delta, framed, read


def counts(prompt: int, completion: int | None = 1, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, **more}


USAGE: dict[str, tuple[list[Chunk], tuple[int, int, int]]] = {
    "in a chunk of its own": ([STOP, {"choices": [], "usage": counts(5, 7)}], (5, 7, 12)),
    "in a chunk without choices": ([STOP, {"usage": counts(5, 7)}], (5, 7, 12)),
    "with the finish": ([{**STOP, "usage": counts(5, 7)}], (5, 7, 12)),
    "in every chunk, growing (xAI)": (
        [{**delta(content="!"), "usage": counts(5, n)} for n in (1, 2)] + [{**STOP, "usage": counts(5, 3)}], (5, 3, 8)
    ),
    "null until the end (OpenAI)": ([{**STOP, "usage": None}, {"choices": [], "usage": counts(5, 7)}], (5, 7, 12)),
    "null behind it": ([{**STOP, "usage": counts(5, 7)}, {"choices": [], "usage": None}], (5, 7, 12)),
    "members null behind it (Databricks)": ([{**STOP, "usage": counts(5, 7)}, {"usage": counts(5, None)}], (5, 0, 5)),
    "nothing in it behind it": ([{**STOP, "usage": counts(5, 7)}, {"usage": {}}], (5, 7, 12)),
    "in x_groq": ([{**STOP, "x_groq": {"id": "x", "usage": counts(5, 7)}}], (5, 7, 12)),
    "in x_groq and beside it": ([{**STOP, "usage": counts(5, 7), "x_groq": {"usage": counts(5, 7)}}], (5, 7, 12)),
    "in the choice (Moonshot)": (
        [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": counts(5, 7)}]}], (5, 7, 12)
    ),
    "in the choice and beside it": (
        [{"choices": [{"delta": {}, "finish_reason": "stop", "usage": counts(5, 6)}], "usage": counts(5, 7)}],
        (5, 7, 12),
    ),
    "in the first chunk only": ([{**delta(role="assistant"), "usage": counts(5, 7)}, STOP], (5, 7, 12)),
    "behind [DONE] nothing counts": ([STOP, {"usage": counts(5, 7)}, DONE, {"usage": counts(9, 9)}], (5, 7, 12)),
    "a total of its own": ([{**STOP, "usage": counts(5, 7, total_tokens=20)}], (5, 7, 20)),
    "numbers as text or with a point": (
        [{**STOP, "usage": {"prompt_tokens": "5", "completion_tokens": 7.0}}], (5, 7, 12)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", USAGE)
def test_where_token_counts_are(name: str) -> None:
    chunks, expected = USAGE[name]
    usage = StreamHarness().read([framed([delta(content="Hi"), *chunks])]).response["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == expected


DETAILS: dict[str, tuple[dict[str, Any], tuple[int, int, int]]] = {
    "OpenAI": ({"prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2},
                "completion_tokens_details": {"reasoning_tokens": 4}}, (3, 2, 4)),
    "DeepSeek": ({"prompt_cache_hit_tokens": 3, "prompt_cache_miss_tokens": 2}, (3, 0, 0)),
    "Moonshot": ({"cached_tokens": 3}, (3, 0, 0)),
    "nulls": ({"prompt_tokens_details": None, "completion_tokens_details": {"reasoning_tokens": None}}, (0, 0, 0)),
}  # fmt: skip


@pytest.mark.parametrize("name", DETAILS)
def test_what_the_counts_tell_apart(name: str) -> None:
    details, expected = DETAILS[name]
    chunks: list[Chunk] = [delta(content="Hi"), {**STOP, "usage": counts(9, 9, **details)}]
    usage = StreamHarness().read([framed(chunks)]).response["usage"]
    cached = usage["input_tokens_details"]
    reasoning = usage["output_tokens_details"]["reasoning_tokens"]
    assert (cached["cached_tokens"], cached["cache_write_tokens"], reasoning) == expected


HALVES: dict[str, tuple[list[Chunk], list[Any]]] = {
    "of a text": ([delta(content="a\ud83d"), delta(content="\ude00b"), STOP], [("output_text", "a😀b")]),
    "of thinking": ([delta(reasoning="\ud83d"), delta(reasoning="\ude00"), STOP], [("summary_text", "😀")]),
    "of arguments": (
        [called(call(index=0, id="x", arguments='{"a":"\ud83d')), called(call(None, '\ude00"}', index=0)), CALLED],
        [("call", "f", {"a": "😀"})],
    ),
    "one after the other": (
        [delta(content="\ud83d"), delta(content="\ude00\ud83d"), delta(content="\ude01"), STOP],
        [("output_text", "😀😁")],
    ),
    "with no other half": ([delta(content="a\ud83d"), delta(content="b"), STOP], [("output_text", "a\ufffdb")]),
    "with nothing behind it": ([delta(content="a\ud83d"), STOP], [("output_text", "a\ufffd")]),
    "at the very end": ([STOP, delta(content="a\ud83d")], [("output_text", "a\ufffd")]),
    "at the very end of arguments": (
        [called(call(index=0, id="x", arguments='{"a":"\ud83d')), CALLED], [("call", "f", '{"a":"\ufffd')]
    ),
    "without the first one": ([delta(content="\ude00b"), STOP], [("output_text", "\ufffdb")]),
    "with an ordinary chunk behind it": (
        [delta(content="\ud83d"), STOP, delta(content="é")], [("output_text", "\ufffdé")]
    ),
}


@pytest.mark.parametrize("name", HALVES)
def test_halves_of_a_character(name: str) -> None:
    chunks, says = HALVES[name]
    assert read(framed(chunks))[0] == says


def test_content_that_begins_inside_the_thinking() -> None:
    body = framed([delta(content="Hm."), delta(content="</think>\n\nHi"), STOP])
    assert contents(StreamHarness(thinks_first=True).read([body]).output) == [HM, HI]
    assert contents(StreamHarness().read([body]).output) == [("output_text", "Hm.</think>\n\nHi")]
