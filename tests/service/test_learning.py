"""Learning through the whole service: a provider that refuses one thing after the other, and workers that share it.

What is learned is remembered for a model, so each test has a model of its own.
"""

import contextlib
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import LIMIT, ReceivedRequest, Script, Upstream, stream, whole

LOOK = {"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": True}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
EVERYTHING: dict[str, Any] = {
    "instructions": "Be kind.",
    "input": [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "developer", "content": "Look around."},
        {"role": "user", "content": "Where am I?"},
    ],
    "max_output_tokens": 100,
    "tools": [LOOK],
    "tool_choice": {"type": "function", "name": "look"},
    "parallel_tool_calls": False,
    "text": {"format": {"type": "json_schema", "name": "place", "schema": SCHEMA}},
}
"""A request with all that the provider rejects, in the dialect of OpenAI."""


def roles(received: ReceivedRequest) -> list[str]:
    return [message["role"] for message in received.messages]


def rejections(received: ReceivedRequest) -> Iterator[tuple[str, str]]:
    """Yield the name of each thing in a request that this provider rejects, and the words in which it does."""
    body = received.json
    if "max_completion_tokens" in body:
        yield "max_completion_tokens", "Extra inputs are not permitted: max_completion_tokens"
    if "developer" in roles(received):
        yield "developer role", "Unsupported value: 'messages[0].role' does not support 'developer' with this model."
    if "stream_options" in body:
        yield "stream_options", "Unrecognized request argument supplied: stream_options"
    if any("strict" in tool["function"] for tool in body.get("tools", ())):
        yield "strict", "tools.0.function.strict: Extra inputs are not permitted"
    if "parallel_tool_calls" in body:
        yield "parallel_tool_calls", "Unknown parameter: 'parallel_tool_calls'."
    if body.get("response_format", {}).get("type") == "json_schema":
        yield "json_schema", "This response_format type is unavailable now"
    if isinstance(body.get("tool_choice"), dict):
        yield "tool_choice object", "Invalid tool_choice type: 'object'. Supported string values: none, auto, required"
    if roles(received).count("system") > 1:
        yield "two system messages", "Only one system message is allowed."


REJECTED = {
    "max_completion_tokens", "developer role", "stream_options", "strict", "parallel_tool_calls", "json_schema",
    "tool_choice object", "two system messages",
}  # fmt: skip


class StrictProvider:
    """A provider that rejects one thing at a time; `rejected` has the names of those that it found."""

    def __init__(self) -> None:
        self.rejected: list[str] = []

    def __call__(self, received: ReceivedRequest) -> Script:
        for name, message in rejections(received):
            self.rejected.append(name)
            return whole(chat.error(message), 400)
        if received.json.get("stream"):
            return stream(chat.call(0, "c1", "look", "{}"), chat.end("tool_calls", usage=None))
        call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        return whole(chat.completion(tool_calls=[call], finish="tool_calls"))


@pytest.fixture
def strict(upstream: Upstream) -> StrictProvider:
    upstream.otherwise = strict = StrictProvider()
    return strict


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("learning")


@pytest.fixture(scope="module")
def service_of_two(provider: Upstream, directory: Path) -> Iterator[Service]:
    with Service(directory, upstream_url=provider.url, dialect="openai", workers=2) as service:
        yield service


@contextlib.contextmanager
def only(service: Service, pid: int) -> Iterator[None]:
    """Have one worker alone serve."""
    others = [other for other in service.workers if other != pid]
    for other in others:
        os.kill(other, signal.SIGSTOP)
    try:
        deadline = monotonic() + LIMIT
        while any(state(other) != "T" for other in others):
            assert monotonic() < deadline
        yield
    finally:
        for other in others:
            os.kill(other, signal.SIGCONT)


def state(pid: int) -> str:
    return re.sub(r".*\)", "", Path(f"/proc/{pid}/stat").read_text()).split()[0]


def name_of(response: dict[str, Any]) -> str:
    assert response["status"] == "completed", response
    return str(response["output"][-1]["name"])


def test_each_thing_is_learned_in_one_failed_call_and_known_to_all_workers(
    service_of_two: Service, strict: StrictProvider, upstream: Upstream
) -> None:
    one, two = service_of_two.workers
    with only(service_of_two, one):
        assert name_of(service_of_two.stream(model="p", **EVERYTHING)[-1]["response"]) == "look"
    assert sorted(strict.rejected) == sorted(REJECTED)
    for worker in (two, one):
        with only(service_of_two, worker):
            assert name_of(service_of_two.stream(model="p", **EVERYTHING)[-1]["response"]) == "look"
            assert name_of(service_of_two.create(model="p", **EVERYTHING)) == "look"
    assert len(strict.rejected) == len(REJECTED)
    assert len(upstream.requests) == len(REJECTED) + 5
    body = upstream.requests[-2].json
    assert body["max_tokens"] == 100
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "user", "user"]


