"""What `check` finds out about providers that work, that lack things, and that are not there."""

import json
import re
import socket
import threading
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import requests

from adapter.commands.check.client import read_as_it_arrives
from adapter.commands.check.probes import TWO_COLOURS
from adapter.commands.check.results import Result, create_probes, report, run_probes
from adapter.settings.models import Target
from adapter.settings.secret_values import Secret
from adapter.settings.settings import Settings
from adapter.settings.upstreams import UpstreamSettings
from tests.faults.test_tls import Provider, certificate
from tests.support.servers.demo import demo
from tests.support.servers.upstream import CLOSE, Framing, Gate, ReceivedRequest, Script, Upstream, stream, whole
from translators.dialects.dialect import Dialect

__all__ = ["certificate"]

JSON = dict[str, Any]


@pytest.fixture(scope="module", name="demo")
def demo_url() -> Iterator[str]:
    with demo() as url:
        yield url


def check(url: str, model: str | None = None, **settings: Any) -> dict[str, Result]:
    return {result.name: result for result in run_probes(create_probes(Settings(upstream_url=url, **settings), model))}


def upstream_at(url: str, **settings: Any) -> UpstreamSettings:
    return UpstreamSettings(
        name="named", url=url, dialect=settings.pop("dialect", Dialect()), connect_timeout=1, timeout=5, **settings
    )


def check_named(named: UpstreamSettings, model: str | None = None, **settings: Any) -> dict[str, Result]:
    of = Settings(upstreams=(named,), config="adapter.toml", **settings)
    return {result.name: result for result in run_probes(create_probes(of, model, named))}


