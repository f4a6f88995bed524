"""Who sends a request, whichever transport it came by.

Of the request's headers only the bearer key can go to the provider. Another one to forward would be a member here, and
be sent by `upstream/client.py`.
"""

from copy import copy
from typing import TYPE_CHECKING, Self

from msgspec import Struct

from adapter.event_loop.client_watch import ClientWatch
from adapter.settings.caller_keys import CallerKey
from adapter.sharing.admission import Admission
from adapter.sharing.shares import Holding

if TYPE_CHECKING:
    from adapter.telemetry.inspector.recording import Recording


class Caller(Struct, eq=False):
    """The tenant, the key, the client's connection, and what the request has of the server's room and limits."""

    tenant: str
    key: CallerKey | None
    """The named key."""
    bearer: str | None
    """The text of the key, to pass through."""
    watch: ClientWatch
    body: Holding | None = None
    admission: Admission | None = None
    recording: "Recording | None" = None
    """Of the request; None: it is not recorded."""

    def watched_by(self, watch: ClientWatch) -> Self:
        """Return the same caller, whose answer ends with another connection."""
        other = copy(self)
        other.watch = watch
        return other

    def sending(self, body: Holding) -> Self:
        """Return the same caller with another request, whose body has its own room."""
        other = copy(self)
        other.body = body
        other.admission = None
        other.recording = None
        return other
