"""Bad input: a 4xx that says what is wrong and where. Never a 500, a stack trace, a hang, or a trace in the
store."""

import http.client
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

import pytest

from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import LIMIT, Upstream, whole


class Bad(NamedTuple):
    """A body, the status it deserves, and the param and code where they apply ("*": any)."""

    body: bytes
    status: int = 400
    param: str | None = None
    code: str | None = "*"


def bad(param: str | None, code: str | None = "*", /, **members: Any) -> Bad:
    """Return a request that is wrong at one place."""
    body = {"model": "m", "input": "Hi", **members}
    return Bad(json.dumps({name: value for name, value in body.items() if value is not ...}).encode(), 400, param, code)


def raw(member: str, json_text: bytes, param: str | None = "*", code: str | None = "*") -> Bad:
    """Return a request with a member written as it stands."""
    return Bad(b'{"model":"m","input":"Hi","%b":%b}' % (member.encode(), json_text), 400, param, code)


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return opening * depth + b"1" + closing * depth


USER = {"role": "user", "content": "Hi"}
BAD: dict[str, Bad] = {
    "nothing": Bad(b""),
    "broken JSON": Bad(b'{"model":"m","input":'),
    "something behind the JSON": Bad(b'{"model":"m","input":"Hi"} x'),
    "single quotes": Bad(b"{'model':'m','input':'Hi'}"),
    "an array": Bad(b"[]"),
    "a string": Bad(b'"Hi"'),
    "null": Bad(b"null"),
    "a form": Bad(b"model=m&input=Hi"),
    "invalid UTF-8": Bad(b'{"model":"m","input":"\xff\xfe"}', param="*"),
    "UTF-16": Bad(json.dumps({"model": "m", "input": "Hi"}).encode("utf-16")),
    "a lone surrogate": raw("input", b'"\\ud800"'),
    "half a surrogate pair": raw("input", b'"\\ud83c!"'),
    "a NUL in the model": bad("model", model="m\0"),
    "a NUL in the input": bad("input", input="a\0b"),
    "a NUL in a part": bad("*", input=[{"role": "user", "content": [{"type": "input_text", "text": "a\0b"}]}]),
    "a raw control character": Bad(b'{"model":"m","input":"a\x00b"}', param="*"),
    "a key twice": Bad(b'{"model":"m","input":"Hi","model":"n"}', param="model"),
    "NaN": raw("temperature", b"NaN"),
    "Infinity": raw("temperature", b"-Infinity"),
    "a number of 400 digits": raw("max_output_tokens", b"9" * 400),
    "a number beyond floats": raw("temperature", b"1e999"),
    "a tiny number": raw("max_output_tokens", b"1e-999"),
    "no model": bad("model", "missing_required_parameter", model=...),
    "no input": bad("input", "missing_required_parameter", input=...),
    "model is null": bad("model", model=None),
    "model is a number": bad("model", "invalid_type", model=1),
    "model is empty": bad("model", model=""),
    "input is a number": bad("input", "invalid_type", input=1),
    "input is an object": bad("input", "invalid_type", input=USER),
    "input is empty": bad("*", input=[]),
    "an item is a string": bad("input[0]", "invalid_type", input=["Hi"]),
    "an item is null": bad("input[1]", input=[USER, None]),
    "an item of an unknown type": bad("input[1]", "invalid_value", input=[USER, {"type": "telepathy"}]),
    "an unknown role": bad("input[0].role", "invalid_value", input=[{"role": "wizard", "content": "Hi"}]),
    "content is a number": bad("input[0].content", "invalid_type", input=[{"role": "user", "content": 1}]),
    "a part of an unknown type": bad(
        "input[0].content[0].type", "invalid_value", input=[{"role": "user", "content": [{"type": "smell"}]}]
    ),
    "a part without its text": bad(
        "input[0].content[0].text", "missing_required_parameter",
        input=[{"role": "user", "content": [{"type": "input_text"}]}],
    ),
    "a part whose text is a number": bad(
        "input[0].content[0].text", "invalid_type",
        input=[{"role": "user", "content": [{"type": "input_text", "text": 1}]}],
    ),
    "a call without its name": bad(
        "input[0].name", "missing_required_parameter",
        input=[{"type": "function_call", "call_id": "c", "arguments": "{}"}],
    ),
    "an output of no call": bad(
        "input", None, input=[{"type": "function_call_output", "call_id": "call_unknown", "output": "x"}]
    ),
    "20,000 items": bad("input", "array_above_max_length", input=[USER] * 20_000),
    "an input without end": Bad(b'{"model":"m","input":[' + b"[" * 1_000_000, param="*"),
    "deeply nested input": raw("input", nested(100_000)),
    "deeply nested parameters": raw(
        "tools", b'[{"type":"function","name":"f","parameters":%b}]' % nested(100_000, b'{"a":', b"}")
    ),
    "deeply nested metadata": raw("metadata", nested(100_000, b'{"a":', b"}")),
    "temperature is text": bad("temperature", "invalid_type", temperature="0.5"),
    "temperature is too high": bad("temperature", "decimal_above_max_value", temperature=2.1),
    "temperature is true": bad("temperature", "invalid_type", temperature=True),
    "max_output_tokens is too small": bad("max_output_tokens", "integer_below_min_value", max_output_tokens=1),
    "max_output_tokens is a fraction": bad("max_output_tokens", "invalid_type", max_output_tokens=16.5),
    "top_logprobs is too high": bad("top_logprobs", "integer_above_max_value", top_logprobs=21),
    "stream is text": bad("stream", "invalid_type", stream="yes"),
    "store is a number": bad("store", "invalid_type", store=1),
    "metadata is an array": bad("metadata", "invalid_type", metadata=[]),
    "metadata of 17": bad(
        "metadata", "object_above_max_properties", metadata={str(n): "" for n in range(17)}
    ),
    "metadata that is long": bad("metadata.k", "string_above_max_length", metadata={"k": "x" * 513}),
    "tools is an object": bad("tools", "invalid_type", tools={}),
    "a tool of an unknown type": bad("tools[0].type", "invalid_value", tools=[{"type": "hammer"}]),
    "a chat tool": bad("tools[0].name", "missing_required_parameter",
                       tools=[{"type": "function", "function": {"name": "f"}}]),
    "an unknown tool_choice": bad("tool_choice", "invalid_value", tool_choice="maybe"),
    "an unknown include": bad("include[0]", "invalid_value", include=["everything"]),
    "an unknown format": bad("text.format.type", "invalid_value", text={"format": {"type": "xml"}}),
    "a schema without its name": bad(
        "text.format.name", "missing_required_parameter",
        text={"format": {"type": "json_schema", "schema": {}}},
    ),
    "an unknown parameter": bad("colour", "unknown_parameter", colour="blue"),
    "background": bad("background", "unsupported_parameter", background=True, store=False),
    "a prompt that is none": bad("prompt", "invalid_type", prompt="pmpt_1"),
    "chat's max_tokens": bad("max_tokens", "unknown_parameter", max_tokens=5),
    "chat's response_format": bad("response_format", "unknown_parameter", response_format={"type": "text"}),
    "chat's messages": bad(None, "unsupported_parameter", messages=[USER], input=...),
}  # fmt: skip


