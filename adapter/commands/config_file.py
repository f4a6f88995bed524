"""The file that `config init` writes: every setting with its meaning and default, commented out."""

import textwrap
from typing import Any, Final

from adapter.commands.setting_groups import SETTING_GROUPS
from adapter.settings.description import Description
from adapter.settings.settings import DESCRIPTIONS

_WIDTH: Final = 100
_HEAD: Final = """\
# Settings of responses-adapter. Use it with `responses-adapter serve --config THIS-FILE`, or ADAPTER_CONFIG.
# A line that begins with # is not in effect: remove the # to set a value. Flags and environment variables
# come before this file. `responses-adapter config --config THIS-FILE` shows what is in effect.
# What is a comma list there is an array here: ["one", "two"].
"""
_TABLES: Final = """\
# --- Several providers: docs/routing.md ---

# [upstreams.local]
# url = "http://localhost:11434/v1"
# dialect = "ollama"

# [upstreams.deepseek]
# url = "https://api.deepseek.com/v1"
# key = "env:DEEPSEEK_KEY"              # or "file:/run/secrets/deepseek"

# [models]
# "coder" = ["local", { upstream = "deepseek", model = "deepseek-chat", weight = 0 }]
# "*" = "local"

# --- Keys of callers, made by `responses-adapter keys create NAME`: docs/keys.md ---

# [keys.search]
# hash = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
# requests_per_minute = 120

# --- Tools that the adapter runs: docs/tools.md ---

# [tools.mcp.docs]
# url = "https://docs.example.com/mcp"
"""


def config_template() -> str:
    """Return the text of a configuration file in which nothing is set."""
    parts = [_HEAD]
    for title, names in SETTING_GROUPS.items():
        described = [_describe(DESCRIPTIONS[name]) for name in names if name != "config"]
        parts.append("\n".join([f"# --- {title} ---\n", *described]))
    return "\n".join([*parts, _TABLES])


def _describe(of: Description) -> str:
    about = textwrap.wrap(f"{of.help} Value: {of.kind.expects}.", _WIDTH, break_on_hyphens=False)
    unset = "  # unset" if of.default is None else ""
    return "\n".join([*(f"# {line}" for line in about), f"# {of.name} = {_toml(of.default)}{unset}", ""])


def _toml(value: Any) -> str:
    """Return a default as TOML; one that is unset as an empty text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    return "[]" if isinstance(value, tuple) else f'"{value or ""}"'