def completion(**message: Any) -> JSON:
    return {
        "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def test_a_provider_that_can_do_everything_but_see(demo: str) -> None:
    results = check(demo)
    assert {name: result.verdict for name, result in results.items()} == dict.fromkeys(
        ["models", "dialect", "completion", "streaming", "usage in streams", "tool calls", "parallel calls",
         "json_schema", "reasoning", "developer role", "context window"], "ok",
    ) | {"images": "no"}  # fmt: skip
    assert results["models"].detail == "2 models, the first is demo"
    assert results["tool calls"].detail == 'get_weather({"city": "Paris"})'
    assert results["reasoning"].detail == "in reasoning_content, with reasoning_effort"
    assert [name for name, result in results.items() if result.basic] == ["models", "completion", "streaming"]


def test_the_table_has_a_line_for_each_probe_in_columns(demo: str) -> None:
    lines = [click.unstyle(report(result)) for result in check(demo, "demo-large").values()]
    assert len({re.search(" (ok|no) ", line).start() for line in lines}) == 1  # type: ignore[union-attr]
    assert len({line.index(" s  ") for line in lines}) == 1


def modest(received: ReceivedRequest) -> Script:
    """A provider that only chats: it refuses tools, schemas, reasoning effort and the developer role."""
    if {"tools", "response_format", "reasoning_effort"} & received.json.keys():
        return whole({"error": {"message": "Extra inputs are not permitted"}}, 422)
    if any(message["role"] == "developer" for message in received.messages):
        return whole({"detail": "unknown role"}, 400)
    if received.json.get("stream"):
        delta = json.dumps({"choices": [{"index": 0, "delta": {"content": "one"}, "finish_reason": "stop"}]})
        return stream(b"data: " + delta.encode() + b"\n\ndata: [DONE]\n\n")
    return whole(completion(content="ready"))


def test_a_provider_that_only_chats(upstream: Upstream) -> None:
    upstream.otherwise = modest
    results = check(upstream.url)
    assert {name: result.verdict for name, result in results.items()} == {
        "models": "ok", "dialect": "ok", "completion": "ok", "streaming": "ok", "usage in streams": "no",
        "tool calls": "no", "parallel calls": "no", "json_schema": "no", "images": "no", "reasoning": "no",
        "developer role": "no", "context window": "no",
    }  # fmt: skip
    assert results["tool calls"].detail == "422: Extra inputs are not permitted"
    assert results["parallel calls"].detail == "not tried, since tool calls do not work"
    assert results["usage in streams"].detail == "none is sent; the adapter estimates it"
    assert all(result.ok for result in results.values() if result.basic)


def test_reasoning_is_found_without_asking_for_it(upstream: Upstream) -> None:
    upstream.otherwise = lambda received: whole(completion(content="<think>Hm</think>ready"))
    assert check(upstream.url)["reasoning"].detail == "in <think>"


def test_a_schema_that_is_ignored_and_a_tool_that_is_not_called(upstream: Upstream) -> None:
    upstream.otherwise = lambda received: whole(completion(content="Paris!", reasoning=""))
    results = check(upstream.url)
    assert results["json_schema"].detail == 'the answer breaks the schema; "Paris!"'
    assert results["tool calls"].detail == 'the model made no call; "Paris!"'
    assert results["streaming"].detail == "a streamed request was answered with a whole completion"
    assert results["reasoning"].verdict == "no"


def test_a_list_of_models_that_is_missing_needs_a_model(upstream: Upstream) -> None:
    upstream.models = "none"
    try:
        (only,) = check(upstream.url).values()
        assert (only.name, only.verdict, only.basic) == ("models", "no", True)
        assert only.detail.endswith("Name a model with --model.")
        upstream.otherwise = modest
        results = check(upstream.url, "mine")
        assert (results["models"].basic, results["completion"].ok) == (False, True)
        assert upstream.received().json["model"] == "mine"
    finally:
        upstream.models = {"object": "list", "data": [{"id": "m", "object": "model", "created": 1}]}


def test_a_model_that_is_not_listed_is_named(upstream: Upstream) -> None:
    upstream.otherwise = modest
    assert check(upstream.url, "mine")["models"][1:4:2] == ("ok", "m; mine is not among them")
    assert check(upstream.url, "m")["models"].detail == "m"


def test_a_base_url_without_a_path_is_asked_about_where_nothing_is_found(upstream: Upstream) -> None:
    upstream.otherwise = lambda received: whole({"error": {"message": "Not Found"}}, 404)
    hint = " Is the base URL right? It often ends in /v1."
    bare = upstream.url.removesuffix("/v1")
    assert check(bare, "m")["completion"].detail.endswith(hint)
    assert not check(upstream.url, "m")["completion"].detail.endswith(hint)


def test_an_authority_that_is_not_trusted_has_a_setting(certificate: Path) -> None:
    provider = Provider(certificate)
    try:
        (only,) = check(provider.url).values()
        assert only.detail.endswith(
            "self-signed certificate. Name a file with the certificate of its authority: ADAPTER_UPSTREAM_CA_FILE."
        )
        (only,) = check_named(upstream_at(provider.url)).values()
        assert only.detail.endswith("of its authority: upstreams.named.ca in adapter.toml.")
    finally:
        provider.close()


def test_what_is_no_chat_provider_is_named(upstream: Upstream) -> None:
    upstream.otherwise = lambda received: [b"SSH-2.0-OpenSSH_9.2\r\n", CLOSE]
    assert "an answer that is not HTTP: 'SSH-2.0" in check(upstream.url, "m")["completion"].detail
    upstream.otherwise = lambda received: [b"\x15\x03\x01\x00\x02\x02\x46", CLOSE]
    assert "the port speaks TLS" in check(upstream.url, "m")["completion"].detail


def test_a_port_without_tls_is_named() -> None:
    def answer() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(1000)
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        (only,) = check(f"https://127.0.0.1:{listener.getsockname()[1]}/v1", "m").values()
        thread.join()
    assert only.detail.endswith(
        ": wrong version number; is there TLS at this port, or should the URL begin with http://?"
    )


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
def test_a_stream_is_read_as_it_arrives_in_any_framing(upstream: Upstream, framing: Framing) -> None:
    gate, request = Gate(), {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    upstream.plays(stream(b"data: {}\n\n", gate, b"data: [DONE]\n\n", framing=framing))
    with requests.post(f"{upstream.url}/chat/completions", json=request, stream=True, timeout=5) as answer:
        parts = read_as_it_arrives(answer)
        assert next(parts) == b"data: {}\n\n"
        gate.set()
        assert b"".join(parts) == b"data: [DONE]\n\n"


def test_nothing_is_said_of_usage_where_no_stream_came(upstream: Upstream) -> None:
    refused = whole({"error": {"message": "No streams here"}}, 400)
    upstream.otherwise = lambda received: refused if received.json.get("stream") else modest(received)
    usage = check(upstream.url, "m")["usage in streams"]
    assert (usage.verdict, usage.detail) == ("error", "there was no stream")


def test_nobody_there_ends_the_check_with_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    (only,) = check(f"http://127.0.0.1:{port}/v1", "m").values()
    assert (only.verdict, only.detail) == (
        "error", f"cannot reach http://127.0.0.1:{port}/v1: Connection refused. Is the provider running there?",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (whole({"error": {"message": "No such key"}}, 401), "401, no key was sent: set ADAPTER_UPSTREAM_API_KEY."),
        (whole(b"<html>Welcome to nginx!</html>"), "200, a web page instead of JSON: is the base URL right?"),
    ],
)
def test_what_makes_every_call_pointless_ends_the_check(upstream: Upstream, answer: Script, line: str) -> None:
    upstream.otherwise = lambda received: answer
    results = check(upstream.url)
    assert list(results) == ["models", "dialect", "completion"]
    assert results["completion"].verdict == "error"
    assert results["completion"].detail.startswith(line)


def test_a_provider_that_never_answers_is_waited_for_only_so_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        settings = Settings(upstream_url=f"http://127.0.0.1:{port}/v1", upstream_timeout=0.2)
        first = next(run_probes(create_probes(settings, "m")))
        assert (first.verdict, first.detail) == ("error", "no answer within 0.2 s.")


def test_the_configured_key_is_sent_and_never_shown(upstream: Upstream) -> None:
    upstream.otherwise = modest
    results = check(upstream.url, upstream_api_key="hunter2")
    assert upstream.received().headers["authorization"] == "Bearer hunter2"
    assert not any("hunter2" in report(result) for result in results.values())


def test_an_upstream_of_the_file_is_asked_in_its_dialect_and_with_its_headers(upstream: Upstream) -> None:
    upstream.otherwise = modest
    dialect = Dialect(token_limit="max_completion_tokens")
    results = check_named(upstream_at(upstream.url, dialect=dialect, headers={"X-Team": Secret("search")}))
    assert results["completion"].ok
    received = upstream.received()
    assert received.headers["x-team"] == "search"
    assert "max_completion_tokens" in received.json


@pytest.mark.parametrize(("given", "sent"), [(None, "deployment-4"), ("fast", "small"), ("own-name", "own-name")])
def test_a_model_is_asked_for_by_its_name_there(upstream: Upstream, given: str | None, sent: str) -> None:
    upstream.otherwise = modest
    models = {
        "p-*": (Target("named", "*", 1),), "gpt-4": (Target("named", "deployment-4", 1),),
        "fast": (Target("named", "small", 1),),
    }  # fmt: skip
    check_named(upstream_at(upstream.url), given, models=models)
    assert {received.json["model"] for received in upstream.requests} == {sent}


@pytest.mark.parametrize(
    ("status", "error", "advice"),
    [
        (503, {"message": "Loading model"}, "503: Loading model. The server still loads its model: try again"),
        (429, {"message": "You exceeded your current quota", "code": "insufficient_quota"}, "has no credit"),
        (429, {"message": "Rate limit reached"}, "Too many requests"),
        (404, {"message": "The model `m` does not exist"}, "Name another model with --model."),
        (502, {"message": "Bad gateway"}, "The provider is overloaded or down"),
        (503, {"message": "Model is overloaded"}, "503: Model is overloaded. The provider is overloaded or down"),
        (500, {"message": "llm server loading model"}, "The server still loads its model: try again"),
        (400, {"message": "No models loaded. Please load a model."}, "Load a model there first."),
        (403, {"message": "No access to model", "code": "model_not_found"}, "Name another model with --model."),
        (404, {"message": 'model "m" not found, try pulling it first'}, "Pull it there, or name another model"),
        (404, {"message": "Not Found"}, "404: Not Found. Is the base URL right?"),
        (404, {"message": "Invalid URL (POST /v1/x). Did you mean /v1/responses?"}, "This adapter itself"),
        (407, {"message": "Denied"}, "A proxy on the way wants a name and a password"),
    ],
)
def test_what_to_do_about_an_error(upstream: Upstream, status: int, error: JSON, advice: str) -> None:
    upstream.otherwise = lambda received: whole({"error": error}, status)
    assert advice in check(upstream.url)["completion"].detail


def test_a_model_that_is_not_there_ends_the_check_and_the_nearest_one_is_named(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.otherwise = lambda received: whole({"error": {"message": "model 'qwen3' not found"}}, 404)
    monkeypatch.setattr(upstream, "models", {"data": [{"id": "llama3.2:3b"}, {"id": "qwen3:8b"}]})
    results = check(upstream.url, "qwen3")
    assert list(results) == ["models", "dialect", "completion"]
    last = "404: model 'qwen3' not found. Name another model with --model. Did you mean qwen3:8b?"
    assert results["completion"].detail == last


def test_advice(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    upstream.otherwise = lambda received: whole(completion(content="Paris!"))
    card = {"id": "m", "owned_by": "llamacpp", "meta": {"n_ctx": 4096}}
    monkeypatch.setattr(upstream, "models", {"data": [card]})
    probes = create_probes(Settings(upstream_url=upstream.url), None)
    list(run_probes(probes))
    assert "set ADAPTER_DIALECT to llama_cpp." in probes.advice[0]
    assert probes.advice[1:] == [
        "llama.cpp calls tools only with --jinja.",
        "For Codex: `model_context_window = 4096`. That is too little for its prompt and tools: give the model 32,000 "
        "tokens or more, by -c 65536.",
    ]


def test_ollama_without_models(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "models", {"object": "list", "data": None})
    (only,) = check(upstream.url, dialect="ollama").values()
    assert "ollama pull" in only.detail


@pytest.mark.parametrize(("said", "outcome"), [
    ("Yellow and purple.", ("ok", '"Yellow and purple."')),
    ("**Violet**,\nand yellow", ("ok", '"**Violet**, and yellow"')),
    ("Blue and yellow.", ("no", 'not seen: "Blue and yellow."')),
    ("I cannot see images.", ("no", 'not seen: "I cannot see images."')),
])  # fmt: skip
def test_an_image_is_seen_if_its_colours_are_named(upstream: Upstream, said: str, outcome: tuple[str, str]) -> None:
    upstream.otherwise = lambda received: whole(completion(content=said))
    images = check(upstream.url, "m")["images"]
    assert (images.verdict, images.detail) == outcome


def test_the_image_has_the_colours_that_are_expected() -> None:
    data = b64decode(TWO_COLOURS.partition(",")[2])
    size = int.from_bytes(data[33:37])
    assert data[12:24] == b"IHDR" + (64).to_bytes(4) * 2
    rows = zlib.decompress(data[41 : 41 + size])
    yellow, purple = b"\xff\xff\x00", b"\x80\x00\x80"
    assert rows == (b"\x00" + yellow * 32 + purple * 32) * 64


def without_images(answer: Script) -> Callable[[ReceivedRequest], Script]:
    """A provider that gives this answer to an image."""
    return lambda received: answer if "image_url" in json.dumps(received.messages) else modest(received)


def test_an_image_that_is_refused(upstream: Upstream) -> None:
    upstream.otherwise = without_images(whole({"error": {"message": "This model does not support images."}}, 400))
    images = check(upstream.url, "m")["images"]
    assert (images.verdict, images.detail) == ("no", "refused, 400: This model does not support images.")
    llama_cpp = "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
    upstream.otherwise = without_images(whole({"error": {"message": llama_cpp, "type": "server_error"}}, 500))
    assert check(upstream.url, "m")["images"].detail == f"refused, 500: {llama_cpp}"
    upstream.otherwise = without_images(whole({"error": {"message": "Down."}}, 503))
    images = check(upstream.url, "m")["images"]
    assert (images.verdict, images.detail[:10]) == ("error", "503: Down.")
    upstream.otherwise = modest
    images = check(upstream.url, "m", dialect="deepseek")["images"]
    assert (images.verdict, images.detail[:8]) == ("no", "refused:")


def test_each_key_is_tried_and_the_wrong_one_is_named(upstream: Upstream) -> None:
    def choosy(received: ReceivedRequest) -> Script:
        wrong = received.headers["authorization"] == "Bearer key-2"
        return whole({"error": {"message": "No such key"}}, 401) if wrong else modest(received)

    upstream.otherwise = choosy
    keys = (Secret("key-1"), Secret("key-2"), Secret("key-3"))
    results = check_named(upstream_at(upstream.url, keys=keys))
    assert (results["completion"].ok, results["key 2 of 3"].ok, results["key 3 of 3"].ok) == (True, False, True)
    assert results["key 2 of 3"].basic
    assert "401, the key was refused: correct upstreams.named.key in adapter.toml." in results["key 2 of 3"].detail


def test_a_program_that_names_itself_is_checked_in_its_dialect(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.otherwise = modest
    monkeypatch.setattr(upstream, "models", {"data": [{"id": "m", "owned_by": "llamacpp"}]})
    recognised = check(upstream.url)
    assert recognised["models"].detail == "m"
    assert recognised["dialect"].detail == "llama_cpp: the models are owned by llamacpp"
    other = check(upstream.url, dialect="vllm")["dialect"]
    assert (other.verdict, other.detail) == (
        "no", "vllm, but the models are owned by llamacpp: should it be llama_cpp?",
    )  # fmt: skip
    assert check(upstream.url, dialect="llama_cpp")["dialect"].detail == "llama_cpp"
