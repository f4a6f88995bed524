"""What the server prints when it listens: a line for a log, a screen for a person; both can be used as they are."""

import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from adapter.api.request.schemas import parse_create
from adapter.server.welcome import welcome
from adapter.settings.settings import Settings

HERE = ("127.0.0.1", 8000)
CONFIGURED = Settings(upstream_url="http://localhost:11434/v1")
WITH_KEYS = Settings(upstream_url="http://h/v1", api_keys=("sk-12345678",))
DEMO = Settings(upstream_url="http://127.0.0.1:9/v1", sources={"upstream_url": "demo"})


def test_a_line() -> None:
    assert welcome(CONFIGURED, HERE, is_terminal=False).count("\n") == 0
    secure = welcome(CONFIGURED, ("127.0.0.1", 1), is_tls=True, is_terminal=False)
    assert " listens on https://127.0.0.1:1/v1, " in secure
    assert " listens on http://[::1]:1/v1, " in welcome(CONFIGURED, ("::1", 1, 0, 0), is_terminal=False)


@pytest.mark.parametrize("settings", [CONFIGURED, DEMO, WITH_KEYS])
@pytest.mark.parametrize("address", [HERE, ("0.0.0.0", 8000), ("::", 8000, 0, 0), "/run/adapter.sock"])
def test_a_screen(settings: Settings, address: tuple[str, int] | str) -> None:
    shown = welcome(settings, address, is_terminal=True)
    (curl,) = re.findall(r"^ +(curl .*)$", shown, re.M)
    words = shlex.split(curl)
    request = parse_create(words[words.index("-d") + 1].encode(), max_items=10)
    codex = tomllib.loads(shown.partition("config.toml:")[2].partition("Ctrl-C")[0])
    provider = codex["model_providers"][codex["model_provider"]]
    assert codex["model"] == request.model
    assert f"{provider['base_url']}/responses" in words
    assert "0.0.0.0" not in provider["base_url"]
    assert ("env_key" in provider) == settings.requires_keys == ("-H Authorization" in " ".join(words))
    assert ("in a browser" in shown) == (not isinstance(address, str))
    assert all(len(line) <= 120 for line in shown.splitlines() if "curl" not in line)


def test_the_demo_is_named_and_how_to_leave_it() -> None:
    assert "ADAPTER_UPSTREAM_URL=" in welcome(DEMO, HERE, is_terminal=True)
    assert "ADAPTER_UPSTREAM_URL" in welcome(DEMO, HERE, is_terminal=False)


def test_it_says_how_to_stop_the_demo() -> None:
    assert welcome(DEMO, HERE, is_terminal=False).endswith("\nCtrl-C stops it.")


@pytest.mark.parametrize(
    ("scripts", "called"),
    [
        (["bin/responses-adapter"], "responses-adapter"),
        (["bin/responses-adapter", ".venv/bin/responses-adapter"], ".venv/bin/responses-adapter"),
        ([".venv/bin/responses-adapter"], ".venv/bin/responses-adapter"),
        ([], "python3 -m adapter"),
    ],
)
def test_commands_are_named_as_they_can_be_typed(
    scripts: list[str], called: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bin", ".venv/bin"):
        (tmp_path / name).mkdir(parents=True)
    for script in scripts:
        (tmp_path / script).write_text("")
        (tmp_path / script).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv/bin/python3"))
    assert f" {called} check " in welcome(CONFIGURED, HERE, is_terminal=True)


def test_the_model_to_try_is_a_configured_one() -> None:
    settings = Settings(upstream_url="http://h/v1", models={"*": (), "coder": ()})
    assert 'model = "coder"' in welcome(settings, HERE, is_terminal=True)


def test_a_screen_without_a_model_says_where_the_names_are() -> None:
    assert "lists: curl http://127.0.0.1:8000/v1/models\n" in welcome(CONFIGURED, HERE, is_terminal=True)
    assert 'curl http://127.0.0.1:8000/v1/models -H "Auth' in welcome(WITH_KEYS, HERE, is_terminal=True)
    assert "/models" not in welcome(DEMO, HERE, is_terminal=True)


def test_an_open_server_says_so() -> None:
    open_to_all = Settings(upstream_url="http://h/v1", allow_open=True)
    assert "anyone" in welcome(open_to_all, HERE, is_terminal=True)
    assert "only this machine" in welcome(CONFIGURED, HERE, is_terminal=True)
