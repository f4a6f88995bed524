"""Obfuscated frames: deltas come in equal sizes and say the same; nothing else changes."""

import json
from typing import get_args, get_origin

import pytest

from translators.responses.events import Event, FunctionCallArgumentsDelta, OutputTextDelta, OutputTextDone, sse_frame
from translators.responses.obfuscation import BLOCK_BYTES, obfuscated_sse_frame


def delta(text: str) -> OutputTextDelta:
    return OutputTextDelta(item_id="msg_1", output_index=0, content_index=0, delta=text, logprobs=[], sequence_number=4)


def noise(size: int) -> str:
    return ("x-_9" * size)[:size]


@pytest.mark.parametrize("length", range(BLOCK_BYTES + 2))
def test_a_delta_fills_whole_blocks_and_says_the_same(length: int) -> None:
    event = delta("é" * length)
    framed = obfuscated_sse_frame(event, noise)
    assert len(framed) % BLOCK_BYTES == 0
    assert len(framed) - len(sse_frame(event)) < BLOCK_BYTES + len(b',"obfuscation":""')
    name, data, *end = framed.split(b"\n")
    assert (name, end) == (b"event: response.output_text.delta", [b"", b""])
    said = json.loads(data.removeprefix(b"data: "))
    assert noise(len(said["obfuscation"])) == said.pop("obfuscation")
    assert said == json.loads(sse_frame(event).split(b"data: ")[1])


def test_what_is_no_delta_stays() -> None:
    done = OutputTextDone(item_id="msg_1", output_index=0, content_index=0, text="Hi", logprobs=[])
    assert obfuscated_sse_frame(done, noise) == sse_frame(done)


@pytest.mark.parametrize("kind", [kind for kind in Event.__subclasses__() if "delta" in kind.__annotations__])
def test_every_kind_of_delta_is_filled(kind: type[Event]) -> None:
    values = {
        name: "" if of is str else 0 if of is int else [] if get_origin(of) is list else get_args(of)
        for name, of in kind.__annotations__.items()
    }
    assert len(obfuscated_sse_frame(kind(**values), noise)) % BLOCK_BYTES == 0


def test_the_noise_is_asked_for_once_and_not_kept() -> None:
    event = FunctionCallArgumentsDelta(item_id="fc_1", output_index=0, delta="{")
    asked: list[int] = []

    def counted(size: int) -> str:
        asked.append(size)
        return "a" * size

    framed = obfuscated_sse_frame(event, counted)
    assert asked == [framed.count(b"a") - sse_frame(event).count(b"a") - b"obfuscation".count(b"a")]
