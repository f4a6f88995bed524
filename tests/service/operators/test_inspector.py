"""What the inspector records of real exchanges, who may see it, and what is nowhere in it. Real gunicorn."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from tests.service.operators.test_metrics import free_port
from tests.support import chat
from tests.support.client import Answer, Client
from tests.support.servers.service import Service
from tests.support.servers.upstream import LIMIT, RESET, Upstream, stream, whole
from tests.support.websocket import Socket

ROOT = Path(__file__).parents[3]
ADMIN = "test-admin-key-0123456789"
OWN = "sk-own-hidden-0123456789"
TEAM, PRIVATE = "ra-team-hidden-0123456789", "ra-private-hidden-0123456789"
NARROW = "ra-narrow-hidden-0123456789"
TOML = f"""
[keys.team]
hash = "sha256:{sha256(TEAM.encode()).hexdigest()}"
[keys.private]
hash = "sha256:{sha256(PRIVATE.encode()).hexdigest()}"
inspect = "never"
[keys.narrow]
hash = "sha256:{sha256(NARROW.encode()).hexdigest()}"
models = ["m-narrow"]
[models]
"*" = "default"
[models.m-renamed]
upstream = "default"
model = "there"
"""


class Inspector(Client):
    """The admin address."""

    def recordings(self, query: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/inspector/api/recordings{query}").json["data"]
        return found

    def ended(self, query: str = "", number: int = 1) -> list[dict[str, Any]]:
        """Return the recordings that a query selects, as soon as so many of them have ended; within two seconds."""
        until = monotonic() + 2
        while len(found := [one for one in self.recordings(query) if one["status"] != "in_progress"]) < number:
            assert monotonic() < until, found
            sleep(0.05)
        return found

    def one(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/inspector/api/recordings/{id}").json
        return found

    def replay(self, **wanted: Any) -> Answer:
        return self.request("POST", "/inspector/api/replay", json.dumps(wanted).encode())


@pytest.fixture(scope="module")
def running(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Inspector]]:
    port = free_port()
    with Service(
        tmp_path_factory.mktemp("inspector"), TOML, upstream_url=provider.url, upstream_api_key=OWN, workers=2,
        admin_bind=f"127.0.0.1:{port}", admin_key=ADMIN, inspector="contents", inspector_bytes=1 << 22,
    ) as service:  # fmt: skip
        service.key = TEAM
        yield service, Inspector("127.0.0.1", port, ADMIN)


@pytest.fixture
def service(running: tuple[Service, Inspector]) -> Service:
    return running[0]


@pytest.fixture
def inspector(running: tuple[Service, Inspector]) -> Inspector:
    return running[1]


def spool_files(service: Service) -> list[Path]:
    return list(service.private_directory.glob("inspector.db*"))


def ask(service: Service, model: str, **members: Any) -> Answer:
    return service.post({"model": model, "input": "Hello", **members})


def test_a_stream_is_recorded_whole(service: Service, inspector: Inspector, upstream: Upstream) -> None:
    upstream.plays(stream(chat.text("Hel"), chat.text("lo é"), chat.end()))
    body = b'{"model": "m-stream", "input": "Hello", "stream": true, "safety_identifier": "u"}'
    answer = service.request("POST", "/v1/responses", body)
    sent = upstream.received()
    (head,) = inspector.ended("?model=m-stream")
    one = inspector.one(head["id"])
    recorded = one["recorded"]
    assert recorded["request"] == body.decode()
    assert recorded["chats"] == [{"attempt": 0, "text": sent.body.decode()}]
    assert "".join(chunk["text"] for chunk in recorded["chunks"]) == (
        chat.text("Hel") + chat.text("lo é") + chat.end()
    ).decode()
    events = [event for _, batch in recorded["events"] for event in batch]
    assert events == [json.loads(line[6:]) for line in answer.body.decode().splitlines() if line.startswith("data: {")]
    assert [note["param"] for note in one["notes"]] == ["safety_identifier"]
    marks = one["marks"]
    assert 0 < marks["read"] <= marks["translated"] <= marks["first token"] <= marks["storing"] <= marks["stored"]
    assert (one["key"], one["transport"], one["http"]) == ("team", "sse", 200)
    assert one["attempts"][0]["status"] == 200
    assert one["usage"]["output_tokens"] == chat.USAGE["completion_tokens"]
    assert inspector.one(one["response_id"])["id"] == head["id"]


def test_all_workers_are_seen_within_two_seconds(service: Service, inspector: Inspector, upstream: Upstream) -> None:
    upstream.otherwise = lambda received: whole(chat.completion("Hi"))
    seen: set[int] = set()
    for asked in range(24, 241, 24):  # which worker takes a connection is up to the kernel
        for _ in range(24):
            ask(service, "m-workers")
        seen |= {one["worker"] for one in inspector.ended("?model=m-workers", asked)}
        if len(seen) == 2:
            break
    assert seen == set(service.workers)


def test_every_transport_is_recorded(service: Service, inspector: Inspector, upstream: Upstream) -> None:
    upstream.otherwise = lambda received: (
        stream(chat.text("Hi"), chat.end()) if received.json.get("stream") else whole(chat.completion("Hi"))
    )
    whole_answer = ask(service, "m-transport").json
    with Socket(service, TEAM) as socket:
        socket.send(model="m-transport")
        messages = socket.events()
    polled = ask(service, "m-transport", background=True).json
    streamed = ask(service, "m-transport", background=True, stream=True, stream_options={"include_obfuscation": True})
    frames = [json.loads(line[6:]) for line in streamed.body.decode().splitlines() if line.startswith("data: {")]
    found = {one["response_id"]: inspector.one(one["id"]) for one in inspector.ended("?model=m-transport", 4)}

    def recorded(response: dict[str, Any], transport: str) -> tuple[list[Any], Any]:
        one = found[response["id"]]
        assert one["transport"] == transport
        assert one["recorded"]["request"]
        events = [event for _, batch in one["recorded"]["events"] for event in batch]
        return events, one["recorded"]["response"] and json.loads(one["recorded"]["response"])

    assert recorded(whole_answer, "http") == ([], whole_answer)
    assert recorded(messages[-1]["response"], "websocket") == (messages, None)
    assert recorded(frames[-1]["response"], "background") == (frames, None)
    events, response = recorded(polled, "background")
    assert (events, response["status"], response["output"][0]["content"][0]["text"]) == ([], "completed", "Hi")


def test_the_trace_of_a_request_is_recorded(service: Service, inspector: Inspector, upstream: Upstream) -> None:
    upstream.otherwise = lambda received: whole(chat.completion("Hi"))
    trace = "0af7651916cd43dd8448eb211c80319c"
    body = {"model": "m-traced", "input": "Hello"}
    service.request("POST", "/v1/responses", body, headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    ask(service, "m-traced")
    without, with_trace = inspector.ended("?model=m-traced", 2)
    assert (with_trace["trace_id"], without.get("trace_id")) == (trace, None)


def test_a_request_is_found_by_what_its_client_calls_it(
    service: Service, inspector: Inspector, upstream: Upstream
) -> None:
    upstream.otherwise = lambda received: whole(chat.completion("Hi"))
    id = f'mine "{TEAM}"'
    body = {"model": "m-called", "input": "Hello"}
    service.request("POST", "/v1/responses", body, headers={"x-client-request-id": id})
    ask(service, "m-called")
    without, called = inspector.ended("?model=m-called", 2)
    assert called["client_request_id"] == id.replace(TEAM, "*" * len(TEAM))
    assert "client_request_id" not in without
    assert [one["id"] for one in inspector.recordings("?text=mine")] == [called["id"]]


def test_errors_are_there_as_sent_and_as_the_provider_wrote_them(
    service: Service, inspector: Inspector, upstream: Upstream
) -> None:
    upstream.plays(whole(chat.error(f"Too fast for {OWN}", code="slow_down"), 429))
    answer = ask(service, "m-error")
    (head,) = inspector.ended("?model=m-error&errors=1")
    assert head["error"] == answer.error
    assert head["http"] == answer.status == 429
    (attempt,) = head["attempts"]
    assert attempt["error"]["provider"]["code"] == "slow_down"
    assert attempt["status"] == 429
    (body,) = inspector.one(head["id"])["recorded"]["error_bodies"]
    assert "Too fast for *****" in body["text"]
    assert OWN not in json.dumps(inspector.one(head["id"]))

    refused = service.post({"model": "m-refused", "input": [{"type": "bogus"}]})
    (found,) = inspector.ended("?status=rejected")
    assert found["error"] == refused.error
    assert found["http"] == 400


def test_a_request_that_is_refused_has_its_model(service: Service, inspector: Inspector) -> None:
    for input in ("Hello", "a" * 600_000):
        assert ask(service, "m-faulty", input=input, temperature=9).status == 400
    assert service.request("POST", CHAT, b'{"model": "m-faulty", "messages": [], "messages": []}').status == 400
    with Socket(service, TEAM) as socket:
        socket.refused(model="m-faulty", temperature=9)
    assert {one["status"] for one in inspector.ended("?model=m-faulty", 4)} == {"rejected"}
    assert service.request("POST", "/v1/responses", {"model": "m-beyond", "input": "Hello"},
                           headers={"Authorization": f"Bearer {NARROW}"}).status == 404  # fmt: skip
    assert inspector.ended("?model=m-beyond")[0]["key"] == "narrow"


def test_a_message_that_is_refused_came_over_the_websocket(service: Service, inspector: Inspector) -> None:
    before = len(inspector.recordings("?status=rejected"))
    with Socket(service, TEAM) as socket:
        socket.refused(temperature=9)
    assert inspector.ended("?status=rejected", before + 1)[0]["transport"] == "websocket"


def test_a_lesson_is_an_attempt_of_its_own(service: Service, inspector: Inspector, upstream: Upstream) -> None:
    upstream.plays(
        whole(chat.error("Unrecognized request argument supplied: stream_options"), 400),
        stream(chat.text("Hi"), chat.end()),
    )
    assert ask(service, "m-lesson", stream=True).status == 200
    (one,) = inspector.ended("?model=m-lesson&retried=1")
    assert [attempt["reason"] for attempt in one["attempts"]] == ["first", "lesson"]
    lessons = one["attempts"][1]["lessons"]
    assert len(lessons) == 1
    until = monotonic() + 3
    while not (known := inspector.get("/inspector/api/lessons").json["data"]):
        assert monotonic() < until
        sleep(0.05)
    assert [(lesson["model"], lesson["lesson"]) for lesson in known] == [("m-lesson", lessons[0])]
    query = f"?upstream=default&model=m-lesson&lesson={lessons[0]}"
    assert inspector.request("DELETE", f"/inspector/api/lessons{query}").json == {"erased": 1}
    assert inspector.get("/inspector/api/lessons").json["data"] == []


def test_a_history_that_was_too_long_is_a_failed_attempt(
    service: Service, inspector: Inspector, upstream: Upstream
) -> None:
    upstream.plays(
        whole(chat.error("This model's maximum context length is 9 tokens", code="context_length_exceeded"), 400),
        stream(chat.text("Hi"), chat.end()),
    )
    turns = [
        {"role": role, "content": text * 100}
        for role, text in (("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"), ("user", "e"))
    ]
    body = {"model": "m-long", "input": turns, "truncation": "auto", "stream": True}
    assert service.post(body).status == 200
    (one,) = inspector.ended("?model=m-long")
    first, second = one["attempts"]
    assert (first["reason"], first["status"]) == ("first", 400)
    assert first["error"]["provider"]["code"] == "context_length_exceeded"
    assert first["began"] < first["answered"] <= first["ended"] <= second["began"]
    assert (second["reason"], second["status"]) == ("shorter history", 200)
    assert "error" not in second


def test_whose_contents_are_not_recorded(service: Service, inspector: Inspector, upstream: Upstream) -> None:
    upstream.otherwise = lambda received: whole(chat.completion("Hi"))
    ask(service, "m-unstored", store=False)
    service.request("POST", "/v1/responses", {"model": "m-private", "input": "Hello"},
                    headers={"Authorization": f"Bearer {PRIVATE}"})  # fmt: skip
    service.request("POST", "/v1/responses", {"model": "m-declined", "input": "Hello"},
                    headers={"x-adapter-inspect": "off"})  # fmt: skip
    for model, reason in (("m-unstored", "store: false"), ("m-private", 'inspect = "never"')):
        (head,) = inspector.ended(f"?model={model}")
        assert reason in head["contents"]
        recorded = inspector.one(head["id"])["recorded"]
        assert not any(recorded.values())
        assert inspector.replay(id=head["id"]).status == 409
    assert inspector.recordings("?model=m-declined") == []


def test_no_secret_is_in_the_file_or_in_an_answer(service: Service, inspector: Inspector, upstream: Upstream) -> None:
    said = f"{OWN} {TEAM} {ADMIN}"
    upstream.plays(stream(chat.text(f"I know {said}"), chat.end()), whole(chat.error(said), 500))
    ask(service, "m-secret", stream=True, instructions=said)
    ask(service, "m-secret", instructions=said, tools=[
        {"type": "mcp", "server_label": "x", "server_url": "https://mcp.example/s3cret", "authorization": "s3cret"},
    ])  # fmt: skip
    ask(service, "m-secret", instructions=said)
    found = inspector.ended("?model=m-secret", 3)
    pages = b"".join(inspector.get(f"/inspector/api/recordings/{one['id']}").body for one in found)
    pages += b"".join(inspector.get(f"/inspector/api/{name}").body for name in ("upstreams", "lessons", "settings"))
    files = b"".join(path.read_bytes() for path in spool_files(service))
    for secret in (OWN, TEAM, ADMIN, "s3cret"):
        assert secret.encode() not in pages
        assert secret.encode() not in files
    assert b"I know ****" in pages


def test_a_secret_that_is_part_of_a_number_breaks_no_page(provider: Upstream, tmp_path: Path) -> None:
    port = free_port()
    provider.plays(stream(chat.text("Hi"), chat.end()))
    with Service(
        tmp_path, upstream_url=provider.url, workers=1, admin_bind=f"127.0.0.1:{port}", inspector="contents"
    ) as service:
        service.key = "12345678"
        service.post({"model": "m", "input": "Hello", "stream": True, "max_output_tokens": 123456789})
        inspector = Inspector("127.0.0.1", port, None)
        (head,) = inspector.ended()
        events = [event for _, batch in inspector.one(head["id"])["recorded"]["events"] for event in batch]
    provider.reset()
    assert {event["type"] for event in events} >= {"masked", "response.output_text.delta"}
    assert all('"max_output_tokens":********9,' in event["text"] for event in events if event["type"] == "masked")


def test_a_replay(service: Service, inspector: Inspector, upstream: Upstream) -> None:
    upstream.otherwise = lambda received: whole(chat.completion("Hi"))
    first = ask(service, "m-replay").json
    ask(service, "m-replay", previous_response_id=first["id"], instructions="Be brief.", top_p=0.5)
    head = inspector.ended("?model=m-replay", 2)[0]
    recorded = inspector.one(head["id"])["recorded"]["chats"][0]["text"]
    translated = inspector.replay(id=head["id"]).json
    assert translated["chat"] == recorded
    other = json.loads(inspector.replay(id=head["id"], model="other", dialect="mistral").json["chat"])
    assert other["model"] == "other"
    assert inspector.replay(id=head["id"], dialect="nonsense").error["param"] == "dialect"
    assert inspector.replay(id=head["id"], upstream="nonsense").error["param"] == "upstream"
    assert inspector.replay(id="x_unknown").status == 404
    stored = service.get(f"/v1/responses/{first['id']}").status
    before = len(upstream.requests)
    sent = inspector.replay(id=head["id"], send=True).json
    assert len(upstream.requests) == before + 1
    assert sent["response"]["output"][0]["content"][0]["text"] == "Hi"
    assert stored == 200
    assert service.get(f"/v1/responses/{sent['response']['id']}").status == 404
    own = inspector.one(sent["recording"])  # at once
    assert (own["key"], own["replay_of"], own["status"]) == ("replay", head["id"], "completed")
    assert own["recorded"]["chats"][0]["text"] == recorded


def test_what_asks_for_a_summary_is_not_replayed(
    service: Service, inspector: Inspector, upstream: Upstream
) -> None:
    upstream.otherwise = lambda received: whole(chat.completion("A summary"))
    context = {"model": "m-compact", "input": [{"role": "user", "content": "Hello"}]}
    assert service.request("POST", "/v1/responses/compact", context).status == 200
    context["input"] += [{"type": "compaction_trigger"}]
    assert service.post(context).status == 200
    for one in inspector.ended("?model=m-compact", 2):
        refused = inspector.replay(id=one["id"])
        assert (refused.status, refused.error["message"]) == (
            409, "This request cannot be replayed: it asks for a summary of its context."
        )  # fmt: skip


def test_the_list_is_read_page_by_page(service: Service, inspector: Inspector, upstream: Upstream) -> None:
    upstream.otherwise = lambda received: whole(chat.completion("Hi"))
    for _ in range(5):
        ask(service, "m-pages")
    ids = [one["id"] for one in inspector.ended("?model=m-pages", 5)]
    seen: list[str] = []
    path = "/inspector/api/recordings?model=m-pages&limit=2"
    for total in (5, 3, 1):
        page = inspector.get(path + (f"&before={seen[-1]}" if seen else "")).json
        assert page["total"] == total
        seen += [one["id"] for one in page["data"]]
    assert seen == ids
    assert inspector.get(f"{path}&before=x_unknown").status == 404
    assert inspector.get(f"{path}&text=m-pages").json["total"] == 5


CHAT, EMBEDDINGS = "/v1/chat/completions", "/v1/embeddings"


def test_a_forwarded_request_is_recorded_as_it_went(
    service: Service, inspector: Inspector, upstream: Upstream
) -> None:
    content = chat.text("Hel") + chat.text("lo") + chat.end()
    upstream.plays(stream(content))
    body = b'{"model": "m-renamed", "stream": true, "messages": [{"role": "user", "content": "Hello"}]}'
    assert service.request("POST", CHAT, body).body == content
    sent = upstream.received()
    (head,) = inspector.ended("?model=m-renamed")
    one = inspector.one(head["id"])
    assert one["recorded"]["request"] == body.decode()
    assert one["recorded"]["chats"] == [{"attempt": 0, "text": sent.body.decode()}]
    assert "".join(chunk["text"] for chunk in one["recorded"]["chunks"]) == content.decode()
    assert (one["path"], one["transport"], one["status"], one["http"]) == (CHAT, "forwarded", "completed", 200)
    assert one["usage"]["output_tokens"] == chat.USAGE["completion_tokens"]
    assert one["key"] == "team"
    (attempt,) = one["attempts"]
    assert (attempt["reason"], attempt["model"], attempt["status"]) == ("first", "there", 200)
    marks = one["marks"]
    assert marks["read"] <= marks["translated"] <= attempt["answered"] <= marks["first token"] <= marks["closed"]
    assert inspector.replay(id=head["id"]).status == 409


def test_a_forwarded_request_that_fails(service: Service, inspector: Inspector, upstream: Upstream) -> None:
    hello = {"messages": [{"role": "user", "content": "Hello"}], "stream": True}
    upstream.plays(
        whole(chat.error(f"Too fast for {OWN}", code="slow_down"), 529), stream(chat.text("Hel"), RESET),
    )  # fmt: skip
    answer = service.request("POST", CHAT, {"model": "m-forwarded-error", **hello})
    service.request("POST", CHAT, {"model": "m-forwarded-cut", **hello})
    refused = service.request("POST", EMBEDDINGS, b'{"model": 5, "input": "m-forwarded-refused"}')
    (head,) = inspector.ended("?model=m-forwarded-error")
    assert (head["status"], head["http"]) == ("failed", answer.status) == ("failed", 529)
    assert (head["error"]["code"], head["error"]["message"]) == ("slow_down", answer.error["message"])
    assert "slow_down" in inspector.one(head["id"])["recorded"]["error_bodies"][0]["text"]
    (head,) = inspector.ended("?model=m-forwarded-cut")
    assert (head["status"], head["http"]) == ("failed", 200)
    assert head["error"]["message"]
    assert head["attempts"][0]["error"]["cause"]
    (head,) = inspector.ended("?text=m-forwarded-refused")
    assert (head["status"], head["http"], head["error"]) == ("rejected", 400, refused.error)


def test_whose_forwarded_contents_are_not_recorded(
    service: Service, inspector: Inspector, upstream: Upstream
) -> None:
    upstream.answers[EMBEDDINGS] = {"object": "list", "data": [], "usage": {"prompt_tokens": 2, "total_tokens": 2}}
    for model, members, headers in (
        ("m-embedded", {}, {}), ("m-not-stored", {"store": False}, {}),
        ("m-forwarded-private", {}, {"Authorization": f"Bearer {PRIVATE}"}),
        ("m-forwarded-declined", {}, {"x-adapter-inspect": "off"}),
    ):  # fmt: skip
        body = {"model": model, "input": "Hello", **members}
        assert service.request("POST", EMBEDDINGS, body, headers=headers).status == 200
    (head,) = inspector.ended("?model=m-embedded")
    assert head["usage"]["input_tokens"] == 2
    assert inspector.one(head["id"])["recorded"]["chunks"]
    for model, reason in (("m-not-stored", "store: false"), ("m-forwarded-private", 'inspect = "never"')):
        (head,) = inspector.ended(f"?model={model}")
        assert reason in head["contents"]
        assert not any(inspector.one(head["id"])["recorded"].values())
    assert inspector.recordings("?model=m-forwarded-declined") == []


def test_a_chain_with_a_fork(service: Service, inspector: Inspector, upstream: Upstream) -> None:
    upstream.otherwise = lambda received: whole(chat.completion("Hi"))
    root = ask(service, "m-chain").json["id"]
    left, right = (ask(service, "m-chain", previous_response_id=root).json["id"] for _ in range(2))
    inspector.ended("?model=m-chain", 3)
    for id in (root, left, right):
        nodes = {one["id"]: one for one in inspector.get(f"/inspector/api/chains/{id}").json["data"]}
        assert {name: node["previous"] for name, node in nodes.items()} == {root: None, left: root, right: root}
        assert nodes[root]["stored"]
    assert inspector.get("/inspector/api/chains/resp_unknown").status == 404


def test_a_conversation(service: Service, inspector: Inspector, upstream: Upstream) -> None:
    upstream.otherwise = lambda received: whole(chat.completion("Hi"))
    id = service.request("POST", "/v1/conversations", {}).json["id"]
    ask(service, "m-conversation", conversation=id)
    (head,) = inspector.ended("?model=m-conversation")
    assert [one["id"] for one in inspector.get("/inspector/api/conversations").json["data"]] == [id]
    found = inspector.get(f"/inspector/api/conversations/{id}").json
    assert [item["json"]["role"] for item in found["items"]] == ["user", "assistant"]
    assert [one["id"] for one in found["responses"]] == [head["id"]]
    assert inspector.replay(id=head["id"]).status == 409


@pytest.mark.parametrize("ahead", [0, 1_000_000], ids=["from now", "from a server that has ended"])
def test_changes_are_sent_as_they_come(
    service: Service, inspector: Inspector, upstream: Upstream, ahead: int
) -> None:
    upstream.otherwise = lambda received: whole(chat.completion("Hi"))
    rev = inspector.get("/inspector/api/recordings").json["rev"] + ahead
    connection = http.client.HTTPConnection("127.0.0.1", inspector.port, timeout=5)
    connection.request("GET", f"/inspector/api/live?after={rev}", headers={"Authorization": f"Bearer {ADMIN}"})
    answer = connection.getresponse()
    assert answer.getheader("Content-Type") == "text/event-stream; charset=utf-8"
    ask(service, f"m-live-{ahead}")
    began = monotonic()
    line = b""
    while f"m-live-{ahead}".encode() not in line:
        line = answer.readline()
        assert monotonic() - began < 2
    connection.close()


def test_upstreams_and_their_failures(service: Service, inspector: Inspector) -> None:
    (one,) = inspector.get("/inspector/api/upstreams").json["data"]
    assert one["name"] == "default"
    assert one["calls"] > 0
    assert all({"reason", "key", "lessons"} <= outcome.keys() for outcome in one["outcomes"])
    assert {key["name"]: key["inspect"] for key in inspector.get("/keys").json["data"]} == {
        "team": None, "private": "never", "narrow": None,
    }  # fmt: skip


def test_who_may_see_it(service: Service, inspector: Inspector) -> None:
    def ask_without_key(method: str, path: str, body: bytes | None = None, **headers: str | None) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return inspector.request(method, path, body, headers={"Authorization": None, **sent})

    assert ask_without_key("GET", "/inspector/api/recordings").status == 401
    page = ask_without_key("GET", "/inspector/r/x")
    assert (page.status, page.headers["Location"]) == (302, "/inspector/sign-in")
    form = ask_without_key("GET", "/inspector/sign-in")
    assert form.status == 200
    policy = form.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    typed = "application/x-www-form-urlencoded"
    wrong = ask_without_key("POST", "/inspector/sign-in", b"key=wrong", Content_Type=typed)
    assert (wrong.status, wrong.headers["Location"]) == (303, "/inspector/sign-in?wrong")
    assert "Set-Cookie" not in wrong.headers
    right = ask_without_key("POST", "/inspector/sign-in", b"key=" + ADMIN.encode(), Content_Type=typed)
    cookie = right.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    value = cookie.partition(";")[0]
    assert ask_without_key("GET", "/inspector/api/recordings", Cookie=value).status == 200
    until = value.partition("=")[2].partition(".")[0]
    forged = value.replace(until, str(int(until) + 1))
    assert ask_without_key("GET", "/inspector/api/recordings", Cookie=forged).status == 401
    evil = {"Cookie": value, "Origin": "https://evil.example"}
    assert ask_without_key("DELETE", "/inspector/api/lessons", **evil).status == 403
    assert service.get("/inspector").status == 404
    assert inspector.get("/inspector/").body == inspector.get("/inspector").body
    nothing = inspector.get("/inspector/api/nothing")
    assert (nothing.status, "no such path" in nothing.error["message"]) == (404, True)
    assert b"blueprint" not in ask_without_key("GET", "/inspector/static/..%2fpages.py", Cookie=value).body


def test_the_file_is_private_and_goes_with_the_server(tmp_path: Path, provider: Upstream) -> None:
    port = free_port()
    with Service(
        tmp_path, admin_bind=f"127.0.0.1:{port}", inspector="heads", upstream_url=provider.url, workers=1
    ) as one:
        inspector = Inspector("127.0.0.1", port)
        one.post({"model": 5, "input": "sentinel-4f1c"})
        (head,) = inspector.ended()
        assert not any(inspector.one(head["id"])["recorded"].values())
        own = spool_files(one)
        assert own
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in own)
        assert one.private_directory.stat().st_mode & 0o777 == 0o700
        assert b"sentinel-4f1c" not in b"".join(path.read_bytes() for path in own)
        assert inspector.get("/inspector").status == 200
    assert not any(path.exists() for path in own)


@pytest.mark.slow
def test_neither_the_worker_nor_the_file_grows(tmp_path: Path, provider: Upstream) -> None:
    def pss() -> int:
        """Return the worker's memory in KB."""
        lines = Path(f"/proc/{one.workers[0]}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))

    def ask_often(number: int) -> tuple[int, int]:
        for _ in range(number):
            assert ask(one, "m", stream=True, store=False, instructions=os.urandom(600).hex()).status == 200
            provider.requests.clear()
        return pss(), sum(path.stat().st_size for path in spool_files(one))

    bind = f"127.0.0.1:{free_port()}"
    with Service(
        tmp_path, admin_bind=bind, inspector="all", inspector_bytes=1 << 20, upstream_url=provider.url, workers=1
    ) as one:
        provider.otherwise = lambda received: stream(*[chat.text(f"word {n}") for n in range(16)], chat.end())
        full, _ = ask_often(2000)
        later, size = ask_often(4000)
        provider.reset()
    assert later - full < 20_000, "their contents are 55 MB; glibc may keep 8 MB of freed memory for each thread"
    assert size < (2 << 20) + (5 << 20), "the ring, with what its trimming leaves, and SQLite's log"


def test_watch_shows_it_in_a_terminal(service: Service, inspector: Inspector, upstream: Upstream) -> None:
    upstream.otherwise = lambda received: whole(chat.completion("Hi there"))
    command = [sys.executable, "-m", "adapter.cli", "watch", "--admin-bind", f"127.0.0.1:{inspector.port}"]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "ADAPTER_ADMIN_KEY": ADMIN}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ, text=True, cwd=service.directory
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            assert "Watching" in process.stderr.readline()
            lines: list[str] = []
            until = monotonic() + 10
            while not any("Hi there" in line for line in lines):
                assert monotonic() < until
                ask(service, "m-watch")
                lines.append(process.stdout.readline())
                lines.append(process.stdout.readline())
                lines.append(process.stdout.readline())
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == -signal.SIGINT
        finally:
            process.kill()
    assert any("m-watch → default/m-watch  key team" in line for line in lines)
    assert "  → user: Hello\n" in lines


