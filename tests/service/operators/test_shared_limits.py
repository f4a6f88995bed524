"""Limits and budgets of two servers that share a store."""

from collections.abc import Iterator
from contextlib import ExitStack
from time import monotonic, sleep

import pytest

from adapter.commands.keys import table_of
from tests.support import chat
from tests.support.servers import postgres, redis
from tests.support.servers.service import Service
from tests.support.servers.upstream import Gate, Upstream, stream, whole

RATE, BUDGET, CONCURRENT = (f"ra-{name}-0123456789" for name in ("rate", "budget", "concurrent"))
KEYS = "\n".join([
    table_of("rate", RATE, requests_per_minute=60),
    table_of("budget", BUDGET, tokens_per_day=300),
    table_of("concurrent", CONCURRENT, concurrent=2),
])  # fmt: skip
SECONDS = 5.0
"""Within so many each server knows what the other one has let in."""


@pytest.fixture(scope="module", params=["redis", pytest.param("postgresql", marks=pytest.mark.slow)])
def servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, provider: Upstream
) -> Iterator[tuple[Service, Service]]:
    folder = tmp_path_factory.mktemp("shared")
    with ExitStack() as stack:
        if request.param == "redis":
            store = redis.empty(stack.enter_context(redis.database()))
        else:
            store = stack.enter_context(postgres.schema(stack.enter_context(postgres.database())))
        settings = {"upstream_url": provider.url, "store": store, "workers": 1, "secret_key": "k" * 32}
        one, two = (stack.enter_context(Service(folder / name, toml=KEYS, **settings)) for name in ("1", "2"))
        yield one, two


def let_in_until_refused(service: Service, key: str) -> tuple[int, str]:
    """Send requests until one is refused; return how many were let in, and the error's code."""
    service.key = key
    until, count = monotonic() + SECONDS, 0
    while (answer := service.post({"model": "m", "input": "Hi", "store": False})).status == 200:
        count += 1
        assert monotonic() < until
        sleep(0.02)
    return count, answer.error["code"]


def test_limits_are_counted_once(servers: tuple[Service, Service], provider: Upstream) -> None:
    usage = {"prompt_tokens": 60, "completion_tokens": 40, "total_tokens": 100}
    provider.otherwise = lambda _: whole(chat.completion("Hello.", usage=usage))
    one, two = servers
    try:
        began = monotonic()
        total = 0
        for service in (one, two, one, two):
            count, code = let_in_until_refused(service, RATE)
            assert code == "rate_limit_exceeded"
            total += count
            sleep(0.5)
        assert total <= 10 + 10 + (monotonic() - began) + 1, "what each had at first, and what has come since"
        assert let_in_until_refused(one, BUDGET) == (3, "insufficient_quota")
        until = monotonic() + SECONDS
        while let_in_until_refused(two, BUDGET)[1] != "insufficient_quota":
            assert monotonic() < until
    finally:
        provider.reset()


def test_responses_at_a_time_are_counted_once(servers: tuple[Service, Service], upstream: Upstream) -> None:
    gate = Gate()
    upstream.plays(*(stream(chat.text("Hel"), gate, chat.end()) for _ in range(2)))
    one, two = servers
    one.key = two.key = CONCURRENT
    with one.open_stream() as first, one.open_stream() as second:
        for answer in (first, second):
            answer.read_until(b'"Hel"')
        sleep(2.5)  # nothing tells when the other knows; refused requests would be let in until then
        assert two.post({"model": "m", "input": "Hi"}).error["code"] == "rate_limit_exceeded"
        gate.set()
        first.rest()
        second.rest()