@pytest.fixture
def untouched(service: Service, upstream: Upstream) -> Iterator[Service]:
    """The service, which must store nothing, ask the provider nothing, and go on serving."""
    before = rows(service)
    yield service
    assert upstream.requests == []
    assert rows(service) == before
    upstream.plays(whole(chat.completion("Still here.")))
    assert service.create(store=False)["status"] == "completed"


def rows(service: Service) -> int:
    """Return how many rows the store has, in all of its tables, aside from the server's own count of them."""
    with closing(sqlite3.connect(service.directory / "store.db")) as database:
        tables = database.execute("select name from sqlite_master where type = 'table'").fetchall()
        every = sum(database.execute(f'select count(*) from "{name}"').fetchone()[0] for (name,) in tables)
        count: int = database.execute("select count(*) from remembered where key = 'usage'").fetchone()[0]
        return every - count


@pytest.mark.parametrize("name", BAD)
def test_a_body(name: str, untouched: Service) -> None:
    case = BAD[name]
    streamed = case.body[:-1] + b',"stream":true}'
    for body in (case.body, streamed) if case.body.endswith(b"}") and name != "stream is text" else (case.body,):
        answer = untouched.post(body)
        assert answer.status == case.status, answer.body
        assert answer.error["type"] == "invalid_request_error"
        assert case.param in ("*", answer.error["param"]), answer.error
        assert case.code in ("*", answer.error["code"]), answer.error
        assert len(answer.body) < 2000, "the answer repeats what was sent"


def test_chat_names_are_pointed_to_ours(untouched: Service) -> None:
    for name, case in BAD.items():
        if name.startswith("chat's"):
            ours = {"max_tokens": "max_output_tokens", "response_format": "text.format"}.get(name[7:], "input")
            assert f"'{ours}'" in untouched.post(case.body).error["message"]


