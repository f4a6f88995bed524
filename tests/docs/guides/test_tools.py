"""docs/tools.md: its examples load, and its tables have every key."""

import re
import tomllib
from pathlib import Path

import pytest

from adapter.settings.sources import load_settings
from adapter.settings.tools.backends import WEB_SEARCH_TABLE
from adapter.settings.tools.servers import SERVER_TABLE

TEXT = (Path(__file__).parents[3] / "docs" / "tools.md").read_text()
EXAMPLES = re.findall(r"```toml\n(.*?)```", TEXT, re.S)


def sandbox() -> tuple[str, ...]:
    """Return the command of the page that runs code."""
    (example,) = [example for example in EXAMPLES if "bwrap" in example]
    return tuple(tomllib.loads(example)["tools"]["code_interpreter"]["command"])


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.split("\n")[0])
def test_an_example_loads(example: str, tmp_path: Path) -> None:
    file = tmp_path / "adapter.toml"
    file.write_text(example)
    keys = dict.fromkeys(re.findall(r"env:(\w+)", example), "secret-key")
    settings = load_settings({}, {"ADAPTER_CONFIG": str(file), "ADAPTER_UPSTREAM_URL": "http://h/v1", **keys})
    assert settings.tools.tables()


@pytest.mark.parametrize(
    ("heading", "names"),
    [("tools.mcp.LABEL", SERVER_TABLE.fields), ("tools.web_search", {*WEB_SEARCH_TABLE.fields} - {"mcp", "tool"})],
)
def test_every_key_has_a_row(heading: str, names: set[str]) -> None:
    table = TEXT.partition(f"| key of `[{heading}]`")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.M)) == set(names)
