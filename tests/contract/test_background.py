"""Background responses through the openai package: polled, streamed, left and resumed, cancelled."""

from collections.abc import Iterator
from time import monotonic, sleep

import openai
import pytest
from openai.types.responses import Response

from tests.support import chat
from tests.support.client import judged
from tests.support.servers.service import Service
from tests.support.servers.upstream import LIMIT, Gate, Upstream, stream, whole


def ended(client: openai.OpenAI, id: str) -> Response:
    """Poll as OpenAI's guide does, until the response has ended."""
    deadline = monotonic() + LIMIT
    while (response := client.responses.retrieve(id)).status in ("queued", "in_progress"):
        assert monotonic() < deadline, "the response does not end"
        sleep(0.05)
    return response


def replayed(service: Service, id: str, after: int | None = None) -> bytes:
    """Return what the events of a response are told with again."""
    query = "" if after is None else f"&starting_after={after}"
    answer = service.get(f"/v1/responses/{id}?stream=true{query}")
    assert (answer.status, answer.headers.get_content_type()) == (200, "text/event-stream")
    return answer.body


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.set()


def test_polling(client: openai.OpenAI, upstream: Upstream, gate: Gate) -> None:
    upstream.plays(stream(gate, chat.text("Hello."), chat.end()))
    response = client.responses.create(model="m", input="Hi", background=True, metadata={"a": "b"})
    assert (response.status, response.background, response.output, response.usage) == ("queued", True, [], None)
    assert upstream.received().json["stream"] is True
    going_on = client.responses.retrieve(response.id)
    assert going_on == response.model_copy(update={"status": "in_progress"})
    gate.set()
    done = ended(client, response.id)
    assert (done.status, done.background, done.output_text) == ("completed", True, "Hello.")
    assert done.usage is not None
    assert (done.created_at, done.metadata) == (response.created_at, {"a": "b"})
    assert [item.type for item in client.responses.input_items.list(response.id)] == ["message"]


def test_a_stream_that_is_left_and_resumed(
    client: openai.OpenAI, service: Service, upstream: Upstream, gate: Gate
) -> None:
    upstream.plays(stream(chat.text("Hel"), gate, chat.text("lo."), chat.end()))
    seen = []
    with client.responses.create(model="m", input="Hi", background=True, stream=True) as events:
        for event in events:
            seen.append(event)
            if event.type == "response.output_text.delta":
                break
    assert [event.type for event in seen[:3]] == ["response.created", "response.queued", "response.in_progress"]
    assert [event.response.status for event in seen[:3]] == ["queued", "queued", "in_progress"]  # type: ignore[union-attr]
    assert not upstream.received().closed.is_set()
    id, last = seen[0].response.id, seen[-1].sequence_number  # type: ignore[union-attr]
    with client.responses.retrieve(id, stream=True, starting_after=last) as events:
        gate.set()
        rest = list(events)
    assert [event.sequence_number for event in rest] == list(range(last + 1, last + 1 + len(rest)))
    assert rest[-1].type == "response.completed"
    assert rest[-1].response == client.responses.retrieve(id)
    assert rest[-1].response.output_text == "Hello."
    everything = replayed(service, id)
    assert [event["type"] for event in judged(everything)] == [event.type for event in seen + rest]
    frames = everything.split(b"\n\n")[:-2]
    assert len(frames) == len(seen) + len(rest)
    for after in range(len(frames)):
        behind = b"".join(frame + b"\n\n" for frame in frames[after + 1 :])
        assert replayed(service, id, after) == behind + b"data: [DONE]\n\n"
    assert replayed(service, id, 10_000) == b"data: [DONE]\n\n"


def test_everybody_reads_the_same(client: openai.OpenAI, service: Service, upstream: Upstream, gate: Gate) -> None:
    upstream.plays(stream(chat.text("Hel"), gate, chat.text("lo."), chat.end()))
    options = {"include_obfuscation": True}
    with service.open_stream(background=True, stream_options=options) as first:
        first.read_until(b'"Hel"')
        id = judged_id(first.body)
        with service.open("GET", f"/v1/responses/{id}?stream=true") as second:
            second.read_until(b'"Hel"')
            gate.set()
            assert first.rest() == second.rest() == replayed(service, id)
    assert b'"obfuscation"' in first.body


def judged_id(stream: bytes) -> str:
    return stream.partition(b'"id":"')[2].partition(b'"')[0].decode()