def test_what_is_lost_is_noted(service_of_two: Service, strict: StrictProvider) -> None:
    answer = service_of_two.post({"model": "noted", **EVERYTHING})
    assert name_of(answer.response) == "look"
    notes = answer.headers["x-adapter-notes"]
    for told in ("tools.strict dropped", "text.format approximated", "tool_choice approximated", "input[2] approx"):
        assert told in notes
    assert "stream_options" not in strict.rejected


def test_one_worker_learns_after_the_other(service_of_two: Service, strict: StrictProvider) -> None:
    one, two = service_of_two.workers
    with only(service_of_two, one):
        service_of_two.create(model="in turn", **{**EVERYTHING, "tools": None, "tool_choice": "auto", "text": {}})
    with only(service_of_two, two):
        service_of_two.create(model="in turn", **EVERYTHING)
    with only(service_of_two, one):
        service_of_two.create(model="in turn", **EVERYTHING)
    assert sorted(strict.rejected) == sorted(REJECTED - {"stream_options"})


def test_lessons_outlive_the_service(provider: Upstream, upstream: Upstream, tmp_path: Path) -> None:
    upstream.otherwise = strict = StrictProvider()
    for _ in range(2):
        with Service(tmp_path, upstream_url=provider.url, dialect="openai", workers=1) as service:
            service.create(**EVERYTHING)
    assert sorted(strict.rejected) == sorted(REJECTED - {"stream_options"})


def test_the_log_says_what_was_learned(service_of_two: Service, strict: StrictProvider) -> None:
    service_of_two.create(model="logged", max_output_tokens=20)
    assert strict.rejected == ["max_completion_tokens"]
    (line,) = [line for line in service_of_two.log.splitlines() if "learned" in line and "logged" in line]
    assert "token_limit=max_tokens" in line


def test_a_lesson_that_does_not_help_is_not_kept(service_of_two: Service, upstream: Upstream) -> None:
    upstream.otherwise = lambda received: whole(chat.error("temperature is not supported, or so it seems"), 400)
    for count in (1, 2):
        answer = service_of_two.post({"model": "odd", "input": "Hi", "temperature": 1})
        assert (answer.status, answer.error["message"]) == (400, "temperature is not supported, or so it seems")
        assert ["temperature" in received.json for received in upstream.requests] == [True, False] * count


@pytest.mark.parametrize(("message", "code"), [
    ("The response was filtered: it says that temperature is not supported.", "content_filter"),
    ("Invalid 'temperature': decimal above maximum value. Expected a value <= 1, but got 2.", None),
    ("Invalid schema for function 'look': 'oneOf' is not permitted.", "invalid_function_parameters"),
])  # fmt: skip
def test_what_is_wrong_with_the_request_is_not_learned(
    service_of_two: Service, upstream: Upstream, message: str, code: str | None
) -> None:
    upstream.otherwise = lambda received: whole(chat.error(message, code=code), 400)
    answer = service_of_two.post({"model": "right", "input": "Hi", "temperature": 2, "tools": [LOOK]})
    assert answer.status == 400
    assert len(upstream.requests) == 1


