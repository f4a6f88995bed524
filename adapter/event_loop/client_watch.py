"""Whether the client that waits for an answer is still connected.

A WSGI application learns of a disconnect only when it writes. While it has nothing to write, it must look at the
server's socket itself. Without a socket (a test client, another server) the client counts as connected.
"""

import socket
from typing import ClassVar, Literal

from msgspec import Struct

from adapter.event_loop.sockets import BROKEN, CLOSED, is_now, shut


class ClientDisconnected(Exception):
    """The client has closed its connection, so the answer is not needed any more."""


class ClientWatch(Struct, eq=False):
    """One client's connection: the server's socket, in the WSGI environment of its request."""

    transport: ClassVar[Literal["http", "websocket", "background"]] = "http"

    _socket: socket.socket | None = None

    def disconnected(self) -> bool:
        """Whether the client has closed its end. The system cannot say if the server has closed it for reading."""
        if self._socket is None:
            return False
        return is_now(self._socket, BROKEN if getattr(self._socket, "takes_no_more", False) else CLOSED)

    def check(self) -> None:
        """Raise ClientDisconnected if the client has disconnected."""
        if self.disconnected():
            raise ClientDisconnected

    def delay_headers(self) -> None:
        """Send the answer's headers together with the first part of its body, which must not be empty."""
        if cork := getattr(self._socket, "cork", None):
            cork()

    def abort(self) -> None:
        """Cut the connection of a client that no longer reads; a blocked write then fails."""
        if self._socket is not None:
            shut(self._socket, socket.SHUT_RDWR)
