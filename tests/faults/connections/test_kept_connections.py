"""Connections to a provider that are kept for the next request, and what comes on them without one.

All of it with one worker, so that the next request finds the connection of the last.
"""

import pytest

from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import CLOSE, LIMIT, Script, Upstream, head, whole

TIMEOUT = head(408, content_length="0", connection="close")
"""What many servers send on an idle connection before they close it."""


def texts(service: Service, count: int) -> list[str]:
    return [service.create()["output"][0]["content"][0]["text"] for _ in range(count)]


def test_what_comes_before_a_request_is_not_its_answer(hasty: Service, upstream: Upstream) -> None:
    upstream.plays([*whole(chat.completion("One.")), TIMEOUT], whole(chat.completion("Two.")))
    assert texts(hasty, 2) == ["One.", "Two."]
    assert len(upstream.requests) == 2


def test_a_connection_is_not_kept_if_more_came_than_the_answer(hasty: Service, upstream: Upstream) -> None:
    upstream.plays([whole(chat.completion("One."))[0] + TIMEOUT])
    assert texts(hasty, 1) == ["One."]
    assert upstream.requests[0].closed.wait(LIMIT)


def test_a_408_that_crosses_a_request_is_not_its_answer(hasty: Service, upstream: Upstream) -> None:
    """The provider has given up waiting for a request: it does not read this one, which gets a new connection."""
    upstream.plays(whole(chat.completion("One.")), [TIMEOUT, CLOSE], whole(chat.completion("Two.")))
    assert texts(hasty, 2) == ["One.", "Two."]
    assert upstream.requests[1].body == upstream.requests[2].body


@pytest.mark.parametrize("scripts", [
    [[TIMEOUT, CLOSE], [TIMEOUT, CLOSE]],
    [whole(chat.error("Too slow."), 408)],
], ids=["on a new connection, too", "on a connection that stays open"])  # fmt: skip
def test_a_408_that_is_an_answer(scripts: list[Script], hasty: Service, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("One.")), *scripts)
    assert texts(hasty, 1) == ["One."]
    assert hasty.post({"model": "m", "input": "Hi"}).status == 500
    assert len(upstream.requests) == 1 + len(scripts)
