"""Each command of a page is one: its program is known, and its options, variables, paths and bodies are taken."""

import json
import re
import shutil
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

import click
import pytest
from werkzeug.routing import MapAdapter

from adapter.api.admin.app import create_admin_app
from adapter.api.request.schemas import parse_create
from adapter.cli import main
from adapter.settings.sources import load_settings
from adapter.store import open_store
from adapter.store.keys.stored_keys import add_key
from tests.docs.pages.blocks import BASE, EVERY, ROOT, commands, shell_blocks, split
from tests.support.app import make_app

ADMIN = "http://127.0.0.1:9464"
FILES = ("adapter.toml", "request.json", "chunks.sse")
"""What the commands of the pages read."""
OTHERS = {
    "createdb", "git", "journalctl", "llama-server", "ollama", "pip", "podman", "pre-commit", "python", "systemctl",
    "vllm",
}  # fmt: skip
"""Programs that are neither the project's nor on every machine."""
BUILT_IN = {".", "cd", "set", "umask"}
"""The shell's own."""
COMPANIONS = {"ADAPTER_ALLOW_OPEN": "1", "ADAPTER_ADMIN_BIND": "127.0.0.1:9464", "ADAPTER_WORKERS": "1"}
"""With them, each setting of the pages can be used alone."""
PLACES = {"…": "sk-1234567890", "...": "password"}
"""What a reader fills in, with something that could be there."""


@pytest.mark.parametrize("page", EVERY.values(), ids=EVERY)
def test_every_command_is_one(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        (tmp_path / name).touch()
    for variables, words in commands(page):
        check_variables(variables)
        program = Path(words[0]).name if words else ""
        if program in CHECKS:
            CHECKS[program](words[1:])
        else:
            assert not words or is_known(words[0]), words[0]


def is_known(program: str) -> bool:
    in_an_environment = Path(program).parent.name == "bin"
    return program in OTHERS | BUILT_IN or in_an_environment or shutil.which(program) is not None


def test_the_commands_are_found() -> None:
    found = [command for page in EVERY.values() for command in commands(page)]
    assert len(found) > 100
    assert {Path(words[0]).name for _, words in found if words} >= {*CHECKS}
    assert sum(bool(variables) for variables, _ in found) > 25


def check_variables(variables: dict[str, str]) -> None:
    """The server takes these variables, with something in place of what the reader fills in."""
    given = {name: value for name, value in variables.items() if name.startswith("ADAPTER_") and value != "…"}
    for place, value in PLACES.items():
        given = {name: text.replace(place, value) for name, text in given.items()}
    load_settings({}, given)


def check_adapter(words: list[str]) -> None:
    """Parse a command of the adapter as click does, without running it; raise UsageError."""
    words = list(takewhile(lambda word: not re.match(r"\d?>", word), words))
    command: click.Command = main
    context = click.Context(main)
    while isinstance(command, click.Group):
        if not words or words[0].startswith("-"):
            words = ["show", *words]  # what such a group does by itself
        name, found, words = command.resolve_command(context, words)
        assert found is not None, name
        command = found
    with command.make_context(command.name, list(words)) as context:
        given = {name: value for name, value in context.params.items() if name in SETTINGS}
        if given.get("config"):
            given["config"] = Path(given["config"]).name  # one in /etc is not that of this machine
        load_settings(given, {})


def check_make(words: list[str]) -> None:
    targets = [word for word in words if "=" not in word]
    assert set(targets) <= set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))


def check_curl(words: list[str]) -> None:
    """What is asked is served, and the body is taken."""
    (url,) = [word for word in words if word.startswith("http://")]
    body = words[words.index("-d") + 1] if "-d" in words else None
    method = words[words.index("-X") + 1] if "-X" in words else "GET" if body is None else "POST"
    if url.startswith(ADMIN):
        endpoint, _ = ROUTES[ADMIN].match(url.removeprefix(ADMIN), method)
        check_body_of_an_operator(endpoint, body)
    elif url.startswith(BASE):
        endpoint, _ = ROUTES[BASE].match(url.removeprefix(BASE.removesuffix("/v1")), method)
        if body is not None:
            assert endpoint == "responses.create"
            assert "Content-Type: application/json" in words
            parse_create(body.encode(), max_items=10)
    else:
        assert url.endswith("/v1/chat/completions"), "a provider's"


def check_body_of_an_operator(endpoint: str, body: str | None) -> None:
    if endpoint == "keys.create":
        table = json.loads(str(body))
        assert add_key(open_store("memory:"), table.pop("name"), table)
    elif endpoint == "keys.rotate":
        assert json.loads(str(body)).keys() == {"overlap_seconds"}
    else:
        assert body is None


def _routes() -> dict[str, MapAdapter]:
    app = make_app(admin_bind="127.0.0.1:9464")
    admin = create_admin_app(app.extensions["adapter"])
    return {BASE: app.url_map.bind(""), ADMIN: admin.url_map.bind("")}


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "responses-adapter": check_adapter, "make": check_make, "curl": check_curl
}  # fmt: skip
ROUTES = _routes()
SETTINGS = {parameter.name for parameter in main.commands["serve"].params}


@pytest.mark.parametrize("page", EVERY.values(), ids=EVERY)
def test_every_command_in_the_text_is_one(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (*FILES, "body.json", "BODY.json", "CHUNKS.sse"):
        (tmp_path / name).touch()
    text = re.sub(r"^(```|    ).*?$", "", page.read_text(), flags=re.M).replace("\n", " ")
    for line in re.findall(r"`responses-adapter ([a-z][^`]*)`", text):
        check_adapter(split(line.replace("NAME", "vllm")).words)
    for line in re.findall(r"`make ([a-z][^`]*)`", text):
        check_make(split(line.replace("…", "x")).words)
    for name, value in re.findall(r"`(ADAPTER_[A-Z_]+)=([^`…]+)`", text):
        load_settings({}, COMPANIONS | {name: value.replace("PORT", "9000")})


@pytest.mark.parametrize("page", EVERY.values(), ids=EVERY)
def test_every_path_of_the_project_in_a_command_exists(page: Path) -> None:
    named = re.findall(r"(?<![\w/.])(?:deploy|tests)/[\w/.-]+", "\n".join(shell_blocks(page)))
    assert [path for path in named if not (ROOT / path).exists()] == []
