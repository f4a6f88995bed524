"""requests' way to the network, without what a chat call has no use for.

A `Session` merges cookies, redirects and hooks into every request; its adapter below it does the rest: connection
pools, TLS, proxies, errors. So the adapter is called directly, with a request prepared once and copied. Two of its
steps are replaced, because each costs more than translating a chunk: wrapping the answer for a caller who wants text
and cookies, and asking through gevent whether a pooled connection is still open.
"""

from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import HTTPResponse

from adapter.sockets import READABLE, is_now


class _Connection(HTTPConnection):
    @property
    def is_connected(self) -> bool:
        return self.sock is not None and not is_now(self.sock, READABLE)


class _TLSConnection(HTTPSConnection):
    @property
    def is_connected(self) -> bool:
        return self.sock is not None and not is_now(self.sock, READABLE)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class Transport(HTTPAdapter):
    """Sends prepared requests; what comes back is urllib3's response, its head read and its body not."""

    def __init__(self, most_idle_connections: int) -> None:
        super().__init__(pool_connections=4, pool_maxsize=most_idle_connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> Any:
        return resp

    def post(self, request: requests.PreparedRequest, **options: Any) -> HTTPResponse:
        """Send a prepared request; raises requests' exceptions."""
        answer: Any = self.send(request, stream=True, **options)
        response: HTTPResponse = answer
        return response


def copied(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Return a copy whose headers and body can be set; cheaper than requests' own, which copies cookies and hooks."""
    copy = requests.PreparedRequest()
    copy.method = request.method
    copy.url = request.url
    copy.headers = request.headers.copy()
    copy.body = request.body
    return copy
