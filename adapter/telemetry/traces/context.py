"""The trace that a request belongs to, as `traceparent` and `tracestate` carry it from service to service.

A header that breaks the rules is ignored, and so is the trace: it begins anew, or not at all. `baggage` is not passed
on: it may have anything of the client's. Source: W3C Trace Context, Level 2.
"""

import re
from typing import Final, NamedTuple

_PARENT: Final = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})(?P<span>[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<rest>-.*)?"
)
_SAMPLED: Final = 0x01
_KNOWN_FLAGS: Final = 0x03
"""Sampled, and that the id of the trace is random."""
_MAX_STATE_CHARS: Final = 512
_STATE: Final = re.compile(r"[\t\x20-\x7e]+")


class TraceContext(NamedTuple):
    """A trace, and the span that calls."""

    trace_id: str
    """32 hexadecimal digits."""
    span_id: str
    """16 hexadecimal digits."""
    flags: int
    state: str = ""
    """What vendors have added, as it came."""

    @property
    def is_sampled(self) -> bool:
        """Whether the caller records its part of the trace."""
        return bool(self.flags & _SAMPLED)

    def headers(self, span_id: str) -> dict[str, str]:
        """Return the headers of a call that a span makes."""
        found = {"traceparent": f"00-{self.trace_id}-{span_id}-{self.flags:02x}"}
        if self.state:
            found["tracestate"] = self.state
        return found


def read_context(parent: str | None, state: str | None) -> TraceContext | None:
    """Return the context in the two headers; None: there is none, or it breaks the rules."""
    found = None if parent is None else _PARENT.fullmatch(parent.strip(" \t"))
    if found is None or (found["version"] == "00" and found["rest"] is not None):
        return None
    state = (state or "").strip(" \t")
    if len(state) > _MAX_STATE_CHARS or _STATE.fullmatch(state) is None:
        state = ""
    return TraceContext(found["trace"], found["span"], int(found["flags"], 16) & _KNOWN_FLAGS, state)
