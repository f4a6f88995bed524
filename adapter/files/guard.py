"""The outbound guard: fetch a caller's URL without giving the caller a way into the operator's network.

Only hosts that the operator allows (`file_url_hosts`) are contacted. A host allowed by a pattern must have public
addresses only; one allowed by its own name may be anywhere. A name is resolved once, and the connection goes to a
checked address, so that a name server cannot answer the check and the connection differently (DNS rebinding); Host, SNI
and certificate remain those of the name. Each redirect is checked like the first URL. No cookie, credential or proxy is
used, and size and time are limited. The error for a host without an address is the same as for one with a private
address, since the difference would map the network.
"""

import ipaddress
import os
import socket
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple
from urllib.parse import urljoin

import gevent
import structlog
from gevent.lock import BoundedSemaphore
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Url, parse_url

log = structlog.get_logger()

_MAX_CONCURRENT: Final = 8
"""Files that a worker fetches at a time: gevent has ten threads for name look-ups, and calls of providers need some."""
_MAX_REDIRECTS: Final = 3
_MAX_ADDRESSES: Final = 4
"""Addresses of a host that are tried: enough for both IP versions, and no long wait for a host that is down."""
_CONNECT_SECONDS: Final = 5.0
"""For each address."""
_READ_BYTES: Final = 64 * 1024
_MAX_URL_CHARS: Final = 8192
"""What common web servers accept at most."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_HEADERS: Final = {"User-Agent": "responses-adapter", "Accept": "*/*", "Accept-Encoding": "identity"}

_UNICAST: Final = ipaddress.ip_network("2000::/3")
_NOT_PUBLIC: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            "168.63.129.16/32",  # Azure's WireServer, which every machine there reaches
            "192.0.0.0/24",  # protocol assignments; Oracle's metadata service
            "192.88.99.0/24",  # 6to4 relays
            "2001::/23",  # protocol assignments; Teredo
            "2002::/16",  # 6to4: an IPv4 address inside
            "3fff::/20",  # documentation
        ),
    )
)
"""Networks that are not public, although `ipaddress` of some Python version calls them global."""


class HostNotAllowed(Exception):
    """The operator has not allowed the host of a URL."""


class FetchFailed(Exception):
    """A URL could not be fetched. The message says why, as the end of a sentence about its file."""


class Fetched(NamedTuple):
    data: bytes
    type: str
    """The Content-Type as sent."""


def is_public(address: str) -> bool:
    """Return whether an IP address is that of one host on the internet, reached directly.

    IPv6 addresses that contain an IPv4 address (mapped, NAT64, 6to4, Teredo) are not.
    """
    ip = ipaddress.ip_address(address)
    if not ip.is_global or ip.is_multicast or any(ip in network for network in _NOT_PUBLIC):
        return False
    return ip.version == 4 or ip in _UNICAST


class Guard:
    """Fetches from the hosts that these patterns allow: `files.example.com`, `*.example.com`, `*`.

    A pattern without a port allows the usual ones, 80 for http and 443 for https.
    """

    def __init__(self, hosts: Iterable[str]) -> None:
        self._slots = BoundedSemaphore(_MAX_CONCURRENT)
        self._names: set[tuple[str, int | None]] = set()
        self._domains: set[tuple[str, int | None]] = set()
        for pattern in hosts:
            of = parse_url(f"//{pattern}")
            host = of.host or ""
            (self._domains if host.startswith("*") else self._names).add((host.removeprefix("*"), of.port))

    def fetch(self, url: str, *, max_bytes: int, seconds: float) -> Fetched:
        """Return the content of a URL, of at most `max_bytes`; raise HostNotAllowed or FetchFailed."""
        with gevent.Timeout(seconds, FetchFailed("it did not arrive in time")), self._slots:
            try:
                return self._follow(url, max_bytes, seconds)
            except HTTPError:
                raise FetchFailed("the connection to its server failed") from None

    def _follow(self, url: str, max_bytes: int, seconds: float) -> Fetched:
        target = _parse(url)
        for _ in range(_MAX_REDIRECTS + 1):
            answer = _request(target, self._addresses(target), seconds)
            try:
                onward = answer.headers.get("location") if 300 <= answer.status < 400 else None
                if onward is None:
                    data = _read_body(answer, max_bytes)
                    log.info("file fetched", host=target.host, bytes=len(data))
                    return Fetched(data, answer.headers.get("content-type", ""))
            finally:
                answer.close()
            target = _parse(onward, target.url)
        raise FetchFailed(f"its server redirects more than {_MAX_REDIRECTS} times")

    def _addresses(self, url: Url) -> list[str]:
        """Return the addresses of a URL's host that may be connected to."""
        host = (url.host or "").strip("[]")
        usual = _DEFAULT_PORTS[url.scheme or ""]
        port = url.port or usual
        ports = (port, None) if port == usual else (port,)
        name = (url.host or "").rstrip(".")
        named = any((name, port) in self._names for port in ports)
        if not named and not any((domain, port) in self._domains for domain in _domains(name) for port in ports):
            raise HostNotAllowed
        try:
            host.encode("idna")  # the look-up does the same, in a thread whose exceptions gevent prints
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found = []
        addresses = list(dict.fromkeys(str(where[0]) for *_, where in found))
        if not addresses or not (named or all(map(is_public, addresses))):
            raise FetchFailed("its host has no public address")
        return addresses[:_MAX_ADDRESSES]


