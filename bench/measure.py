"""CPU time and memory of a server: of its first process and of all living descendants.

CPU is read from the kernel's clock of each process (nanoseconds, all threads, user and system), because a
tick of `/proc/<pid>/stat` is 10 ms, in which nginx answers some hundred requests. The time of a process that
ended between two readings is lost: a reading knows its processes, and `cpu_between` says when the tree has changed.
Memory is PSS, which counts a page shared by n processes as 1/n in each: workers of one master are not charged
n times for the code they share. Linux only.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
CPU_CLOCK = 2  # the scheduler's clock in the kernel's encoding of a clock id: clock_getcpuclockid(3)
QUIET_PERIOD = 0.25
QUIET_SHARE = 0.02  # of one core
TICKS = os.sysconf("SC_CLK_TCK")


def tree(root: int) -> list[int]:
    """Return the process and its living descendants."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def stat(pid: int) -> list[str]:
    """Return the fields of `/proc/<pid>/stat` from the state on; none if the process is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


def cpu_seconds(pid: int) -> float | None:
    """Return the CPU time a process has used so far, or None if it is gone."""
    try:
        return time.clock_gettime(~pid << 3 | CPU_CLOCK)
    except OSError:
        fields = stat(pid)
        return (int(fields[11]) + int(fields[12])) / TICKS if fields else None


@dataclass(frozen=True)
class CpuReading:
    """The CPU time of each process of a tree at one moment."""

    seconds: dict[int, float]


def read_cpu(root: int) -> CpuReading:
    """Read the CPU time of a tree now."""
    times = {pid: cpu_seconds(pid) for pid in tree(root)}
    return CpuReading({pid: seconds for pid, seconds in times.items() if seconds is not None})


def cpu_between(before: CpuReading, after: CpuReading) -> tuple[float, int]:
    """Return the CPU seconds between two readings, and how many processes ended meanwhile unaccounted for."""
    gained = sum(seconds - before.seconds.get(pid, 0.0) for pid, seconds in after.seconds.items())
    return gained, len(before.seconds.keys() - after.seconds.keys())


@dataclass(frozen=True)
class ThreadTimes:
    """The CPU seconds of the main threads of some processes, and of all their other threads that are alive."""

    main: float
    others: float


def read_threads(pids: Collection[int]) -> ThreadTimes:
    """Read the CPU time of the threads of some processes now."""
    main = others = 0
    for pid in pids:
        for clock in PROC.glob(f"{pid}/task/*/schedstat"):
            try:
                nanoseconds = int(clock.read_bytes().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                continue
            if clock.parent.name == str(pid):
                main += nanoseconds
            else:
                others += nanoseconds
    return ThreadTimes(main / 1e9, others / 1e9)


def wait_until_quiet(root: int, patience: float = 3.0) -> None:
    """Return when the tree is idle (postponed work belongs to the load that caused it)."""
    deadline = time.monotonic() + patience
    before = read_cpu(root)
    while time.monotonic() < deadline:
        time.sleep(QUIET_PERIOD)
        after = read_cpu(root)
        if cpu_between(before, after)[0] < QUIET_SHARE * QUIET_PERIOD:
            return
        before = after


@dataclass(frozen=True)
class Memory:
    """Kilobytes of a tree: its fair share of the machine (PSS), and what that would be without other processes."""

    pss: int
    alone: int
    processes: int


def read_memory(root: int) -> Memory:
    """Read the memory of a tree now. Raises PermissionError for processes of another user.

    Alone, a tree would bear the pages of its files in full: about as many as the process has that has the most of them.
    """
    pss = anonymous = of_files = processes = 0
    for pid in tree(root):
        try:
            lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        sizes = {line.split()[0]: int(line.split()[1]) for line in lines[1:]}
        pss += sizes["Pss:"]
        anonymous += sizes["Pss_Anon:"]
        of_files = max(of_files, sizes["Rss:"] - sizes["Anonymous:"])
        processes += 1
    return Memory(pss, anonymous + of_files, processes)
