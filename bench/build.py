"""Which Python runs: the same code costs 15 to 40 % more where it was built without optimisation."""

from __future__ import annotations

import platform
import sysconfig


def is_optimised() -> bool:
    """Return whether this Python was built with profile-guided optimisation, as distributions build it."""
    arguments = sysconfig.get_config_var("CONFIG_ARGS") or ""
    flags = sysconfig.get_config_var("PY_CORE_CFLAGS") or ""
    return "--enable-optimizations" in arguments or "-fprofile-use" in flags


def describe_python() -> str:
    build = "an optimised build" if is_optimised() else "a build without --enable-optimizations: 15 to 40 % dearer"
    return f"Python {platform.python_version()}, {build}"
