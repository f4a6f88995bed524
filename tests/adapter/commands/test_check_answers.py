"""What `check` makes of odd answers: cut ones, endless ones, refusals that teach, calls in text."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from adapter.commands.check.results import create_probes, run_probes
from adapter.settings.secret_values import Secret
from adapter.settings.settings import Settings
from tests.adapter.commands.test_check import check, check_named, completion, modest, upstream_at
from tests.support import chat
from tests.support.servers.upstream import CLOSE, ReceivedRequest, Script, Upstream, stream, whole

JSON = dict[str, Any]


@pytest.fixture
def dripping() -> Iterator[str]:
    """Return a base URL whose answers have a head that never ends."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        over = threading.Event()

        def serve() -> None:
            with suppress(OSError):
                while True:
                    peer, _ = listener.accept()
                    with peer, suppress(OSError):
                        peer.sendall(b"HTTP/1.1 200 OK\r\n")
                        while not over.wait(0.05):
                            peer.sendall(b"X: y\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        stack.callback(thread.join)
        stack.callback(listener.shutdown, socket.SHUT_RDWR)
        stack.callback(over.set)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


def test_an_answer_whose_head_never_ends_is_waited_for_only_so_long(dripping: str) -> None:
    (only,) = check(dripping, upstream_timeout=1, connect_timeout=0.1).values()
    assert (only.verdict, only.detail) == ("error", "no whole answer within 1.1 s.")


def test_a_body_that_does_not_come_is_no_unreachable_provider(upstream: Upstream) -> None:
    halted: Script = [b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"]
    upstream.otherwise = lambda received: halted
    assert check(upstream.url, upstream_timeout=1)["completion"].detail == "no answer within 1 s."


def test_a_second_call_without_an_answer_ends_the_check(upstream: Upstream) -> None:
    def slow_tools(received: ReceivedRequest) -> Script:
        return [] if {"tools", "response_format"} & received.json.keys() else modest(received)

    upstream.otherwise = slow_tools
    results = check(upstream.url, upstream_timeout=1)
    assert list(results)[-2:] == ["parallel calls", "json_schema"]
    assert results["tool calls"].detail == results["json_schema"].detail == "no answer within 1 s."


@pytest.mark.parametrize(("script", "detail"), [
    ([b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", CLOSE], "closed in the middle of the answer."),
    ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n63\r\n{", CLOSE], "closed in the middle of the answer."),
    ([CLOSE], "closed the connection without an answer. Does this port speak TLS, so that the URL should begin with "
              "https://?"),
])  # fmt: skip
def test_a_connection_that_is_closed(upstream: Upstream, script: Script, detail: str) -> None:
    upstream.otherwise = lambda received: script
    assert check(upstream.url)["completion"].detail.endswith(detail)


def test_nothing_more_is_asked_without_a_completion(upstream: Upstream) -> None:
    upstream.otherwise = lambda received: whole({"error": {"message": "Loading model"}}, 503)
    results = check(upstream.url)
    assert list(results) == ["models", "dialect", "completion"]
    assert results["completion"].verdict == "error"
    upstream.otherwise = lambda received: whole(completion(content=""))
    assert check(upstream.url)["completion"][1:4:2] == ("no", "an empty answer")


def test_a_limit_that_leaves_no_room_for_text_is_named(upstream: Upstream) -> None:
    cut = completion(content="")
    cut["choices"][0]["finish_reason"] = "length"
    upstream.otherwise = lambda received: whole(cut)
    assert check(upstream.url)["completion"][1:4:2] == ("ok", "no text in as many tokens as a probe allows")


def refusing(member: str, message: str) -> Any:
    def provider(received: ReceivedRequest) -> Script:
        return whole({"error": {"message": message}}, 400) if member in received.json else modest(received)

    return provider


@pytest.mark.parametrize(("member", "message", "lesson"), [
    ("max_tokens", "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
     "token_limit=max_completion_tokens"),
    ("stream_options", "Unknown field: stream_options", "stream_options"),
])  # fmt: skip
def test_what_a_server_learns_is_no_failure(upstream: Upstream, member: str, message: str, lesson: str) -> None:
    upstream.otherwise = refusing(member, message)
    probes = create_probes(Settings(upstream_url=upstream.url), None)
    results = {result.name: result for result in run_probes(probes)}
    assert (results["completion"].ok, results["streaming"].ok) == (True, True)
    refused = [received for received in upstream.requests if member in received.json]
    assert len(refused) == 1, "what was learned holds for the probes that follow"
    assert probes.advice[0] == f"The provider rejects some of what it is sent, and a server learns that: {lesson}."


def test_a_rejection_that_stays_the_same_teaches_nothing(upstream: Upstream) -> None:
    upstream.otherwise = lambda received: whole({"error": {"message": "Unknown field: max_tokens"}}, 400)
    probes = create_probes(Settings(upstream_url=upstream.url), None)
    last = list(run_probes(probes))[-1]
    assert (last.name, last.verdict, last.detail) == ("completion", "no", "400: Unknown field: max_tokens")
    assert probes.advice == []


def test_a_stream_is_one_whatever_its_type(upstream: Upstream) -> None:
    piece = b'data: {"choices": [{"index": 0, "delta": {"content": "one"}, "finish_reason": "stop"}]}\n\n'
    streamed = stream(piece, b"data: [DONE]\n\n")
    assert isinstance(streamed[0], bytes)
    streamed[0] = streamed[0].replace(b"text/event-stream", b"application/json")
    upstream.otherwise = lambda received: streamed if received.json.get("stream") else modest(received)
    assert check(upstream.url)["streaming"].ok


def test_an_error_in_the_place_of_a_stream_is_quoted(upstream: Upstream) -> None:
    failed = whole({"error": {"message": "No provider is free."}})
    upstream.otherwise = lambda received: failed if received.json.get("stream") else modest(received)
    assert check(upstream.url)["streaming"][1:4:2] == ("no", "No provider is free.")


def test_counts_of_nothing_are_no_usage(upstream: Upstream) -> None:
    def uncounted(received: ReceivedRequest) -> Script:
        return streamed if "stream" in received.json else modest(received)

    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    streamed = stream(chat.text("one") + chat.end(usage=usage))
    upstream.otherwise = uncounted
    assert check(upstream.url)["usage in streams"].verdict == "no"


@pytest.mark.parametrize(("message", "verdict", "detail"), [
    ({"content": '<tool_call>{"name": "get_weather", "arguments": {"city": "Paris"}}</tool_call>'}, "ok",
     'get_weather({"city":"Paris"}), written as text'),
    ({"content": None, "tool_calls": [
        {"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    ]}, "no", "the model called what was not declared: weather({})"),
])  # fmt: skip
def test_calls_are_read_as_a_server_reads_them(
    upstream: Upstream, message: JSON, verdict: str, detail: str
) -> None:
    called = whole(completion(**message))
    upstream.otherwise = lambda received: called if "tools" in received.json else modest(received)
    assert check(upstream.url)["tool calls"][1:4:2] == (verdict, detail)


def test_the_first_model_that_chats_is_asked(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    upstream.otherwise = modest
    names = ("text-embedding-3-small", "whisper-1", "small-chat")
    monkeypatch.setattr(upstream, "models", {"data": [{"id": name} for name in names]})
    assert check(upstream.url)["models"].detail == "3 models, the first for chat is small-chat"
    assert upstream.received().json["model"] == "small-chat"
    monkeypatch.setattr(upstream, "models", {"data": [{"id": "embeddings-only"}]})
    assert check(upstream.url)["models"].detail == "embeddings-only"


def test_another_base_url_of_the_host_is_found(upstream: Upstream) -> None:
    upstream.otherwise = modest
    other = {"status": "ok"}
    upstream.answers = {"/models": other, "/elsewhere/models": other, "/elsewhere/v1/models": other}
    here = upstream.url.removesuffix("/v1")
    form = 'the list of models has an unknown form: {"status": "ok"}.'
    for path in ("", "/elsewhere"):
        (only,) = check(here + path).values()
        found = f"{form} The API seems to be at {here}/v1: set ADAPTER_UPSTREAM_URL to that. Name a model with --model."
        assert only.detail == found
    upstream.answers["/v1/models/models"] = other
    assert f"seems to be at {here}/v1:" in check(f"{upstream.url}/models")["models"].detail
    upstream.answers |= dict.fromkeys(("/v1/models", "/api/v1/models", "/openai/v1/models", "/api/models"), other)
    assert check(upstream.url)["models"].detail == f"{form} Is the base URL right? Name a model with --model."


@pytest.mark.parametrize(("keys", "headers", "words"), [
    ((), {}, "401, no key was sent: set upstreams.named.key in adapter.toml."),
    (("env:KEY",), {}, "401, the key was refused: correct upstreams.named.key in adapter.toml (env:KEY)."),
    ((), {"api-key": Secret("k")}, "401, the key was refused: correct upstreams.named.headers in adapter.toml."),
])  # fmt: skip
def test_a_key_that_is_missing_is_told_from_a_wrong_one(
    upstream: Upstream, keys: tuple[str, ...], headers: dict[str, Secret], words: str
) -> None:
    upstream.otherwise = lambda received: whole({"error": {"message": "Unauthorized"}}, 401)
    secrets = tuple(Secret("k", shown) for shown in keys)
    results = check_named(upstream_at(upstream.url, keys=secrets, headers=headers))
    assert results["completion"].detail == f"{words} Unauthorized"


def test_a_wrong_key_is_one_whatever_the_status(upstream: Upstream) -> None:
    upstream.otherwise = lambda received: whole([{"error": {"message": "API key not valid."}}], 400)
    key = check(upstream.url, upstream_api_key="k")["completion"].detail
    assert key == "400, the key was refused: correct ADAPTER_UPSTREAM_API_KEY. API key not valid."

