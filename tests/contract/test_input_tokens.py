"""`POST /v1/responses/input_tokens`."""

from pathlib import Path
from typing import Any

import openai
import pytest

from tests.contract.compaction.summaries import LOOK, TOO_LONG, post
from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream, whole


def test_tokens_are_counted_without_the_model(client: openai.OpenAI, upstream: Upstream) -> None:
    answer = client.responses.input_tokens.with_raw_response.count(model="m", input="Hello there.", instructions="Be.")
    counted = answer.parse()
    assert counted.object == "response.input_tokens"
    assert 10 < counted.input_tokens < 60
    assert "input_tokens estimated" in answer.headers["x-adapter-notes"]
    more = client.responses.input_tokens.count(
        model="m", input="Hello there.", instructions="Be.", tools=[LOOK], personality="friendly"  # type: ignore[list-item]
    )
    assert more.input_tokens > counted.input_tokens
    assert upstream.requests == []


def test_the_tokens_of_a_chain_and_of_a_conversation_count(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion(TOO_LONG)))
    alone = client.responses.input_tokens.count(model="m", input="Hi")
    first = client.responses.create(model="m", input="Hello.")
    chained = client.responses.input_tokens.count(model="m", input="Hi", previous_response_id=first.id)
    assert chained.input_tokens > alone.input_tokens + 1000
    conversation = client.conversations.create(items=[{"role": "user", "content": TOO_LONG}])
    talked = client.responses.input_tokens.count(model="m", input="Hi", conversation=conversation.id)
    assert talked.input_tokens > alone.input_tokens + 1000


def test_the_provider_counts_where_it_can(provider: Upstream, upstream: Upstream, tmp_path: Path) -> None:
    upstream.answers = {"/tokenize": {"count": 5, "max_model_len": 4096, "tokens": []}}
    with Service(tmp_path, upstream_url=provider.url, dialect="vllm", workers=1) as service:
        answer = post(service, "input_tokens", {"model": "m", "input": "Hi"})
    assert answer.json == {"object": "response.input_tokens", "input_tokens": 5}


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [({"model": "m"}, "missing_required_parameter", "input"),
     ({"input": "Hi", "conversation": "conv_0"}, None, "conversation"),
     ({"input": "Hi", "previous_response_id": "resp_0"}, "previous_response_not_found", "previous_response_id"),
     ({"input": "Hi", "tools": 5}, "invalid_type", "tools"),
     ({"input": "Hi", "count": 1}, "unknown_parameter", "count")],
)  # fmt: skip
def test_a_refused_count(
    service: Service, upstream: Upstream, body: dict[str, Any], code: str | None, param: str
) -> None:
    error = post(service, "input_tokens", body).error
    assert (error["code"], error["param"]) == (code, param)
