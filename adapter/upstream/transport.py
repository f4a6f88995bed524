"""requests' way to the network, without what a chat call has no use for.

A `Session` merges cookies, redirects and hooks into every request; its adapter below it does the rest: connection
pools, TLS, proxies, errors. So the adapter is called directly, with a request prepared once and copied. Some of its
steps are done once for each URL instead of for each request (which pool, which certificates, which name behind a
proxy), and two are replaced, because each costs more than translating a chunk: wrapping the answer for a caller who
wants text and cookies, and asking through gevent whether a pooled connection is still open.
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
    """Sends prepared requests to a few URLs; what comes back is urllib3's response, its head read and its body not.

    The options for TLS and proxies must be the same each time.
    """

    def __init__(self, most_idle_connections: int) -> None:
        # The pool for a URL, and what the URL is called there.
        self._ways: dict[str | None, tuple[Any, str]] = {}
        super().__init__(pool_connections=4, pool_maxsize=most_idle_connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """Return the pool for a request's URL."""
        if request.url not in self._ways:
            pool = super().get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
            super().cert_verify(pool, request.url, verify, cert)  # type: ignore[no-untyped-call]
            self._ways[request.url] = (pool, super().request_url(request, proxies))
        return self._ways[request.url][0]

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Do nothing: it was done when the pool was made."""

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        return self._ways[request.url][1]

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> Any:
        return resp

    def post(self, request: requests.PreparedRequest, **options: Any) -> HTTPResponse:
        """Send a prepared request; raises requests' exceptions."""
        answer: Any = self.send(request, stream=True, **options)
        response: HTTPResponse = answer
        return response


def prepared(session: requests.Session, method: str, url: str, headers: dict[str, str]) -> requests.PreparedRequest:
    """Return a request as the session prepares it, its headers in a plain dict, which is quick to copy."""
    request = session.prepare_request(requests.Request(method, url, headers=headers))
    return copied(request, dict(request.headers))


def copied(request: requests.PreparedRequest, headers: dict[str, str]) -> requests.PreparedRequest:
    """Return a request to the same URL with these headers; requests' own copy copies cookies and hooks too."""
    copy = requests.PreparedRequest()
    copy.method = request.method
    copy.url = request.url
    copy.headers = headers  # type: ignore[assignment]  # any mapping will do for the adapter
    copy.body = request.body
    return copy
