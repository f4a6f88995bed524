"""Whether the client that waits for an answer is still there.

Nothing tells a WSGI application that its client has gone while it writes nothing, so the server's socket is asked: a
closed (or half-closed) connection shows in `poll` without reading from it. Without a socket (a test client, another
server) the client counts as present.
"""

import select
import socket
from collections.abc import Mapping
from typing import Any, Final

from gevent import monkey

_poll: Final = monkey.get_original("select", "poll")
"""The system's own: gevent's would let other greenlets run."""
_GONE: Final = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR


class ClientWatch:
    """One client's connection, from the WSGI environment of its request."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._socket: socket.socket | None = environ.get("gunicorn.socket")

    def gone(self) -> bool:
        if self._socket is None:
            return False
        fileno = self._socket.fileno()
        if fileno < 0:
            return True
        poll = _poll()
        poll.register(fileno, _GONE)
        return bool(poll.poll(0))

    def hang_up(self) -> None:
        """Cut the connection of a client that takes nothing any more; a blocked write then fails."""
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
