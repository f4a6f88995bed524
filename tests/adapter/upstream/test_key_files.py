"""Keys of an upstream that change in their files."""

import os
from pathlib import Path

import pytest

from adapter.settings.secret_values import Secret
from adapter.upstream import key_files
from adapter.upstream.key_files import KeyFiles


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_files, "_SECONDS_BETWEEN_LOOKS", 0.0)


def write(file: Path, text: str, at: int) -> None:
    file.write_text(text)
    os.utime(file, ns=(at, at))


def test_a_key_is_rotated(tmp_path: Path) -> None:
    file = tmp_path / "key"
    write(file, "sk-old\n", 1)
    keys = KeyFiles("a", [Secret("sk-fixed"), Secret("sk-old", f"file:{file}")])
    assert not keys.refresh()
    write(file, "sk-new\n", 2)
    assert keys.refresh()
    assert keys.keys == ["sk-fixed", "sk-new"]
    assert not keys.refresh()


@pytest.mark.parametrize("content", [None, "", "two words"])
def test_a_file_without_a_key_leaves_it(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "key"
    keys = KeyFiles("a", [Secret("sk-old", f"file:{file}")])
    if content is not None:
        write(file, content, 1)
    assert not keys.refresh()
    assert keys.keys == ["sk-old"]
    write(file, "sk-new", 2)
    assert keys.refresh()
