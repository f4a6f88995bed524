"""Real clients search in files: each finishes a scenario and reads its citations. `programs` prints what each got."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.install import available, node_clients, python_client
from tests.support import chat
from tests.support.files.uploads import END, MULTIPART, PURPOSE, part
from tests.support.servers.service import Service
from tests.support.servers.upstream import ReceivedRequest, Script, Upstream, stream, whole

PROGRAMS = Path(__file__).with_name("programs")
LIMIT = 120
EXPECTED = {"text": "You have 30 days.", "cited": "leave.md", "found": "leave.md"}
FILES = ["Fish swim.", True, "completed", 1, "fish.txt", True]


def answer(received: ReceivedRequest) -> Script:
    streamed = received.json.get("stream")
    if received.messages[-1]["role"] == "tool":
        pieces = ("You have 30 days", "【", "1】", ".")
        return stream(chat.text(*pieces), chat.end()) if streamed else whole(chat.completion("".join(pieces)))
    arguments = '{"queries":["days of leave"]}'
    if streamed:
        return stream(chat.call(0, "call_1", "file_search", arguments), chat.end("tool_calls"))
    call = {"id": "call_1", "type": "function", "function": {"name": "file_search", "arguments": arguments}}
    return whole(chat.completion(tool_calls=[call], finish="tool_calls"))


@pytest.fixture(scope="module")
def searching(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("files"), upstream_url=provider.url, workers=1) as service:
        yield service


@pytest.fixture(scope="module")
def store(searching: Service) -> str:
    body = PURPOSE + part("file", b"Everyone has 30 days of leave a year.", "leave.md") + END
    file = searching.request("POST", "/v1/files", body, MULTIPART).json["id"]
    id: str = searching.request("POST", "/v1/vector_stores", {"file_ids": [file]}).json["id"]
    while searching.get(f"/v1/vector_stores/{id}").json["status"] != "completed":
        time.sleep(0.02)
    return id


def run(command: list[str], service: Service, store: str, **environ: str) -> Any:
    environ = {"PATH": os.environ["PATH"], "HOME": str(service.directory), **environ}
    ran = subprocess.run([*command, service.url, store], env=environ, capture_output=True, text=True, timeout=LIMIT)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


@pytest.mark.clients
@pytest.mark.parametrize("name", ["openai-agents", "langchain-openai"])
def test_python(name: str, searching: Service, store: str, upstream: Upstream) -> None:
    upstream.otherwise = answer
    program = PROGRAMS / f"search_{name.replace('-', '_')}.py"
    path = str(available(python_client, name))
    assert run([sys.executable, str(program)], searching, store, PYTHONPATH=path) == EXPECTED


@pytest.mark.clients
@pytest.mark.parametrize("program", sorted(PROGRAMS.glob("*.mjs")), ids=lambda program: program.stem)
def test_node(program: Path, searching: Service, store: str, upstream: Upstream, tmp_path: Path) -> None:
    upstream.otherwise = answer
    directory = available(node_clients)
    (tmp_path / "node_modules").symlink_to(directory / "node_modules")
    copy = tmp_path / program.name
    copy.write_bytes(program.read_bytes())
    printed = run([str(directory / "node_modules/.bin/node"), str(copy)], searching, store)
    assert printed.pop("files", FILES) == FILES
    assert printed == EXPECTED
