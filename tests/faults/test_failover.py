"""Two upstreams behind one name: what one of them cannot serve the other does, and nobody notices.

Until the first byte of an answer a failure of the upstream sends the request on, translated anew; what the caller got
wrong, and what breaks later, stays where it is. Each test has a model name of its own, so that none finds an upstream
left alone for what another test did.
"""

import itertools
import json
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support import chat
from tests.support.client import Client, judged
from tests.support.servers.service import Service
from tests.support.servers.upstream import (
    CLOSE,
    LIMIT,
    RESET,
    Gate,
    ReceivedRequest,
    Script,
    Upstream,
    head,
    stream,
    whole,
)

SETTINGS = """
[upstreams.a]
url = "{a}"
keys = ["key-1-of-a", "key-2-of-a"]
dialect = "openai"

[upstreams.b]
url = "{b}"
key = "key-of-b"
headers = {{ X-Team = "search" }}
dialect = {{ preset = "default", formats = [] }}

[upstreams.passing]
url = "{b}"
callers_key = true

[upstreams.nobody]
url = "http://127.0.0.1:9/v1"

[upstreams.counting]
url = "{b}"
dialect = "vllm"

[upstreams.silent]
url = "{a}"
timeout = 1

[models]
"silent" = ["silent", {{ upstream = "b", weight = 0 }}]
"first-*" = ["a", {{ upstream = "b", model = "b-*", weight = 0 }}]
"second-*" = ["b", {{ upstream = "a", weight = 0 }}]
"even-*" = ["a", "b"]
"passed" = ["passing", {{ upstream = "a", weight = 0 }}]
"lost" = ["nobody", {{ upstream = "b", weight = 0 }}]
"counted" = {{ upstream = "counting", model = "c" }}
"""
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
BUSY = whole(chat.error("Overloaded."), 503)
HELLO = whole(chat.completion("Hello."))
COUNTER = itertools.count()


@pytest.fixture(scope="module")
def upstreams() -> Iterator[tuple[Upstream, Upstream]]:
    with Upstream() as a, Upstream() as b:
        yield a, b


@pytest.fixture
def a(upstreams: tuple[Upstream, Upstream]) -> Iterator[Upstream]:
    yield upstreams[0]
    upstreams[0].reset()


@pytest.fixture
def b(upstreams: tuple[Upstream, Upstream]) -> Iterator[Upstream]:
    yield upstreams[1]
    upstreams[1].reset()


def settings(directory: Any, upstreams: tuple[Upstream, Upstream]) -> str:
    file = directory / "adapter.toml"
    file.write_text(SETTINGS.format(a=upstreams[0].url, b=upstreams[1].url))
    return str(file)


@pytest.fixture(scope="module")
def routed(upstreams: tuple[Upstream, Upstream], tmp_path_factory: Any) -> Iterator[Service]:
    directory = tmp_path_factory.mktemp("routed")
    with Service(directory, config=settings(directory, upstreams), workers=1, grace_window=0.2) as service:
        yield service


def name(kind: str) -> str:
    return f"{kind}-{next(COUNTER)}"


def text_of(response: dict[str, Any]) -> str:
    return str(response["output"][-1]["content"][0]["text"])


def answer(text: str, received: ReceivedRequest) -> Script:
    if received.json.get("stream"):
        return stream(chat.text(*text), chat.end())
    return whole(chat.completion(text))


