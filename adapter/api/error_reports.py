"""Exceptions → the error for the client and the line for the log.

HTTP and WebSocket both answer with what `report_error` returns, so an exception means the same on either. Known errors
of other kinds (the store's, a disconnect) become protocol errors. Any other exception is a bug: it is logged with its
traceback, and the client gets a 500 without details.
"""

from typing import Any, Final, Literal, NamedTuple

from adapter.api.request.prompts import UnusablePrompt
from adapter.event_loop.client_watch import ClientDisconnected
from adapter.sharing.admission import LimitExceeded
from adapter.sharing.overload import Overloaded
from adapter.sharing.shares import NoRoom
from adapter.store.base import NotFound, StoreDown
from adapter.telemetry.catalog import LIMITED, OVERLOAD_REFUSED, REFUSED, member_label
from adapter.telemetry.logs import log
from translators.errors import INTERNAL_MESSAGE, ProtocolError, RequestError, UpstreamError

_CLIENT_CLOSED_REQUEST: Final = 499
"""nginx's status for a client that has disconnected; it appears in access logs only."""


class ErrorReport(NamedTuple):
    """An error for the client, and how it is logged."""

    error: ProtocolError
    level: Literal["info", "warning", "error"]
    event: str
    fields: dict[str, Any]

    def write_log(self, **where: str) -> None:
        """Log the error; `where` says at which request."""
        if isinstance(self.error, RequestError):
            REFUSED.add((self.error.code or "none", member_label(self.error.param)))
        getattr(log, self.level)(self.event, **where, **self.fields)


def report_error(error: Exception, resource: str = "Response") -> ErrorReport:
    """Return the report of an exception; `resource` is what a NotFound was looking for."""
    match error:
        case UnusablePrompt():
            return ErrorReport(error, "error", "prompt cannot be used", {"prompt": error.id, "reason": error.reason})
        case LimitExceeded():
            LIMITED.add((error.limit,))
            fields = {"status": error.status, "caller_key": error.caller_key, "limit": error.limit}
            return ErrorReport(error, "info", "limit reached", fields)
        case Overloaded():
            OVERLOAD_REFUSED.add((error.load,))
            return ErrorReport(error, "info", "no room", {"status": error.status, "reason": error.message})
        case NoRoom():
            return ErrorReport(error, "warning", "no room", {"status": error.status, "reason": error.message})
        case UpstreamError():
            fields = {"status": error.status, "code": error.code, "provider_status": error.provider_status or None}
            return ErrorReport(error, "warning", "upstream failed", fields)
        case ProtocolError():
            fields = {"status": error.status, "code": error.code, "param": error.param}
            return ErrorReport(error, "info", "request error", fields)
        case NotFound():
            return report_error(RequestError(f"{resource} with id '{error}' not found.", status=404))
        case StoreDown():
            down = UpstreamError("The store is not available. Please try again.", status=503, retry_after=1.0)
            return ErrorReport(down, "error", "store down", {"error": str(error)})
        case ClientDisconnected():
            gone = RequestError("The client has disconnected.", status=_CLIENT_CLOSED_REQUEST)
            return ErrorReport(gone, "info", "client disconnected", {})
        case RecursionError():
            # JSON that a decoder still accepts can be too deep for an encoder; nothing else here is recursive.
            return report_error(RequestError("The request is nested too deeply.", code="invalid_value"))
        case _:
            internal = ProtocolError(INTERNAL_MESSAGE, status=500, type="server_error", code="server_error")
            return ErrorReport(internal, "error", "unhandled exception", {"exc_info": error})
