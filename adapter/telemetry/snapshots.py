"""The metrics of all workers, merged.

Each worker writes what it has counted to a file of its own, about once a second if anything has changed, into a
directory that the master makes before it forks. The worker that is asked for the metrics adds the files up.

A worker holds a numbered slot by a lock that ends with its process, and its file belongs to the slot: the worker that
takes over the slot of a dead one goes on with its counters, so no counter ever goes down, and there are only as many
files as there were workers at a time. A worker that is killed loses what it counted in its last second.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from adapter.telemetry import catalog
from adapter.telemetry.aggregates import Gauge, Labels, Metric, Value

_PREFIX: Final = "responses-adapter-"
_LOCK: Final = "lock"
_MAX_SLOTS: Final = 1024
"""Workers at a time: those of the settings, and during a restart those that they replace."""

_Content = dict[str, list[tuple[Labels, Value]]]
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(dict[str, list[tuple[tuple[str, ...], float | list[float]]]]).decode

_directory: Path | None = None
"""Of this server's workers. The master creates it, and they inherit its name and its lock."""
_directory_lock: int | None = None


def create_directory() -> None:
    """Create the directory for the workers' files, in memory if possible."""
    global _directory, _directory_lock
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_base()))
    unlocked = directory / "unlocked"
    lock = os.open(unlocked, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    unlocked.rename(directory / _LOCK)  # a server that starts now removes a directory whose lock is free
    _directory, _directory_lock = directory, lock


def private_directory() -> Path | None:
    """Return the directory that the workers of this server share; None: there is none, without the admin address."""
    return _directory


def remove_directory() -> None:
    """Remove the directory at the end of the server."""
    if _directory is not None:
        shutil.rmtree(_directory, ignore_errors=True)


def remove_left_directories() -> None:
    """Remove the directories of this user's servers that were killed."""
    for path in _base().glob(f"{_PREFIX}*"):
        _remove_if_left(path)


def _base() -> Path:
    return Path("/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir())


def _remove_if_left(directory: Path) -> None:
    with suppress(OSError):
        if directory.stat().st_uid != os.geteuid():
            return
        lock = os.open(directory / _LOCK, os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: its server or a worker still runs
            shutil.rmtree(directory, ignore_errors=True)
        finally:
            os.close(lock)


class Snapshots:
    """The file of this worker, and the sum of all. A member of the heartbeat."""

    def __init__(self) -> None:
        self._directory: Path | None = None
        """None: only what this process counts is known."""
        self._lock: int | None = None
        self._path: Path | None = None
        self._last: bytes = b""
        self._cpu_seconds = 0.0
        self._worker = "0"

    def start(self) -> None:
        """Begin to count in this process, from where the slot's last worker ended."""
        catalog.clear()
        self._cpu_seconds = time.process_time()
        self._directory = _directory
        if self._directory is not None:
            self._take_slot(self._directory)

    def _take_slot(self, directory: Path) -> None:
        for number in range(_MAX_SLOTS):
            lock = os.open(directory / f"slot-{number}", os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            self._lock, self._worker = lock, str(number)
            self._path = directory / f"metrics-{number}"
            for name, series in _read(self._path).items():
                metric = catalog.METRICS.get(name)
                if metric is not None and not isinstance(metric, Gauge):
                    _merge(metric, series)
            return

    def tick(self) -> None:
        """Write what this worker has counted so far, if anything has changed."""
        self._observe_process()
        self._write()

    def close(self) -> None:
        """Write the last state of the counters, and release the slot."""
        for metric in catalog.METRICS.values():
            if isinstance(metric, Gauge):
                metric.clear()
        self._write()
        self._path = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def merged(self) -> list[Metric]:
        """Return all metrics of all workers."""
        self.tick()
        sums = {name: metric.like() for name, metric in catalog.METRICS.items()}
        files = [] if self._directory is None else sorted(self._directory.glob("metrics-*[0-9]"))
        for content in (_own(), *(_read(path) for path in files if path != self._path)):
            for name, series in content.items():
                if name in sums:
                    _merge(sums[name], series)
        return list(sums.values())

    def _write(self) -> None:
        """Replace the file. A full disk costs the numbers, nothing else."""
        content = _encode(_own())
        if self._path is None or content == self._last:
            return
        new = self._path.with_suffix(".new")
        with suppress(OSError):
            new.write_bytes(content)
            new.replace(self._path)
            self._last = content

    def _observe_process(self) -> None:
        used = time.process_time()
        catalog.WORKER_CPU_SECONDS.add((self._worker,), used - self._cpu_seconds)
        self._cpu_seconds = used
        catalog.SERIES_DROPPED.add((), Metric.dropped)
        Metric.dropped = 0
        labels = (self._worker,)
        with suppress(OSError, ValueError):  # not on every system
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            catalog.WORKER_RESIDENT_BYTES.set(pages * os.sysconf("SC_PAGE_SIZE"), labels)
            catalog.WORKER_OPEN_FILES.set(len(os.listdir("/proc/self/fd")), labels)


def _own() -> _Content:
    return {name: list(metric.values.items()) for name, metric in catalog.METRICS.items() if metric.values}


def _read(path: Path) -> Mapping[str, list[tuple[Labels, Value]]]:
    """Return the content of a file; {}: there is none that can be read."""
    try:
        return _decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, msgspec.ValidationError):
        return {}


def _merge(metric: Metric, series: list[tuple[Labels, Value]]) -> None:
    for labels, value in series:
        if len(labels) == len(metric.labels):
            metric.merge(labels, value)