def _domains(name: str) -> Iterator[str]:
    """Yield the suffixes that a pattern matching a name may have after its `*`."""
    yield ""
    for at, letter in enumerate(name):
        if letter == ".":
            yield name[at:]


def _parse(url: str, base: str = "") -> Url:
    try:
        parsed = parse_url(urljoin(base, url[: _MAX_URL_CHARS + 1]))
    except ValueError:
        raise FetchFailed("its URL is not valid") from None
    if parsed.scheme not in _DEFAULT_PORTS or not parsed.host:
        raise FetchFailed("its URL is not an http or https URL")
    if len(url) > _MAX_URL_CHARS:
        raise FetchFailed(f"its URL is longer than {_MAX_URL_CHARS} characters")
    if parsed.auth is not None:
        raise FetchFailed("its URL holds a user name or password, which are not sent anywhere")
    return parsed


def _request(url: Url, addresses: Iterable[str], seconds: float) -> BaseHTTPResponse:
    """Return the answer of the first address that can be reached; its body is not read yet."""
    for address in addresses:
        pool = _connect_to(url, address)
        try:
            return pool.urlopen(
                "GET", url.request_uri, headers={**_HEADERS, "Host": url.netloc or ""},
                retries=False, redirect=False, preload_content=False,
                timeout=Timeout(connect=min(_CONNECT_SECONDS, seconds), read=seconds),
            )  # fmt: skip
        except (NewConnectionError, ConnectTimeoutError):
            pass
        finally:
            pool.close()
    raise FetchFailed("its server could not be reached")


def _connect_to(url: Url, address: str) -> HTTPConnectionPool:
    """Return a connection pool for one address, with TLS checked against the URL's host."""
    if url.scheme == "http":
        return HTTPConnectionPool(address, url.port or 80)
    host = (url.host or "").strip("[]").rstrip(".")
    return HTTPSConnectionPool(
        address, url.port or 443, cert_reqs="CERT_REQUIRED", server_hostname=host, assert_hostname=host,
        ca_certs=os.environ.get("REQUESTS_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH,  # as requests does
    )  # fmt: skip


def _read_body(answer: BaseHTTPResponse, max_bytes: int) -> bytes:
    if not 200 <= answer.status < 300:
        raise FetchFailed(f"its server answered with status {answer.status}")
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise FetchFailed("its server sends it compressed, which was not requested")
    parts = []
    left = max_bytes
    while data := answer.read1(_READ_BYTES, decode_content=False):
        parts.append(data)
        left -= len(data)
        if left < 0:
            raise FetchFailed(f"it is larger than {max_bytes} bytes")
    return b"".join(parts)
