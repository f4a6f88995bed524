"""What the service tells about itself.

Where a development tool has installed rich, structlog loads it for tracebacks that are never wanted here (they show
local variables, prompts among them): 4 MB in every server. So structlog is loaded without finding it.
"""

import sys

if "structlog" not in sys.modules and "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]  # "not installed", to whoever asks
    import structlog  # noqa: F401

    del sys.modules["rich"]
