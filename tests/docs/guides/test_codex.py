"""The guides for Codex CLI and other clients: settings are valid, no variable is one of the adapter's, and the versions
are those that the tests run.
"""

import re
import tomllib
from pathlib import Path

import pytest

from tests.clients.install import NODE, PYTHON

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs/codex.md").read_text()


def test_its_first_settings_name_their_own_provider() -> None:
    block = re.search(r"```toml\n(.*?)```", TEXT, re.S)
    assert block is not None
    config = tomllib.loads(block[1])
    assert config["model_providers"].keys() == {config["model_provider"]}
    explained = {*re.findall(r"`(\w+)`", TEXT), "model", "model_provider", "model_providers", "features"}
    assert config.keys() <= explained


@pytest.mark.parametrize("page", ["README.md", "docs/codex.md"])
def test_the_variable_with_the_key_is_no_setting(page: str) -> None:
    named = re.findall(r'env_key = "(\w+)"', (ROOT / page).read_text())
    assert named
    assert not [name for name in named if name.startswith("ADAPTER_")]  # the adapter does not start with unknown ones


def test_the_versions_are_those_that_the_tests_run() -> None:
    (tried,) = re.findall(r"^\| (.*) \| run by `make test-clients`", (ROOT / "docs/clients.md").read_text(), re.M)
    shown = re.findall(r"(\d+\.\d+)", tried)
    node = [NODE[name] for name in ("@openai/codex", "openai", "@openai/agents", "ai")]
    python = [PYTHON[name][0].rpartition("=")[2] for name in ("openai-agents", "langchain-openai", "pydantic-ai")]
    least = re.findall(r"^    openai >=([\d.]+),", (ROOT / "setup.cfg").read_text(), re.M)
    assert set(shown) == {".".join(version.split(".")[:2]) for version in (*node, *python, *least)}
    assert re.findall(r"`make test-clients` runs Codex (\S+)", TEXT) == shown[:1]
