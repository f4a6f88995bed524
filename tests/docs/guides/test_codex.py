"""The guide for Codex CLI: its settings are valid, and none of its variables is one of the adapter's."""

import re
import tomllib
from pathlib import Path

import pytest

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
