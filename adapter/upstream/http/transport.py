"""A requests adapter without the work that a chat call does not need.

A requests `Session` merges cookies, redirects and hooks into every request; the adapter below it does the rest:
connection pools, TLS, proxies, errors. So the adapter is called directly, with a request that is prepared once
(`Request`). Some of its steps are done once per URL instead of once per request (pool, certificates, request line
behind a proxy). On an idle connection a request is one write (`begin`), without the adapter. Only what may have to
wait, a new connection or the rest of a long body, needs a greenlet (`finish`). The head of the answer is awaited here,
too, because the standard library below urllib3 costs more than the whole translation.
Source: docs/decisions/0001-read-the-socket.md.

A chat request costs money and is not idempotent, so it is never written again after a provider may have it: an idle
connection is checked before it is reused. Repeated on a new connection are only a write that fails on it, and a request
that the provider has answered with the end of its wait for one (`Call`).
"""

import ssl
from collections.abc import Mapping
from queue import Empty
from typing import Any, Final, cast
from urllib.parse import urlsplit

import requests
from msgspec import Struct
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidHeader
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from adapter.event_loop.arrivals import Arrivals
from adapter.event_loop.heartbeat import Heartbeat
from adapter.event_loop.sockets import READABLE, poll_of, without_waits
from adapter.upstream.http.head import Fields, Head, HeadReader

_LENGTH: Final = "Content-Length"
_WOULD_WAIT: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Request:
    """A request but for its body: prepared and formatted once, sent with one body after the other."""

    __slots__ = ("_head", "prepared")

    def __init__(self, prepared: requests.PreparedRequest) -> None:
        self.prepared = prepared
        """Its headers are a plain dict, without the length of a body. Never changed."""
        self._head = b""
        """Its lines, from the first time that they are formatted."""

    def with_headers(self, headers: Mapping[str, str], url: str | None = None) -> "Request":
        """Return the request with more headers, and to another URL."""
        prepared = self.prepared
        return Request(_copy(prepared, url=url or prepared.url, headers={**prepared.headers, **headers}))

    def with_body(self, body: bytes | None) -> requests.PreparedRequest:
        """Return the request as requests' adapter takes it."""
        if body is None:
            return self.prepared
        return _copy(self.prepared, body=body, headers={**self.prepared.headers, _LENGTH: str(len(body))})

    def format(self, route: "Route", body: bytes | None) -> bytes:
        """Return the bytes of the request by the route of its URL; raise InvalidHeader."""
        head = self._head
        if not head:
            headers = {**self.prepared.headers, **route.headers}
            head = self._head = format_head(self.prepared.method, route.target, headers)
        return b"%b\r\n" % head if body is None else b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)


class Route(Struct, frozen=True):
    """How the requests to one URL are sent."""

    pool: Any
    """urllib3's pool of connections."""
    target: str
    """What the request line names: the whole URL behind a proxy that forwards requests."""
    headers: Mapping[str, str]
    """The headers for such a proxy, which urllib3 adds itself on a new connection."""


class SentRequest:
    """A request that has been written, and the connection on which its answer comes.

    `release` or `close` must be called; only the first call has an effect, since from then on the connection may be
    another request's. The members without a use here are those that urllib3's pool sets and logs.
    """

    reuses_connection = False
    """Whether its connection has had other requests."""
    status = 0
    headers = Fields()
    length_remaining = None
    version_string = "HTTP/1.1"
    retries: Any = None
    _connection: Any = None
    _pool: Any = None

    def __init__(self, connection: "DirectIO", unwritten: bytes | memoryview = b"") -> None:
        self.unwritten = unwritten
        """The rest of the request, which did not fit; `Transport.finish` writes it."""
        self.arrivals = connection.arrivals
        self._own_connection: DirectIO | None = connection
        """None: it has been released, or closed."""
        self._head = HeadReader()

    def return_to(self, pool: Any) -> None:
        """Let `release` append the connection to the idle ones of a pool, as urllib3's have them: its `pool`."""
        self._pool = pool

    def write_rest(self) -> None:
        """Write the rest, waiting until the provider has read enough; raise OSError."""
        assert self._own_connection is not None
        self._own_connection.write_all(self.unwritten)
        self.unwritten = b""

    def await_head(self) -> Head | None:
        """Return the head of the answer, None at a tick of the heartbeat; raise OSError or HTTPException."""
        while (data := self.arrivals.receive()) is not None:
            if head := self._head.feed(data):
                return head
        return None

    def release(self) -> None:
        """Release the connection for the next request; the answer has been read."""
        connection, self._own_connection = self._own_connection, None
        if connection is not None:
            idle = self._pool.pool
            if idle is None:  # the pool has been closed
                connection.close()
            else:
                idle.append(connection)

    def close(self) -> None:
        """Cut the connection."""
        connection, self._own_connection = self._own_connection, None
        if connection is not None:
            connection.close()


