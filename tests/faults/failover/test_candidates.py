"""Which candidate a request goes to: conversations and rounds stay with one, and keys go only where they belong."""

from typing import Any

import pytest

from tests.faults.failover.two_upstreams import BUSY, HELLO, answer, name, text_of
from tests.support import chat
from tests.support.client import Client
from tests.support.servers.service import Service
from tests.support.servers.upstream import (
    Upstream,
    whole,
)

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.mark.parametrize("kind", ["chain", "cache key", "cache key, then a chain", "conversation"])
def test_a_conversation_stays_with_one(kind: str, routed: Service, a: Upstream, b: Upstream) -> None:
    a.otherwise = lambda received: answer("a", received)
    b.otherwise = lambda received: answer("b", received)
    seen = []
    for number in range(20):
        members: dict[str, Any] = {"prompt_cache_key": f"c-{number}"} if "key" in kind else {}
        if kind == "conversation":
            members = {"conversation": routed.request("POST", "/v1/conversations", {}).json["id"]}
        served = []
        for _ in range(3):
            response = routed.create(model="even-chance", **members)
            served.append(text_of(response))
            if "chain" in kind:
                members = {"previous_response_id": response["id"]}
        assert len(set(served)) == 1
        seen.append(served[0])
    assert set(seen) == {"a", "b"}


# --- more than one round --------------------------------------------------------------------------------------------


def test_a_second_round_stays_where_the_first_was(routed: Service, a: Upstream, b: Upstream) -> None:
    b.plays(whole(chat.completion("Paris")), BUSY)
    form = {"format": {"type": "json_schema", "name": "city", "schema": CITY}}
    refused = routed.post({"model": name("second"), "input": "The capital of France, as JSON.", "text": form})
    assert refused.status == 503
    assert len(b.requests) == 2
    assert not a.requests


def test_a_summary_by_another_one(routed: Service, a: Upstream, b: Upstream) -> None:
    a.plays(BUSY)
    b.plays(whole(chat.completion("Much was said.")), HELLO)
    items = [{"role": "user", "content": "word " * 2000}, {"role": "assistant", "content": "Well."}]
    response = routed.create(
        [*items, {"role": "user", "content": "And?"}],
        model=name("first"), context_management=[{"type": "compaction", "compact_threshold": 1000}],
    )  # fmt: skip
    assert [item["type"] for item in response["output"]] == ["compaction", "message"]
    assert (len(a.requests), len(b.requests)) == (1, 2)
    assert "Much was said." in b.requests[1].body.decode()


def test_a_model_that_nobody_serves(routed: Service) -> None:
    refused = routed.post({"model": "other", "input": "Hi"})
    assert (refused.status, refused.error["code"], refused.error["param"]) == (400, "model_not_found", "model")
    assert refused.error["message"] == "The requested model 'other' does not exist."
    counted = routed.request("POST", "/v1/responses/input_tokens", {"model": "other", "input": "Hi"})
    assert counted.error["code"] == "model_not_found"


def test_the_callers_own_key_goes_only_where_it_is_meant_to(routed: Service, a: Upstream, b: Upstream) -> None:
    b.plays(whole(chat.error("Bad key."), 401), BUSY)
    a.plays(HELLO)
    caller = Client(routed.host, routed.port, key="sk-of-the-caller")
    refused = caller.post({"model": "passed", "input": "Hi"})
    assert (refused.status, refused.error["message"]) == (401, "Bad key.")
    assert not a.requests, "the caller's wrong key is nobody else's work"
    assert text_of(caller.create(model="passed")) == "Hello."
    assert [received.headers["authorization"] for received in b.requests] == ["Bearer sk-of-the-caller"] * 2
    assert "sk-of-the-caller" not in str(a.requests[0].headers)


# --- models and counts ----------------------------------------------------------------------------------------------


def test_the_list_of_models(routed: Service, upstreams: tuple[Upstream, Upstream]) -> None:
    """One upstream is not there; the others list under the names that reach them."""
    listed = upstreams[1].models
    upstreams[1].models = {"data": [{"id": "b-1", "owned_by": "b"}, {"id": "unreachable"}, {"id": "even-2"}]}
    try:
        models = {model["id"]: model for model in routed.get("/v1/models").json["data"]}
        assert models.keys() == {"first-1", "even-2", "passed", "lost", "silent", "counted"}
        assert models["first-1"] == {"id": "first-1", "object": "model", "created": 0, "owned_by": "b"}
        assert routed.get("/v1/models/passed").json["id"] == "passed"
        assert routed.get("/v1/models/unreachable").status == 404
    finally:
        upstreams[1].models = listed


def test_tokens_are_counted_by_who_serves_the_model(routed: Service, b: Upstream) -> None:
    b.answers = {"/tokenize": {"count": 42}}
    counted = routed.request("POST", "/v1/responses/input_tokens", {"model": "counted", "input": "Hi"})
    assert counted.json["input_tokens"] == 42
    assert "x-adapter-notes" not in counted.headers
