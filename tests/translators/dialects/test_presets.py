"""Which dialect a provider speaks. What each preset makes of requests: tests/dialects."""

import json
from typing import Any

import pytest

from tests.support.beside import RECORDED_PROVIDERS
from tests.support.judges.provider_rules import RULES
from translators.dialects.dialect import Dialect
from translators.dialects.presets import HOSTS, OWNERS, PORTS, PRESETS, dialect_for, preset_of_models

URLS = {
    "https://api.openai.com/v1": "openai",
    "https://acme.openai.azure.com/openai/v1": "azure",
    "https://acme.services.ai.azure.com/models": "azure",
    "https://api.deepseek.com": "deepseek",
    "https://API.Mistral.AI/v1": "mistral",
    "https://api.moonshot.ai/v1": "moonshot",
    "https://open.bigmodel.cn/api/paas/v4": "zai",
    "https://api.minimax.io/v1": "minimax",
    "https://dashscope-intl.aliyuncs.com/compatible-mode/v1": "qwen",
    "https://bedrock-runtime.us-west-2.amazonaws.com/openai/v1": "bedrock",
    "https://adb-1.2.azuredatabricks.net/serving-endpoints": "databricks",
    "http://127.0.0.1:11434/v1": "ollama",
    "http://10.0.0.5:11434/v1": "ollama",
    "http://localhost:1234/v1": "lm_studio",
    "http://localhost:30000/v1": "sglang",
    "http://10.0.0.5:8000/v1": "default",
    "http://localhost:8080/v1": "default",
    "https://api.openai.com.example.org/v1": "default",
    "https://openai.azure.com/v1": "default",
    "https://example.org/api.openai.com/v1": "default",
    "": "default",
}
RECORDED_AS = {
    "alibaba": "qwen", "bedrock-openai": "bedrock", "gemini-openai": "gemini", "ollama-cloud": "ollama",
    "tgi-hf-inference": "tgi", "vercel-gateway": "vercel",
}  # fmt: skip
"""Names of recorded providers, where presets have others; those whose name begins so are behind it."""


@pytest.mark.parametrize("url", URLS)
def test_a_host_tells(url: str) -> None:
    assert dialect_for(url).name == URLS[url]


@pytest.mark.parametrize("name", PRESETS)
def test_a_name_has_precedence(name: str) -> None:
    assert dialect_for("https://api.openai.com/v1", name) == PRESETS[name]


@pytest.mark.skipif(not RECORDED_PROVIDERS.is_dir(), reason=f"no recorded providers in {RECORDED_PROVIDERS}")
def test_recorded_hosts_tell() -> None:
    """Of every provider that has a preset; those behind a proxy or at a host of somebody's own have its host."""
    found: dict[str, set[str]] = {}
    for file in RECORDED_PROVIDERS.glob("*/*.meta.json"):
        url = json.loads(file.read_bytes()).get("url", "")
        name = RECORDED_AS.get(file.parent.name, file.parent.name)
        elsewhere = not url.startswith("https://") or "/inference-proxy/" in url
        if name in PRESETS and not elsewhere and (name, dialect_for(url).name) != ("openrouter", "openai"):
            found.setdefault(name, set()).add(dialect_for(url).name)
    assert len(found) > 15
    assert found == {name: {name} for name in found}


def test_hosts_ports_and_owners_name_presets() -> None:
    assert {*HOSTS.values(), *PORTS.values(), *OWNERS.values()} <= PRESETS.keys()


@pytest.mark.parametrize(
    ("owners", "preset"),
    [
        (["llamacpp"], "llama_cpp"),
        (["vllm", "vllm"], "vllm"),
        (["library"], "ollama"),
        (["organization_owner"], "lm_studio"),
        (["vllm", "openai"], None),
        (["openai"], None),
        (["deepseek"], None),
        ([None], None),
        ([{"a": 1}], None),
        ([], None),
    ],
)
def test_a_program_names_itself_as_the_owner_of_its_models(owners: list[Any], preset: str | None) -> None:
    assert preset_of_models([{"id": "m", "owned_by": owner} for owner in owners]) == preset


def test_every_preset_departs_from_the_default_or_has_a_host() -> None:
    same = [name for name, dialect in PRESETS.items() if dialect == Dialect(name=name)]
    assert set(same) - {"default"} <= set(HOSTS.values())


def test_no_two_presets_have_one_name() -> None:
    assert len(PRESETS) == len(RULES)
    assert all(name == dialect.name for name, dialect in PRESETS.items())


def test_an_unknown_provider_gets_nothing_that_only_some_know() -> None:
    """The safe request: docs/decisions/0007-safe-dialect.md."""
    default = PRESETS["default"]
    assert default == Dialect()
    assert not default.extras | default.service_tiers
    assert not any([default.developer_role, default.system_anywhere, default.file_parts, default.refusal_field])
    assert not any([default.strict_tools, default.parallel_tool_calls, default.web_search])
    assert default.token_limit == "max_tokens"
