"""requests' way to the network, without what a chat call has no use for.

A `Session` merges cookies, redirects and hooks into every request; its adapter below it does the rest: connection
pools, TLS, proxies, errors. So the adapter is called directly, with a request prepared once and copied. Some of its
steps are done once for each URL instead of for each request (which pool, which certificates, which name behind a
proxy). On an open connection, request and head are written and read here: one write, and usually one read. The ways of
the standard library below urllib3 cost more than all the translating.
"""

import socket
from queue import Empty, Full
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidHeader
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from adapter.event_loop.sockets import READABLE, is_now
from adapter.upstream.http.head import Fields, Head, read_head


class Answer:
    """An answer whose head has been read, and the connection on which its body comes.

    `release` or `close` must be called. The members that nothing here uses are what urllib3's pool sets and logs.
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
        """Bytes behind the head that have been read with it."""
        self.sock: socket.socket = connection.sock
        self._keeps = head.keeps_connection
        self._at = connection

    def release(self) -> None:
        """Let the connection serve again, if it may; the body has been read."""
        if not self._keeps:
            self._at.close()
        self._pool._put_conn(self._at)

    def close(self) -> None:
        """Break the connection off."""
        self._at.close()
        self._pool._put_conn(self._at)


class _Exchange:
    """How both kinds of connection write a request and read the head of its answer."""

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
        if self.sock is None:
            self.connect()
        self.sock.sendall(head.encode("latin-1") + (body or b""))

    def connect(self) -> None:
        raise NotImplementedError

    def getresponse(self) -> Answer:
        self.sock.settimeout(self.timeout)
        return Answer(read_head(self.sock), self)


class _Connection(_Exchange, HTTPConnection):  # type: ignore[misc]
    connect = HTTPConnection.connect


class _TLSConnection(_Exchange, HTTPSConnection):  # type: ignore[misc]
    connect = HTTPSConnection.connect


class _Idle(list[Any]):
    """The idle connections of a pool, as urllib3 asks for them; it never waits, and the last used is the next.

    The standard library's queue takes locks for that, which cost more here than looking whether one is still open.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def put(self, connection: Any, block: bool = False) -> None:
        if connection is None:
            return  # the place of a connection that is to be made
        if len(self) >= self._most:
            raise Full
        self.append(connection)

    def get(self, block: bool = False, timeout: float | None = None) -> Any:
        if not self:
            raise Empty
        return self.pop()

    def qsize(self) -> int:
        return len(self)


class _Pool(HTTPConnectionPool):
    QueueCls = _Idle  # type: ignore[assignment]
    ConnectionCls = _Connection  # type: ignore[assignment]


class _TLSPool(HTTPSConnectionPool):
    QueueCls = _Idle  # type: ignore[assignment]
    ConnectionCls = _TLSConnection  # type: ignore[assignment]


class Transport(HTTPAdapter):
    """Sends prepared requests to a few URLs; what comes back is an `Answer`, its head read and its body not.

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

    def post(self, request: requests.PreparedRequest, **options: Any) -> Answer:
        """Send a prepared request; raises requests' exceptions."""
        sent: Any = self.send(request, stream=True, **options)
        answer: Answer = sent
        return answer


def prepared(session: requests.Session, method: str, url: str, headers: dict[str, str]) -> requests.PreparedRequest:
    """Return a request as the session prepares it, its headers in a plain dict, which is quick to copy."""
    request = session.prepare_request(requests.Request(method, url, headers=headers))
    return copied(request, {"Host": _host(request.url or ""), **request.headers})


def _host(url: str) -> str:
    """Return the name and, where it is not the scheme's own, the port of a URL."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return host.removesuffix({"http": ":80", "https": ":443"}[parts.scheme])


def copied(request: requests.PreparedRequest, headers: dict[str, str]) -> requests.PreparedRequest:
    """Return a request to the same URL with these headers; requests' own copy copies cookies and hooks too."""
    copy = requests.PreparedRequest()
    copy.method = request.method
    copy.url = request.url
    copy.headers = headers  # type: ignore[assignment]  # any mapping will do for the adapter
    copy.body = request.body
    return copy
