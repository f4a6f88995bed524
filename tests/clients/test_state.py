"""Real clients that have the service keep things: sessions in conversations, background runs, compaction.

They run in `make test-clients`; what the openai package for Python does with all of this is in `tests/contract`.
"""

import sys
from pathlib import Path

import pytest

from tests.clients.install import available, node_clients, python_client
from tests.clients.test_programs import PROGRAMS, run
from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import Gate, ReceivedRequest, Script, Upstream, stream, whole


def answers(received: ReceivedRequest) -> Script:
    """Say again what was said last; never end where that is what was asked for."""
    said = received.messages[-1]["content"]
    if said == "Endless":
        return stream(chat.text("On and"), Gate(), chat.end())
    text = f"You said {said.partition(' ')[0].lower()}."
    if received.json.get("stream"):
        return stream(chat.text(text[:5], text[5:]), chat.end())
    return whole(chat.completion(text))


@pytest.mark.clients
def test_the_agents_sdk(service: Service, upstream: Upstream) -> None:
    upstream.otherwise = answers
    directory = available(python_client, "openai-agents")
    program = [sys.executable, str(PROGRAMS / "keep_openai_agents.py")]
    kept, newest, popped, left, cleared, kinds, after = run(program, service, PYTHONPATH=str(directory))
    assert kept == ["One", "You said one.", "Two", "You said two."]
    assert newest == kept[2:]
    assert popped == kept[3:]
    assert left == kept[:3]
    assert cleared == []
    assert kinds[-1] == "compaction"
    assert after == "You said six."
    assert [message["content"] for message in upstream.received(4).messages] == ["Three", "You said three.", "Four"]


@pytest.mark.clients
def test_the_openai_package_for_node(service: Service, upstream: Upstream, tmp_path: Path) -> None:
    upstream.otherwise = answers
    directory = available(node_clients)
    (tmp_path / "node_modules").symlink_to(directory / "node_modules")
    copy = tmp_path / "keep_openai.mjs"
    copy.write_bytes((PROGRAMS / copy.name).read_bytes())
    polled, pieces, resumed, cancelled, kept, kinds, after, counted = run(
        [str(directory / "node_modules/.bin/node"), str(copy)], service
    )
    assert polled == "You said one."
    assert pieces == resumed == "You said two."
    assert cancelled == "cancelled"
    assert kept == ["Three", "Four", "You said four."]
    assert kinds[-1] == "compaction"
    assert after == "You said six."
    assert counted
