"""Chunks of any content: a payload is read or refused with UpstreamError, and the machine takes what was read.

Made up are payloads near the vocabulary of chat completions, with values of the wrong type everywhere.
"""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.stream_harness import NOW, StreamHarness
from translators.errors import UpstreamError
from translators.to_responses.answer import AnswerReader
from translators.to_responses.deltas import read_chunk

KEYS = [
    "choices", "usage", "error", "message", "detail", "code", "type", "x_groq", "service_tier", "index", "delta",
    "text", "finish_reason", "finish_details", "logprobs", "content", "token", "logprob", "bytes", "top_logprobs",
    "refusal", "reasoning", "reasoning_content", "reasoning_details", "thinking", "summary", "tool_calls",
    "function_call", "id", "function", "name", "arguments", "parameters", "prompt_tokens", "completion_tokens",
    "total_tokens", "cached_tokens", "prompt_tokens_details", "completion_tokens_details", "errors", "msg", "metadata",
    "annotations", "url_citation", "url", "title", "start_index", "end_index", "citations", "search_results", "images",
    "image_url", "audio", "transcript", "data", "executed_tools", "results", "venice_parameters", "base_resp",
    "web_search_citations", "status_code",
]  # fmt: skip
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["<think>", "²", "429", "stop", "length", "{", "{}", "\ud83d", 10**30, 1e400, -1, "get"])
)  # fmt: skip
junk = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=12,
)


def members(**kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with some of these members, each of its kind or junk."""
    return st.fixed_dictionaries({}, optional={name: kind | junk for name, kind in kinds.items()})


functions = members(name=st.text(max_size=3), arguments=st.text(max_size=3) | junk, parameters=junk)
tool_calls = members(index=st.integers(-1, 2), id=st.text(max_size=2) | st.integers(0, 2), function=functions)
urls = st.sampled_from(["https://a.example/", "data:image/png;base64,QUJD", "data:image/svg+xml,%3C", "a", ""])
places = st.integers(-1, 6) | st.just(10**30)
sources = members(url=urls, title=st.text(max_size=2), start_index=places, end_index=places)
parts = members(type=st.sampled_from(["text", "image_url", "refusal", "reference"]), text=st.text(max_size=3),
                image_url=urls | members(url=urls), refusal=st.text(max_size=2))  # fmt: skip
deltas = members(
    content=st.text(max_size=4) | st.sampled_from(["[1]", "[2](a)"]) | st.lists(parts, max_size=3),
    annotations=st.lists(members(type=st.just("url_citation"), url_citation=sources, url=urls), max_size=2),
    images=st.lists(members(image_url=urls | members(url=urls)), max_size=2),
    audio=members(transcript=st.text(max_size=3), data=st.text(max_size=3)),
    reasoning=st.text(max_size=3), reasoning_content=st.text(max_size=3),
    reasoning_details=st.lists(junk, max_size=2), refusal=st.text(max_size=3),
    tool_calls=st.lists(tool_calls, max_size=3) | tool_calls, function_call=functions,
)  # fmt: skip
tokens = members(token=st.text(max_size=2), logprob=st.floats(), bytes=junk, top_logprobs=junk)
choices = members(
    index=st.sampled_from([0, 1]), delta=deltas, message=deltas, text=st.text(max_size=3),
    finish_reason=st.sampled_from(["stop", "length", "error", "", "odd"]),
    logprobs=members(content=st.lists(tokens | junk, max_size=2), refusal=junk),
)  # fmt: skip
counts = st.integers(-5, 99) | st.floats() | st.just(10**40)
usages = members(
    prompt_tokens=counts, completion_tokens=counts, total_tokens=counts, cached_tokens=counts,
    prompt_tokens_details=members(cached_tokens=counts), completion_tokens_details=members(reasoning_tokens=counts),
)  # fmt: skip
chunks = members(
    choices=st.lists(choices, max_size=2), usage=usages, service_tier=st.just("default"), error=junk, message=junk,
    citations=st.lists(urls | sources, max_size=3), search_results=st.lists(sources, max_size=3),
)  # fmt: skip
payloads = st.binary(max_size=20) | (chunks | junk).map(json.dumps).map(str.encode)

DEEP = 100_000


@given(payloads)
@example(b"[" * DEEP)
@example(b'{"choices":' + b"[" * DEEP)
@example(b'{"choices":[{"delta":{"images":[{"image_url":{}},5]}}]}')
@example(b'{"usage":' + b'{"a":' * 600 + b"1" + b"}" * 601)
@example(b"9" * 5000)
def test_a_payload_is_read_or_refused(payload: bytes) -> None:
    try:
        chunk = read_chunk(payload)
    except UpstreamError:
        return
    assert chunk.choices is None or isinstance(chunk.choices, list)


@given(st.lists(payloads, max_size=5))
@example([b'{"error":{"code":"\xc2\xb2","message":"x"}}'])
@example([b'{"error":{"code":"%b","message":"x"}}' % (b"9" * 5000)])
@example([b'{"choices":{"delta":{}}}'])
@example([b'{"choices":[{"delta":{"content":"x"},"logprobs":{"content":[{"token":5,"top_logprobs":[7]}]}}]}'])
@example([b'{"choices":[{"delta":{"content":"x"},"logprobs":{"content":[{"token":"\\ud83d","logprob":1e400}]}}]}'])
def test_the_machine_takes_what_was_read(every: list[bytes]) -> None:
    harness = StreamHarness()
    reader = AnswerReader(harness.stream)
    for payload in every:
        harness.emitted += reader.feed(b"data: " + payload.replace(b"\n", b" ") + b"\n\n")
    harness.emitted += reader.finish(NOW + 1)
    assert harness.response["status"] in ("completed", "incomplete", "failed")


@given(payloads | st.binary(max_size=50))
def test_a_whole_body_is_taken_or_refused(body: bytes) -> None:
    harness = StreamHarness().read([body])
    assert harness.response["status"] in ("completed", "incomplete", "failed")
