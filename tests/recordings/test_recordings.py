"""Every recorded answer through the core: what it says is what comes out, whatever pieces it arrives in.

What it says is read by a reader of its own (`reader.py`). Three ways to arrive: whole, in packets, byte by byte.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import product

import pytest

from tests.recordings.comparison import EXCEPTIONS, as_completion, as_stream, made, misses, told
from tests.recordings.reader import Answer
from tests.recordings.recording import Recording, needed, recordings
from tests.recordings.replay import encoded

pytestmark = needed

ANSWERS = recordings("stream", "json")
RAW = [recording for recording in ANSWERS if recording.is_raw]
PROVIDERS = sorted({recording.provider for recording in ANSWERS})

by_provider = pytest.mark.parametrize("provider", PROVIDERS)


def of(provider: str, every: list[Recording] = ANSWERS) -> Iterator[Recording]:
    return (recording for recording in every if recording.provider == provider)


def test_there_are_recordings() -> None:
    assert len(RAW) > 700
    assert len(ANSWERS) > 1000


_CUT = "its call is cut short, and the native finish reason says so"
UNLIKE_THE_INDEX = {
    "cerebras/huggingface-huggingface.js__inference.tapes__68-b70d55f.sse": "a quote stands behind its last event",
    "tgi-hf-inference/huggingface-huggingface_hub__test_async_chat_completion_with_stream__0-2b8c1c5.sse":
        "no blank line stands between its last two events",
    "openai/DataDog-dd-trace-py__contrib.openai.v1.chat_completion_image_input.json":
        "finish_details stands in place of a finish reason",
    "snowflake/pydantic-pydantic-ai__test_snowflake.test_snowflake_openai_model.json": "its call is blank",
    "snowflake/pydantic-pydantic-ai__test_snowflake.test_snowflake_tool_calling__1.json": "its call is blank",
    "openrouter/0xPlaygrounds-rig__openrouter.tool_truncation_contract_matrix.blocking_gpt4o_mid_agent.json":
        _CUT,
    "openrouter/0xPlaygrounds-rig__openrouter.tool_truncation_contract_matrix.blocking_gpt41_low_agent.json":
        _CUT,
    "openrouter/0xPlaygrounds-rig__openrouter.tool_truncation_contract_matrix.streaming_gpt4o_low_agent.sse":
        _CUT,
    "openrouter/0xPlaygrounds-rig__openrouter.tool_truncation_contract_matrix.streaming_gpt41_low_agent.sse":
        _CUT,
}  # fmt: skip
"""Recordings of which the reader and the index say different things, and why the reader is right."""


def test_the_reader_says_what_the_index_says() -> None:
    """The index was made by other hands; where both agree, neither has misread."""
    different = set()
    for recording in [one for one in ANSWERS if not one.features & {"n>1", "choice-index>0"}]:
        answer, features = told(recording), recording.features
        read = (bool(answer.calls), len(answer.calls) > 1, answer.usage is None, answer.reason == "max_output_tokens")
        indexed = (
            bool(features & {"tool_call", "function_call-legacy"}),
            "parallel-tools" in features,
            "usage-none" in features,
            "finish=length" in features and answer.status != "failed",
        )
        if read != indexed:
            different.add(recording.file)
    assert different == UNLIKE_THE_INDEX.keys()


@by_provider
def test_what_was_recorded_is_what_comes_out(provider: str) -> None:
    wrong = {one.file: found for one in of(provider) if (found := misses(told(one), [one.body()]))}
    assert {file: found for file, found in wrong.items() if file not in EXCEPTIONS} == {}


def test_every_exception_is_one() -> None:
    named = {recording.file: recording for recording in ANSWERS if recording.file in EXCEPTIONS}
    assert named.keys() == EXCEPTIONS.keys()
    assert [file for file, recording in named.items() if not misses(told(recording), [recording.body()])] == []


@by_provider
def test_the_pieces_do_not_matter(provider: str) -> None:
    for recording in of(provider, RAW):
        body = recording.body()
        whole = encoded([body])
        assert encoded(recording.packets()) == whole, recording.file
        assert encoded(body[at : at + 1] for at in range(len(body))) == whole, recording.file


def is_event(packet: bytes) -> bool:
    return packet.startswith(b"data") and packet.endswith(b"\n\n")


def test_some_packets_were_recorded() -> None:
    cut_anywhere = [recording for recording in RAW if not all(map(is_event, recording.packets()))]
    assert len([recording for recording in cut_anywhere if recording.kind == "stream"]) > 5


def retold() -> Iterator[tuple[Recording, Answer]]:
    """Yield what can be told in either form: a failure is told in many ways."""
    for recording in RAW:
        answer = told(recording)
        if answer.status != "failed" and recording.file not in EXCEPTIONS:
            yield recording, answer


@pytest.mark.parametrize("tell", [as_completion, as_stream])
def test_an_answer_told_over_again_is_the_same(tell: Callable[[Answer], bytes]) -> None:
    wrong = {recording.file: found for recording, answer in retold() if (found := misses(answer, [tell(answer)]))}
    assert wrong == {}


def pairs() -> Iterator[tuple[Recording, Recording]]:
    """Yield streams, each with a whole answer to the same request in which the model happened to say the same."""
    asked: defaultdict[str, list[Recording]] = defaultdict(list)
    for recording in ANSWERS:
        if (request := recording.request()) is not None:
            same = {name: value for name, value in request.items() if name not in ("stream", "stream_options")}
            asked[f"{recording.provider} {json.dumps(same, sort_keys=True)}"].append(recording)
    for group in asked.values():
        for one, other in product(group, group):
            if (one.kind, other.kind) == ("stream", "json") and said(told(one)) == said(told(other)):
                yield one, other


def said(answer: Answer) -> tuple[object, ...]:
    """Return what two answers have in common that say the same; ids are new in each."""
    calls = [(name, arguments) for _, name, arguments in answer.calls]
    return answer.text, answer.reasoning, answer.refusal, calls, answer.status, answer.reason


def test_streamed_and_unstreamed_are_the_same_where_both_were_recorded() -> None:
    found = list(pairs())
    assert len(found) > 30
    for stream, whole in found:
        assert said(made([stream.body()])) == said(made([whole.body()])), (stream.file, whole.file)