@pytest.mark.parametrize("streamed", [False, True])
def test_cancelling(client: openai.OpenAI, service: Service, upstream: Upstream, streamed: bool) -> None:
    upstream.plays(stream(chat.text("Hel"), Gate()))
    created = client.responses.create(model="m", input="Hi", background=True, stream=streamed)
    id = created.id if isinstance(created, Response) else next(iter(created)).response.id  # type: ignore[union-attr]
    received = upstream.received()
    cancelled = client.responses.cancel(id)
    assert received.closed.wait(2), "the provider goes on for longer than 2 s"
    assert (cancelled.status, cancelled.output, cancelled.error, cancelled.usage) == ("cancelled", [], None, None)
    assert client.responses.retrieve(id) == client.responses.cancel(id) == cancelled
    if not isinstance(created, Response):
        *_, last = created
        assert last.type == "response.failed"
        assert last.response == cancelled
        assert replayed(service, id).endswith(b"data: [DONE]\n\n")
    client.responses.delete(id)
    with pytest.raises(openai.NotFoundError):
        client.responses.cancel(id)


def test_what_cannot_be_cancelled(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(
        whole(chat.completion("Hello.")),
        stream(chat.text("Hello."), chat.end()),
        stream(chat.text("Hel"), chat.end("length")),
        whole({"error": {"message": "No."}}, status=500),
    )
    ids = [client.responses.create(model="m", input="Hi").id]
    for _ in range(3):
        ids.append(ended(client, client.responses.create(model="m", input="Hi", background=True).id).id)
    found = []
    for id in ids:
        with pytest.raises(openai.BadRequestError) as refused:
            client.responses.cancel(id)
        found.append(refused.value.body["message"])  # type: ignore[index]
    assert found == [
        "Cannot cancel a synchronous response.", "Cannot cancel a completed response.",
        "Cannot cancel an incomplete response.", "Cannot cancel a failed response.",
    ]  # fmt: skip
    with pytest.raises(openai.NotFoundError):
        client.responses.cancel("resp_" + "0" * 32)


def test_what_cannot_be_streamed(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("Hello.")), stream(chat.text("Hello."), chat.end()))
    at_once = client.responses.create(model="m", input="Hi")
    polled = client.responses.create(model="m", input="Hi", background=True)
    for id, why in ((at_once.id, "background=true"), (polled.id, "stream=true")):
        with pytest.raises(openai.BadRequestError) as refused:
            client.responses.retrieve(id, stream=True)
        assert refused.value.param == "stream"
        assert f"cannot be streamed because it was not created with {why}." in refused.value.message
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_" + "0" * 32, stream=True)
    ended(client, polled.id)


def test_what_goes_on_is_neither_deleted_nor_continued(
    client: openai.OpenAI, upstream: Upstream, gate: Gate
) -> None:
    upstream.plays(stream(gate, chat.text("Hello."), chat.end()), whole(chat.completion("Bye.")))
    first = client.responses.create(model="m", input="Hi", background=True)
    with pytest.raises(openai.BadRequestError, match=r"Cannot delete an in-flight response\."):
        client.responses.delete(first.id)
    with pytest.raises(openai.BadRequestError, match="has not ended yet") as refused:
        client.responses.create(model="m", input="I go", previous_response_id=first.id)
    assert refused.value.param == "previous_response_id"
    gate.set()
    ended(client, first.id)
    second = client.responses.create(model="m", input="I go", previous_response_id=first.id)
    assert second.output_text == "Bye."
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)


def test_a_conversation_is_locked_until_the_end(client: openai.OpenAI, upstream: Upstream, gate: Gate) -> None:
    conversation = client.conversations.create()
    upstream.plays(stream(gate, chat.text("Hello."), chat.end()), stream(chat.text("Hel"), Gate()))
    first = client.responses.create(model="m", input="Hi", conversation=conversation.id, background=True)
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model="m", input="I go", conversation=conversation.id)
    assert refused.value.code == "conversation_locked"
    gate.set()
    ended(client, first.id)
    items = client.conversations.items.list(conversation.id, order="asc")
    assert [item.content[0].text for item in items] == ["Hi", "Hello."]  # type: ignore[union-attr]
    second = eventually_accepted(client, conversation.id)
    client.responses.cancel(second)
    assert len(list(client.conversations.items.list(conversation.id))) == 2


def eventually_accepted(client: openai.OpenAI, conversation: str) -> str:
    """Return the id of a response that continues a conversation as soon as its lock is free."""
    deadline = monotonic() + LIMIT
    while True:
        try:
            return client.responses.create(model="m", input="Go", conversation=conversation, background=True).id
        except openai.BadRequestError:
            assert monotonic() < deadline, "the conversation stays locked"
            sleep(0.05)


def test_a_provider_that_fails(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(whole({"error": {"message": "No."}}, status=500))
    response = ended(client, client.responses.create(model="m", input="Hi", background=True).id)
    assert response.status == "failed"
    assert response.error is not None
    assert response.error.code == "server_error"
