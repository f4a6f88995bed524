"""Let the C library's allocator keep large buffers for reuse.

A request of some hundred kilobytes is read, translated and written in buffers of that size. By default glibc gets each
of them from the kernel and returns it at once, so that every page is faulted in again: an eighth of the cost of a
280 KB request. Keeping some megabytes of freed memory avoids that. Other C libraries lack this setting.
Source: Linux manual pages, mallopt(3); docs/decisions/0015-freed-memory.md.
"""

import ctypes
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
"""Parameters of mallopt(3)."""
_LARGE_BYTES: Final = 4 << 20
"""A larger buffer still comes from the kernel and is returned to it: few requests need one."""


def keep_freed_memory() -> None:
    """Let this process, and those that it forks, keep freed memory, up to the size of two large buffers."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
    mallopt(_M_TRIM_THRESHOLD, 2 * _LARGE_BYTES)
