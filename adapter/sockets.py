"""Looking at a socket without reading from it and without waiting.

The system's own `poll` is used: gevent's would make a watcher for every look, and let other greenlets run.
"""

import select
import socket
from typing import Final

from gevent import monkey

_poll: Final = monkey.get_original("select", "poll")
READABLE: Final = select.POLLIN | select.POLLHUP | select.POLLERR
CLOSED: Final = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR
"""The other side has closed its end, or the connection is broken."""


def is_now(sock: socket.socket, condition: int) -> bool:
    """Tell whether a condition holds for a socket; a socket closed on this side is both readable and closed."""
    fileno = sock.fileno()
    if fileno < 0:
        return True
    poll = _poll()
    poll.register(fileno, condition)
    return bool(poll.poll(0))
