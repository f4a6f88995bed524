"""Whether the client that waits for an answer is still there.

Nothing tells a WSGI application that its client has gone while it writes nothing, so the server's socket is asked.
Without a socket (a test client, another server) the client counts as present.
"""

import socket
from collections.abc import Mapping
from typing import Any

from adapter.event_loop.sockets import CLOSED, is_now, shut


class ClientGone(Exception):
    """The client has closed its connection; there is nobody to answer."""


class ClientWatch:
    """One client's connection, from the WSGI environment of its request."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._socket: socket.socket | None = environ.get("gunicorn.socket")

    def gone(self) -> bool:
        return self._socket is not None and is_now(self._socket, CLOSED)

    def check(self) -> None:
        """Raise ClientGone if the client has gone."""
        if self.gone():
            raise ClientGone

    def hold_head(self) -> None:
        """Have the head of the answer leave with the first piece of its body, which must not be empty."""
        if hold := getattr(self._socket, "hold", None):
            hold()

    def hang_up(self) -> None:
        """Cut the connection of a client that takes nothing any more; a blocked write then fails."""
        if self._socket is not None:
            shut(self._socket, socket.SHUT_RDWR)
