"""The allocator's setting does what it is there for: a large buffer that was freed is not faulted in again."""

import ctypes
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
if sys.argv[1] == "kept":
    from adapter.server.allocator import keep_freed_memory
    keep_freed_memory()
bytes(300_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    bytearray(b"x" * 300_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(mode: str) -> int:
    return int(subprocess.run([sys.executable, "-c", FAULTS, mode], capture_output=True, check=True, text=True).stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="this C library's allocator has no such setting")
def test_freed_buffers_are_kept() -> None:
    assert faults("kept") * 10 < faults("given back")
