"""`lessons` and the end of `check`: what the servers that share a store have learned."""

import re
import time
from pathlib import Path

import pytest

from adapter.store import open_store
from adapter.upstream.lessons import Lessons
from tests.adapter.commands.test_check import modest
from tests.adapter.commands.test_cli import run
from tests.support.servers.upstream import Upstream

NOTHING = "No lessons are stored.\n"


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store in which lessons are."""
    url = f"sqlite:///{tmp_path}/store.db"
    store = open_store(url)
    lessons = Lessons(store)
    lessons.add("default", "m", "temperature", "tenant a")
    for tenant in ("tenant a", "tenant b"):
        lessons.add("backup", "vendor/one\n\x1b[2J", "tool_choice=named", tenant)
    store.close()
    return url


def test_lessons_are_shown_by_upstream_and_model(url: str) -> None:
    shown = run("lessons", ADAPTER_STORE=url)
    assert (shown.returncode, shown.stderr) == (0, "")
    form = re.compile(r"  (.*?)  +(\S+), until (.*?) UTC(, for one tenant)?")
    lines = [form.fullmatch(line) for line in shown.stdout.splitlines()]
    assert [line and line[1] for line in lines] == ["backup vendor/one??[2J", "default m"]
    assert [line and line[2] for line in lines] == ["tool_choice=named", "temperature"]
    assert [line and line[4] for line in lines] == [None, ", for one tenant"]
    now = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
    assert all(line is not None and line[3] > now for line in lines)


def test_lessons_are_forgotten(url: str) -> None:
    assert run("lessons", "--forget", "--store", url).stdout == "Lessons erased: 2.\n"
    assert run("lessons", "--forget", "--store", url).stdout == "Lessons erased: 0.\n"
    assert run("lessons", "--store", url).stdout == NOTHING


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    shown = run("lessons", ADAPTER_STORE=f"sqlite:///{path}").stdout
    assert shown == f"No lessons are stored: there is no store at {path} yet.\n"
    assert run("lessons", "--forget", ADAPTER_STORE=f"sqlite:///{path}").stdout == "Lessons erased: 0.\n"
    assert not path.exists()


def test_a_store_that_is_down_is_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "store.db"
    broken.write_bytes(b"no database" * 1000)
    for flags in ((), ("--forget",)):
        refused = run("lessons", *flags, ADAPTER_STORE=f"sqlite:///{broken}")
        assert (refused.returncode, refused.stdout) == (2, "")
        assert re.fullmatch(r"responses-adapter: The store .* is not an SQLite database; .*\n", refused.stderr)


def test_check_goes_on_without_lessons(upstream: Upstream, tmp_path: Path) -> None:
    upstream.otherwise = modest
    (tmp_path / "store.db").write_bytes(b"no database" * 1000)
    shown = run("check", ADAPTER_STORE=f"sqlite:///{tmp_path}/store.db", ADAPTER_UPSTREAM_URL=upstream.url)
    assert shown.returncode == 0
    assert shown.stdout.splitlines()[-1].startswith("The lessons are unknown: the store is down: ")


def test_check_ends_with_what_was_learned(url: str, upstream: Upstream) -> None:
    upstream.otherwise = modest
    shown = run("check", ADAPTER_STORE=url, ADAPTER_UPSTREAM_URL=upstream.url)
    assert "default m               temperature, until" in shown.stdout.splitlines()[-1]
