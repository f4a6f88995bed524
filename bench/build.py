"""Which Python runs, and what it tells of how it was built: most of the cost is Python (docs/performance.md)."""

from __future__ import annotations

import platform
import sysconfig


def is_optimised() -> bool:
    """Return whether this Python says that it was built with profile-guided optimisation; Debian's does not say."""
    arguments = sysconfig.get_config_var("CONFIG_ARGS") or ""
    flags = sysconfig.get_config_var("PY_CORE_CFLAGS") or ""
    return "--enable-optimizations" in arguments or "-fprofile-use" in flags


def describe_python() -> str:
    build = "built" if is_optimised() else "not built, as far as it says,"
    return f"Python {platform.python_version()}, {build} with --enable-optimizations"
