"""What one answer may hold."""

from msgspec import Struct


class Limits(Struct, frozen=True, gc=False):
    """What one answer may hold; beyond it, the response fails."""

    output_bytes: int = 64 * 1024 * 1024
    """Characters of text, thinking, arguments, sources and pictures together: far above any real answer, with room for
    a dozen pictures, and low enough that a worker survives a provider that never stops."""
    items: int = 1024
    """Messages, reasoning items, calls and pictures together: far above any real answer."""
