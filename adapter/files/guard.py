"""Fetching what a caller's URL names, without being the caller's way into the network of the operator.

Nothing is fetched from a host that the operator has not allowed (`file_url_hosts`). A host that a pattern allows must
have public addresses only; one that is allowed by its own name may lie anywhere. A name is resolved once, and the
connection goes to an address that was looked at, so that a name server cannot say one thing to the check and another
to the connection; Host, SNI and certificate stay those of the name. Redirects are followed by hand, each checked like
the first URL. No cookie, credential or proxy is used, and what comes is bounded in bytes and time. A refusal does not
tell a host without an address from one with a private address: that would be a map of the network.
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

_MOST_AT_ONCE: Final = 8
"""Files that a worker fetches at a time; gevent looks up names in ten threads, and the provider's must get one."""
_MOST_REDIRECTS: Final = 3
_MOST_ADDRESSES: Final = 4
"""Addresses of a host that are tried."""
_CONNECTING: Final = 5.0
"""Seconds for each of them."""
_AT_ONCE: Final = 64 * 1024
_LONGEST_URL: Final = 8192
_USUAL_PORTS: Final = {"http": 80, "https": 443}
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
"""Addresses that `ipaddress` takes for global, in some version of Python, and that are not."""


class NotAllowed(Exception):
    """The operator has not allowed the host of a URL."""


class NotFetched(Exception):
    """A URL cannot be had. The message says why, for the end of a sentence about its file."""


class Fetched(NamedTuple):
    data: bytes
    type: str
    """The Content-Type, as it came."""


def is_public(address: str) -> bool:
    """Tell whether an IP address belongs to the internet: one host's, reached directly, and not only from here.

    IPv6 addresses that carry an IPv4 address (mapped, NAT64, 6to4, Teredo) are not.
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
        self._turns = BoundedSemaphore(_MOST_AT_ONCE)
        self._names: set[tuple[str, int | None]] = set()
        self._domains: set[tuple[str, int | None]] = set()
        for pattern in hosts:
            of = parse_url(f"//{pattern}")
            host = of.host or ""
            (self._domains if host.startswith("*") else self._names).add((host.removeprefix("*"), of.port))

    def fetch(self, url: str, *, most: int, seconds: float) -> Fetched:
        """Return what a URL names, of at most `most` bytes; raise NotAllowed or NotFetched."""
        with gevent.Timeout(seconds, NotFetched("it did not arrive in time")), self._turns:
            try:
                return self._follow(url, most, seconds)
            except HTTPError:
                raise NotFetched("the connection to its server failed") from None

    def _follow(self, url: str, most: int, seconds: float) -> Fetched:
        target = _parsed(url)
        for _ in range(_MOST_REDIRECTS + 1):
            answer = _answer(target, self._addresses(target), seconds)
            try:
                onward = answer.headers.get("location") if 300 <= answer.status < 400 else None
                if onward is None:
                    data = _body(answer, most)
                    log.info("file fetched", host=target.host, bytes=len(data))
                    return Fetched(data, answer.headers.get("content-type", ""))
            finally:
                answer.close()
            target = _parsed(onward, target.url)
        raise NotFetched(f"its server redirects more than {_MOST_REDIRECTS} times")

    def _addresses(self, url: Url) -> list[str]:
        """Return addresses of a URL's host that a connection may go to."""
        host = (url.host or "").strip("[]")
        usual = _USUAL_PORTS[url.scheme or ""]
        port = url.port or usual
        ports = (port, None) if port == usual else (port,)
        name = (url.host or "").rstrip(".")
        named = any((name, port) in self._names for port in ports)
        if not named and not any((domain, port) in self._domains for domain in _domains(name) for port in ports):
            raise NotAllowed
        try:
            host.encode("idna")  # so does the look-up, in a thread whose every surprise gevent prints with a traceback
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found = []
        addresses = list(dict.fromkeys(str(where[0]) for *_, where in found))
        if not addresses or not (named or all(map(is_public, addresses))):
            raise NotFetched("its host has no public address")
        return addresses[:_MOST_ADDRESSES]


def _domains(name: str) -> Iterator[str]:
    """Yield what the pattern for a name may say behind its `*`."""
    yield ""
    for at, letter in enumerate(name):
        if letter == ".":
            yield name[at:]


def _parsed(url: str, base: str = "") -> Url:
    try:
        parsed = parse_url(urljoin(base, url[: _LONGEST_URL + 1]))
    except ValueError:
        raise NotFetched("its URL is not valid") from None
    if parsed.scheme not in _USUAL_PORTS or not parsed.host:
        raise NotFetched("its URL is not an http or https URL")
    if len(url) > _LONGEST_URL:
        raise NotFetched(f"its URL is longer than {_LONGEST_URL} characters")
    if parsed.auth is not None:
        raise NotFetched("its URL holds a user name or password, which are not sent anywhere")
    return parsed


def _answer(url: Url, addresses: Iterable[str], seconds: float) -> BaseHTTPResponse:
    """Return the answer of the first address that can be reached, its head read and its body not."""
    for address in addresses:
        pool = _pool(url, address)
        try:
            return pool.urlopen(
                "GET", url.request_uri, headers={**_HEADERS, "Host": url.netloc or ""},
                retries=False, redirect=False, preload_content=False,
                timeout=Timeout(connect=min(_CONNECTING, seconds), read=seconds),
            )  # fmt: skip
        except (NewConnectionError, ConnectTimeoutError):
            pass
        finally:
            pool.close()
    raise NotFetched("its server could not be reached")


def _pool(url: Url, address: str) -> HTTPConnectionPool:
    """Return a way to one address that speaks as if it had been found by the URL's host."""
    if url.scheme == "http":
        return HTTPConnectionPool(address, url.port or 80)
    host = (url.host or "").strip("[]").rstrip(".")
    return HTTPSConnectionPool(
        address, url.port or 443, cert_reqs="CERT_REQUIRED", server_hostname=host, assert_hostname=host,
        ca_certs=os.environ.get("REQUESTS_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH,  # as requests has it
    )  # fmt: skip


def _body(answer: BaseHTTPResponse, most: int) -> bytes:
    if not 200 <= answer.status < 300:
        raise NotFetched(f"its server answered with status {answer.status}")
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise NotFetched("its server sends it compressed, which was not asked for")
    pieces = []
    left = most
    while data := answer.read1(_AT_ONCE, decode_content=False):
        pieces.append(data)
        left -= len(data)
        if left < 0:
            raise NotFetched(f"it is larger than {most} bytes")
    return b"".join(pieces)
