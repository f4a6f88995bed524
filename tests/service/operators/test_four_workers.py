"""Limits and budgets with four workers, some of which are killed: what docs/keys.md promises.

Further promises have tests of their own: rotated and revoked keys (`test_stored_keys.py`), several machines
(`test_shared_limits.py`), clocks and days (`tests/adapter/sharing/test_budgets.py`), costs (`bench/admission.py`).
"""

import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection, HTTPException
from itertools import count
from time import monotonic, sleep
from typing import Any

import openai
import pytest

from adapter.commands.keys import table_of
from tests.service.operators.test_metrics import free_port, value
from tests.support import chat
from tests.support.client import Client, Exchange
from tests.support.servers.service import Service
from tests.support.servers.upstream import Gate, ReceivedRequest, Script, Upstream, stream, whole
from tests.support.websocket import Socket

NAMES = ("requests", "tokens", "streams", "budget", "boss", "patient", "steady", "long")
KEYS = {name: f"ra-key-of-{name}-0123456789" for name in NAMES}
LIMITS = {
    "requests": {"requests_per_minute": 60},
    "tokens": {"tokens_per_minute": 100_000},
    "streams": {"concurrent": 8},
    "budget": {"tokens_per_day": 2000},
    "boss": {"admin": True, "requests_per_minute": 6},
    "patient": {"concurrent": 1},
    "steady": {"concurrent": 1, "tokens_per_minute": 1_000_000},
    "long": {"requests_per_minute": 60},
}
TOKENS = 100
"""That an answer costs."""
USED = {"prompt_tokens": 60, "completion_tokens": 40, "total_tokens": TOKENS}
BODY = {"model": "m", "input": "Hi", "store": False}
FORWARDED = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


class Server:
    def __init__(self, service: Service, admin: Client) -> None:
        self.service = service
        self.admin = admin

    def client(self, name: str) -> Client:
        return Client(self.service.host, self.service.port, KEYS[name])

    def send_many(self, name: str, requests: int, threads: int, pause: float = 0.0) -> Counter[int]:
        """Send requests over so many connections at a time; return how often each status came, 0: none."""
        client = self.client(name)

        def send(_: int) -> int:
            sleep(pause)
            with suppress(OSError, HTTPException):
                return client.request("POST", "/v1/responses", BODY).status
            return 0

        with ThreadPoolExecutor(threads) as pool:
            return Counter(pool.map(send, range(requests)))

    def listed(self, name: str) -> dict[str, int]:
        """Return what the admin address says of a key."""
        found: list[dict[str, int]] = self.admin.get("/keys").json["data"]
        return next(key for key in found if key["name"] == name)  # type: ignore[comparison-overlap]

    def until(self, holds: Callable[[], bool], seconds: float) -> None:
        end = monotonic() + seconds
        while not holds():
            assert monotonic() < end
            sleep(0.05)


@pytest.fixture(scope="module")
def server(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    toml = "\n".join(table_of(name, KEYS[name], **LIMITS[name]) for name in NAMES)
    admin = Client("127.0.0.1", free_port(), KEYS["boss"])
    with Service(
        tmp_path_factory.mktemp("four"), toml=toml, upstream_url=provider.url, workers=4,
        admin_bind=f"127.0.0.1:{admin.port}", admin_key="test-admin-key-0123456789",
    ) as service:  # fmt: skip
        yield Server(service, admin)


@pytest.fixture
def answers(provider: Upstream) -> Iterator[Upstream]:
    """The provider, which answers everything."""
    provider.otherwise = lambda _: whole(chat.completion("Hello.", usage=USED))
    yield provider
    provider.reset()


@pytest.mark.parametrize(
    ("name", "requests", "threads", "pause"),
    [
        ("requests", 60, 20, 0.0),
        pytest.param("long", 1000, 50, 0.5, marks=pytest.mark.slow),
    ],
)
def test_a_rate_is_exact(
    server: Server, answers: Upstream, name: str, requests: int, threads: int, pause: float
) -> None:
    began = monotonic()
    statuses = server.send_many(name, requests, threads, pause)
    assert statuses.keys() == {200, 429}
    assert 10 <= statuses[200] <= 10 + (monotonic() - began) + 1


def test_a_killed_workers_responses_no_longer_count(server: Server, provider: Upstream) -> None:
    gate = Gate()
    provider.otherwise = lambda _: stream(chat.text("Hel"), gate, chat.end())
    client = server.client("streams")

    def begin() -> Exchange:
        answer = client.open("POST", "/v1/responses", {**BODY, "stream": True})
        if answer.status == 200:
            answer.read_until(b'"Hel"')
        return answer

    with ExitStack() as stack:
        try:
            held = [stack.enter_context(begin()) for _ in range(8)]
            assert {answer.status for answer in held} == {200}
            assert {server.listed("streams")["in_progress"] for _ in range(6)} == {8}, "whichever worker is asked"
            with begin() as ninth:
                assert ninth.status == 429
            for worker in server.service.workers:  # until one that had some of the streams
                os.kill(worker, signal.SIGKILL)
                sleep(0.3)
                left = server.listed("streams")["in_progress"]
                if left < 8:
                    break
            more = [stack.enter_context(begin()) for _ in range(8 - left + 1)]
            assert [answer.status for answer in more] == [200] * (8 - left) + [429]
        finally:
            gate.set()
            provider.reset()
    server.until(lambda: server.listed("streams")["in_progress"] == 0, 5)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/responses", BODY),
        ("/v1/responses", {**BODY, "stream": True}),
        ("/v1/chat/completions", FORWARDED),
        ("/v1/chat/completions", {**FORWARDED, "stream": True}),
    ],
    ids=["whole", "streamed", "forwarded whole", "forwarded stream"],
)
def test_who_asks_one_after_the_other_is_never_refused(
    server: Server, provider: Upstream, path: str, body: dict[str, Any]
) -> None:
    """A response has ended for the limits before its client can know of it, and ask another worker."""

    def answer(received: ReceivedRequest) -> Script:
        streams = received.json.get("stream")
        return stream(chat.text("Hi."), chat.end(usage=USED)) if streams else whole(chat.completion("Hi.", usage=USED))

    provider.otherwise = answer
    headers = {"Authorization": f"Bearer {KEYS['steady']}", "Content-Type": "application/json"}
    statuses: Counter[int] = Counter()
    with ExitStack() as stack:
        connections = [
            stack.enter_context(closing(HTTPConnection(server.service.host, server.service.port))) for _ in range(8)
        ]
        try:
            for turn in range(160):
                connection = connections[turn % 8]
                connection.request("POST", path, json.dumps(body), headers)
                got = connection.getresponse()
                got.read()
                statuses[got.status] += 1
        finally:
            provider.reset()
    assert statuses == {200: 160}


