"""The openai clients of earlier years accumulate our streams as the newest does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import openai
import pytest

from tests.contract.install_clients import VERSIONS, install
from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream, stream, whole

PROGRAM = Path(__file__).with_name("use_client.py")


def directory(version: str) -> str:
    """Return where a version lies; "" for the one that is installed here anyway."""
    if version == openai.__version__:
        return ""
    try:
        return str(install(version))
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        why = f"openai {version} is not in .clients and cannot be installed ({error})"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)


@pytest.mark.parametrize("version", [*VERSIONS, openai.__version__])
def test_a_client_of_some_year(version: str, service: Service, upstream: Upstream) -> None:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": directory(version), "HOME": str(service.directory)}
    upstream.plays(
        stream(chat.thinking("Hm."), chat.text("Hel", "lo."), chat.end()),
        stream(chat.call(0, "call_1", "look", '{"at":', '"sea"}'), chat.call(1, "call_2", "look", '{"at":"sky"}'),
               chat.end("tool_calls")),
        whole(chat.completion("Blue.")),
    )  # fmt: skip
    ran = subprocess.run(
        [sys.executable, PROGRAM, service.url], env=environ, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {
        "version": version,
        "snapshots": ["Hel", "Hello."],
        "text": "Hello.",
        "tokens": 16,
        "pieces": ['{"at":', '"sea"}', '{"at":"sky"}'],
        "calls": [["call_1", "look", {"at": "sea"}], ["call_2", "look", {"at": "sky"}]],
        "answer": "Blue.",
        "retrieved": "Blue.",
    }
