"""Reasoning through the whole service: the provider gets its signature back, by the store or by the client.

The provider wants, as Gemini does, that each call comes back with the signature it had. Two tenants use the service.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import chat
from tests.support.client import Client
from tests.support.servers.service import Service
from tests.support.servers.upstream import ReceivedRequest, Script, Upstream, stream, whole

SIGNED = {"extra_content": {"google": {"thought_signature": "c2ln"}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}, **SIGNED}
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "done"}
QUESTION = {"role": "user", "content": "What do you see?"}
INCLUDE = ["reasoning.encrypted_content"]
KEYS = "key-of-tenant-1,key-of-tenant-2"


def gemini(received: ReceivedRequest) -> Script:
    """Call once; then answer, if the call came back as it was."""
    calls = [call for message in received.messages for call in message.get("tool_calls", ())]
    if calls and calls != [CALL]:
        return whole(chat.error("Function call is missing a thought_signature."), 400)
    if received.json.get("stream"):
        told = chat.text("Done.") if calls else chat.chunk({"tool_calls": [{"index": 0, **CALL}]})
        return stream(told, chat.end())
    return whole(chat.completion("Done.") if calls else chat.completion(tool_calls=[CALL]))


@pytest.fixture(scope="module")
def demanding() -> Iterator[Upstream]:
    """A provider of its own: what it takes back is not for the strict one of the other tests."""
    with Upstream() as upstream:
        upstream.otherwise = gemini
        yield upstream


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tmp_path_factory.mktemp("reasoning")


def in_front_of(demanding: Upstream, directory: Any) -> Service:
    return Service(
        directory, upstream_url=demanding.url, dialect="gemini", api_keys=KEYS, upstream_api_key="k", workers=2
    )


@pytest.fixture(scope="module")
def running(demanding: Upstream, directory: Any) -> Iterator[Service]:
    with in_front_of(demanding, directory) as service:
        yield service


@pytest.fixture
def client(running: Service) -> Client:
    return Client(running.host, running.port, key="key-of-tenant-1")


def text_of(response: dict[str, Any]) -> str:
    return str(response["output"][-1]["content"][0]["text"])


def test_by_the_store(client: Client) -> None:
    first = client.create("What do you see?", tools=[LOOK])
    assert [item["type"] for item in first["output"]] == ["reasoning", "function_call"]
    assert text_of(client.create([OUTPUT], previous_response_id=first["id"], tools=[LOOK])) == "Done."


def test_by_the_store_streamed_and_again_when_nobody_remembers_the_rendering(client: Client) -> None:
    first = client.stream("What do you see?", tools=[LOOK])[-1]["response"]
    assert client.get(f"/v1/responses/{first['id']}").json == first
    for _ in range(3):  # the first time takes the rendered history away: forks are rendered from the store
        last = client.stream([OUTPUT], previous_response_id=first["id"], tools=[LOOK])[-1]["response"]
        assert text_of(last) == "Done."


@pytest.mark.parametrize("members", [{"store": False}, {"store": False, "include": INCLUDE}, {"include": INCLUDE}, {}])
def test_by_the_client(client: Client, members: dict[str, Any]) -> None:
    first = client.create([QUESTION], tools=[LOOK], **members)
    carried = [{name: value for name, value in item.items() if name != "id"} for item in first["output"]]
    assert text_of(client.create([QUESTION, *carried, OUTPUT], tools=[LOOK], **members)) == "Done."


def test_by_a_conversation(client: Client) -> None:
    conversation = client.request("POST", "/v1/conversations", {}).json["id"]
    client.create("What do you see?", conversation=conversation, tools=[LOOK])
    assert text_of(client.create([OUTPUT], conversation=conversation, tools=[LOOK])) == "Done."


@pytest.mark.parametrize("key", ["key-of-tenant-1", "key-of-tenant-2"])
@pytest.mark.parametrize("model", ["m", "other"])
def test_only_the_same_caller_and_model_can_use_what_was_sealed(
    running: Service, client: Client, key: str, model: str
) -> None:
    carried = client.create([QUESTION], tools=[LOOK], store=False)["output"]
    other = Client(running.host, running.port, key=key)
    answer = other.post({"model": model, "input": [QUESTION, *carried, OUTPUT], "tools": [LOOK]})
    if (key, model) == ("key-of-tenant-1", "m"):
        assert text_of(answer.response) == "Done."
    else:
        assert "thought_signature" in answer.error["message"], "the provider got it all the same"


@pytest.mark.parametrize("sealed", ["gAAAAABmQ0h5", "ra1_AAAA", "", None])
def test_what_was_not_sealed_here_is_dropped_with_a_note(client: Client, sealed: str | None) -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": sealed}
    answer = client.post({"model": "m", "input": [QUESTION, item, {"role": "assistant", "content": "Hi."}, QUESTION]})
    assert answer.status == 200
    assert ("encrypted_content dropped" in str(answer.headers.get("x-adapter-notes"))) == bool(sealed)


def test_text_is_sealed_for_who_asks_and_for_who_keeps_it(demanding: Upstream, client: Client) -> None:
    sealed = []
    for members in ({}, {"include": INCLUDE}, {"store": False}):
        demanding.plays(whole(chat.completion("Hi.", reasoning_content="Hm.")))
        sealed.append("encrypted_content" in client.create(**members)["output"][0])
    assert sealed == [False, True, True]


def test_after_a_restart(demanding: Upstream, directory: Any, running: Service, client: Client) -> None:
    """The key that nobody set was kept beside the store."""
    stored = client.create("What do you see?", tools=[LOOK])
    carried = client.create([QUESTION], tools=[LOOK], store=False)["output"]
    with in_front_of(demanding, directory) as again:
        later = Client(again.host, again.port, key="key-of-tenant-1")
        assert text_of(later.create([OUTPUT], previous_response_id=stored["id"], tools=[LOOK])) == "Done."
        assert text_of(later.create([QUESTION, *carried, OUTPUT], tools=[LOOK])) == "Done."
