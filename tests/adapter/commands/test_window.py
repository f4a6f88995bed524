"""The context window that `check` finds out from local servers, and what it says of its size."""

from collections.abc import Iterator
from typing import Any

import pytest

from adapter.commands.check.client import ProbeClient
from adapter.commands.check.window import advise_on_window, ask_window
from adapter.settings.settings import Settings
from tests.support.servers.upstream import Upstream

LLAMA_CPP = {"default_generation_settings": {"n_ctx": 65536, "params": {}}, "total_slots": 1}
OLLAMA = {"models": [{"name": "other", "context_length": 1}, {"name": "qwen3:latest", "context_length": 4096}]}
LM_STUDIO = {
    "data": [
        {"id": "off", "state": "not-loaded", "max_context_length": 131072},
        {"id": "qwen3", "state": "loaded", "max_context_length": 131072, "loaded_context_length": 8192},
    ]
}


@pytest.fixture
def provider() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


@pytest.mark.parametrize(
    ("dialect", "path", "answer", "model", "size"),
    [
        ("llama_cpp", "/props", LLAMA_CPP, "any", 65536),
        ("llama_cpp", "/props", {"default_generation_settings": None}, "any", None),
        ("llama_cpp", "/props", "no object", "any", None),
        ("llama_cpp", "/elsewhere", LLAMA_CPP, "any", None),
        ("ollama", "/api/ps", OLLAMA, "qwen3", 4096),
        ("ollama", "/api/ps", OLLAMA, "qwen3:latest", 4096),
        ("ollama", "/api/ps", {"models": None}, "qwen3", None),
        ("ollama", "/api/ps", OLLAMA, "not loaded", None),
        ("lm_studio", "/api/v0/models", LM_STUDIO, "qwen3", 8192),
        ("lm_studio", "/api/v0/models", LM_STUDIO, "off", None),
        ("default", "/props", LLAMA_CPP, "any", None),
    ],
)
def test_a_local_server_says_what_a_model_has(
    provider: Upstream, dialect: str, path: str, answer: Any, model: str, size: int | None
) -> None:
    provider.answers[path] = answer
    settings = Settings(upstream_url=provider.url)
    client = ProbeClient(settings, settings.all_upstreams()[0])
    assert ask_window(client, dialect, model) == size


def test_a_server_that_is_gone_says_nothing() -> None:
    settings = Settings(upstream_url="http://127.0.0.1:9/v1")
    assert ask_window(ProbeClient(settings, settings.all_upstreams()[0]), "ollama", "m") is None


@pytest.mark.parametrize(
    ("window", "dialect", "end"),
    [
        (65536, "ollama", "For Codex: `model_context_window = 65536`."),
        (4096, "ollama", "32,000 tokens or more, by OLLAMA_CONTEXT_LENGTH=65536 where `ollama serve` runs."),
        (4096, "default", "give the model 32,000 tokens or more."),
        (None, "vllm", "the tokens that the model has room for."),
    ],
)
def test_a_window_that_is_too_small_for_codex_is_named(window: int | None, dialect: str, end: str) -> None:
    assert advise_on_window(window, dialect).endswith(end)
