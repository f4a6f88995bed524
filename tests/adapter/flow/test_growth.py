"""The cost of a request grows with its size, not with its square, and not at all with what came before it.

Counted in operations of the caller's greenlet and of the event loop, never in seconds. What SQLite does is counted in
`tests/adapter/store/sql/test_sqlite.py`, the cost of an answer in `tests/properties/to_responses/test_cost.py`.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from flask.testing import FlaskClient

from adapter import create_app
from adapter.settings.settings import Settings
from tests.properties.to_responses.test_cost import counted
from tests.support import chat
from tests.support.servers.upstream import LIMIT, Gate, Upstream, stream

SAYS = stream(chat.text("Hello"), chat.end())


@pytest.fixture
def client(provider: Upstream) -> Iterator[FlaskClient]:
    app = create_app(Settings(upstream_url=provider.url, store="memory:"))
    yield app.test_client()
    app.extensions["adapter"].store.close()
    provider.reset()


def operations(run: Callable[[], object]) -> int:
    """Return how many functions are called while `run()` runs, here and in callbacks of the event loop."""
    with counted() as count:
        profile = sys.getprofile()
        in_the_loop(profile)
        run()
        in_the_loop(None)
    return count.total()


def in_the_loop(profile: Any) -> None:
    gevent.get_hub().loop.run_callback(sys.setprofile, profile)
    gevent.sleep(0)


def post(client: FlaskClient, **members: Any) -> Any:
    answer = client.post("/v1/responses", json={"model": "m", "input": "Hi", **members})
    assert answer.status_code == 200, answer.text
    return answer


def turns_of_an_agent(size: int, first: str = "Go on.") -> dict[str, Any]:
    """A message, and for each turn a call, its output, and a message."""
    made: list[Any] = [{"role": "user", "content": first}]
    for number in range(size):
        made += [
            {"type": "function_call", "call_id": f"c{number}", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": f"c{number}", "output": f"{number}"},
            {"role": "user", "content": f"And {number}?"},
        ]
    return {"input": made}


def items(size: int) -> dict[str, Any]:
    """Items of which none is known: a request of another size begins otherwise."""
    return turns_of_an_agent(size, first=f"{size} calls.")


def tools(size: int) -> dict[str, Any]:
    """Functions, of which half are in namespaces."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    functions = [{"type": "function", "name": f"f{number}", "parameters": schema} for number in range(size)]
    named = {"type": "namespace", "name": "n", "description": "More.", "tools": functions[::2]}
    return {"tools": [*functions[1::2], named]}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("members", "size"), [(items, 60), (tools, 150)])
def test_a_request_twice_as_large(
    client: FlaskClient, provider: Upstream, members: Callable[[int], dict[str, Any]], size: int, streamed: bool
) -> None:
    provider.otherwise = lambda _: SAYS
    post(client, **members(3), stream=streamed)
    once = operations(lambda: post(client, **members(size), stream=streamed))
    twice = operations(lambda: post(client, **members(2 * size), stream=streamed))
    assert twice <= 2.1 * once


def test_an_input_twice_as_long_that_grows_by_a_turn(client: FlaskClient, provider: Upstream) -> None:
    """Only what is new in it is work."""
    provider.otherwise = lambda _: SAYS
    costs = {}
    for size in (60, 120):
        post(client, **turns_of_an_agent(size))
        post(client, **turns_of_an_agent(size + 1))
        # the lowest of three turns: the loop may have other work meanwhile
        costs[size] = min(operations(lambda: post(client, **turns_of_an_agent(size + n))) for n in (2, 3, 4))  # noqa: B023
    assert costs[120] <= 1.2 * costs[60]


@pytest.mark.parametrize("known", [True, False])
def test_a_chain_twice_as_long(client: FlaskClient, provider: Upstream, known: bool) -> None:
    """A turn costs the same where the chain is known; a worker that does not know it renders twice as much."""
    provider.otherwise = lambda _: SAYS
    chain_cache = client.application.extensions["adapter"].flow.chain_cache

    def cost_of_next(last: str) -> int:
        if not known:
            chain_cache._cache.clear()
        return operations(lambda: post(client, previous_response_id=last))

    last = post(client).json["id"]
    costs = {}
    for turn in range(1, 81):
        last = post(client, previous_response_id=last).json["id"]
        if turn in (40, 80):
            costs[turn] = min(cost_of_next(last) for _ in range(4))  # the loop may have other work meanwhile
    assert costs[80] <= (1.2 if known else 2.1) * costs[40]


def test_a_request_beside_twice_as_many_open_streams(client: FlaskClient, provider: Upstream) -> None:
    gate, streams, costs = Gate(), list[gevent.Greenlet](), {}
    for number in (100, 200):
        provider.otherwise = lambda _: stream(chat.text("Hel"), gate, chat.end())
        streams += [gevent.spawn(post, client, stream=True) for _ in range(100)]
        while len(provider.requests) < number:
            gevent.sleep(0.01)
        provider.otherwise = lambda _: SAYS
        costs[number] = min(operations(lambda: post(client, stream=True)) for _ in range(3))
        del provider.requests[number:]
    gate.set()
    gevent.joinall(streams, timeout=LIMIT, raise_error=True)
    assert costs[200] <= 1.05 * costs[100]
