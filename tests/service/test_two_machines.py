"""Two services on one store, requests spread at random: chains with forks, deletes and killed processes.

The provider numbers its answers, so that the history of each request can be compared with a dict. A killed service is
started again.
"""

import json
import os
import random
import signal
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException
from itertools import count
from time import sleep

import pytest

from tests.support.chat import completion, end, text
from tests.support.servers import postgres, redis
from tests.support.servers.service import Service
from tests.support.servers.upstream import LIMIT, Gate, ReceivedRequest, Script, Upstream, stream, whole

TURNS_BETWEEN_KILLS = 15
"""Of a worker and of a whole service, the one after the other."""
UNANSWERED = "This is never answered to the end."
SEED = int(os.environ.get("ADAPTER_TEST_SEED", "1"))


Pair = tuple[Service, Service]


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "redis"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The store. SQLite is not for several machines, but bears a second service while one replaces the other."""
    match request.param:
        case "sqlite":
            yield f"sqlite:///{tmp_path_factory.mktemp('store')}/shared.db"
        case "postgresql":
            with postgres.database() as url, postgres.schema(url) as own:
                yield own
        case _:
            with redis.database() as url:
                yield redis.empty(url)


@pytest.fixture(scope="module")
def services(url: str, provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("two")
    settings = {"upstream_url": provider.url, "store": url, "workers": 1, "secret_key": "k" * 32}
    with Service(folder / "a", **settings) as one, Service(folder / "b", **settings) as other:
        yield one, other


@pytest.mark.parametrize("turns", [60, pytest.param(150, marks=pytest.mark.slow)])
def test_chained_turns_with_forks_deletes_and_kills(services: Pair, upstream: Upstream, turns: int) -> None:
    chance = random.Random(SEED)
    numbers = count()
    said: dict[str, str] = {}
    """What was told to the provider, by the text it answered."""
    waiting: list[Gate] = []

    def answer(received: ReceivedRequest) -> Script:
        if received.messages[-1]["content"] == UNANSWERED:
            waiting.append(Gate())
            return stream(text("Well"), waiting[-1], end())
        text_of_it = f"Answer {next(numbers)}."
        said[text_of_it] = json.dumps([message["content"] for message in received.messages])
        return whole(completion(text_of_it))

    upstream.otherwise = answer
    there: dict[str, tuple[list[str], dict[str, object]]] = {}
    """By id: what a continuation has to replay, and the response."""
    gone: list[str] = []
    for turn in range(turns):
        service = chance.choice(services)
        if turn % (2 * TURNS_BETWEEN_KILLS) == TURNS_BETWEEN_KILLS - 1:
            kill(service, service.workers)
        elif turn % (2 * TURNS_BETWEEN_KILLS) == 2 * TURNS_BETWEEN_KILLS - 1:
            kill(service, [service.process.pid, *service.workers])
        while waiting:
            waiting.pop().set()
        newest = list(there)[-4:]
        previous = chance.choice([None, *newest, *newest, *there] if there else [None])
        before = there[previous][0] if previous else []
        response = service.create(f"Turn {turn}", **({"previous_response_id": previous} if previous else {}))
        answered = response["output"][0]["content"][0]["text"]
        replayed = [*before, f"Turn {turn}"]
        assert json.loads(said[answered]) == replayed, f"turn {turn}"
        there[response["id"]] = [*replayed, answered], response
        if chance.random() < 0.15:
            deleted = chance.choice(list(there))
            del there[deleted]
            gone.append(deleted)
            assert chance.choice(services).delete(f"/v1/responses/{deleted}").status == 200
    for id, (_, response) in there.items():
        assert chance.choice(services).get(f"/v1/responses/{id}").json == response  # which has been judged
    for id in gone:
        assert [service.get(f"/v1/responses/{id}").status for service in services] == [404, 404]


def kill(service: Service, processes: list[int]) -> None:
    """Kill processes of a service in the middle of an answer; a master makes a new worker, a dead one is started."""
    with service.open_stream(UNANSWERED) as exchange:
        exchange.read_until(b"Well")
        for process in processes:
            os.kill(process, signal.SIGKILL)
        with suppress(HTTPException, OSError):
            assert b"response.completed" not in exchange.rest()
    if service.process.pid in processes:
        service.process.wait()
        service.start()
    while service.workers in ([], processes) or not is_ready(service):
        sleep(0.02)  # a busy loop would take the processor from what it waits for


def is_ready(service: Service) -> bool:
    try:
        return service.get("/readyz").status == 200
    except (HTTPException, OSError):
        return False


def test_a_background_response_is_followed_and_cancelled_from_elsewhere(services: Pair, upstream: Upstream) -> None:
    gate = Gate()
    upstream.plays(stream(text("One"), gate, text(" two."), end()), stream(text("Endless"), Gate(), end()))
    one, other = services
    with one.open_stream(background=True) as exchange:
        begun = exchange.read_until(b"One")
        id = json.loads(begun.split(b"data: ")[1].split(b"\n")[0])["response"]["id"]
        with other.open("GET", f"/v1/responses/{id}?stream=true&starting_after=0") as resumed:
            gate.set()
            events, again = exchange.rest(), resumed.rest()
    first = events.index(b"\n\n") + 2
    assert frames(again) == frames(events[first:]), "byte by byte"
    done = other.get(f"/v1/responses/{id}").response
    assert (done["status"], done["output"][0]["content"][0]["text"]) == ("completed", "One two.")
    endless = one.create(background=True)
    received = upstream.received(2)
    cancelled = other.request("POST", f"/v1/responses/{endless['id']}/cancel")
    assert cancelled.response["status"] == "cancelled"
    assert received.closed.wait(LIMIT), "the provider is not asked any longer"
    assert one.get(f"/v1/responses/{endless['id']}").response["status"] == "cancelled"


def frames(stream: bytes) -> list[bytes]:
    """Return the events of a stream without what only keeps it alive."""
    return [frame for frame in stream.split(b"\n\n") if frame.startswith(b"event:")]


def test_a_conversation_is_held_by_one_of_them(services: Pair, upstream: Upstream) -> None:
    gate = Gate()
    upstream.plays(stream(text("One"), gate, end()), whole(completion("Two.")))
    one, other = services
    conversation = one.request("POST", "/v1/conversations", {}).json["id"]
    with one.open_stream("1", conversation=conversation) as exchange:
        exchange.read_until(b"One")
        refused = other.post({"model": "m", "input": "2", "conversation": conversation})
        assert refused.error["code"] == "conversation_locked"
        gate.set()
        exchange.rest()
    other.create("2", conversation=conversation)
    assert [message["content"] for message in upstream.received(2).messages] == ["1", "One", "2"]
