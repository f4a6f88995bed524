"""Conversations through the openai package: kept, continued by responses, locked while one runs."""

from contextlib import closing

import openai
import pytest

from adapter import create_app
from adapter.settings.settings import Settings
from tests.support import chat
from tests.support.servers.upstream import Gate, Upstream, stream, whole


def told(upstream: Upstream, count: int = 1) -> list[tuple[str, str]]:
    """Return what the provider was told in the latest of so many requests."""
    return [(message["role"], message["content"]) for message in upstream.received(count).json["messages"]]


def kept(client: openai.OpenAI, id: str) -> list[tuple[str, str]]:
    items = client.conversations.items.list(id, order="asc")
    return [(item.role, item.content[0].text) for item in items if item.type == "message"]  # type: ignore[union-attr]


def test_responses_continue_a_conversation(client: openai.OpenAI, upstream: Upstream) -> None:
    conversation = client.conversations.create(
        metadata={"a": "b"}, items=[{"role": "developer", "content": "Be brief."}]
    )
    upstream.plays(whole(chat.completion("Hello.")), stream(chat.text("Bye."), chat.end()))
    first = client.responses.create(model="m", input="Hi", conversation=conversation.id)
    assert first.conversation is not None
    assert first.conversation.id == conversation.id
    assert told(upstream) == [("system", "Be brief."), ("user", "Hi")]
    with client.responses.stream(model="m", input="I go", conversation={"id": conversation.id}) as manager:
        manager.until_done()
    assert told(upstream, 2) == [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello."), ("user", "I go")]
    everything = [
        ("developer", "Be brief."), ("user", "Hi"), ("assistant", "Hello."), ("user", "I go"), ("assistant", "Bye."),
    ]  # fmt: skip
    assert kept(client, conversation.id) == everything
    assert client.responses.retrieve(first.id).conversation == first.conversation
    item = next(iter(client.conversations.items.list(conversation.id, order="desc")))
    client.conversations.items.delete(item.id or "", conversation_id=conversation.id)
    assert kept(client, conversation.id) == everything[:-1]


def test_what_is_not_stored_is_not_appended(client: openai.OpenAI, upstream: Upstream) -> None:
    conversation = client.conversations.create(items=[{"role": "user", "content": "I am Ada."}])
    upstream.plays(whole(chat.completion("Hello.")))
    client.responses.create(model="m", input="Who am I?", conversation=conversation.id, store=False)
    assert told(upstream) == [("user", "I am Ada."), ("user", "Who am I?")]
    assert kept(client, conversation.id) == [("user", "I am Ada.")]


def test_what_failed_is_not_appended(client: openai.OpenAI, upstream: Upstream) -> None:
    conversation = client.conversations.create()
    upstream.plays(stream(chat.text("He")), whole(chat.completion("Hello.")))
    events = list(client.responses.create(model="m", input="Hi", conversation=conversation.id, stream=True))
    assert events[-1].type == "response.failed"
    assert kept(client, conversation.id) == []
    client.responses.create(model="m", input="Hi", conversation=conversation.id)
    assert kept(client, conversation.id) == [("user", "Hi"), ("assistant", "Hello.")]


def test_one_request_at_a_time(client: openai.OpenAI, upstream: Upstream) -> None:
    conversation = client.conversations.create()
    gate = Gate()
    upstream.plays(stream(chat.text("Hel"), gate, chat.text("lo."), chat.end()), whole(chat.completion("Again?")))
    with client.responses.create(model="m", input="Hi", conversation=conversation.id, stream=True) as events:
        next(iter(events))
        with pytest.raises(openai.BadRequestError) as caught:
            client.responses.create(model="m", input="Hi", conversation=conversation.id)
        assert (caught.value.code, caught.value.param) == ("conversation_locked", "conversation")
        gate.set()
        assert [event.type for event in events][-1] == "response.completed"
    assert client.responses.create(model="m", input="Hi", conversation=conversation.id).output_text == "Again?"


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"conversation": "conv_unknown"}, 404, None),
        ({"conversation": "cv_1"}, 400, "invalid_value"),
        ({"conversation": "conv_1", "previous_response_id": "resp_1"}, 400, "mutually_exclusive_parameters"),
        ({"conversation": {"name": "x"}}, 400, "unknown_parameter"),
    ],
)
def test_refused(client: openai.OpenAI, given: dict[str, object], status: int, code: str | None) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.responses.create(model="m", input="Hi", **given)  # type: ignore[call-overload]
    assert (caught.value.status_code, caught.value.code) == (status, code)


@pytest.mark.parametrize("store", [True, False])
def test_who_has_seen_the_end_may_go_on(provider: Upstream, upstream: Upstream, store: bool) -> None:
    """The end has been sent and nothing has been closed yet: that is when a quick client asks again."""
    app = create_app(Settings(upstream_url=provider.url, store="memory:"))
    client = app.test_client()
    id = client.post("/v1/conversations", json={}).json["id"]
    members = {"model": "m", "input": "Hi", "conversation": id, "stream": True, "store": store}
    upstream.plays(*[stream(chat.text("Hello."), chat.end())] * 2)
    with closing(client.post("/v1/responses", json=members).response) as first:
        assert any(b"response.completed" in frames for frames in first)
        assert client.post("/v1/responses", json=members).status_code == 200
    app.extensions["adapter"].store.close()
