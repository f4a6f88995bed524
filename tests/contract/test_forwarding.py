"""Chat completions and embeddings that are forwarded: bytes, errors, and what the openai package makes of them."""

import json
from time import monotonic, sleep
from typing import Any

import openai
import pytest

from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream, drip, stream, whole

PATH = "/v1/chat/completions"
BODY = b'{ "messages":[{"role":"user","content":"Hi \\u00e9 \xc3\xa9"}],\n"model" : "m","x-new":1.50 }'


@pytest.fixture(autouse=True)
def _takes_new_members(upstream: Upstream) -> None:
    upstream.takes = frozenset({"x-new"})


def test_create(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("Hello.", reasoning_content="Think.")))
    completion = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])
    assert completion.choices[0].message.content == "Hello."
    assert completion.usage is not None
    assert completion.usage.total_tokens == 16


def test_a_stream(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(stream(chat.text("Hel", "lo."), chat.end()))
    with client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "Hi"}], stream=True, stream_options={"include_usage": True}
    ) as chunks:
        seen = list(chunks)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in seen if chunk.choices) == "Hello."
    assert seen[-1].usage is not None


def test_embeddings(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.answers["/v1/embeddings"] = {
        "object": "list", "model": "e", "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -1.0]}],
        "usage": {"prompt_tokens": 2, "total_tokens": 2},
    }  # fmt: skip
    made = client.embeddings.create(model="e", input="Hi", encoding_format="float")
    assert made.data[0].embedding == [0.5, -1.0]


def test_a_provider_without_embeddings(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="e", input="Hi")


@pytest.mark.parametrize("path", [PATH, "/chat/completions", "/openai/v1/chat/completions", "/v1/chat/completions/"])
def test_no_byte_changes(service: Service, upstream: Upstream, path: str) -> None:
    answer = b'{ "choices" : [],\t"odd": 1.50, "x": "\\u00e9" }\n'
    upstream.plays(whole(answer, type="application/json; charset=utf-8"))
    got = service.request("POST", path, BODY, {"X-Secret": "1", "Cookie": "a=b", "Connection": "keep-alive, X-Secret"})
    assert (got.status, got.body) == (200, answer)
    assert got.headers["Content-Type"] == "application/json; charset=utf-8"
    received = upstream.received()
    assert received.body == BODY
    assert received.headers["Connection"] == "keep-alive"
    assert not {"x-secret", "cookie", "via"} & {name.lower() for name in received.headers}
    assert received.headers["User-Agent"] == "responses-adapter"


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
def test_no_byte_of_a_stream_changes(service: Service, upstream: Upstream, framing: Any) -> None:
    content = b": hello\r\n\r\n" + chat.text("Hel", "lo\u2028.") + b"data:{}\n\n" + chat.end()
    upstream.plays(stream(*drip(content[:40]), content[40:], framing=framing))
    got = service.request("POST", PATH, BODY)
    assert (got.status, got.body) == (200, content)
    assert got.headers["X-Accel-Buffering"] == "no"


ERRORS = {
    400: {"error": {"message": "Bad 'x-new'.", "type": "invalid_request_error", "param": "x-new", "code": "bad"}},
    404: {"error": {"message": "The model `m` does not exist.", "type": "x", "code": "model_not_found"}, "own": 1},
    422: {"detail": [{"loc": ["body", "x"], "msg": "wrong"}]},
    429: {"error": {"message": "Slow down.", "code": "rate_limit_exceeded"}},
    500: {"error": "boom"},
    529: {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
}


@pytest.mark.parametrize("status", ERRORS)
def test_an_error_is_as_the_provider_said_it(service: Service, upstream: Upstream, status: int) -> None:
    said = json.dumps(ERRORS[status], indent=1).encode()
    upstream.plays(whole(said, status, retry_after="7"))
    got = service.request("POST", PATH, BODY)
    assert (got.status, got.body) == (status, said)
    assert got.headers["Retry-After"] == ("7" if status in (429, 529) else None)


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"", b'"down"', b'{"error": "cut'])
def test_an_error_that_is_no_json_object_is_an_error_in_openais_form(
    service: Service, upstream: Upstream, body: bytes
) -> None:
    upstream.plays(whole(body, 502, type="text/html"))
    got = service.request("POST", PATH, BODY)
    assert (got.status, got.error["type"]) == (503, "server_error")


@pytest.mark.parametrize(
    ("body", "param"),
    [(b"{}", "model"), (b'{"model":5}', "model"), (b'{"model":""}', "model"), (b"[]", None), (b'{"model":"m"', None),
     (b'{"model":"m","model":"n"}', "model")],
)  # fmt: skip
def test_what_cannot_be_routed_is_refused(service: Service, body: bytes, param: str | None) -> None:
    got = service.request("POST", PATH, body)
    assert (got.status, got.error["param"]) == (400, param)


def test_adapters_that_lead_to_each_other_are_a_loop(service: Service, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("Hello.")))
    headers = {"User-Agent": "responses-adapter", "Via": "1.1 proxy"}
    assert service.request("POST", PATH, BODY, headers).status == 200
    assert upstream.received().headers["Via"] == "1.1 proxy, 1.1 responses-adapter"
    got = service.request("POST", PATH, BODY, {**headers, "Via": ", ".join(["1.1 responses-adapter"] * 4)})
    assert (got.status, got.error["code"]) == (508, "loop_detected")


def test_the_log_line(service: Service, upstream: Upstream) -> None:
    upstream.plays(stream(chat.text("Hello."), chat.end()))
    id = service.request("POST", PATH, BODY).headers["x-request-id"]
    until = monotonic() + 5
    while not (lines := [one for one in service.log.splitlines() if '"forwarded"' in one and id in one]):
        assert monotonic() < until
        sleep(0.02)
    line = json.loads(lines[0])
    known = {name: line[name] for name in ("path", "model", "upstream", "error", "input_tokens", "output_tokens")}
    assert known == {
        "path": "/chat/completions", "model": "m", "upstream": "default", "error": None, "input_tokens": 9,
        "output_tokens": 7,
    }  # fmt: skip

