"""docs/providers: each start line is taken, and makes the server use the dialect that the recipe names."""

import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from adapter.settings.sources import load_settings

RECIPES = sorted((Path(__file__).parents[3] / "docs/providers").glob("*.md"))
RECIPES = [page for page in RECIPES if page.name != "README.md"]
ASKED_AT_START = {"vllm.md", "llama-cpp.md"}
"""Servers without a port or host of their own: their list of models tells."""


def environment(text: str) -> dict[str, str]:
    lines = text.replace("\\\n", " ")
    return {name: value for name, value in re.findall(r"\b(ADAPTER_\w+)=([^\s`]+)", lines) if name != "ADAPTER_DIALECT"}


@pytest.mark.parametrize("page", RECIPES, ids=lambda page: page.stem)
def test_a_recipe(page: Path, tmp_path: Path) -> None:
    text = page.read_text()
    tables = re.findall(r"```toml\n(.*?)```", text, re.S)
    given = environment(text)
    for table in tables:
        tomllib.loads(table)
        named = re.findall(r"file:([^\"]+)|ca = \"([^\"]+)\"", table)
        for path in {path for pair in named for path in pair if path}:
            table = table.replace(path, str(tmp_path / Path(path).name))
            (tmp_path / Path(path).name).write_text("secret-key")
        (tmp_path / "adapter.toml").write_text(re.sub(r"^ca = .*\n", "", table, flags=re.M))
        keys = dict.fromkeys(re.findall(r"env:(\w+)", table), "secret-key")
        settings = load_settings({}, {"ADAPTER_CONFIG": str(tmp_path / "adapter.toml"), **keys})
        assert {upstream.dialect.name for upstream in settings.all_upstreams()} == {dialect(text)}
    if given:
        (upstream,) = load_settings({}, given).all_upstreams()
        assert upstream.dialect.name == ("default" if page.name in ASKED_AT_START else dialect(text))
    assert given or tables


@pytest.mark.parametrize("page", RECIPES, ids=lambda page: page.stem)
def test_a_server_of_models_is_asked_at_its_own_port(page: Path) -> None:
    text = page.read_text()
    ports = re.findall(r"--port (\d+)", text)
    asked = str(urlsplit(environment(text).get("ADAPTER_UPSTREAM_URL", "")).port)
    assert set(ports) <= {asked}
    assert load_settings({}, {}).bind.rpartition(":")[2] not in ports, "the adapter's own"
    assert set(re.findall(r"OLLAMA_\w+", text)) <= {"OLLAMA_CONTEXT_LENGTH"}


def dialect(text: str) -> str:
    found = re.search(r"^\*\*Dialect:\*\* `(\w+)`", text, re.M)
    assert found
    return found[1]
