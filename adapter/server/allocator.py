"""How the C library's allocator treats large buffers.

A request of some hundred kilobytes is read, translated and written in buffers of that size. By default glibc asks the
kernel for each of them anew and gives it back at once, so that every page is faulted in again: an eighth of what a
280 KB request costs. Keeping some megabytes of freed memory avoids that. Other C libraries have no such setting.
"""

import ctypes
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
"""Parameters of mallopt(3)."""
_LARGE: Final = 4 << 20
"""Bytes from which a buffer still comes from the kernel and goes back to it."""


def keep_freed_memory() -> None:
    """Let this process keep up to twice as much free memory as one large buffer has."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_MMAP_THRESHOLD, _LARGE)
    mallopt(_M_TRIM_THRESHOLD, 2 * _LARGE)
