"""The deadline of a read from a request's body.

A client that sends too slowly, or breaks the framing, gets an error of ours, whatever the server raises for it.
"""

from collections.abc import Callable

import gevent

from translators.errors import ProtocolError, RequestError


class _TooSlow(BaseException):
    """A body did not arrive in time. Raised where it is read, by a timer, so no handler there may take it."""


def read_in_time(read: Callable[[], bytes], seconds: float, too_slow: str) -> bytes:
    """Return what `read` returns; raise RequestError for broken framing, and after `seconds` (408, `too_slow`)."""
    try:
        with gevent.Timeout(seconds, _TooSlow):  # an error that is made before keeps its traceback, and so the request
            return read()
    except _TooSlow:
        raise RequestError(too_slow, status=408) from None
    except ProtocolError:
        raise
    except Exception as error:  # of any type, depending on the server: the client has broken the framing
        raise RequestError(f"The request body could not be read: {type(error).__name__}.") from None
