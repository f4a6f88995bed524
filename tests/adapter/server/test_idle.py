"""What an idle server costs: it has imported what plain requests need, whatever else is installed."""

import json
import subprocess
import sys
from typing import Any

import pytest

PROGRAM = """
import gc, importlib.metadata, json, sys
from types import SimpleNamespace

read = []
importlib.metadata.distributions = lambda **_: read.append("distributions") or []

import adapter.cli, adapter.server.server, gunicorn.app.base
from adapter.server.server import options, prepare
from adapter.settings.settings import Settings

settings = prepare(Settings(store="memory:", workers=1, upstream_url="https://api.example.com/v1"))
collected = sum(of["collections"] for of in gc.get_stats())
from adapter.server.worker import Worker
Worker.setup()
from adapter import create_app
create_app(settings)
address = SimpleNamespace(getsockname=lambda: ("127.0.0.1", 8000))
options(settings)["when_ready"](SimpleNamespace(LISTENERS=[address], cfg=SimpleNamespace(is_ssl=False)))
collected = sum(of["collections"] for of in gc.get_stats()) - collected
found = {"modules": list(sys.modules), "read": read, "collections": collected, "collects": gc.isenabled()}
prepare(settings)
print()
print(json.dumps(found | {"shared": gc.get_freeze_count() > 10_000, "collects_after_reload": gc.isenabled()}))
"""
UNWANTED = {
    "asyncio", "attr", "chardet", "charset_normalizer", "cryptography", "jsonschema", "mcp", "openai", "psycopg",
    "pydantic", "pygments", "pypdf", "redis", "rich", "sqlite3", "translators.dialects.amendments", "wsproto",
}  # fmt: skip
"""Of a feature that most requests do not use, of another store, or of another package of the environment."""

MAX_OWN = 325
MAX_MODULES = 950
"""With the libraries, which another Python or release may divide differently."""


@pytest.fixture(scope="module")
def master() -> Any:
    """What the master has done when it begins to fork workers."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_nothing_is_imported_that_few_requests_use(master: Any) -> None:
    assert UNWANTED & set(master["modules"]) == set()


def test_few_modules_are_imported(master: Any) -> None:
    own = [name for name in master["modules"] if name.partition(".")[0] in ("adapter", "translators")]
    assert len(own) <= MAX_OWN, "import what a feature needs at its first use"
    assert len(master["modules"]) <= MAX_MODULES, "import what a feature needs at its first use"


def test_what_else_is_installed_is_not_asked(master: Any) -> None:
    assert master["read"] == []


def test_nothing_is_collected_until_it_is_shared(master: Any) -> None:
    assert master["collections"] == 0
    assert master["shared"]
    assert master["collects"]
    assert master["collects_after_reload"]
