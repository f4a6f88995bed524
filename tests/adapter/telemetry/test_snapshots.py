"""The private directory of a server in memory: who removes it, and when."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapter.telemetry import snapshots


@pytest.fixture(autouse=True)
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(snapshots, "_base", lambda: tmp_path)
    monkeypatch.setattr(snapshots, "_directory", None)
    monkeypatch.setattr(snapshots, "_directory_lock", None)
    yield tmp_path
    if snapshots._directory_lock is not None:
        os.close(snapshots._directory_lock)


def test_a_killed_servers_directory_is_removed(base: Path) -> None:
    snapshots.create_directory()
    assert snapshots._directory_lock is not None
    os.close(snapshots._directory_lock)  # as the end of its process does
    snapshots._directory_lock = None
    snapshots.remove_left_directories()
    assert list(base.iterdir()) == []


def test_a_running_servers_directory_stays() -> None:
    snapshots.create_directory()
    directory = snapshots.private_directory()
    snapshots.remove_left_directories()
    assert directory is not None
    assert (directory / "lock").exists()


def test_a_server_that_starts_meanwhile_leaves_a_new_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = fcntl.flock

    def start_another(file: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        snapshots.remove_left_directories()
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", start_another)
    snapshots.create_directory()
    directory = snapshots.private_directory()
    assert directory is not None
    assert (directory / "lock").exists()