def test_watch_says_why_it_cannot(service: Service, inspector: Inspector) -> None:
    wrong = {"ADAPTER_ADMIN_KEY": "wrong-key-0123456789"}
    for environ, port, reason in (
        ({}, inspector.port, "Set ADAPTER_ADMIN_KEY"), (wrong, inspector.port, "Set ADAPTER_ADMIN_KEY"),
        ({}, service.port, f": is 127.0.0.1:{service.port} the admin address of the server?"),
    ):  # fmt: skip
        run = subprocess.run(
            [sys.executable, "-m", "adapter.cli", "watch", "--admin-bind", f"127.0.0.1:{port}"],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ},
            capture_output=True, text=True, cwd=service.directory, check=False, timeout=20,
        )  # fmt: skip
        assert run.returncode == 2
        assert reason in run.stderr
        assert "Traceback" not in run.stderr


@pytest.mark.parametrize("inspects", [True, False])
def test_what_a_killed_server_has_recorded_is_gone_after_the_next_start(
    tmp_path: Path, provider: Upstream, upstream: Upstream, inspects: bool
) -> None:
    """Also if the next one does not record, and has no admin address."""
    upstream.plays(whole(chat.completion("Hi")))
    settings: dict[str, Any] = {"upstream_url": provider.url, "workers": 1}
    port = free_port()
    recorded = {"admin_bind": f"127.0.0.1:{port}", "inspector": "contents"}
    killed = Service(tmp_path, **settings, **recorded).start()
    ask(killed, "m-killed")
    assert Inspector("127.0.0.1", port).ended("?model=m-killed")
    (worker,), left = killed.workers, killed.private_directory
    with pytest.raises(AssertionError, match="ended with -9"):
        killed.stop(signal.SIGKILL)
    os.kill(worker, signal.SIGKILL)
    until = monotonic() + LIMIT
    while Path(f"/proc/{worker}").exists():
        assert monotonic() < until
        sleep(0.05)
    with Service(tmp_path, **settings, **(recorded if inspects else {})):
        assert not left.exists()
