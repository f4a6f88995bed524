"""A requests adapter without the work that a chat call does not need.

A requests `Session` merges cookies, redirects and hooks into every request; the adapter below it does the rest:
connection pools, TLS, proxies, errors. So the adapter is called directly, with a request that is prepared once and
copied. Some of its steps are done once per URL instead of once per request (pool, certificates, request line behind a
proxy). On an open connection the request is written and the head read here: one write, and usually one read. The
standard library below urllib3 costs more than the whole translation. Source: docs/decisions/0001-read-the-socket.md.

A chat request costs money and is not idempotent, so it is never written again after a provider may have it: an idle
connection is checked before it is reused, and only a write that fails on it is repeated, on a new connection.
"""

import socket
from queue import Empty, Full
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidHeader
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from adapter.event_loop.sockets import READABLE, is_now
from adapter.upstream.http.head import Fields, Head, read_head


class AnswerHead:
    """The head of an answer, and the connection on which its body comes.

    `release` or `close` must be called. The members not used here are those that urllib3's pool sets and logs.
    """

    length_remaining = None
    version_string = "HTTP/1.1"
    retries: Any = None
    _connection: Any = None
    _pool: Any = None

    def __init__(self, head: Head, connection: Any) -> None:
        self.status = head.status
        self.headers: Fields = head.fields
        self.rest = head.rest
        """Bytes of the body that have been read with the head."""
        self.sock: socket.socket = connection.sock
        self._reusable = head.keeps_connection
        self._own_connection = connection

    def release(self) -> None:
        """Release the connection for reuse, if it may be reused; the body has been read."""
        if not self._reusable:
            self._own_connection.close()
        self._pool._put_conn(self._own_connection)

    def close(self) -> None:
        """Cut the connection."""
        self._own_connection.close()
        self._pool._put_conn(self._own_connection)


class _DirectIO:
    """Mixin for both kinds of connection: writes a request, and reads the head of its answer."""

    sock: Any
    timeout: Any

    @property
    def is_connected(self) -> bool:
        return self.sock is not None and not is_now(self.sock, READABLE)

    def request(self, method: str, url: str, *, body: bytes | None, headers: dict[str, str], **_: Any) -> None:
        lines = [f"{method} {url} HTTP/1.1", *[f"{name}: {value}" for name, value in headers.items()], "", ""]
        head = "\r\n".join(lines)
        if head.count("\n") != len(lines) - 1:
            raise InvalidHeader("a header holds a line end")
        data = head.encode("latin-1") + (body or b"")
        if self.sock is not None:
            try:
                self.sock.sendall(data)
                return
            except OSError:  # the idle connection was dead: the provider cannot have the whole request
                self.close()
        self.connect()
        self.sock.sendall(data)

    def connect(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def getresponse(self) -> AnswerHead:
        self.sock.settimeout(self.timeout)
        return AnswerHead(read_head(self.sock), self)


class _Connection(_DirectIO, HTTPConnection):  # type: ignore[misc]
    connect = HTTPConnection.connect
    close = HTTPConnection.close


class _TLSConnection(_DirectIO, HTTPSConnection):  # type: ignore[misc]
    connect = HTTPSConnection.connect
    close = HTTPSConnection.close


class _IdleConnections(list[Any]):
    """The queue of idle connections that urllib3's pool needs: it never waits, and the last used is reused first.

    The standard library's queue takes locks, which cost more here than checking whether a connection is still open.
    """

    def __init__(self, maxsize: int) -> None:
        super().__init__()
        self._maxsize = maxsize

    def put(self, connection: Any, block: bool = False) -> None:
        if connection is None:
            return  # the pool marks the room for a new connection
        if len(self) >= self._maxsize:
            raise Full
        self.append(connection)

    def get(self, block: bool = False, timeout: float | None = None) -> Any:
        if not self:
            raise Empty
        return self.pop()

    def qsize(self) -> int:
        return len(self)


class _Pool(HTTPConnectionPool):
    QueueCls = _IdleConnections  # type: ignore[assignment]
    ConnectionCls = _Connection  # type: ignore[assignment]


class _TLSPool(HTTPSConnectionPool):
    QueueCls = _IdleConnections  # type: ignore[assignment]
    ConnectionCls = _TLSConnection  # type: ignore[assignment]


_POOLS: Final[dict[str, Any]] = {"http": _Pool, "https": _TLSPool}


class Transport(HTTPAdapter):
    """Sends prepared requests to a few URLs, and returns the heads of the answers.

    The options for TLS and proxies must be the same each time.
    """

    def __init__(self, max_idle_connections: int) -> None:
        self._routes: dict[str | None, tuple[Any, str]] = {}
        """By URL: the pool, and the target of the request line."""
        super().__init__(pool_connections=4, pool_maxsize=max_idle_connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Return the pools of a forward proxy, of the same classes: requests makes a manager of its own for each."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """Return the pool for a request's URL."""
        if request.url not in self._routes:
            pool = super().get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
            super().cert_verify(pool, request.url, verify, cert)  # type: ignore[no-untyped-call]
            self._routes[request.url] = (pool, super().request_url(request, proxies))
        return self._routes[request.url][0]

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Do nothing: it was done when the pool was chosen."""

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        return self._routes[request.url][1]

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> Any:
        return resp

    def post(self, request: requests.PreparedRequest, **options: Any) -> AnswerHead:
        """Send a prepared request; raises requests' exceptions."""
        sent: Any = self.send(request, stream=True, **options)
        head: AnswerHead = sent
        return head


def prepare_request(
    session: requests.Session, method: str, url: str, headers: dict[str, str]
) -> requests.PreparedRequest:
    """Return a request as the session prepares it, its headers in a plain dict, which is quick to copy."""
    request = session.prepare_request(requests.Request(method, url, headers=headers))
    return copy_request(request, {"Host": _host(request.url or ""), **request.headers})


def _host(url: str) -> str:
    """Return the host of a URL, with the port unless it is the scheme's default."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return host.removesuffix({"http": ":80", "https": ":443"}[parts.scheme])


def copy_request(request: requests.PreparedRequest, headers: dict[str, str]) -> requests.PreparedRequest:
    """Return a request to the same URL with these headers; requests' own copy copies cookies and hooks too."""
    copy = requests.PreparedRequest()
    copy.method = request.method
    copy.url = request.url
    copy.headers = headers  # type: ignore[assignment]  # any mapping will do for the adapter
    copy.body = request.body
    return copy
