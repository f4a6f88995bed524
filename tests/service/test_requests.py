"""What a request asks for beside its input, through the whole service: the provider gets it, the client sees it.

`ours` is a service that passes two members through and keeps prompts.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import chat
from tests.support.client import judged
from tests.support.servers.service import Service
from tests.support.servers.upstream import ReceivedRequest, Script, Upstream, stream, whole

TOO_LONG = "This model's maximum context length is 30 tokens. Please reduce the length of the messages."


@pytest.fixture(scope="module")
def ours(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    directory = tmp_path_factory.mktemp("ours")
    folder = directory / "prompts"
    folder.mkdir()
    (folder / "greeter.toml").write_text('instructions = "Be {{tone}}."\ninput = "Greet Ada."')
    with Service(directory, upstream_url=provider.url, passthrough="stop,top_k", prompts=str(folder)) as service:
        yield service


def says(text: str) -> Script:
    return whole(chat.completion(text))


def only_short(most: int) -> Any:
    """Return a provider that takes no more than so many messages."""

    def answer(received: ReceivedRequest) -> Script:
        if len(received.messages) > most:
            return whole(chat.error(TOO_LONG, code="context_length_exceeded"), 400)
        if received.json.get("stream"):
            return stream(chat.text("Fits."), chat.end())
        return says("Fits.")

    return answer


def notes(headers: Any) -> str:
    return str(headers.get("x-adapter-notes", ""))


def test_members_are_passed_through(ours: Service, upstream: Upstream) -> None:
    upstream.takes = frozenset({"top_k"})
    upstream.plays(says("Hi."))
    ours.create(stop=["a", "b"], top_k=7)
    assert {name: upstream.received().json[name] for name in ("stop", "top_k")} == {"stop": ["a", "b"], "top_k": 7}


def test_a_member_that_is_not_passed_through(service: Service, upstream: Upstream) -> None:
    error = service.post({"model": "m", "input": "Hi", "stop": ["a"]}).error
    assert (error["param"], error["code"]) == ("stop", "unknown_parameter")
    assert "ADAPTER_PASSTHROUGH" in error["message"]


def test_a_prompt(ours: Service, upstream: Upstream) -> None:
    upstream.plays(says("Hello Ada."), says("Hello again."))
    prompt = {"id": "greeter", "variables": {"tone": "kind"}}
    response = ours.create(prompt=prompt, input="Quick.")
    assert response["prompt"] == {**prompt, "version": None}
    assert response["instructions"] == "Be kind."
    assert [(m["role"], m["content"]) for m in upstream.received().messages] == [
        ("system", "Be kind."), ("user", "Greet Ada."), ("user", "Quick."),
    ]  # fmt: skip
    ours.create(input="Again.", previous_response_id=response["id"])
    assert [m["content"] for m in upstream.received(2).messages] == ["Greet Ada.", "Quick.", "Hello Ada.", "Again."]


def test_an_unknown_prompt(ours: Service) -> None:
    answer = ours.post({"model": "m", "prompt": {"id": "../greeter"}})
    assert (answer.status, answer.error["param"]) == (404, "prompt.id")


def test_a_reference_to_an_answer(service: Service, upstream: Upstream) -> None:
    upstream.plays(says("One."), says("Two."), says("Three."))
    first = service.create("1")
    reference = {"type": "item_reference", "id": first["output"][0]["id"]}
    second = service.create([{"role": "user", "content": "1"}, reference, {"role": "user", "content": "2"}])
    assert [m["content"] for m in upstream.received(2).messages] == ["1", "One.", "2"]
    assert service.delete(f"/v1/responses/{first['id']}").status == 200
    service.create("3", previous_response_id=second["id"])
    assert [m["content"] for m in upstream.received(3).messages] == ["1", "One.", "2", "Two.", "3"]
    answer = service.post({"model": "m", "input": [reference]})
    assert (answer.status, answer.error["message"]) == (404, f"Item with id '{reference['id']}' not found.")


@pytest.mark.parametrize("continues", ["previous_response_id", "conversation"])
def test_an_unknown_item_alone_continues_a_history(service: Service, upstream: Upstream, continues: str) -> None:
    upstream.plays(says("Hi."), says("Go on."), says("Bye."))
    if continues == "conversation":
        id = service.request("POST", "/v1/conversations", {}).json["id"]
        service.create("One", conversation=id)
    else:
        id = service.create("One")["id"]
    second = service.create([{"type": "ghost_snapshot", "commit": "4d1c"}], **{continues: id})
    service.create("Two", **{continues: id if continues == "conversation" else second["id"]})
    contents = [message["content"] for message in upstream.received(3).messages]
    assert contents == ["One", "Hi.\n\nGo on.", "Two"]
    (listed,) = service.get(f"/v1/responses/{second['id']}/input_items?limit=1&order=desc").json["data"]
    assert (listed["type"], listed["commit"]) == ("ghost_snapshot", "4d1c")


def test_obfuscation_only_where_it_is_asked_for(service: Service, upstream: Upstream) -> None:
    upstream.plays(*[stream(chat.text("Hel", "lo."), chat.end())] * 3)
    for received in (None, False, True):
        with service.open_stream(stream_options={"include_obfuscation": received}) as exchange:
            events = judged(exchange.rest())
        filled = [event["type"] for event in events if "obfuscation" in event]
        assert filled == (["response.output_text.delta"] * 2 if received else [])


TALK = [{"role": role, "content": f"{n}"} for n in range(4) for role in ("user", "assistant")]
LAST = {"role": "user", "content": "last"}


def test_an_input_that_is_too_long_is_truncated(service: Service, upstream: Upstream) -> None:
    upstream.otherwise = only_short(3)
    answer = service.post({"model": "m", "input": [*TALK, LAST], "instructions": "Be kind.", "truncation": "auto"})
    assert answer.response["truncation"] == "auto"
    assert len(upstream.requests) == 3
    assert [m["content"] for m in upstream.requests[-1].messages] == ["Be kind.", "last"]
    assert "truncation" in notes(answer.headers)
    listed = service.get(f"/v1/responses/{answer.response['id']}/input_items").json["data"]
    assert len(listed) == len(TALK) + 1, "what was sent is stored whole"


def test_a_stream_is_truncated(service: Service, upstream: Upstream) -> None:
    upstream.otherwise = only_short(3)
    events = service.stream([*TALK, LAST], truncation="auto")
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == "Fits."


@pytest.mark.parametrize(("truncation", "most", "tries"), [("disabled", 3, 1), ("auto", 0, 3)])
def test_what_cannot_be_made_to_fit(
    service: Service, upstream: Upstream, truncation: str, most: int, tries: int
) -> None:
    upstream.otherwise = only_short(most)
    answer = service.post({"model": "m", "input": [*TALK, LAST], "truncation": truncation})
    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "context_length_exceeded", "input")
    assert len(upstream.requests) == tries


def test_another_refusal_is_not_asked_again(service: Service, upstream: Upstream) -> None:
    upstream.plays(whole(chat.error("temperature is odd"), 400))
    assert service.post({"model": "m", "input": [*TALK, LAST], "truncation": "auto"}).status == 400
    assert len(upstream.requests) == 1


def test_a_prompt_that_the_operator_has_to_mend(ours: Service) -> None:
    (ours.directory / "prompts" / "broken.toml").write_text("temperature = 'hot'")
    answer = ours.post({"model": "m", "prompt": {"id": "broken"}, "input": "Hi"})
    assert (answer.status, answer.error["type"]) == (500, "server_error")
    assert "hot" not in answer.error["message"]
    assert "prompt cannot be used" in ours.log
    assert "Invalid type for 'temperature'" in ours.log
