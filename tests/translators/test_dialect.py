"""Which dialect a provider speaks."""

import pytest

from translators.presets import PRESETS, dialect_for

URLS = {
    "https://api.openai.com/v1": "openai",
    "https://api.deepseek.com": "deepseek",
    "https://api.mistral.ai/v1": "mistral",
    "https://api.groq.com/openai/v1": "groq",
    "https://api.cerebras.ai/v1": "cerebras",
    "https://openrouter.ai/api/v1": "openrouter",
    "https://api.moonshot.ai/v1": "moonshot",
    "https://api.minimax.io/v1": "minimax",
    "https://generativelanguage.googleapis.com/v1beta/openai": "gemini",
    "https://ai-gateway.vercel.sh/v1": "vercel",
    "http://127.0.0.1:11434/v1": "ollama",
    "http://10.0.0.5:8000/v1": "default",
    "https://api.openai.com.example.org/v1": "default",
}


@pytest.mark.parametrize("url", URLS)
def test_a_host_tells(url: str) -> None:
    assert dialect_for(url).name == URLS[url]


@pytest.mark.parametrize("name", PRESETS)
def test_a_name_has_precedence(name: str) -> None:
    assert dialect_for("https://api.openai.com/v1", name) == PRESETS[name]


def test_an_unknown_provider_gets_nothing_that_only_some_know() -> None:
    default = PRESETS["default"]
    assert not default.extras
    assert not any([default.developer_role, default.system_anywhere, default.file_parts, default.refusal_field])
    assert default.token_limit == "max_tokens"
