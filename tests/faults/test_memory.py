"""What a request leaves behind in memory: nothing.

Python frees an object at once when its last reference goes, but one that leads back to itself only when the cycle
collector runs. The worker's collector runs rarely, and a request is as large as its input (megabytes, for agents), so
whatever a cycle holds piles up until then. Each kind of request is made here in this process with the collector
switched off: afterwards no object of the request is alive, and what the collector then finds is not ours.
"""

import gc
import itertools
import json
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from time import monotonic
from types import FrameType, FunctionType, GeneratorType, MethodType
from typing import Any

import gevent
import gevent.socket
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Request, TextMessage

from adapter import create_app
from adapter.settings.sources import load_settings
from adapter.sharing.offload import LARGE_BYTES
from adapter.telemetry.logs import log_context
from tests.support import chat
from tests.support.hosted import FakePolicy, FakeServer, mcp
from tests.support.servers.upstream import CLOSE, LIMIT, Gate, Script, Upstream, stream, whole

OURS = ("adapter.", "translators.")
EXEMPT = "translators.constraints.json_schema.Budget"
"""jsonschema makes a class for each judged answer, and every class is a cycle. It holds nothing of a request."""
OF_A_REQUEST = ("adapter.flow.", "adapter.upstream.call", "translators.to_responses.", "translators.open_items.")
"""Modules whose objects belong to a request; no cache holds any of them."""
SETTINGS = """
[upstreams.a]
url = "{url}"
[upstreams.b]
url = "{url}"
[upstreams.gone]
url = "http://127.0.0.1:1/v1"
[models]
"gone" = "gone"
"*" = ["a", {{ upstream = "b", weight = 0 }}]
"""
SCHEMA = {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}
FORMAT = {"format": {"type": "json_schema", "name": "place", "schema": SCHEMA, "strict": True}}
TOOLS = [{"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}]
TURNS = [
    {"role": "user", "content": "word " * 1200}, {"role": "assistant", "content": "Hello!"},
    {"role": "user", "content": "And?"},
]  # fmt: skip
COMPACTED = {"input": TURNS, "context_management": [{"type": "compaction", "compact_threshold": 1000}]}
CONTEXT_LENGTH = "This model's maximum context length is 9 tokens."
TOO_LONG = whole(chat.error(CONTEXT_LENGTH, code="context_length_exceeded"), 400)
SAYS = stream(chat.text("Hello", " there."), chat.end())
CALLS_HOSTED = stream(chat.call(0, "call_1", "mcp__dice__roll", "{}"), chat.end("tool_calls"))
CALLS = stream(chat.call(0, "call_1", "look", "{}"), chat.end("tool_calls"))
DOWN = whole(chat.error("Out of order."), 503, retry_after_ms="60000")
SOON = whole(chat.error("Not now."), 503, retry_after_ms="1")
IN_PLACE = whole(chat.error("Crashed."))
NO_TEMPERATURE = whole(chat.error("Unsupported parameter: 'temperature'", param="temperature"), 400)
COUNTER = itertools.count()

Kind = Callable[["Caller"], None]
KINDS: dict[str, Kind] = {}


def kind(make: Kind) -> Kind:
    KINDS[make.__name__] = make
    return make


class Caller:
    """Who makes the requests of one test, for a model of its own."""

    def __init__(self, app: Flask, provider: Upstream, model: str) -> None:
        self.app = app
        self.client: FlaskClient = app.test_client()
        self.provider = provider
        self.model = model

    def post(self, *scripts: Script, path: str = "", expect: int = 200, **body: Any) -> Any:
        """Return the answer to a request, read whole; the provider plays the scripts."""
        self.provider.plays(*scripts)
        answer = self.client.post(f"/v1/responses{path}", json={"model": self.model, "input": "Hi", **body})
        assert answer.status_code == expect, answer.data
        text = answer.get_data(as_text=True)
        answer.close()
        if not body.get("stream") or expect != 200:
            return json.loads(text)
        return json.loads(text.rstrip().split("\n\n")[-2].partition("data: ")[2])

    def forget(self) -> None:
        """Let the server do what it does a moment after a request."""
        log_context.set({})
        recorder = self.app.extensions["adapter"].recorder
        if recorder is not None and recorder._writer is not None:
            recorder._writer.join()
        gevent.sleep(0)

    def wait_for_runs(self) -> None:
        """Wait until background runs are closed, which happens after their responses are stored."""
        assert self.app.extensions["adapter"].background.join(LIMIT), "a run does not end"
        gevent.sleep(0)  # for the callbacks of its greenlet


@kind
def whole_answer(caller: Caller) -> None:
    caller.post(SAYS)


@kind
def streamed(caller: Caller) -> None:
    caller.post(SAYS, stream=True)


@kind
def not_stored(caller: Caller) -> None:
    caller.post(SAYS, store=False)


@kind
def answered_before_the_body_ends(caller: Caller) -> None:
    """The provider ends the HTTP body later than the answer, which a busy machine makes of any answer."""
    middle, end = Gate(), Gate()
    gevent.spawn_later(0.02, middle.set)
    caller.post(stream(chat.text("Hello"), middle, chat.end(), end), store=False)
    end.set()


@kind
def tools(caller: Caller) -> None:
    caller.post(CALLS, stream=True, tools=TOOLS)


@kind
def tools_that_the_server_runs(caller: Caller) -> None:
    services = caller.app.extensions["adapter"]
    services._tools = FakePolicy(FakeServer("dice", {"roll": lambda: "4"}))
    first = caller.post(CALLS_HOSTED, CALLS_HOSTED, SAYS, stream=True, tools=[mcp()])["response"]
    caller.post(CALLS_HOSTED, tools=[mcp(require_approval="always")], previous_response_id=first["id"])
    services._tools.servers["dice"].error = "HTTP 502 from the tool server"
    caller.post(tools=[mcp()], expect=424)
    gevent.sleep(0)  # the connections are closed in a greenlet of their own


@kind
def structured_output_with_repair(caller: Caller) -> None:
    caller.post(SAYS, stream(chat.text('{"city":"Paris"}'), chat.end()), text=FORMAT)


@kind
def structured_output_never(caller: Caller) -> None:
    caller.post(SAYS, SAYS, text=FORMAT, expect=502)


@kind
def compaction_of_its_own(caller: Caller) -> None:
    caller.post(SAYS, SAYS, stream=True, **COMPACTED)


@kind
def compaction_that_fails(caller: Caller) -> None:
    caller.post(DOWN, DOWN, SAYS, **COMPACTED)


@kind
def truncation(caller: Caller) -> None:
    caller.post(TOO_LONG, SAYS, input=TURNS, truncation="auto")


@kind
def conversation(caller: Caller) -> None:
    made = caller.client.post("/v1/conversations", json={}).json
    caller.post(SAYS, conversation=made["id"])


@kind
def previous_response(caller: Caller) -> None:
    first = caller.post(SAYS)
    caller.post(SAYS, previous_response_id=first["id"], stream=True)


@kind
def background(caller: Caller) -> None:
    made = caller.post(SAYS, background=True)
    until = monotonic() + LIMIT
    while caller.client.get(f"/v1/responses/{made['id']}").json["status"] != "completed":
        assert monotonic() < until
        gevent.sleep(0.01)
    caller.wait_for_runs()


@kind
def background_stream(caller: Caller) -> None:
    caller.post(SAYS, background=True, stream=True)
    caller.wait_for_runs()


@kind
def compact(caller: Caller) -> None:
    caller.post(SAYS, path="/compact", input=TURNS)


@kind
def input_tokens(caller: Caller) -> None:
    caller.post(path="/input_tokens")


@kind
def refused_by_the_parser(caller: Caller) -> None:
    caller.post(temperature="hot", expect=400)


@kind
def refused_beside_the_loop(caller: Caller) -> None:
    caller.post(input="x" * LARGE_BYTES, temperature="hot", expect=400)


@kind
def refused_by_the_translation(caller: Caller) -> None:
    caller.post(input=[{"type": "function_call_output", "call_id": "c", "output": "x"}], expect=400)


@kind
def unknown_previous_response(caller: Caller) -> None:
    caller.post(previous_response_id="resp_" + "0" * 32, expect=400)


@kind
def rejected(caller: Caller) -> None:
    caller.post(whole(chat.error("Not this."), 400), expect=400)


@kind
def rejected_streamed(caller: Caller) -> None:
    caller.post(whole(chat.error("Not this."), 400), stream=True, expect=400)


@kind
def rejected_with_a_lesson(caller: Caller) -> None:
    caller.post(NO_TEMPERATURE, SAYS, temperature=1, model=f"{caller.model} {next(COUNTER)}")


@kind
def failover(caller: Caller) -> None:
    caller.post(DOWN, SAYS, stream=True)


@kind
def retried(caller: Caller) -> None:
    caller.post(SOON, SOON, SAYS, stream=True)


@kind
def error_in_the_place_of_an_answer(caller: Caller) -> None:
    caller.post(IN_PLACE, SAYS, stream=True)


@kind
def nobody_answers(caller: Caller) -> None:
    caller.post(DOWN, DOWN, stream=True, expect=503)


@kind
def nobody_listens(caller: Caller) -> None:
    caller.post(expect=503, model="gone")


@kind
def a_later_round_fails(caller: Caller) -> None:
    services = caller.app.extensions["adapter"]
    services._tools = FakePolicy(FakeServer("dice", {"roll": lambda: "4"}))
    caller.post(CALLS_HOSTED, whole(chat.error("No."), 400), tools=[mcp()], expect=400)
    gevent.sleep(0)  # as above


@kind
def forwarded(caller: Caller) -> None:
    caller.provider.plays(whole(chat.completion("Hello.")), whole(chat.error("No."), 400))
    body = {"model": caller.model, "messages": [{"role": "user", "content": "Hi"}]}
    statuses = [caller.client.post("/v1/chat/completions", json=body).status_code for _ in range(2)]
    assert statuses == [200, 400]


@kind
def forwarded_to_nobody(caller: Caller) -> None:
    assert caller.client.post("/v1/embeddings", json={"model": "gone", "input": "Hi"}).status_code == 503


@kind
def cut_in_mid_stream(caller: Caller) -> None:
    failed = caller.post(stream(chat.text("Hel"), CLOSE), stream=True)
    assert failed["type"] == "response.failed"


@kind
def cut_in_mid_answer(caller: Caller) -> None:
    caller.post(stream(chat.text("Hel"), CLOSE), expect=500)


@kind
def error_in_mid_stream(caller: Caller) -> None:
    failed = caller.post(stream(chat.text("Hel"), chat.block(chat.error("Out of order."))), stream=True)
    assert failed["type"] == "response.failed"


@kind
def client_that_leaves_in_mid_stream(caller: Caller) -> None:
    """The server closes the body when it cannot write."""
    gate = Gate()
    caller.provider.plays(stream(chat.text("Hel"), gate, chat.end()))
    answer = caller.client.post(
        "/v1/responses", json={"model": caller.model, "input": "Hi", "stream": True}, buffered=False
    )
    next(iter(answer.response))
    answer.close()
    gate.set()


@kind
def client_that_leaves_before_the_first_event(caller: Caller) -> None:
    """The server closes a body that it has never begun to read."""
    caller.provider.plays(SAYS)
    wanted = {"model": caller.model, "input": "Hi", "stream": True}
    environ = EnvironBuilder("/v1/responses", method="POST", json=wanted).get_environ()
    body: Any = caller.app.wsgi_app(environ, lambda *_: lambda _: None)
    body.close()


@kind
def client_that_leaves_in_silence(caller: Caller) -> None:
    """The watch finds the connection closed."""
    ours, theirs = socket.socketpair()
    gate = Gate()
    caller.provider.plays(stream(chat.text("Hel"), gate, chat.end()))
    body = {"model": caller.model, "input": "Hi"}
    theirs.close()
    with ours:
        caller.client.post("/v1/responses", json=body, environ_overrides={"gunicorn.socket": ours})
    gate.set()


@kind
def models(caller: Caller) -> None:
    assert caller.client.get("/v1/models").status_code == 200


class WebSocket:
    """A client's end of one connection, whose other end the application serves."""

    def __init__(self, app: Flask) -> None:
        self._socket, theirs = gevent.socket.socketpair()
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._received: list[dict[str, Any]] = []
        self._text = ""
        head = self._protocol.send(Request(host="localhost", target="/v1/responses")).decode()
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        environ = {
            "REQUEST_METHOD": "GET", "PATH_INFO": "/v1/responses", "SERVER_NAME": "localhost", "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http", "gunicorn.socket": theirs,
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in fields.items()},
        }  # fmt: skip
        self._server = gevent.spawn(_serve, app, environ)
        self._protocol.receive_data(self._socket.recv(65536))
        assert [type(event) for event in self._protocol.events()] == [AcceptConnection]

    def turn(self, **members: Any) -> dict[str, Any]:
        """Send a message; return the last one that answers it."""
        message = {"type": "response.create", "input": "Hi", **members}
        self._socket.sendall(self._protocol.send(TextMessage(json.dumps(message))))
        ends = ("response.completed", "response.failed", "error")
        while True:
            self._protocol.receive_data(self._socket.recv(65536))
            for event in self._protocol.events():
                if isinstance(event, TextMessage):
                    self._text += event.data
                    if event.message_finished:
                        told: dict[str, Any] = json.loads(self._text)
                        self._text = ""
                        if told["type"] in ends:
                            return told

    def close(self) -> None:
        self._socket.sendall(self._protocol.send(CloseConnection(1000)))
        self._server.get(timeout=LIMIT)
        self._socket.close()


def _serve(app: Flask, environ: dict[str, Any]) -> None:
    try:
        app.wsgi_app(environ, lambda *_: lambda _: None)
    except (StopIteration, RuntimeError):
        pass  # how a connection says that it is over
    finally:
        environ["gunicorn.socket"].close()


@kind
def websocket(caller: Caller) -> None:
    caller.provider.plays(SAYS, SAYS, CALLS, DOWN, DOWN)
    with closing(WebSocket(caller.app)) as connection:
        first = connection.turn(model=caller.model, store=False)
        again = connection.turn(model=caller.model, store=False, previous_response_id=first["response"]["id"])
        assert again["type"] == "response.completed"
        connection.turn(model=caller.model, tools=TOOLS, stream_id="other")
        assert connection.turn(model=caller.model)["type"] == "error"
        assert connection.turn(model=7)["type"] == "error"
        assert connection.turn(model=caller.model, generate=False)["type"] == "response.completed"


@pytest.fixture(scope="module", params=["off", "all"], ids=["", "recorded"])
def app(
    provider: Upstream, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Flask]:
    """An application with two upstreams that are the same provider, so that a failure is followed by a failover."""
    file = tmp_path_factory.mktemp("memory") / "adapter.toml"
    file.write_text(SETTINGS.format(url=provider.url))
    flags = {"inspector": request.param, "admin_bind": "127.0.0.1:9464"}
    flags |= {"config": str(file), "store": "memory:", "workers": "1", "retries": "1"}
    app = create_app(load_settings(flags, {}))
    yield app
    app.extensions["adapter"].store.close()


@pytest.fixture
def caller(app: Flask, upstream: Upstream, request: pytest.FixtureRequest) -> Iterator[Caller]:
    yield Caller(app, upstream, request.node.name)
    log_context.set({})


@pytest.fixture(scope="module", autouse=True)
def older_objects(app: Flask) -> Iterator[None]:
    """Hide the objects of pytest and of all modules from the collector: each collection would visit all of them."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Switch the collector off; what it finds is kept in `gc.garbage`."""
    gc.collect()
    gc.disable()
    yield
    gc.set_debug(0)
    gc.enable()
    gc.garbage.clear()
    gc.collect()


@pytest.mark.parametrize("make", KINDS.values(), ids=list(KINDS))
def test_a_request_leaves_nothing_behind(make: Kind, caller: Caller, uncollected: None) -> None:
    make(caller)  # which imports what it needs
    caller.forget()  # what it leaves to other greenlets: the second time must not make up for it
    gc.collect()
    before = _alive()
    make(caller)
    caller.forget()
    assert _alive() - before == Counter()
    assert caller.app.extensions["adapter"].bodies.used == 0
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    found = Counter(name for name in map(_ours, gc.garbage) if name is not None and not name.startswith(EXEMPT))
    assert found == Counter()


def _alive() -> Counter[str]:
    """Count the living objects of requests by their class."""
    classes = [type(found) for found in gc.get_objects()]
    found = [of for of in classes if str(of.__module__).startswith(OF_A_REQUEST)]
    return Counter(f"{of.__module__}.{of.__qualname__}" for of in found)


def _ours(found: object) -> str | None:
    """Return the name of an object of ours, or of our code under way; None for anything else."""
    if isinstance(found, FunctionType | MethodType):
        return f"{found.__module__}.{found.__qualname__}" if str(found.__module__).startswith(OURS) else None
    if isinstance(found, FrameType | GeneratorType):
        code = found.f_code if isinstance(found, FrameType) else found.gi_code
        inside = any(f"/{package}" in code.co_filename for package in ("adapter/", "translators/"))
        return f"{code.co_filename}: {code.co_qualname}" if inside else None
    of = type(found)
    return f"{of.__module__}.{of.__qualname__}" if str(of.__module__).startswith(OURS) else None
