"""The scripted provider does what its scripts say, down to the socket."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse, IncompleteRead, RemoteDisconnected

import pytest

from tests.support import chat
from tests.support.servers.upstream import CLOSE, LIMIT, RESET, Gate, Upstream, drip, stream, whole


@pytest.fixture
def peer(upstream: Upstream) -> Iterator[HTTPConnection]:
    host, port = upstream.url.removeprefix("http://").removesuffix("/v1").split(":")
    connection = HTTPConnection(host, int(port), timeout=LIMIT)
    yield connection
    connection.close()


def ask(peer: HTTPConnection, prompt: str = "Hi", **members: object) -> HTTPResponse:
    messages = [{"role": "user", "content": prompt}]
    peer.request("POST", "/v1/chat/completions", json.dumps({"model": "m", "messages": messages, **members}))
    return peer.getresponse()


def test_answers_share_a_connection_and_requests_are_kept(peer: HTTPConnection, upstream: Upstream) -> None:
    upstream.plays(whole({"n": 1}), stream(b"data: 2\n\n"), stream(b"data: 3\n\n", framing="length"))
    assert [ask(peer, prompt).read() for prompt in "abc"] == [b'{"n": 1}', b"data: 2\n\n", b"data: 3\n\n"]
    assert [received.messages[0]["content"] for received in upstream.requests] == ["a", "b", "c"]
    assert not any(received.closed.is_set() for received in upstream.requests)


def test_a_gate_holds_the_rest_back(peer: HTTPConnection, upstream: Upstream) -> None:
    gate = Gate()
    upstream.plays(stream(*drip(b"ab"), gate, b"c"))
    answer = ask(peer)
    assert answer.read(2) == b"ab"
    gate.set()
    assert answer.read() == b"c"


def test_a_body_that_ends_with_the_connection(peer: HTTPConnection, upstream: Upstream) -> None:
    upstream.plays(stream(b"ab", framing="close"))
    assert ask(peer).read() == b"ab"


def test_a_stream_is_cut_or_reset(peer: HTTPConnection, upstream: Upstream) -> None:
    upstream.plays(stream(b"ab", CLOSE), stream(b"ab", RESET), [CLOSE])
    with pytest.raises(IncompleteRead):
        ask(peer).read()
    peer.close()
    with pytest.raises(ConnectionResetError):
        ask(peer).read()
    peer.close()
    with pytest.raises(RemoteDisconnected):
        ask(peer)


def test_the_moment_the_peer_leaves_is_known(peer: HTTPConnection, upstream: Upstream) -> None:
    upstream.plays(stream(chat.text("a"), Gate(), chat.DONE))
    answer = ask(peer)
    answer.read1()
    assert not upstream.received().closed.is_set()
    answer.close()
    peer.close()
    assert upstream.received().closed.wait(LIMIT)


def test_a_script_that_is_not_played_fails_the_test(upstream: Upstream) -> None:
    upstream.plays(whole({}))
    with pytest.raises(AssertionError, match="1 scripts were not played"):
        upstream.reset()


def test_a_request_that_is_not_valid_fails_the_test(peer: HTTPConnection, upstream: Upstream) -> None:
    upstream.plays(whole({}))
    ask(peer, tools=[]).read()
    with pytest.raises(AssertionError, match=r"a strict provider would refuse: \['tools cannot be \[\]'\]"):
        upstream.reset()


def test_a_provider_may_take_more_than_others(peer: HTTPConnection, upstream: Upstream) -> None:
    upstream.takes = frozenset({"top_k"})
    upstream.plays(whole({}))
    ask(peer, top_k=1).read()
