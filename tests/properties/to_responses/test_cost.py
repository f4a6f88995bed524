"""The cost of an answer grows with its size, not with its square: counted in operations, never in seconds.

An operation is a call of any function, a built-in one too. Joining is watched on its own, since one `join` of all that
came so far is one operation and yet costs as much as that is long: it may happen when something is complete, not
with every piece. A check whether arguments are complete costs the same, so its number has to stay small as well.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from tests.support.stream_harness import StreamHarness
from translators.chat.chunks import Annotation, Choice, Chunk, Delta, FunctionDelta, ToolCallDelta
from translators.dialects.dialect import Dialect
from translators.dialects.rendering import Rendering
from translators.notes import Notes
from translators.reasoning.think_tags import ThinkTags
from translators.responses.items import FunctionCall, FunctionCallOutput, Item, Message
from translators.to_chat.history import History
from translators.to_chat.messages import items_to_messages
from translators.to_responses.sse import SSEDecoder
from translators.tools.names import ToolNames

SIZE = 1000


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count the calls of each function in this thread, by its name, until the block ends."""
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, function: Any) -> None:
        if event == "c_call":
            calls[function.__name__] += 1
        elif event == "call":
            calls[frame.f_code.co_name] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(before)


def operations(run: Callable[[int], object], size: int) -> Counter[str]:
    """Return how often each function is called while `run(size)` runs."""
    with counted() as calls:
        run(size)
    return calls


def call(index: int, arguments: str, name: str | None = None) -> Chunk:
    return chunk(Delta(tool_calls=[ToolCallDelta(index=index, function=FunctionDelta(name, arguments))]))


def chunk(delta: Delta) -> Chunk:
    return Chunk(choices=[Choice(index=0, delta=delta)])


def arguments_while_another_call_waits(size: int) -> None:
    stream = StreamHarness().stream
    stream.feed([call(0, '{"a":"', "f")])
    stream.feed([call(1, "{}", "g")])
    for _ in range(size):
        stream.feed([call(0, "some text")])
    stream.feed([call(0, '"}')])


def arguments_that_look_complete_with_every_piece(size: int) -> None:
    stream = StreamHarness().stream
    stream.feed([call(0, '{"a":"', "f")])
    stream.feed([call(1, "{}", "g")])
    for _ in range(size):
        stream.feed([call(0, "}")])


def a_name_with_every_piece(size: int) -> None:
    stream = StreamHarness().stream
    stream.feed([call(0, '{"a":[', "f")])
    for _ in range(size):
        stream.feed([call(0, "{},", "f")])


def arguments_of_a_call_without_a_name(size: int) -> None:
    stream = StreamHarness().stream
    for _ in range(size):
        stream.feed([call(0, "{")])
    stream.feed([call(0, "}", "f")])


def text_behind_an_open_call(size: int) -> None:
    stream = StreamHarness().stream
    stream.feed([call(0, "{", "f")])
    for _ in range(size):
        stream.feed([chunk(Delta(content="some text"))])
    stream.feed([call(0, "}")])


def thinking_in_tags(size: int) -> None:
    stream = StreamHarness().stream
    stream.feed([chunk(Delta(content="<think>"))])
    for _ in range(size):
        stream.feed([chunk(Delta(content="a < b </th"))])


def one_line_in_single_bytes(size: int) -> None:
    decoder = SSEDecoder()
    for _ in range(size):
        assert not decoder.feed(b"x")
    decoder.flush()


def one_event_of_many_crlf_lines(size: int) -> None:
    decoder = SSEDecoder()
    for _ in range(size):
        assert not decoder.feed(b"data: x\r")
        assert not decoder.feed(b"\n")
    decoder.flush()


def calls_answered_at_the_end(size: int) -> None:
    """Each turn has one call that is answered at once, and one whose output comes behind everything else."""
    items: list[Item] = []
    for number in range(size):
        items += [FunctionCall(f"a{number}", "f", "{}"), FunctionCall(f"b{number}", "f", "{}")]
        items += [Message("user", "Hurry up!"), FunctionCallOutput("1", f"a{number}")]
    items += [FunctionCallOutput("2", f"b{number}") for number in range(size)]
    items_to_messages(items, Rendering(Dialect(), Notes()), ToolNames())


def one_turn_of_many_calls(size: int) -> None:
    items: list[Item] = [FunctionCall(f"a{number}", "f", "{}") for number in range(size)]
    items += [FunctionCallOutput("1", f"a{number}") for number in reversed(range(size))]
    items += [FunctionCallOutput("1", f"a{number}") for number in range(size)]
    items_to_messages(items, Rendering(Dialect(), Notes()), ToolNames())


def a_long_chain(size: int) -> None:
    history = History()
    for number in range(size // 10):
        history, _ = history.extend([Message("user", f"{number}")], Rendering(Dialect(), Notes()), ToolNames())
        history = history.with_output([Message("assistant", "Yes.")])


def sources_with_every_piece(size: int) -> None:
    stream = StreamHarness().stream
    for _ in range(size):
        piece = chunk(Delta(content="as [1] says "))
        piece.citations = ["https://a.example/", "https://b.example/"]
        stream.feed([piece])
    stream.finish(0, done=True)


def texts_with_sources_of_their_own(size: int) -> None:
    stream = StreamHarness().stream
    for number in range(size):
        source = Annotation(type="url_citation", url=f"https://{number:04}.example/")
        stream.feed([chunk(Delta(content="[1]", annotations=[source]))])
        stream.feed([chunk(Delta(refusal="No."))])
    stream.finish(0, done=True)


RUNS = [
    arguments_while_another_call_waits,
    arguments_that_look_complete_with_every_piece,
    a_name_with_every_piece,
    arguments_of_a_call_without_a_name,
    text_behind_an_open_call,
    thinking_in_tags,
    one_line_in_single_bytes,
    one_event_of_many_crlf_lines,
    calls_answered_at_the_end,
    one_turn_of_many_calls,
    a_long_chain,
    sources_with_every_piece,
    texts_with_sources_of_their_own,
]


@pytest.mark.parametrize("run", RUNS)
def test_twice_the_size_is_twice_the_work(run: Callable[[int], object]) -> None:
    once, twice = operations(run, SIZE), operations(run, 2 * SIZE)
    assert twice.total() <= 2.1 * once.total()


@pytest.mark.parametrize("run", RUNS[:8])
def test_what_came_so_far_is_not_gone_through_with_every_piece(run: Callable[[int], object]) -> None:
    once, twice = operations(run, SIZE), operations(run, 2 * SIZE)
    for whole in ("join", "decode", "split"):
        assert twice[whole] <= once[whole] + 4, whole


def test_white_space_is_not_held_back_for_ever() -> None:
    """A model that has gone astray sends nothing else; it would be looked through with every piece."""
    tags = ThinkTags()
    for _ in range(SIZE):
        tags.feed("\n")
    assert tags.over
