"""What an idle server has imported: what plain requests need, whatever else is installed."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import adapter.cli, adapter.server.server, gunicorn.app.base
from adapter.server.worker import Worker

Worker.setup()
from adapter import create_app
from adapter.settings.settings import Settings

create_app(Settings(store="sqlite:///unused.db", workers=1, upstream_url="http://127.0.0.1:9/v1"))
import adapter.server.fast_path
print(*sys.modules)
"""
UNWANTED = {
    "asyncio", "attr", "cryptography", "jsonschema", "mcp", "openai", "psycopg", "pydantic", "pygments", "pypdf",
    "redis", "rich", "wsproto",
}  # fmt: skip
"""Of a feature that most requests do not use, or of another package of the environment."""


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """The modules that the master has imported when it forks the workers."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_nothing_is_imported_that_few_requests_use(imported: set[str]) -> None:
    assert imported & UNWANTED == set()
