"""Who sends a request, whichever transport it came by."""

from adapter.event_loop.client_watch import ClientWatch


class Caller:
    """The tenant, the bearer key to pass through, and the client's connection."""

    __slots__ = ("bearer", "tenant", "watch")

    def __init__(self, tenant: str, bearer: str | None, watch: ClientWatch) -> None:
        self.tenant = tenant
        self.bearer = bearer
        self.watch = watch
