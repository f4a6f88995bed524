"""Each file that a page shows can be used: the server loads its own, and reads the requests; others fit together."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapter.api.request.schemas import parse_create
from adapter.server.welcome import codex_settings
from adapter.settings.settings import Settings
from adapter.settings.sources import load_settings
from tests.docs.pages.blocks import BASE, DOCS, EVERY, ROOT, blocks

CODEX = {"model", "model_provider", "model_context_window", "features", "model_providers"}
"""The keys of Codex's settings that the pages use, at the top, in `features` and in a provider's table."""
FEATURES = {"multi_agent_v2"}
OPTIONAL = {"env_key", "supports_websockets", "auth"}
PROMPTS = DOCS / "prompts.md"


def all_blocks(language: str) -> list[Any]:
    return [
        pytest.param(text, id=f"{name} {at}")
        for name, page in EVERY.items() for at, text in enumerate(blocks(page, language))
    ]  # fmt: skip


def is_for_codex(text: str) -> bool:
    return "model_providers" in text


@pytest.mark.parametrize("text", all_blocks("toml"))
def test_a_configuration_file_loads(text: str, tmp_path: Path) -> None:
    if is_for_codex(text) or text == blocks(PROMPTS, "toml")[0]:
        return
    for path in re.findall(r"\"file:([^\"]+)\"", text):
        (tmp_path / Path(path).name).write_text("secret-key")
        text = text.replace(path, str(tmp_path / Path(path).name))
    text = re.sub(r"^(ca|certificate|certificate_key) = .*\n", "", text, flags=re.M)  # files that the reader has
    (tmp_path / "adapter.toml").write_text(text)
    keys = dict.fromkeys(re.findall(r"env:(\w+)", text), "secret-key")
    load_settings({}, {"ADAPTER_CONFIG": str(tmp_path / "adapter.toml"), **keys})


@pytest.mark.parametrize("text", [one for one in all_blocks("toml") if is_for_codex(one.values[0])])
def test_the_settings_of_codex_are_those_that_the_server_prints(text: str) -> None:
    config = tomllib.loads(text)
    printed = tomllib.loads(codex_settings(Settings(), BASE))
    ((name, provider),) = config["model_providers"].items()
    required = {key: value for key, value in provider.items() if key not in OPTIONAL}
    assert config.keys() <= CODEX
    assert config.get("features", {}).keys() <= FEATURES
    if "model" in config:
        assert config["model_provider"] == printed["model_provider"] == name
        assert required == printed["model_providers"][name]
    else:  # what is added to a provider that is there
        assert required == {}


@pytest.mark.parametrize("text", all_blocks("json"))
def test_what_a_request_contains_is_taken(text: str, tmp_path: Path) -> None:
    shown = json.loads(text.replace("…", "0"))
    if not isinstance(shown, dict) or shown.keys() & {"language_models", "provider"}:
        return  # a client's settings
    (tmp_path / "greeter.toml").write_text(blocks(PROMPTS, "toml")[0])
    if "type" not in shown:
        request = shown
    elif shown["type"].endswith("_response"):
        request = {"model": "demo", "input": [shown]}
    else:
        request = {"model": "demo", "input": "Hello", "tools": [shown]}
    parsed = parse_create(json.dumps(request).encode(), max_items=10, prompts=str(tmp_path))
    assert parsed.input


@pytest.mark.parametrize(("page", "count"), [("README.md", 3), ("docs/clients.md", 15), ("docs/start.md", 2)])
def test_clients_call_the_address_that_is_served_by_default(page: str, count: int) -> None:
    languages = ("python", "javascript", "toml", "json", "yaml")
    code = "\n".join(text for one in languages for text in blocks(ROOT / page, one))
    called = re.findall(r"http://127[^\"\s`]+", code)
    assert len(called) == count
    assert set(called) <= {BASE, f"{BASE}/responses"}


def test_each_client_is_told_to_use_responses() -> None:
    page = DOCS / "clients.md"
    vs_code, zed, opencode = (json.loads(text) for text in blocks(page, "json"))
    (model,) = vs_code[0]["models"]
    assert (model["url"], model["apiType"]) == (f"{BASE}/responses", "responses")
    (provider,) = zed["language_models"]["openai_compatible"].values()
    assert provider["available_models"][0]["capabilities"]["chat_completions"] is False
    name, _, id = opencode["model"].partition("/")
    assert opencode["provider"][name]["npm"] == "@ai-sdk/openai"
    assert id in opencode["provider"][name]["models"]
    cont, libre, lite = (yaml.safe_load(text) for text in blocks(page, "yaml"))
    assert cont["models"][0]["apiBase"] == BASE
    assert libre["endpoints"]["custom"][0]["addParams"] == {"useResponsesApi": True}
    assert lite["model_list"][0]["model_info"] == {"supported_endpoints": ["/v1/responses"]}


def test_prometheus_scrapes_the_address_of_the_example() -> None:
    page = DOCS / "metrics.md"
    (command,) = re.findall(r"ADAPTER_ADMIN_BIND=(\S+)", blocks(page, "sh")[0])
    (job,) = yaml.safe_load(blocks(page, "yaml")[0])["scrape_configs"]
    assert job["static_configs"] == [{"targets": [command]}]
    assert job["authorization"].keys() == {"credentials"}


@pytest.mark.parametrize("page", EVERY.values(), ids=EVERY)
def test_each_table_of_the_configuration_that_a_page_names_exists(page: Path) -> None:
    shown = "\n".join(text for each in EVERY.values() for text in blocks(each, "toml"))
    headers = {re.sub(r"\.[a-z]+$", "", header) for header in re.findall(r"^\[([a-z_.]+)\]$", shown, re.M)}
    headers |= set(re.findall(r"^\[([a-z_.]+)\]$", shown, re.M))
    named = {re.sub(r"\.[A-Z]+$|\.…$", "", name) for name in re.findall(r"`\[([a-z][\w.…]*)\]`", page.read_text())}
    assert named - headers - {"keys", "models"} == set()
