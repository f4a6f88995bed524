"""Codex CLI in an empty home, configured as a page of the documentation says."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.clients.install import available, node_clients
from tests.support.servers.service import ROOT, Service

LIMIT = 120
"""Seconds that a run may take."""


class Codex:
    """Codex in a home and a directory of its own.

    Its settings are the first TOML block of a page, with the service's URL, the members of `provider`, and the model
    in place of its own, `without` one of them. `errors` is what the last run wrote to stderr.
    """

    errors = ""

    def __init__(
        self, home: Path, service: Service, page: str, model: str | None = None, *, without: str = "", **provider: Any
    ) -> None:
        self._program = available(node_clients) / "node_modules/.bin/codex"
        self.directory = home / "work"
        self.directory.mkdir()
        self._environ = {"PATH": os.environ["PATH"], "HOME": str(home)}
        block = re.search(r"```toml\n(model = .*?)\n```", (ROOT / page).read_text(), re.S)
        assert block is not None, page
        settings = _with_members(block[1], base_url=service.url, **provider)
        if without:
            settings = re.sub(rf"^{without} = .*\n", "", settings, count=1, flags=re.M)
        if model is not None:
            settings = _with_members(settings, model=model)
        (home / ".codex").mkdir()
        (home / ".codex/config.toml").write_text(settings)

    def run(self, *arguments: str) -> list[str]:
        """Return what the model said in a run of `codex exec`."""
        return [item["text"] for item in self.items(*arguments) if item["type"] == "agent_message"]

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        """Return the completed items of a run of `codex exec`."""
        command = [
            str(self._program), "exec", *arguments, "--json", "--skip-git-repo-check",
            "--dangerously-bypass-approvals-and-sandbox",
        ]  # fmt: skip
        ran = subprocess.run(
            command, cwd=self.directory, env=self._environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=LIMIT,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr
        self.errors = ran.stderr
        events = map(json.loads, ran.stdout.splitlines())
        return [event["item"] for event in events if event["type"] == "item.completed"]


def _with_members(settings: str, **members: Any) -> str:
    """Return TOML with members of its last table set, or of another one that has them already."""
    for name, value in members.items():
        line = f"{name} = {_toml(value)}"
        settings, replaced = re.subn(rf"^{name} = .*$", line, settings, count=1, flags=re.M)
        if not replaced:
            settings += f"\n{line}"
    return settings + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {_toml(inner)}' for name, inner in value.items())} }}"
    return json.dumps(value)


def connections(service: Service) -> int:
    """Count the WebSockets that clients have used so far."""
    return service.log.count('"event":"websocket"')
