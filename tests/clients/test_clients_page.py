"""docs/clients.md, docs/start.md, docs/migrate.md and README.md: their programs run as they are, against the service.

Only the address is another one. Those of docs/files.md are parts of one program. What needs nothing but the openai
package for Python runs in `make test`, the others in `make test-clients`.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.install import available, node_clients, python_client
from tests.support import chat
from tests.support.files.pdf import pdf
from tests.support.servers.service import Service
from tests.support.servers.upstream import ReceivedRequest, Script, Upstream, stream, whole

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "docs/start.md", "docs/clients.md", "docs/migrate.md"]
PACKAGES = {"agents": "openai-agents", "langchain_openai": "langchain-openai", "pydantic_ai": "pydantic-ai"}
"""The client to install, by what a program imports; the openai package is there."""
CLIENT = """
from openai import OpenAI
client = OpenAI(base_url="http://127.0.0.1:8000/v1", api_key="sk-anything")
"""
LIMIT = 120


def programs(language: str) -> list[tuple[str, str]]:
    """Return page and text of each program."""
    return [
        (page, text)
        for page in PAGES
        for text in re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / page).read_text(), re.M | re.S)
    ]


def package(text: str) -> str | None:
    return next((PACKAGES[name] for name in re.findall(r"^from (\w+)", text, re.M) if name in PACKAGES), None)


def greets(received: ReceivedRequest) -> Script:
    if received.json.get("stream"):
        return stream(chat.text("Hel", "lo."), chat.end())
    return whole(chat.completion("Hello."))


def run(command: list[str], text: str, file: Path, service: Service, **environ: str) -> str:
    """Run a program at the service's address: it ends well and prints what the provider has said; return that."""
    file.write_text(text.replace("http://127.0.0.1:8000/v1", service.url))
    environ = {"PATH": os.environ["PATH"], "HOME": str(service.directory), **environ}
    ran = subprocess.run([*command, str(file)], env=environ, capture_output=True, text=True, timeout=LIMIT)
    assert ran.returncode == 0, ran.stderr
    assert "Hello." in ran.stdout
    return ran.stdout


def python_programs() -> list[object]:
    found = []
    for page, text in programs("python"):
        if "chat.completions" in text:
            continue  # what it was like before
        marks = () if package(text) is None else pytest.mark.clients
        found.append(pytest.param(text, marks=marks, id=f"{page} {package(text) or 'openai'} {len(found)}"))
    return found


@pytest.mark.parametrize("text", python_programs())
def test_python(text: str, service: Service, upstream: Upstream, tmp_path: Path) -> None:
    upstream.otherwise = greets
    name = package(text)
    path = {} if name is None else {"PYTHONPATH": str(available(python_client, name))}
    run([sys.executable], text, tmp_path / "program.py", service, **path)


def test_files(service: Service, upstream: Upstream, tmp_path: Path) -> None:
    """With the client of the other pages before them, and a model and files that are there."""
    upstream.otherwise = greets
    parts = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs/files.md").read_text(), re.M | re.S)
    text = "\n".join([CLIENT, *parts, "print(answer.output_text, hits.data[0].filename)"])
    for name in set(re.findall(r"\"(\w+\.pdf)\"", text)):
        (tmp_path / name).write_bytes(pdf("There are thirty days of leave."))
        text = text.replace(name, str(tmp_path / name))
    printed = run([sys.executable], text.replace('"…"', '"demo"'), tmp_path / "program.py", service)
    assert printed == "Hello. handbook.pdf\n"


@pytest.mark.clients
@pytest.mark.parametrize(
    "text", [pytest.param(text, id=f"{page} {n}") for n, (page, text) in enumerate(programs("javascript"))]
)
def test_node(text: str, service: Service, upstream: Upstream, tmp_path: Path) -> None:
    upstream.otherwise = greets
    directory = available(node_clients)
    (tmp_path / "node_modules").symlink_to(directory / "node_modules")
    run([str(directory / "node_modules/.bin/node")], text, tmp_path / "program.mjs", service)
