"""Use a socket without waiting: check its state, and shut it down while another greenlet uses it.

The system's own `poll` is used: gevent's would create a watcher for every check, and let other greenlets run.
"""

import os
import select
import socket
from typing import Any, Final

import gevent.socket
from gevent import monkey

_poll: Final = monkey.get_original("select", "poll")
READABLE: Final = select.POLLIN | select.POLLHUP | select.POLLERR
BROKEN: Final = select.POLLHUP | select.POLLERR
CLOSED: Final = getattr(select, "POLLRDHUP", 0) | BROKEN
"""The peer has closed its end, or the connection is broken. POLLRDHUP exists on Linux only."""


def is_now(sock: socket.socket, condition: int) -> bool:
    """Return whether a condition holds now; a socket closed on this side is both readable and closed."""
    return sock.fileno() < 0 or bool(poll_of(sock, condition).poll(0))


def poll_of(sock: socket.socket, condition: int) -> Any:
    """Return the system's `poll` of a socket for a condition, to ask more than once."""
    poll = _poll()
    poll.register(sock.fileno(), condition)
    return poll


def without_waits(sock: socket.socket) -> Any:
    """Return the system's socket below gevent's, which only adds waits; one over TLS itself, which decrypts."""
    return sock._sock if type(sock) is gevent.socket.socket else sock  # type: ignore[attr-defined]


def shut(sock: socket.socket, how: int) -> None:
    """Shut a connection down (SHUT_RD, SHUT_RDWR) while another greenlet reads or writes it.

    The other greenlet sees the same as if the peer had closed the connection. gevent's own `shutdown` would raise an
    exception in it, which a server takes for its own fault; so a second socket object on the same descriptor is shut.
    """
    try:
        with socket.socket(fileno=os.dup(sock.fileno())) as twin:
            twin.shutdown(how)
    except OSError:
        pass  # already closed
