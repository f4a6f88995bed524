"""Codex asks for its catalog of models when its key comes from a command: what it takes from it, what it keeps."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.codex import Codex
from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream, stream

pytestmark = pytest.mark.clients

MODEL = "unknown-to-codex"
ASKS: dict[str, Any] = {"auth": {"command": "echo", "args": ["sk-test"]}, "supports_websockets": False}
PROMPT = "Be a coding agent in a small context."
NEARLY_FULL = {"prompt_tokens": 30_000, "completion_tokens": 7, "total_tokens": 30_007}


@pytest.fixture
def listed(upstream: Upstream) -> Iterator[Upstream]:
    before, upstream.models = upstream.models, {"data": [{"id": MODEL, "max_model_len": 32_768}]}
    yield upstream
    upstream.models = before


def test_without_instructions_codex_keeps_its_own_prompt(service: Service, listed: Upstream, tmp_path: Path) -> None:
    listed.plays(stream(chat.text("Hello."), chat.end()))
    codex = Codex(tmp_path, service, "docs/codex.md", MODEL, **ASKS)
    items = codex.items("Say hello.")
    assert [item["type"] for item in items] == ["error", "agent_message"]
    assert "metadata" in items[0]["message"]  # it says that it knows nothing about the model
    assert "models" not in codex.errors
    assert listed.received().messages[0]["content"].startswith("You are a coding agent running in the Codex CLI")


def test_with_instructions_codex_knows_the_context_window(
    provider: Upstream, listed: Upstream, tmp_path: Path
) -> None:
    (tmp_path / "prompt.md").write_text(PROMPT)
    listed.plays(
        stream(chat.text("Hello."), chat.end(usage=NEARLY_FULL)),
        stream(chat.text("They said hello."), chat.end()),
        stream(chat.text("Goodbye."), chat.end()),
    )
    settings = {"upstream_url": provider.url, "codex_instructions": tmp_path / "prompt.md"}
    with Service(tmp_path / "service", workers=1, **settings) as service:
        codex = Codex(tmp_path, service, "docs/codex.md", MODEL, without="model_context_window", **ASKS)
        assert [item["type"] for item in codex.items("Say hello.")] == ["agent_message"]
        assert codex.run("resume", "--last", "Say goodbye.") == ["Goodbye."]
    first, compaction, last = listed.requests
    assert first.messages[0]["content"].startswith(PROMPT)
    assert "CHECKPOINT" in compaction.messages[-1]["content"]
    assert "They said hello." in str(last.messages)