class DirectIO:
    """Mixin for both kinds of connection: writes a request, and has one `Arrivals` for all of its answers."""

    sock: Any
    timeout: Any
    arrivals: Any = None
    """What arrives on the connection; None until its first request has been sent."""
    idle_check: Any
    """The system's `poll` of the socket: making one costs more than the check."""
    _send: Any

    def begin(self, data: bytes) -> SentRequest:
        """Write a request as far as it fits at once; raise OSError."""
        size = 0
        try:
            size = self._send(data)
            while size < len(data):
                size += self._send(memoryview(data)[size:])
        except _WOULD_WAIT:
            pass
        # an empty view would keep the request in memory until its answer ends
        return SentRequest(self, memoryview(data)[size:] if size < len(data) else b"")

    def write_all(self, data: bytes | memoryview) -> None:
        self.sock.settimeout(self.timeout)
        try:
            self.sock.sendall(data)
        finally:
            self.sock.settimeout(0.0)

    def request(self, method: str, url: str, *, body: bytes | None, headers: dict[str, str], **_: Any) -> None:
        if self.sock is None:  # a tunnel through a proxy is open already
            self.connect()
        self.sock.sendall(format_head(method, url, headers) + b"\r\n" + (body or b""))

    def getresponse(self) -> SentRequest:
        self.make_ready()
        return SentRequest(self)

    def make_ready(self) -> None:
        """Make the open connection ready for `begin`, for this request and those that follow."""
        self.sock.settimeout(0.0)
        self.arrivals = Arrivals(self.sock)
        self.idle_check = poll_of(self.sock, READABLE)
        self._send = without_waits(self.sock).send

    def connect(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        if self.arrivals is not None:
            self.arrivals.close()
            self.arrivals = None
        super().close()  # type: ignore[misc]


class PlainConnection(DirectIO, HTTPConnection):  # type: ignore[misc]
    connect = HTTPConnection.connect


class TLSConnection(DirectIO, HTTPSConnection):  # type: ignore[misc]
    connect = HTTPSConnection.connect


class _IdleConnections(list[Any]):
    """The queue of idle connections that urllib3's pool needs: it has no limit, and the last used is reused first.

    The standard library's queue takes locks, which cost more here than checking whether a connection is still open.
    """

    def __init__(self, maxsize: int) -> None:
        super().__init__()

    def put(self, connection: Any, block: bool = False) -> None:
        if connection is not None:  # the pool marks the room for a new connection
            self.append(connection)

    def get(self, block: bool = False, timeout: float | None = None) -> Any:
        if not self:
            raise Empty
        return self.pop()

    def qsize(self) -> int:
        return len(self)


class OnlyNew:
    """Mixin for both kinds of pool: gives urllib3 new connections only, since `begin` uses the idle ones."""

    QueueCls = _IdleConnections

    def _get_conn(self, timeout: float | None = None) -> Any:
        return self._new_conn()  # type: ignore[attr-defined]


class _Pool(OnlyNew, HTTPConnectionPool):  # type: ignore[misc]
    ConnectionCls = PlainConnection  # type: ignore[assignment]


class _TLSPool(OnlyNew, HTTPSConnectionPool):  # type: ignore[misc]
    ConnectionCls = TLSConnection  # type: ignore[assignment]


_POOLS: Final[dict[str, Any]] = {"http": _Pool, "https": _TLSPool}


class Transport(HTTPAdapter):
    """Sends prepared requests to a few URLs: `begin`, and then `finish` unless the request is written already.

    The options for TLS and proxies must be the same each time.
    """

    def __init__(self, heartbeat: Heartbeat) -> None:
        self._heartbeat = heartbeat
        self._routes: dict[str | None, Route] = {}
        """By URL."""
        super().__init__(pool_connections=4, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Return the pools of a forward proxy, of the same classes: requests makes a manager of its own for each."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        if proxy.lower().startswith("socks"):
            from adapter.upstream.http.socks import POOLS  # imported late: it needs an optional package

            manager.pool_classes_by_scheme = POOLS
        return manager

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """Return the pool for a request's URL."""
        if request.url not in self._routes:
            pool: Any = super().get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
            super().cert_verify(pool, request.url, verify, cert)  # type: ignore[no-untyped-call]
            target = super().request_url(request, proxies)
            is_forwarded = target != request.path_url
            self._routes[request.url] = Route(pool, target, pool.proxy_headers if is_forwarded else {})
        return self._routes[request.url].pool

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Do nothing: it was done when the pool was chosen."""

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        return self._routes[request.url].target

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> Any:
        return resp

    def begin(self, request: Request, body: bytes | None) -> SentRequest | None:
        """Write a request on an idle connection, as far as it fits at once; None if there is no such connection.

        An idle connection on which something has arrived, its end perhaps, is closed. Raises InvalidHeader.
        """
        route = self._routes.get(request.prepared.url)
        while route is not None and route.pool.pool:
            connection = route.pool.pool.pop()
            if not connection.idle_check.poll(0):
                try:
                    sent: SentRequest = connection.begin(request.format(route, body))
                except OSError:
                    pass  # it was dead: the provider cannot have the whole request
                else:
                    sent.return_to(route.pool)
                    sent.reuses_connection = True
                    return sent
            connection.close()
        return None

    def finish(self, request: Request, body: bytes | None, begun: SentRequest | None, **options: Any) -> SentRequest:
        """Write the rest of a request, or all of it on a new connection; raises requests' exceptions."""
        if begun is not None:
            try:
                begun.write_rest()
            except OSError:
                begun.close()  # as in `begin`
            else:
                return begun
        sent: SentRequest = cast(Any, self.send(request.with_body(body), stream=True, **options))
        sent.arrivals.watch(self._heartbeat)
        return sent


def format_head(method: str | None, target: str, headers: Mapping[str, str]) -> bytes:
    """Return the lines of a request, without the empty one at the end; raise InvalidHeader."""
    lines = [f"{method} {target} HTTP/1.1", *[f"{name}: {value}" for name, value in headers.items()], ""]
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1:
        raise InvalidHeader("a header holds a line end")
    return head.encode("latin-1")


def prepare_request(session: requests.Session, method: str, url: str, headers: dict[str, str]) -> Request:
    """Return a request as the session prepares it."""
    prepared = session.prepare_request(requests.Request(method, url, headers=headers))
    named = {"Host": _host(prepared.url or ""), **prepared.headers}
    named.pop(_LENGTH, None)  # of no body
    return Request(_copy(prepared, headers=named))


def _host(url: str) -> str:
    """Return the host of a URL, with the port unless it is the scheme's default."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return host.removesuffix({"http": ":80", "https": ":443"}[parts.scheme])


def _copy(prepared: requests.PreparedRequest, **changes: Any) -> requests.PreparedRequest:
    """Return a copy with these members; requests' own copy copies cookies and hooks too."""
    copy = object.__new__(requests.PreparedRequest)
    copy.__dict__.update(prepared.__dict__, **changes)  # any mapping will do for the headers
    return copy
