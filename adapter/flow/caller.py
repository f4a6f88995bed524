"""Who sends a request, whichever transport it came by.

Of the request's headers only the bearer key can go to the provider. Another one to forward would be a member here, and
be sent by `upstream/client.py`.
"""

from typing import Self

from adapter.event_loop.client_watch import ClientWatch
from adapter.sharing.shares import Holding


class Caller:
    """The tenant, the bearer key to pass through, the client's connection, and the room of the request's body."""

    __slots__ = ("bearer", "body", "tenant", "watch")

    def __init__(
        self, tenant: str, bearer: str | None, watch: ClientWatch, body: Holding | None = None
    ) -> None:
        self.tenant = tenant
        self.bearer = bearer
        self.watch = watch
        self.body = body

    def watched_by(self, watch: ClientWatch) -> Self:
        """Return the same caller, whose answer ends with another connection."""
        return self.__class__(self.tenant, self.bearer, watch, self.body)
