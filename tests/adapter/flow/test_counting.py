"""`/v1/responses/input_tokens` of providers that count: what they are asked, and what stands in for no answer."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from tests.support.app import Provider, make_app
from translators.errors import UpstreamError

TOOL = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}, "strict": None}
REQUEST = {"model": "m", "input": "Hi", "tools": [TOOL], "reasoning": {"effort": "low"}}
MESSAGES = [{"role": "user", "content": "Hi"}]


class Counting(Provider):
    """A provider whose paths answer as the test says; it keeps what it was asked."""

    name = "default"

    def __init__(self, **answers: object) -> None:
        super().__init__()
        self.answers = answers
        self.asked: list[tuple[str, Any]] = []

    def post(self, path: str, body: bytes, *, bearer: str | None, watch: object) -> bytes:
        self.asked.append((path, json.loads(body)))
        answer = self.answers[path.strip("/").replace("-", "_")]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, bytes) else json.dumps(answer).encode()


Count = Callable[[str, Counting], Any]


@pytest.fixture
def count() -> Iterator[Count]:
    apps: list[Flask] = []

    def counted(dialect: str, provider: Counting) -> Any:
        app = make_app(dialect=dialect)
        apps.append(app)
        app.extensions["adapter"].upstreams["default"] = provider
        return app.test_client().post("/v1/responses/input_tokens", json=REQUEST)

    yield counted
    for app in apps:
        app.extensions["adapter"].store.close()


def test_vllm_counts(count: Count) -> None:
    provider = Counting(tokenize={"count": 42, "max_model_len": 4096, "tokens": [1]})
    answer = count("vllm", provider)
    assert answer.json == {"object": "response.input_tokens", "input_tokens": 42}
    assert "x-adapter-notes" not in answer.headers
    ((path, body),) = provider.asked
    assert path == "/tokenize"
    assert body.keys() == {"model", "messages", "tools"}
    assert body["messages"] == MESSAGES


def test_llama_cpp_counts(count: Count) -> None:
    provider = Counting(apply_template={"prompt": "<user>Hi"}, tokenize={"tokens": [1, 2, 3]})
    assert count("llama_cpp", provider).json["input_tokens"] == 3
    (first, second) = provider.asked
    assert (first[0], first[1]["messages"]) == ("/apply-template", MESSAGES)
    assert second == ("/tokenize", {"content": "<user>Hi", "add_special": True, "parse_special": True})


@pytest.mark.parametrize(
    "answer",
    [UpstreamError("No such path.", status=404), b"<html>", {"tokens": []}, {"count": "many"}, {"count": None}],
)
def test_a_provider_that_does_not_count_is_estimated(count: Count, answer: object) -> None:
    counted = count("vllm", Counting(tokenize=answer))
    assert counted.status_code == 200
    assert counted.json["input_tokens"] > 20
    assert "input_tokens estimated" in counted.headers["x-adapter-notes"]


def test_nobody_is_asked_who_has_no_tokenizer(count: Count) -> None:
    assert "input_tokens estimated" in count("default", Counting()).headers["x-adapter-notes"]