EMPTY_HEAD = head(200, content_type="text/event-stream", transfer_encoding="chunked")
FAILURES: dict[str, list[Script]] = {
    "429 for both keys": [whole(chat.error("Slow down."), 429, retry_after="1")] * 2,
    "401 for both keys": [whole(chat.error("Bad key."), 401)] * 2,
    "quota, then 403": [
        whole(chat.error("You exceeded your current quota.", code="insufficient_quota"), 429),
        whole(chat.error("Forbidden."), 403),
    ],
    "500": [whole(chat.error("Crashed."), 500)],
    "502 with a web page": [whole(b"<html>Bad Gateway</html>", 502, "text/html")],
    "503": [BUSY],
    "529": [whole(chat.error("Overloaded."), 529)],
    "404 for the model": [whole(chat.error("The model does not exist.", code="model_not_found"), 404)],
    "closed without an answer": [[CLOSE], [CLOSE]],
    "reset": [[RESET], [RESET]],
    "not HTTP": [[b"SSH-2.0-OpenSSH_9.2\r\n", CLOSE]],
    "a status and nothing behind it": [[EMPTY_HEAD, CLOSE]],
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_is_the_others_work(failure: str, streamed: bool, routed: Service, a: Upstream, b: Upstream) -> None:
    model = name("first")
    a.plays(*FAILURES[failure])
    b.otherwise = lambda received: answer("Hello.", received)
    response = (routed.stream(model=model)[-1]["response"]) if streamed else routed.create(model=model)
    assert (response["status"], response["model"], text_of(response)) == ("completed", model, "Hello.")
    assert len(a.requests) == len(FAILURES[failure])
    (received,) = b.requests
    assert received.json["model"] == model.replace("first", "b")
    assert (received.headers["authorization"], received.headers["x-team"]) == ("Bearer key-of-b", "search")
    assert {request.headers["authorization"] for request in a.requests} <= {"Bearer key-1-of-a", "Bearer key-2-of-a"}
    assert routed.get(f"/v1/responses/{response['id']}").json == response
    a.plays(HELLO)
    assert text_of(routed.create(model=name("first"))) == "Hello.", "one failure, and it is left alone"
    assert len(b.requests) == 1


def test_an_upstream_that_nobody_can_reach(routed: Service, b: Upstream) -> None:
    b.otherwise = lambda received: answer("Hello.", received)
    for _ in range(5):
        assert text_of(routed.create(model="lost")) == "Hello."


@pytest.mark.parametrize("script", [[Gate()], [EMPTY_HEAD, Gate()]], ids=["no status", "nothing behind the status"])
def test_silence(script: Script, routed: Service, a: Upstream, b: Upstream) -> None:
    a.plays(script)
    b.otherwise = lambda received: answer("Hello.", received)
    assert text_of(routed.stream(model="silent")[-1]["response"]) == "Hello."
    assert a.received().closed.wait(LIMIT), "the silent call goes on"


@pytest.mark.parametrize("failure", ["429 for both keys", "401 for both keys"])
def test_another_key_of_the_same_upstream(failure: str, routed: Service, a: Upstream, b: Upstream) -> None:
    a.plays(FAILURES[failure][0], HELLO)
    assert text_of(routed.create(model=name("first"))) == "Hello."
    assert len({request.headers["authorization"] for request in a.requests}) == 2
    assert not b.requests


MISTAKES: dict[str, tuple[Script, str | None]] = {
    "400": (whole(chat.error("Bad image.", param="messages"), 400), None),
    "too long": (whole(chat.error("maximum context length is 8192 tokens"), 400), "context_length_exceeded"),
    "content": (whole(chat.error("Refused.", code="content_policy_violation"), 400), "content_filter"),
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_the_caller_got_wrong(mistake: str, streamed: bool, routed: Service, a: Upstream, b: Upstream) -> None:
    script, code = MISTAKES[mistake]
    a.plays(script)
    refused = routed.post({"model": name("first"), "input": "Hi", "stream": streamed})
    assert (refused.status, refused.error["code"] if code else None) == (400, code)
    assert not b.requests


@pytest.mark.parametrize("streamed", [False, True])
def test_what_breaks_after_the_first_byte(streamed: bool, routed: Service, a: Upstream, b: Upstream) -> None:
    a.plays(stream(chat.text("Hel"), CLOSE))
    model = name("first")
    if streamed:
        assert routed.stream(model=model)[-1]["type"] == "response.failed"
    else:
        assert routed.post({"model": model, "input": "Hi"}).status == 500
    assert not b.requests


def test_a_failure_when_the_stream_has_begun(routed: Service, a: Upstream, b: Upstream) -> None:
    gate = Gate()
    a.plays([gate, *BUSY])
    b.plays(stream(chat.text("Hel", "lo."), chat.end()))
    with routed.open_stream(model=name("first")) as exchange:
        exchange.read_until(b"event: response.in_progress")
        gate.set()
        events = judged(exchange.rest())
    assert text_of(events[-1]["response"]) == "Hello."
    assert [event["type"] for event in events].count("response.created") == 1


# --- each in its own dialect ----------------------------------------------------------------------------------------

ASKED = {
    "input": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
    "max_output_tokens": 64, "safety_identifier": "u-1",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["first", "second"])
def test_each_is_asked_in_its_own_dialect_and_the_notes_are_those_of_who_answered(
    kind: str, routed: Service, a: Upstream, b: Upstream
) -> None:
    failing, answering = (a, b) if kind == "first" else (b, a)
    failing.plays(BUSY)
    answering.plays(HELLO)
    answered = routed.post({"model": name(kind), **ASKED})
    assert answered.response["status"] == "completed"
    (of_a,), (of_b,) = a.requests, b.requests
    assert of_a.messages[0]["role"] == "developer"
    assert (of_a.json["max_completion_tokens"], of_a.json["safety_identifier"]) == (64, "u-1")
    assert of_b.messages[0]["role"] == "system"
    assert of_b.json["max_tokens"] == 64
    assert "safety_identifier" not in of_b.json
    told = answered.headers.get("x-adapter-notes", "")
    assert ("safety_identifier dropped" in told) == (kind == "first")
    again = routed.get(f"/v1/responses/{answered.response['id']}")
    assert again.headers.get("x-adapter-notes", "") == told


DOCX = "data:application/vnd.openxmlformats-officedocument.wordprocessingml.document;base64,UEsDBP/+AIA="


def test_what_one_cannot_be_told_is_told_another(routed: Service, a: Upstream, b: Upstream) -> None:
    """A file that one provider takes and the other does not; it is refused only where nobody takes it."""
    a.plays(HELLO, BUSY)
    parts = [{"type": "input_file", "filename": "a.docx", "file_data": DOCX}]
    for kind in ("second", "first"):
        answered = routed.post({"model": name(kind), "input": [{"role": "user", "content": parts}]})
        assert answered.status == (200 if kind == "second" else 503)
    refused = routed.post({"model": "counted", "input": [{"role": "user", "content": parts}]})
    assert (refused.status, refused.error["param"]) == (400, "input[0].content[0]")
    assert not b.requests


def test_what_a_refusal_teaches_is_learned_about_the_one_who_refused(routed: Service, a: Upstream, b: Upstream) -> None:
    model = name("first")
    a.plays(BUSY, HELLO)
    b.plays(whole(chat.error("Unsupported parameter: 'tool_choice'", param="tool_choice"), 400))
    b.otherwise = lambda received: whole(chat.completion(tool_calls=[CALL]))
    for _ in range(2):
        routed.create(model=model, tools=[LOOK], tool_choice="required")
    assert ["tool_choice" in received.json for received in b.requests] == [True, False]
    assert ["tool_choice" in received.json for received in a.requests] == [True, True]


CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
SIGNED = {**CALL, "extra_content": {"google": {"thought_signature": "c2ln"}}}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "done"}


@pytest.fixture
def signing(tmp_path: Any) -> Iterator[tuple[Service, Upstream, Upstream]]:
    """Two upstreams that take back what they signed, which the strict ones do not."""
    with Upstream() as a, Upstream() as b, Service(tmp_path, config=settings(tmp_path, (a, b)), workers=1) as service:
        yield service, a, b


@pytest.mark.parametrize("streamed", [False, True])
def test_what_one_has_sealed_goes_back_to_it_alone(
    streamed: bool, signing: tuple[Service, Upstream, Upstream]
) -> None:
    routed, a, b = signing
    model = name("first")
    a.plays(whole(chat.completion(tool_calls=[SIGNED])), BUSY, HELLO)
    b.plays(stream(chat.text("Hi."), chat.end()) if streamed else whole(chat.completion("Hi.")))
    first = routed.create("Look.", model=model, tools=[LOOK])
    rest = {"model": model, "input": [OUTPUT], "previous_response_id": first["id"], "tools": [LOOK]}
    elsewhere = routed.post({**rest, "stream": streamed})
    assert "encrypted_content dropped" in elsewhere.headers["x-adapter-notes"]
    back = routed.post(rest)
    assert "encrypted_content" not in back.headers.get("x-adapter-notes", "")
    (call,) = next(message["tool_calls"] for message in b.requests[0].messages if "tool_calls" in message)
    assert "extra_content" not in call
    (call,) = next(message["tool_calls"] for message in a.requests[2].messages if "tool_calls" in message)
    assert call["extra_content"] == SIGNED["extra_content"]


def test_what_is_sealed_after_a_failure_is_sealed_for_who_answered(signing: tuple[Service, Upstream, Upstream]) -> None:
    routed, a, b = signing
    model = name("first")
    a.plays(BUSY, BUSY)
    b.plays(stream(chat.chunk({"tool_calls": [{"index": 0, **SIGNED}]}), chat.end()), HELLO)
    first = routed.stream("Look.", model=model, tools=[LOOK])[-1]["response"]
    routed.create([OUTPUT], model=model, previous_response_id=first["id"], tools=[LOOK])
    (call,) = next(message["tool_calls"] for message in b.requests[1].messages if "tool_calls" in message)
    assert call["extra_content"] == SIGNED["extra_content"]


# --- who is asked first ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["chain", "cache key", "cache key, then a chain", "conversation"])
def test_a_conversation_stays_with_one(kind: str, routed: Service, a: Upstream, b: Upstream) -> None:
    a.otherwise = lambda received: answer("a", received)
    b.otherwise = lambda received: answer("b", received)
    seen = []
    for number in range(20):
        members: dict[str, Any] = {"prompt_cache_key": f"c-{number}"} if "key" in kind else {}
        if kind == "conversation":
            members = {"conversation": routed.request("POST", "/v1/conversations", {}).json["id"]}
        served = []
        for _ in range(3):
            response = routed.create(model="even-chance", **members)
            served.append(text_of(response))
            if "chain" in kind:
                members = {"previous_response_id": response["id"]}
        assert len(set(served)) == 1
        seen.append(served[0])
    assert set(seen) == {"a", "b"}


# --- more than one round --------------------------------------------------------------------------------------------


def test_a_second_round_stays_where_the_first_was(routed: Service, a: Upstream, b: Upstream) -> None:
    b.plays(whole(chat.completion("Paris")), BUSY)
    form = {"format": {"type": "json_schema", "name": "city", "schema": CITY}}
    refused = routed.post({"model": name("second"), "input": "The capital of France, as JSON.", "text": form})
    assert refused.status == 503
    assert len(b.requests) == 2
    assert not a.requests


def test_a_summary_by_another_one(routed: Service, a: Upstream, b: Upstream) -> None:
    a.plays(BUSY)
    b.plays(whole(chat.completion("Much was said.")), HELLO)
    items = [{"role": "user", "content": "word " * 2000}, {"role": "assistant", "content": "Well."}]
    response = routed.create(
        [*items, {"role": "user", "content": "And?"}],
        model=name("first"), context_management=[{"type": "compaction", "compact_threshold": 1000}],
    )  # fmt: skip
    assert [item["type"] for item in response["output"]] == ["compaction", "message"]
    assert (len(a.requests), len(b.requests)) == (1, 2)
    assert "Much was said." in b.requests[1].body.decode()


# --- nobody ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streamed", [False, True])
def test_when_all_fail_the_shortest_wait_is_told(streamed: bool, routed: Service, a: Upstream, b: Upstream) -> None:
    a.plays(*(whole(chat.error("Slow down."), 429, retry_after=seconds) for seconds in ("9", "7")))
    b.plays(whole(chat.error("Overloaded."), 503, retry_after="30"))
    refused = routed.post({"model": name("first"), "input": "Hi", "stream": streamed})
    assert (refused.status, refused.error["code"]) == (503, "server_is_overloaded")
    assert refused.headers["retry-after"] == "7"


def test_when_all_are_down_they_are_left_alone(routed: Service, a: Upstream, b: Upstream) -> None:
    model = name("first")
    a.otherwise = b.otherwise = lambda received: BUSY
    for _ in range(3):
        assert routed.post({"model": model, "input": "Hi"}).error["message"] == "Overloaded."
    before = len(a.requests) + len(b.requests)
    refused = routed.post({"model": model, "input": "Hi"})
    assert (refused.status, refused.error["code"]) == (503, "server_is_overloaded")
    assert 1 <= int(refused.headers["retry-after"]) <= 5
    assert len(a.requests) + len(b.requests) == before, "a candidate in cooldown was asked"
    a.otherwise = lambda received: answer("Hello.", received)
    assert text_of(routed.create(model=name("first"))) == "Hello.", "another model was taken for the same"


def test_a_model_that_nobody_serves(routed: Service) -> None:
    refused = routed.post({"model": "other", "input": "Hi"})
    assert (refused.status, refused.error["code"], refused.error["param"]) == (400, "model_not_found", "model")
    assert refused.error["message"] == "The requested model 'other' does not exist."
    counted = routed.request("POST", "/v1/responses/input_tokens", {"model": "other", "input": "Hi"})
    assert counted.error["code"] == "model_not_found"


def test_the_callers_own_key_goes_only_where_it_is_meant_to(routed: Service, a: Upstream, b: Upstream) -> None:
    b.plays(whole(chat.error("Bad key."), 401), BUSY)
    a.plays(HELLO)
    caller = Client(routed.host, routed.port, key="sk-of-the-caller")
    refused = caller.post({"model": "passed", "input": "Hi"})
    assert (refused.status, refused.error["message"]) == (401, "Bad key.")
    assert not a.requests, "the caller's wrong key is nobody else's work"
    assert text_of(caller.create(model="passed")) == "Hello."
    assert [received.headers["authorization"] for received in b.requests] == ["Bearer sk-of-the-caller"] * 2
    assert "sk-of-the-caller" not in str(a.requests[0].headers)


def test_the_log_tells_a_failure_that_is_an_http_error(routed: Service, a: Upstream, b: Upstream) -> None:
    model = name("first")
    a.plays(whole(chat.error("Bad key."), 401))
    b.plays(whole(chat.error("Bad key."), 401))
    answer = routed.post({"model": model, "input": "Hi"})
    told = [json.loads(line) for line in routed.log.splitlines() if answer.headers["x-request-id"] in line]
    assert [event["status"] for event in told if event["event"] == "response"] == ["failed"]
    (failed,) = [event for event in told if event["event"] == "upstream failed"]
    assert (failed["status"], failed["provider_status"]) == (500, 401)


def test_the_log_names_who_failed_and_no_key(routed: Service, a: Upstream, b: Upstream) -> None:
    model = name("first")
    a.plays(*[whole(chat.error("Slow down, key-1-of-a and key-2-of-a."), 429, retry_after="3")] * 2)
    b.plays(HELLO)
    routed.create(model=model)
    events = [json.loads(line) for line in routed.log.splitlines() if model in line or '"cooldown"' in line]
    told = [event for event in events if event["event"] == "retried elsewhere"]
    assert [(event["failed"], event["status"], event["next"]) for event in told] == [("a", 429, "a"), ("a", 429, "b")]
    alone = [event for event in events if event["event"] == "cooldown" and event["model"] == model]
    assert [(event["upstream"], event["seconds"]) for event in alone] == [("a", 3.0), ("a", 3.0)]
    assert "of-a" not in routed.log


# --- what is asked beside ------------------------------------------------------------------------------------------


def test_the_list_of_models(routed: Service, upstreams: tuple[Upstream, Upstream]) -> None:
    """One upstream is not there; the others list under the names that reach them."""
    listed = upstreams[1].models
    upstreams[1].models = {"data": [{"id": "b-1", "owned_by": "b"}, {"id": "unreachable"}, {"id": "even-2"}]}
    try:
        models = {model["id"]: model for model in routed.get("/v1/models").json["data"]}
        assert models.keys() == {"first-1", "even-2", "passed", "lost", "silent", "counted"}
        assert models["first-1"] == {"id": "first-1", "object": "model", "created": 0, "owned_by": "b"}
        assert routed.get("/v1/models/passed").json["id"] == "passed"
        assert routed.get("/v1/models/unreachable").status == 404
    finally:
        upstreams[1].models = listed


def test_tokens_are_counted_by_who_serves_the_model(routed: Service, b: Upstream) -> None:
    b.answers = {"/tokenize": {"count": 42}}
    counted = routed.request("POST", "/v1/responses/input_tokens", {"model": "counted", "input": "Hi"})
    assert counted.json["input_tokens"] == 42
    assert "x-adapter-notes" not in counted.headers


# --- one that fails at random ---------------------------------------------------------------------------------------


def test_one_fails_at_random_and_no_client_sees_it(upstreams: tuple[Upstream, Upstream], tmp_path: Any) -> None:
    """Each answer names the call that it is of: it must be one call, of which nobody else got anything."""
    a, b = upstreams
    chance, lock = random.Random(4), threading.Lock()
    served: set[str] = set()
    ways = [scripts[0] for name, scripts in FAILURES.items() if name != "404 for the model"]

    def serve(who: str) -> Any:
        def script(received: ReceivedRequest) -> Script:
            with lock:
                if who == "a" and chance.random() < 0.6:
                    return chance.choice(ways)
                call = f"{who}{len(served)}-" + "x" * chance.randrange(40)
                served.add(call)
            return answer(call, received)

        return script

    a.otherwise, b.otherwise = serve("a"), serve("b")

    def ask(number: int) -> str:
        model = f"even-{number % 7}"
        response = service.stream(model=model)[-1]["response"] if number % 2 else service.create(model=model)
        assert (response["status"], len(response["output"])) == ("completed", 1), response
        assert service.get(f"/v1/responses/{response['id']}").json == response
        return text_of(response)

    try:
        with (
            Service(tmp_path, config=settings(tmp_path, upstreams), workers=2) as service,
            ThreadPoolExecutor(6) as clients,
        ):
            got = list(clients.map(ask, range(120)))
        assert sorted(got) == sorted(served), "an answer was mixed, told twice or lost"
        assert {text[0] for text in got} == {"a", "b"}
    finally:
        for one in upstreams:
            one.reset()
