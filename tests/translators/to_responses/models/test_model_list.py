"""Every form in which providers list their models."""

import json
from typing import Any

import pytest

from translators.errors import UpstreamError
from translators.to_responses.models.model_list import read_model_list

FORMS: dict[str, tuple[Any, list[tuple[str, int, str]]]] = {
    "OpenAI": (
        {"object": "list", "data": [{"id": "m", "object": "model", "created": 7, "owned_by": "openai"}]},
        [("m", 7, "openai")],
    ),
    "DeepSeek, without created": (
        {"object": "list", "data": [{"id": "m", "object": "model", "owned_by": "deepseek"}]}, [("m", 0, "deepseek")]
    ),
    "OpenRouter, without object": ({"data": [{"id": "a/m", "created": 7.0, "name": "A: M"}]}, [("a/m", 7, "")]),
    "Anthropic": ({"data": [{"type": "model", "id": "m", "created_at": "2026-01-01T00:00:00Z"}]}, [("m", 0, "")]),
    "Together, a bare array": ([{"id": "m", "created": 7, "organization": "meta"}], [("m", 7, "meta")]),
    "Gemini": ({"models": [{"name": "models/m"}]}, [("models/m", 0, "")]),
    "llama.cpp, both": ({"models": [{"name": "x"}], "object": "list", "data": [{"id": "m"}]}, [("m", 0, "")]),
    "Ollama's tags": ({"models": [{"name": "m:latest", "model": "m:latest"}]}, [("m:latest", 0, "")]),
    "names": ({"data": ["m", "n"]}, [("m", 0, ""), ("n", 0, "")]),
    "entries without a name": ({"data": [{"id": None}, 5, None, {"id": 5}, {"id": "m"}]}, [("m", 0, "")]),
    "one listed twice": ({"data": [{"id": "m"}, {"id": "n"}, {"id": "m"}]}, [("m", 0, ""), ("n", 0, "")]),
    "strange members": ({"data": [{"id": "m", "created": "now", "owned_by": {"a": 1}}]}, [("m", 0, "")]),
    "none": ({"data": []}, []),
    "none, in Ollama's form": ({"object": "list", "data": None}, []),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_list(form: str) -> None:
    listed, expected = FORMS[form]
    models = read_model_list(json.dumps(listed).encode())
    assert [(model["id"], model["created"], model["owned_by"]) for model in models] == expected
    assert all(model["object"] == "model" for model in models)


def test_what_else_a_provider_says_is_kept() -> None:
    (model,) = read_model_list(b'{"data":[{"id":"m","permission":[],"max_model_len":4096}]}')
    assert (model["permission"], model["max_model_len"]) == ([], 4096)


@pytest.mark.parametrize("body", [b"", b"<html>", b"null", b'"m"', b"{}", b'{"data":{}}', b'{"data":null}', b"\xff"])
def test_no_list(body: bytes) -> None:
    with pytest.raises(UpstreamError, match="list of models could not be read"):
        read_model_list(body)
