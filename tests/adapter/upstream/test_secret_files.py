"""Secrets of an upstream that change in their files."""

import os
from pathlib import Path
from typing import Any

import pytest

from adapter.event_loop.heartbeat import Heartbeat
from adapter.settings.secret_values import Secret
from adapter.settings.upstreams import UpstreamSettings
from adapter.upstream import client, secret_files
from adapter.upstream.secret_files import SecretFiles
from tests.support import chat
from tests.support.servers.upstream import Upstream, whole
from translators.dialects.presets import PRESETS

BODY = b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}'


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_files, "_SECONDS_BETWEEN_LOOKS", 0.0)


def write(file: Path, text: str, at: int) -> None:
    file.write_text(text)
    os.utime(file, ns=(at, at))


def upstream_settings(**secrets: Any) -> UpstreamSettings:
    given = {"url": "http://127.0.0.1:1/v1", **secrets}
    return UpstreamSettings(name="a", dialect=PRESETS["default"], connect_timeout=2, timeout=5, **given)


def test_a_key_is_rotated(tmp_path: Path) -> None:
    file = tmp_path / "key"
    write(file, "sk-old\n", 1)
    used: list[UpstreamSettings] = []
    keys = (Secret("sk-fixed"), Secret("sk-old", f"file:{file}"))
    files = SecretFiles(upstream_settings(keys=keys), used.append)
    files.refresh()
    assert not used
    write(file, "sk-new\n", 2)
    files.refresh()
    files.refresh()
    assert [[key.value for key in one.keys] for one in used] == [["sk-fixed", "sk-new"]]


@pytest.mark.parametrize("content", [None, "", "two words"])
def test_a_file_without_a_key_leaves_it(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "key"
    used: list[UpstreamSettings] = []
    files = SecretFiles(upstream_settings(keys=(Secret("sk-old", f"file:{file}"),)), used.append)
    if content is not None:
        write(file, content, 1)
    files.refresh()
    assert not used
    write(file, "sk-new", 2)
    files.refresh()
    assert len(used) == 1


def test_headers_and_queries_are_rotated_and_the_earlier_ones_stay_secret(upstream: Upstream, tmp_path: Path) -> None:
    token, code = tmp_path / "token", tmp_path / "code"
    write(token, "Bearer first-token", 1)
    write(code, "first-code", 1)
    settings = upstream_settings(
        url=f"{upstream.url}",
        headers={"X-Token": Secret("Bearer first-token", f"file:{token}")},
        query={"code": Secret("first-code", f"file:{code}")},
    )
    sender = client.Upstream(settings, Heartbeat())
    for at, (sent_token, sent_code) in enumerate([("first-token", "first-code"), ("next-token", "next-code")]):
        write(token, f"Bearer {sent_token}", at + 1)
        write(code, sent_code, at + 1)
        upstream.plays(whole(chat.completion("Hi")))
        call = sender.send_chat(BODY, bearer=None)
        while not call.wait(1):
            pass
        call.close()
        assert upstream.requests[-1].headers["X-Token"] == f"Bearer {sent_token}"
        assert upstream.requests[-1].path.endswith(f"/chat/completions?code={sent_code}")
    redact = sender.redactor(None)
    assert redact("first-token first-code next-token next-code") == "*** *** *** ***"
