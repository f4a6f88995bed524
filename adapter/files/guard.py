"""The outbound guard: fetch a caller's URL without giving the caller a way into the operator's network.

Only hosts that the operator allows (`file_url_hosts`) are contacted. A host allowed by a pattern must have public
addresses only; one allowed by its own name may be anywhere. A name is resolved once, and the connection goes to a
checked address, so that a name server cannot answer the check and the connection differently (DNS rebinding); Host, SNI
and certificate remain those of the name. Each redirect is checked like the first URL. No cookie, credential or proxy is
used, and size and time are limited. The error for a host without an address is the same as for one with a private
address, since the difference would map the network.
"""

import ipaddress
import socket
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, closing
from typing import Final, NamedTuple
from urllib.parse import urljoin

import gevent
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Url, parse_url

from adapter.files.pinned import PinnedHost, Unreachable
from adapter.telemetry.logs import log

_MAX_REDIRECTS: Final = 3
_MAX_ADDRESSES: Final = 4
"""Addresses of a host that are tried: enough for both IP versions, and no long wait for a host that is down."""
_READ_BYTES: Final = 64 * 1024
_MAX_URL_CHARS: Final = 8192
"""What common web servers accept at most."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

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


class _TooSlow(BaseException):
    """A file did not arrive in time. Raised where it is read, by a timer, so no handler there may take it."""


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

    def __init__(self, hosts: Iterable[str], closed_port: int | None = None) -> None:
        """`closed_port`: nothing at this port of this machine is contacted, even if a pattern allows the host."""
        self._closed_port = closed_port
        self._names: set[tuple[str, int | None]] = set()
        self._domains: set[tuple[str, int | None]] = set()
        for pattern in hosts:
            of = parse_url(f"//{pattern}")
            host = of.host or ""
            (self._domains if host.startswith("*") else self._names).add((host.removeprefix("*"), of.port))

    def fetch(self, url: str, *, max_bytes: int, seconds: float, slot: AbstractContextManager[None]) -> Fetched:
        """Return the content of a URL, of at most `max_bytes`; raise HostNotAllowed or FetchFailed.

        Entering `slot` waits until one more file may be fetched.
        """
        try:
            with gevent.Timeout(seconds, _TooSlow), slot:
                return self._follow(url, max_bytes, seconds)
        except _TooSlow:
            raise FetchFailed("it did not arrive in time") from None
        except HTTPError:
            raise FetchFailed("the connection to its server failed") from None

    def _follow(self, url: str, max_bytes: int, seconds: float) -> Fetched:
        target = parse(url)
        for _ in range(_MAX_REDIRECTS + 1):
            with closing(self.pin(target)) as host, closing(_get(host, target, seconds)) as answer:
                onward = answer.headers.get("location") if 300 <= answer.status < 400 else None
                if onward is None:
                    data = _read_body(answer, max_bytes)
                    log.info("file fetched", host=target.host, bytes=len(data))
                    return Fetched(data, answer.headers.get("content-type", ""))
            target = parse(onward, target.url)
        raise FetchFailed(f"its server redirects more than {_MAX_REDIRECTS} times")

    def pin(self, url: Url) -> PinnedHost:
        """Look a URL's host up, and return it at its addresses; raise HostNotAllowed or FetchFailed."""
        return PinnedHost(url, self.resolve(url))

    def resolve(self, url: Url) -> list[str]:
        """Look a URL's host up, and return the addresses to connect to; raise HostNotAllowed or FetchFailed."""
        host = (url.host or "").strip("[]")
        if not self.allows(url):
            raise HostNotAllowed
        try:
            host.encode("idna")  # the look-up does the same, in a thread whose exceptions gevent prints
            found = socket.getaddrinfo(host, _port(url), type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found = []
        addresses = list(dict.fromkeys(str(where[0]) for *_, where in found))
        if _port(url) == self._closed_port and any(map(_is_of_this_machine, addresses)):
            raise HostNotAllowed
        if not addresses or not (self.names(url) or all(map(is_public, addresses))):
            raise FetchFailed("its host has no public address")
        return addresses[:_MAX_ADDRESSES]

    def names(self, url: Url) -> bool:
        """Whether the host is allowed by its own name, and not only by a pattern."""
        return any((_name(url), port) in self._names for port in _ports(url))

    def allows(self, url: Url) -> bool:
        """Whether the host is allowed; its addresses are not checked."""
        ports = _ports(url)
        return self.names(url) or any(
            (domain, port) in self._domains for domain in _domains(_name(url)) for port in ports
        )


def _is_of_this_machine(address: str) -> bool:
    """Whether a server on this machine may answer at an address: only such an address can be bound."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _name(url: Url) -> str:
    return (url.host or "").rstrip(".")


def _port(url: Url) -> int:
    return url.port or _DEFAULT_PORTS[url.scheme or ""]


def _ports(url: Url) -> tuple[int | None, ...]:
    """Return the ports that a pattern matching a URL may have: None stands for the scheme's usual one."""
    port = _port(url)
    return (port, None) if port == _DEFAULT_PORTS[url.scheme or ""] else (port,)


def _domains(name: str) -> Iterator[str]:
    """Yield the suffixes that a pattern matching a name may have after its `*`."""
    yield ""
    for at, letter in enumerate(name):
        if letter == ".":
            yield name[at:]


def parse(url: str, base: str = "") -> Url:
    """Return an http or https URL in its parts; raise FetchFailed."""
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


def _get(host: PinnedHost, url: Url, seconds: float) -> BaseHTTPResponse:
    try:
        return host.request("GET", url.request_uri, seconds=seconds)
    except Unreachable:
        raise FetchFailed("its server could not be reached") from None


def _read_body(answer: BaseHTTPResponse, max_bytes: int) -> bytes:
    if not 200 <= answer.status < 300:
        raise FetchFailed(f"its server answered with status {answer.status}")
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise FetchFailed("its server sends it compressed, which was not requested")
    data = read_at_most(answer, max_bytes)
    if data is None:
        raise FetchFailed(f"it is larger than {max_bytes} bytes")
    return data


def read_at_most(answer: BaseHTTPResponse, max_bytes: int) -> bytes | None:
    """Return the body of an answer as it was sent; None if it is larger."""
    parts = []
    left = max_bytes
    while data := answer.read1(_READ_BYTES, decode_content=False):
        parts.append(data)
        left -= len(data)
        if left < 0:
            return None
    return b"".join(parts)
