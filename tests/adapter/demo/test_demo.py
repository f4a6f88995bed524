"""What the demo upstream answers, as a client of chat completions sees it."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import requests

from adapter.demo import start_child
from adapter.demo.instances import instance_of
from adapter.demo.patterns import FORMATS, text_for
from adapter.settings.settings import SettingsError
from tests.support.servers.demo import demo

JSON = dict[str, Any]

WEATHER: JSON = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CLOCK: JSON = {"type": "function", "function": {"name": "get_time"}}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with demo() as url:
        yield url


def user(text: str) -> JSON:
    return {"role": "user", "content": text}


def ask(url: str, *messages: JSON, **fields: Any) -> JSON:
    """Return the only choice of a whole completion."""
    body = {"model": "demo", "messages": messages, **fields}
    answer = requests.post(f"{url}/chat/completions", json=body, timeout=10)
    assert answer.status_code == 200, answer.text
    (choice,) = answer.json()["choices"]
    return dict(choice)


def stream(url: str, *messages: JSON, **fields: Any) -> list[JSON]:
    """Return the chunks of a stream that ends as it should."""
    body = {"model": "demo", "messages": messages, "stream": True, **fields}
    answer = requests.post(f"{url}/chat/completions", json=body, timeout=10)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    *payloads, done, rest = answer.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [json.loads(payload.removeprefix("data: ")) for payload in payloads]


def deltas(chunks: list[JSON], field: str) -> list[Any]:
    return [
        choice["delta"][field] for chunk in chunks for choice in chunk["choices"] if choice["delta"].get(field)
    ]


def test_it_lists_its_models(url: str) -> None:
    models = requests.get(f"{url}/models", timeout=10).json()
    assert [model["id"] for model in models["data"]] == ["demo", "demo-large"]


def test_it_echoes_and_remembers_earlier_turns(url: str) -> None:
    first = user("My name is Ada.")
    answer = ask(url, first)["message"]
    assert answer["content"] == "You said: My name is Ada."
    second = ask(url, first, answer, user("What is my name?"))["message"]["content"]
    assert second == "You said: What is my name?\n\nI remember one earlier turn; the first was: My name is Ada."
    third = ask(url, first, answer, user("b"), answer, user("c"))["message"]["content"]
    assert "I remember 2 earlier turns" in third


def test_what_a_client_says_before_the_first_question_is_no_turn(url: str) -> None:
    surroundings = user("<environment_context>Linux</environment_context>")
    assert ask(url, surroundings, user("Hello"))["message"]["content"] == "You said: Hello"


def test_it_says_how_a_tool_is_called(url: str) -> None:
    said = ask(url, user("Hello"), tools=[WEATHER])["message"]["content"]
    assert said.endswith("I call a tool if you name it: get_weather: …")
    assert ask(url, user("Hello"), tools=[CLOCK])["message"]["content"].endswith("if you name it: get_time")
    assert ask(url, user("Hello"), tools=[WEATHER], tool_choice="none")["message"]["content"] == "You said: Hello"


def test_it_sees_text_and_images_in_parts(url: str) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    said = ask(url, {"role": "user", "content": [{"type": "text", "text": "Look"}, image]})["message"]["content"]
    assert said == "You said: Look (and I was shown 1 image)"


def test_a_stream_says_the_same_a_word_at_a_time(url: str) -> None:
    message = user("one  two\nthree ")
    chunks = stream(url, message, stream_options={"include_usage": True})
    assert "".join(deltas(chunks, "content")) == ask(url, message)["message"]["content"]
    assert len(deltas(chunks, "content")) > 4
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    *_, last, counted = chunks
    assert last["choices"][0]["finish_reason"] == "stop"
    assert counted["choices"] == []
    usage = counted["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0


def test_usage_is_streamed_only_when_asked_for(url: str) -> None:
    assert not any("usage" in chunk for chunk in stream(url, user("Hi")))


@pytest.mark.parametrize(
    ("said", "fields", "called"),
    [
        ("Use get_weather for Paris", {}, ["get_weather"]),
        ("Use get_weather and get_time", {}, ["get_weather", "get_time"]),
        ("Use get_weather and get_time", {"parallel_tool_calls": False}, ["get_weather"]),
        ("Use get_weather", {"tool_choice": "none"}, []),
        ("Hello", {}, []),
        ("Hello", {"tool_choice": "required"}, ["get_weather", "get_time"]),
        ("Hello", {"tool_choice": {"type": "function", "function": {"name": "get_time"}}}, ["get_time"]),
        ("How is the weather?", {}, ["get_weather"]),
        ("What time is it, and the weather?", {}, ["get_weather", "get_time"]),
        ("How is the weather?", {"tool_choice": "none"}, []),
        ("Get me some tea", {}, []),
    ],
)
def test_it_calls_the_tools_that_are_demanded_or_named(
    url: str, said: str, fields: JSON, called: list[str]
) -> None:
    choice = ask(url, user(said), tools=[WEATHER, CLOCK], **fields)
    calls = choice["message"].get("tool_calls", [])
    assert [call["function"]["name"] for call in calls] == called
    assert choice["finish_reason"] == ("tool_calls" if called else "stop")
    assert len({call["id"] for call in calls}) == len(calls)


@pytest.mark.parametrize(
    ("said", "parameters", "arguments"),
    [
        ('f {"b": 2} now', {"a": "string", "b": "integer"}, {"a": "a", "b": 2}),
        ("f: ls -la\nThank you.", {"cmd": "string"}, {"cmd": "ls -la"}),
        ("f:\n*** Begin\n*** End", {"input": "string"}, {"input": "*** Begin\n*** End"}),
        ("f: ls", {"commands": {"type": "array", "items": {"type": "string"}}}, {"commands": ["ls"]}),
        ("f: 12", {"n": "integer"}, {"n": 0}),
        ("f {not a value}", {"a": "string"}, {"a": "a"}),
        ("Use f for Rome, and Paris", {"a": "string", "b": "string"}, {"a": "Rome", "b": "Paris"}),
        ("Use f on dogs.", {"query": "string"}, {"query": "on dogs"}),
    ],
)
def test_the_arguments_of_a_call_are_taken_from_the_text(
    url: str, said: str, parameters: JSON, arguments: JSON
) -> None:
    properties = {name: kind if isinstance(kind, dict) else {"type": kind} for name, kind in parameters.items()}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    (call,) = ask(url, user(said), tools=[tool])["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == arguments


def test_each_of_several_calls_has_its_own_arguments(url: str) -> None:
    calls = ask(url, user("get_weather: Rome\nget_weather: Paris"), tools=[WEATHER])["message"]["tool_calls"]
    cities = [json.loads(call["function"]["arguments"])["city"] for call in calls]
    assert cities == ["Rome", "Paris"]


def test_a_query_is_written_even_if_it_may_be_left_out(url: str) -> None:
    schema = {"type": "object", "properties": {"paths": {"type": "array"}, "query": {"type": "string"}}}
    tool = {"type": "function", "function": {"name": "tool_search", "parameters": schema}}
    (call,) = ask(url, user("Use tool_search for dogs"), tools=[tool])["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"query": "for dogs"}


def test_a_name_in_the_arguments_of_a_call_is_no_call(url: str) -> None:
    said = 'get_weather: get_time get_weather\nget_weather {"city": "get_time"}\nget_time'
    calls = ask(url, user(said), tools=[WEATHER, CLOCK])["message"]["tool_calls"]
    made = [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls]
    weather = [("get_weather", {"city": "get_time get_weather"}), ("get_weather", {"city": "get_time"})]
    assert made == [*weather, ("get_time", {})]


def test_a_member_of_a_namespace_is_called_by_its_own_name(url: str) -> None:
    tool = {"type": "function", "function": {"name": "crm__lookup"}}
    (call,) = ask(url, user("lookup Ada"), tools=[tool])["message"]["tool_calls"]
    assert call["function"]["name"] == "crm__lookup"


def test_among_many_tools_one_is_called_by_its_whole_name_only(url: str) -> None:
    others = [{"type": "function", "function": {"name": f"do_{number}"}} for number in range(4)]
    assert "tool_calls" not in ask(url, user("How is the weather?"), tools=[WEATHER, *others])["message"]


def test_streamed_arguments_come_in_pieces_that_make_json(url: str) -> None:
    chunks = stream(url, user("get_weather"), tools=[WEATHER])
    first, *rest = [delta[0] for delta in deltas(chunks, "tool_calls")]
    assert (first["index"], first["function"]) == (0, {"name": "get_weather", "arguments": ""})
    assert json.loads("".join(piece["function"]["arguments"] for piece in rest)) == {"city": "city"}
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_it_quotes_tool_results(url: str) -> None:
    asked = user("Use get_weather")
    called = ask(url, asked, tools=[WEATHER])["message"]
    result = {"role": "tool", "tool_call_id": called["tool_calls"][0]["id"], "content": "12 °C"}
    assert ask(url, asked, called, result, tools=[WEATHER])["message"]["content"] == "get_weather returned: 12 °C"


def test_images_that_follow_a_tool_result_are_part_of_it(url: str) -> None:
    called = ask(url, user("get_weather"), tools=[WEATHER])["message"]
    result = {"role": "tool", "tool_call_id": called["tool_calls"][0]["id"], "content": "a map"}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    shown = {"role": "user", "content": [{"type": "text", "text": "From get_weather:"}, image]}
    said = ask(url, user("get_weather"), called, result, shown, tools=[WEATHER])["message"]["content"]
    assert said == "get_weather returned: a map (and I was shown 1 image)"


def test_it_keeps_to_a_json_schema(url: str) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}, "required": ["n"]}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    assert json.loads(ask(url, user("Hi"), response_format=form)["message"]["content"]) == {"n": 3}
    plain = ask(url, user("Hi"), response_format={"type": "json_object"})["message"]["content"]
    assert json.loads(plain) == {"you_said": "Hi"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "string", "minLength": 9, "maxLength": 10},
        {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 2},
        {"anyOf": [{"type": "null"}, {"type": "boolean"}]},
        {"type": ["number", "null"], "exclusiveMinimum": 4},
        {"$ref": "#/$defs/Node", "$defs": {"Node": {
            "type": "object",
            "properties": {"value": {"const": 1}, "next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/Node"}]}},
            "required": ["value", "next"],
        }}},
        {"allOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"properties": {"b": {"type": "integer"}}, "required": ["b"]},
        ]},
        {"type": "string", "pattern": "^[0-9]{5}$"},
        {"type": "string", "pattern": r"^\\+?\d{3}[ -][^a-z]\w*\S(x|y)(?:!)\1$"},
        {"type": "string", "pattern": "^[A-Z][a-z]*$", "minLength": 7, "maxLength": 9},
        {"type": "string", "pattern": r"^(?!\.)[\w.+-]+@([A-Za-z0-9-]+\.)+[A-Za-z]{2,}$"},
        {"type": "string", "format": "date-time", "pattern": r"^\d{4}-\d\d-\d\dT.*Z$"},
        {"pattern": "^a{2,3}$"},
        {"type": "integer", "maximum": -3},
        {"type": "integer", "exclusiveMinimum": 0, "multipleOf": 4},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        {"type": "number", "maximum": 9, "exclusiveMaximum": 0},
        {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": {"type": "null"}},
    ],
)  # fmt: skip
def test_an_instance_fits_its_schema(schema: JSON) -> None:
    jsonschema.validate(instance_of(schema), schema)


@pytest.mark.parametrize("name", list(FORMATS))
def test_an_instance_has_the_format_of_its_schema(name: str) -> None:
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.validate(instance_of({"type": "string", "format": name}), {"format": name}, format_checker=checker)


def test_a_pattern_that_no_text_is_found_for_is_left() -> None:
    assert text_for("^(?=b)a$") is None
    assert text_for("(") is None
    assert text_for("(((a{999}){999}){999}){999}") is None
    assert instance_of({"type": "string", "pattern": "("}) == "text"


def test_a_schema_without_end_has_an_end() -> None:
    endless = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    assert "null" in json.dumps(instance_of(endless))


def test_reasoning_comes_first_and_only_when_asked_for(url: str) -> None:
    chunks = stream(url, user("Hi"), reasoning_effort="low")
    kinds = [kind for chunk in chunks for choice in chunk["choices"] for kind in choice["delta"]]
    _, _, *said = kinds  # the first delta has a role and an empty content
    assert said == sorted(said, reverse=True)
    assert set(said) == {"reasoning_content", "content"}
    assert "reasoning_content" not in ask(url, user("Hi"))["message"]
    assert "reasoning_content" not in ask(url, user("Hi"), reasoning_effort="none")["message"]


def test_log_probabilities_come_only_when_asked_for(url: str) -> None:
    content = ask(url, user("Hi"), logprobs=True, top_logprobs=2)["logprobs"]["content"]
    assert [token["token"] for token in content] == ["You", " said:", " Hi"]
    assert [best["token"] for token in content for best in token["top_logprobs"]] == ["You", " said:", " Hi"]
    streamed = stream(url, user("Hi"), logprobs=True)
    choices = [choice for chunk in streamed for choice in chunk["choices"] if choice["logprobs"]]
    assert [choice["logprobs"]["content"][0]["token"] for choice in choices] == ["You", " said:", " Hi"]
    assert ask(url, user("Hi"))["logprobs"] is None


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_a_token_limit_cuts_the_answer(url: str, field: str) -> None:
    choice = ask(url, user("one two three"), **{field: 3})
    assert (choice["message"]["content"], choice["finish_reason"]) == ("You said: one", "length")
    thinking = ask(url, user("one"), reasoning_effort="low", **{field: 3})
    assert (thinking["message"]["content"], thinking["finish_reason"]) == (None, "length")


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[]", 400), (b"{}", 400), (b'{"messages": [1]}', 400), (b'{"messages": {"a": 1}}', 400)],
)
def test_a_bad_request_is_refused(url: str, body: bytes, status: int) -> None:
    answer = requests.post(f"{url}/chat/completions", data=body, timeout=10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, status)


def test_an_unknown_path_is_refused(url: str) -> None:
    assert requests.get(f"{url}/nothing", timeout=10).status_code == 404
    answer = requests.post(f"{url}/embeddings", data=b"{}", timeout=10)
    assert (answer.status_code, "/v1/chat/completions only" in answer.text) == (404, True)


def test_the_child_ends_when_nobody_holds_its_input() -> None:
    demo, url = start_child()
    with demo:
        assert demo.stdin is not None
        assert requests.get(f"{url}/models", timeout=10).status_code == 200
        demo.stdin.close()
        assert demo.wait(10) == 0


def test_a_child_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/true")
    with pytest.raises(SettingsError, match="the demo upstream could not be started"):
        start_child()


def test_the_child_ends_with_a_parent_that_is_killed() -> None:
    parent = (
        "import os, sys; from adapter.demo import start_child; demo, _ = start_child();"
        "print(demo.pid, flush=True); sys.stdin.read(); os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", parent]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        assert starter.stdin is not None
        child = os.pidfd_open(int(starter.stdout.readline()))
        starter.stdin.close()
        assert starter.wait(10) == -9
    ended, _, _ = select.select([child], [], [], 10)
    os.close(child)
    assert ended, "the demo upstream outlived its parent"