def test_a_body_of_50_megabytes(untouched: Service) -> None:
    body = b'{"model":"m","input":"' + b"x" * 50 * 1024 * 1024 + b'"}'
    answer = untouched.post(body)
    assert (answer.status, answer.error["type"]) == (413, "invalid_request_error")


def test_a_body_of_50_megabytes_without_a_length(untouched: Service) -> None:
    pieces = iter([b'{"model":"m","input":"', *[b"x" * 1024 * 1024] * 50, b'"}'])
    answer = untouched.request("POST", "/v1/responses", pieces)
    assert (answer.status, answer.error["type"]) == (413, "invalid_request_error")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
def test_another_content_type(kind: str | None, untouched: Service) -> None:
    body = json.dumps({"model": "m", "input": "Hi"}).encode()
    answer = untouched.request("POST", "/v1/responses", body, {"Content-Type": kind})
    assert (answer.status, answer.error["type"]) == (415, "invalid_request_error")


def test_a_compressed_body(untouched: Service) -> None:
    answer = untouched.request("POST", "/v1/responses", b"\x1f\x8b", {"Content-Encoding": "gzip"})
    assert 400 <= answer.status < 500
    assert answer.error["message"]


PATHS = [
    ("POST", "/", 405),
    ("GET", "/v1/nothing", 404),
    ("GET", "/v1/responses", 426),
    ("PUT", "/v1/responses", 405),
    ("GET", "/v1/responses/resp_1", 404),
    ("DELETE", "/v1/responses/resp_1", 404),
    ("GET", "/v1/responses/%00", 404),
    ("GET", "/v1/responses/%ff%fe", 404),
    ("GET", "/v1/responses/..%2f..%2fetc%2fpasswd", 404),
    ("GET", "/v1/responses/" + "x" * 2000, 404),
    ("GET", "/v1/responses/resp_1/input_items", 404),
    ("GET", "/v1/responses/resp_1/nothing", 404),
    ("GET", "/v1/models/unknown", 404),
    ("POST", "/v1/completions", 404),
]


@pytest.mark.parametrize(("method", "path", "status"), PATHS)
def test_a_path(method: str, path: str, status: int, untouched: Service) -> None:
    answer = untouched.request(method, path)
    assert (answer.status, answer.error["type"]) == (status, "invalid_request_error")
    assert answer.headers["x-request-id"]


def test_a_long_token(untouched: Service) -> None:
    connection = http.client.HTTPConnection(untouched.host, untouched.port, timeout=LIMIT)
    with closing(connection):
        connection.request("GET", "/v1/responses/resp_1", headers={"Authorization": f"Bearer {'a' * 60_000}"})
        assert connection.getresponse().status == 404


@pytest.mark.parametrize(
    ("query", "param"), [("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("order=up", "order")]
)
def test_a_query(query: str, param: str, service: Service, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("Hello.")))
    answer = service.get(f"/v1/responses/{service.create()['id']}/input_items?{query}")
    assert (answer.status, answer.error["param"]) == (400, param)


def test_no_depth_is_an_accident(service: Service, upstream: Upstream) -> None:
    """How deep a decoder goes, and how deep the encoder behind it, depends on the stack: they need not agree."""
    upstream.otherwise = lambda received: whole(chat.completion("Hello"))
    before, behind = json.dumps([USER, {"type": "tool_search_call", "call_id": "c", "arguments": 0}])[:-1].split("0")
    output = b',{"type":"tool_search_output","call_id":"c","tools":[]}]'
    statuses = set()
    for depth in range(900, 1000):
        input = before.encode() + nested(depth, b'{"a":', b"}") + behind.encode() + output
        statuses.add(service.post(raw("x", b"0").body.replace(b'"Hi","x":0', input)).status)
    assert statuses == {200, 400}


def test_a_note_on_every_item_floods_neither_the_log_nor_the_header(service: Service, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("Hello")))
    answer = service.post({"model": "m", "input": [{"role": "user", "content": ""}] * 9999 + [USER]})
    assert len(answer.headers["x-adapter-notes"]) == 2000
    id = answer.response["id"]
    (line,) = [line for line in service.log.splitlines() if f'"response_id":"{id}"' in line]
    assert (json.loads(line)["notes"][0], json.loads(line)["notes"][-1]) == ("input[0]: dropped", "and 9979 more")