def test_a_form_that_cannot_be_left_out_stays_refused(service_of_two: Service, upstream: Upstream) -> None:
    """An image of the user's is no form: without it the request would be another."""
    message = "messages[0]: unknown variant `image_url`, expected `text` at line 1 column 335"
    upstream.otherwise = lambda received: whole(chat.error(message), 400)
    image = {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"}
    for count in (1, 2):
        received = [{"role": "user", "content": [{"type": "input_text", "text": "See?"}, image]}]
        answer = service_of_two.post({"model": "blind", "input": received})
        assert (answer.status, answer.error["message"]) == (400, message)
        assert len(upstream.requests) == count


def test_files_become_text_for_a_provider_that_takes_none(service_of_two: Service, upstream: Upstream) -> None:
    def blind(received: ReceivedRequest) -> Script:
        parts = [part for part in received.messages[0]["content"] if isinstance(part, dict)]
        if any(part["type"] == "file" for part in parts):
            return whole(chat.error("messages[0]: unknown variant `file`, expected `text` or `image_url`"), 400)
        return whole(chat.completion("Read."))

    upstream.otherwise = blind
    file = {"type": "input_file", "filename": "a.txt", "file_data": "aGVsbG8="}
    for _ in range(2):
        answer = service_of_two.post({"model": "reads", "input": [{"role": "user", "content": [file]}]})
        assert answer.response["output"][-1]["content"][0]["text"] == "Read."
        assert "input[0].content[0] approximated: file a.txt is sent as text" in answer.headers["x-adapter-notes"]
    assert [isinstance(received.messages[0]["content"], str) for received in upstream.requests] == [False, True, True]


def test_a_provider_that_does_not_stream(service_of_two: Service, upstream: Upstream) -> None:
    def at_once(received: ReceivedRequest) -> Script:
        if received.json.get("stream"):
            return whole({"error": ["Error in `stream`: `stream` is not supported for this model"]}, 400)
        return whole(chat.completion("Hi."))

    upstream.otherwise = at_once
    for _ in range(2):
        last = service_of_two.stream(model="whole")[-1]["response"]
        assert last["output"][-1]["content"][0]["text"] == "Hi."
    assert ["stream" in received.json for received in upstream.requests] == [True, False, False]


def test_a_provider_that_only_streams(service_of_two: Service, upstream: Upstream) -> None:
    def in_pieces(received: ReceivedRequest) -> Script:
        if not received.json.get("stream"):
            return whole(chat.error("parameter.enable_thinking must be set to false for non-streaming calls"), 400)
        return stream(chat.text("H", "i."), chat.end())

    upstream.otherwise = in_pieces
    for _ in range(2):
        assert service_of_two.create(model="pieces")["output"][-1]["content"][0]["text"] == "Hi."
    assert ["stream" in received.json for received in upstream.requests] == [False, True, True]


# --- histories --------------------------------------------------------------------------------------------------

CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
SIGNED = {**CALL, "extra_content": {"google": {"thought_signature": "c2ln"}}}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "done"}
GO_ON = [{"role": "user", "content": "Go on."}]


@pytest.fixture(scope="module")
def own() -> Iterator[Upstream]:
    """A provider whose requests nobody judges: this one has members of its own."""
    with Upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def service_of_own(own: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("own"), upstream_url=own.url, workers=1) as service:
        yield service


def thoughtless(received: ReceivedRequest) -> Script:
    """Think and call, then answer; refuse thinking in a history as soon as there are two answers in it."""
    answers = [message for message in received.messages if message["role"] == "assistant"]
    if not answers:
        return whole(chat.completion(tool_calls=[CALL], reasoning_content="Hm."))
    if len(answers) > 1 and any("reasoning_content" in message for message in answers):
        return whole(chat.error("property 'reasoning_content' is unsupported"), 400)
    return whole(chat.completion("Done."))


def test_a_history_is_rendered_anew_after_a_lesson(service_of_own: Service, own: Upstream) -> None:
    own.otherwise = thoughtless
    last = service_of_own.create("Look", model="thoughtless", tools=[LOOK])
    for input in ([OUTPUT], GO_ON, GO_ON):
        last = service_of_own.create(input, model="thoughtless", previous_response_id=last["id"], tools=[LOOK])
    thought = [
        ["reasoning_content" in message for message in received.messages if message["role"] == "assistant"]
        for received in own.requests
    ]
    assert thought == [[], [True], [True, False], [False, False], [False, False, False]]


def test_an_input_that_grows_is_rendered_anew_after_a_lesson(service_of_own: Service, own: Upstream) -> None:
    """It begins as one that was rendered before, with thinking that the provider has refused since."""
    own.reset()
    own.otherwise = thoughtless
    long = "Look " * 2000
    input: list[Any] = [{"role": "user", "content": long}]
    for more in ([OUTPUT], GO_ON, GO_ON):
        answer = service_of_own.create(input, model="growing", tools=[LOOK])
        input += [*answer["output"], *more]
    service_of_own.create(input, model="growing", tools=[LOOK])
    thought = [any("reasoning_content" in message for message in received.messages) for received in own.requests]
    assert thought == [False, True, True, False, False]


def test_what_was_sealed_before_a_lesson_opens_after_it(service_of_own: Service, own: Upstream) -> None:
    own.reset()

    def signing(received: ReceivedRequest) -> Script:
        if "temperature" in received.json:
            return whole(chat.error("Unsupported parameter: 'temperature'"), 400)
        calls = [call for message in received.messages for call in message.get("tool_calls", ())]
        return whole(chat.completion("Done.") if calls else chat.completion(tool_calls=[SIGNED]))

    own.otherwise = signing
    kept = {"model": "signing", "store": False, "include": ["reasoning.encrypted_content"], "tools": [LOOK]}
    input = [{"role": "user", "content": "Look"}]
    first = service_of_own.create(input, **kept)
    assert first["output"][0]["encrypted_content"]
    service_of_own.create([*input, *first["output"], OUTPUT], temperature=1, **kept)
    assert [received.json.get("temperature") for received in own.requests] == [None, 1, None]
    assert [received.messages[1]["tool_calls"] for received in own.requests[1:]] == [[SIGNED], [SIGNED]]
