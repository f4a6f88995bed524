"""Who sends a request, whichever transport it came by.

Of the request's headers only the bearer key can go to the provider. Another one to forward would be a member here, and
be sent by `upstream/client.py`.
"""

from adapter.event_loop.client_watch import ClientWatch


class Caller:
    """The tenant, the bearer key to pass through, and the client's connection."""

    __slots__ = ("bearer", "tenant", "watch")

    def __init__(self, tenant: str, bearer: str | None, watch: ClientWatch) -> None:
        self.tenant = tenant
        self.bearer = bearer
        self.watch = watch
