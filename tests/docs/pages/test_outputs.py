"""What docs/command-line.md shows as the output of a command is what the command prints, but for times and sizes.

The commands run for real, in an empty folder; `check` against the bundled demo, which has other details.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from adapter.commands.usage import report_usage
from adapter.commands.watch import describe
from adapter.store import open_store
from adapter.store.base import KeyUsage
from adapter.store.sql.sqlite import SQLiteFile
from adapter.upstream.lessons import Lessons
from tests.docs.pages.blocks import DOCS, ROOT, samples
from tests.support.servers.demo import demo
from translators.dialects.presets import PRESETS

SHOWN = {sample.command.partition(" ")[2]: sample.output for sample in samples(DOCS / "command-line.md")}
"""What the page shows of each command, by its words after `responses-adapter`."""


def output(*words: str, folder: Path) -> str:
    command = [sys.executable, "-m", "adapter", *words]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60)
    return ran.stdout + ran.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with a store, in which the lessons of the page are."""
    (tmp_path / "var").mkdir()
    store = open_store(f"sqlite:///{tmp_path}/var/adapter.db")
    lessons = Lessons(store)
    for upstream, model, lesson in LESSON.findall(SHOWN["lessons"]):
        for tenant in ("one", "two"):
            lessons.add(upstream, model, lesson, tenant)
    store.close()
    return tmp_path


LESSON = re.compile(r"^  (\S+) (\S+) +(\S+), until [\d-]+ [\d:]+ UTC$", re.M)


def test_every_sample_is_tried() -> None:
    assert SHOWN.keys() == {
        "check --upstream-url http://localhost:11434/v1", "config init adapter.toml", "lessons", "lessons --forget",
        "store backup /backup/2026-11-29", "store prune --retention 30d", "store stats", "store upgrade", "usage",
        "watch --admin-bind 127.0.0.1:9464",
    }  # fmt: skip


@pytest.mark.parametrize("command", ["config init adapter.toml", "store upgrade"])
def test_an_output_that_is_always_the_same(command: str, folder: Path) -> None:
    assert output(*command.split(), folder=folder) == SHOWN[command]


def test_lessons(folder: Path) -> None:
    def form(text: str) -> str:
        return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "when", text)

    assert len(LESSON.findall(SHOWN["lessons"])) == 2
    assert form(output("lessons", folder=folder)) == form(SHOWN["lessons"])
    assert output("lessons", "--forget", folder=folder) == SHOWN["lessons --forget"]


def test_store_stats_and_prune(folder: Path) -> None:
    stats = output("store", "stats", folder=folder).splitlines()
    shown = SHOWN["store stats"].splitlines()
    assert [line.split()[:1] for line in stats] == [line.split()[:1] for line in shown]
    assert stats[1].split() == shown[1].split()
    assert re.sub(r"\d+", "0", stats[-1].rpartition(",")[0]) == re.sub(r"\d+", "0", shown[-1].rpartition(",")[0])
    assert stats[-1].rpartition(",")[2] == shown[-1].rpartition(",")[2], "the version"
    pruned = output("store", "prune", "--retention", "30d", folder=folder)
    assert re.sub(r"\d+", "57", pruned) == SHOWN["store prune --retention 30d"]


def test_store_backup(folder: Path) -> None:
    ((command, shown),) = [(words, text) for words, text in SHOWN.items() if words.startswith("store backup ")]
    place = command.split()[-1]
    SQLiteFile(str(folder / "var" / "adapter-files.db")).open().close()
    (folder / "var" / "adapter.db.key").write_text("a secret")
    printed = output("store", "backup", str(folder / "copies"), folder=folder)
    assert printed.replace(str(folder / "copies"), place) == shown


def test_usage() -> None:
    key, upstream, model, *counts = SHOWN["usage"].splitlines()[1].split()
    used = KeyUsage(key, "2026-11-29", upstream, model, *map(int, counts))
    assert report_usage([used], by_day=False) == SHOWN["usage"].splitlines()


def test_watch() -> None:
    shown = SHOWN["watch --admin-bind 127.0.0.1:9464"].rstrip("\n")
    tier = re.findall(r"has no tier '(\w+)'", shown)[0]
    assert tier not in PRESETS["openai"].service_tiers
    head: dict[str, Any] = {
        "id": "x_1", "at": 0.0, "status": "completed", "model": "gpt-4o", "key": "team", "contents": "recorded",
        "marks": {"first token": 420.0, "closed": 1310.0}, "usage": {"input_tokens": 812, "output_tokens": 96},
        "attempts": [{"upstream": "openai", "model": "gpt-4o-2024-11-20", "reason": "first"}],
        "notes": [
            {"param": "service_tier", "action": "dropped", "reason": f"provider 'openai' has no tier '{tier}'"}
        ],
    }  # fmt: skip
    call = {"type": "function_call", "name": "get_location", "arguments": "{}"}
    recorded = {
        "chats": [{"text": json.dumps({"messages": [{"role": "user", "content": "Where am I?"}]})}],
        "response": json.dumps({"output": [call]}),
    }
    printed = click.unstyle("\n".join(describe(head, recorded, whole=True)))
    assert re.sub(r"^[\d:]+", "12:00:01", printed).rstrip("\n") == shown


def test_check(folder: Path) -> None:
    (shown,) = [text for command, text in SHOWN.items() if command.startswith("check ")]
    with demo() as url:
        printed = output("check", "--upstream-url", url, folder=folder)
    line = re.compile(r"^  (\S.*?)  +(?:ok|no|error) +\d+\.\d s  \S.*$", re.M)
    assert line.findall(printed) == line.findall(shown)
    assert shown.startswith("Checking http://localhost:11434/v1\n")
    assert printed.startswith(f"Checking {url}\n")
