"""Looking at a socket without reading from it and without waiting, and ending it under someone else.

The system's own `poll` is used: gevent's would make a watcher for every look, and let other greenlets run.
"""

import os
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


def shut(sock: socket.socket, how: int) -> None:
    """Shut a connection down (SHUT_RD, SHUT_RDWR) while another greenlet reads or writes it.

    That greenlet sees what it would see if the other side had done it. gevent's own `shutdown` raises in it instead,
    which a server takes for a fault of its own; so this one goes through a second socket object.
    """
    try:
        with socket.socket(fileno=os.dup(sock.fileno())) as twin:
            twin.shutdown(how)
    except OSError:
        pass  # it is closed already