def test_sockets_that_take_turns_are_never_refused(server: Server, provider: Upstream) -> None:
    provider.otherwise = lambda _: stream(chat.text("Hi."), chat.end(usage=USED))
    with ExitStack() as stack:
        sockets = [stack.enter_context(Socket(server.service, KEYS["steady"])) for _ in range(8)]
        try:
            for turn in range(80):
                assert sockets[turn % 8].turn()["status"] == "completed"
        finally:
            provider.reset()


def test_tokens_are_overdrawn_once_and_what_is_owed_delays_the_next(server: Server, provider: Upstream) -> None:
    usage = {"prompt_tokens": 110_000, "completion_tokens": 0, "total_tokens": 110_000}
    gate = Gate()
    provider.otherwise = lambda _: stream(gate, chat.text("Hello."), chat.end(usage=usage))
    client = server.client("tokens")
    body = {**BODY, "max_output_tokens": 60_000, "stream": True}
    began = monotonic()
    with ExitStack() as stack:
        try:
            opened = ThreadPoolExecutor(10)
            waiting = [opened.submit(client.open, "POST", "/v1/responses", body) for _ in range(10)]
            server.until(lambda: sum(one.done() for one in waiting) >= 8, 10)
            gate.set()
            done = [stack.enter_context(one.result(20)) for one in waiting]
            opened.shutdown()
            assert Counter(answer.status for answer in done) == {200: 2, 429: 8}
            for answer in done:
                answer.rest()
        finally:
            gate.set()
            provider.reset()
    refused = client.request("POST", "/v1/responses", BODY)
    assert refused.error["type"] == "tokens"
    assert 60 + 12 - (monotonic() - began) - 2 < float(refused.headers["retry-after-ms"]) / 1000 <= 60 + 12 + 1


def test_a_budget_holds_while_workers_are_killed(server: Server, answers: Upstream) -> None:
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(server.send_many, "budget", 80, 8, 0.02)
        for _ in range(2):
            sleep(0.15)
            os.kill(server.service.workers[0], signal.SIGKILL)
        statuses = sent.result(30)
    assert len(answers.requests) * TOKENS <= 2000 + 8 * TOKENS, statuses
    server.until(lambda: server.client("budget").request("POST", "/v1/responses", BODY).status == 429, 5)
    left = value(server.admin.get("/metrics").body.decode(), 'key_budget_left_tokens{key="budget",period="day"}')
    assert left == max(0, 2000 - server.listed("budget")["day_tokens"]) == 0


def test_an_admin_key_has_its_limits(server: Server, answers: Upstream) -> None:
    assert server.send_many("boss", 10, 5) == {200: 1, 429: 9}


def test_a_client_of_openai_rides_it_out(server: Server, provider: Upstream) -> None:
    gate = Gate()
    numbers = count()

    def answer(_: ReceivedRequest) -> Script:
        first = next(numbers) == 0
        return stream(chat.text("Hel"), gate, chat.end()) if first else whole(chat.completion("Hello."))

    provider.otherwise = answer
    client = openai.OpenAI(api_key=KEYS["patient"], base_url=server.service.url, max_retries=5)
    try:
        with server.client("patient").open("POST", "/v1/responses", {**BODY, "stream": True}) as held:
            held.read_until(b'"Hel"')
            with ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(client.responses.create, model="m", input="Hi", store=False)
                sleep(0.3)
                assert not waiting.done()
                gate.set()
                held.rest()
                assert waiting.result(20).output_text == "Hello."
    finally:
        gate.set()
        client.close()
        provider.reset()
