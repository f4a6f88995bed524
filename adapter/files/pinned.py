"""Connections to one host at addresses that were checked before: nothing is looked up again.

TLS is verified against the host's name. No cookie, proxy or credential of the environment is used, no redirect is
followed, and nothing is sent twice: another address is tried only while no connection could be made.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Url

CONNECT_SECONDS: Final = 5.0
"""For each address."""
_IDLE_CONNECTIONS: Final = 1
"""No two requests go to one host at a time."""
_HEADERS: Final = {"User-Agent": "responses-adapter", "Accept": "*/*", "Accept-Encoding": "identity"}


class Unreachable(Exception):
    """No connection to any address of a host could be made; nothing was sent."""


class PinnedHost:
    """The host of a URL at its checked addresses; idle connections are reused until `close`."""

    def __init__(self, url: Url, addresses: Sequence[str]) -> None:
        self._url = url
        self._addresses = list(addresses)
        """The one that answered last is tried first."""
        self._pools: dict[str, HTTPConnectionPool] = {}

    def request(
        self,
        method: str,
        target: str,
        *,
        seconds: float,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> BaseHTTPResponse:
        """Return the answer, its body not read yet; the caller closes it.

        `target`: path and query. `seconds`: for connecting, and for each read. Raises Unreachable, or urllib3's
        HTTPError if the connection fails later.
        """
        sent = {**_HEADERS, "Host": self._url.netloc or "", **(headers or {})}
        timeout = Timeout(connect=min(CONNECT_SECONDS, seconds), read=seconds)
        for address in tuple(self._addresses):
            pool = self._pools.get(address) or self._pools.setdefault(address, self._connect_to(address))
            try:
                answer = pool.urlopen(
                    method, target, body=body, headers=sent, timeout=timeout,
                    retries=False, redirect=False, preload_content=False,
                )  # fmt: skip
            except (NewConnectionError, ConnectTimeoutError):
                continue
            self._addresses.sort(key=address.__ne__)
            return answer
        raise Unreachable

    def close(self) -> None:
        """Close the idle connections; an answer that is still read is closed by its reader."""
        for pool in self._pools.values():
            pool.close()

    def _connect_to(self, address: str) -> HTTPConnectionPool:
        """Return a connection pool for one address, with TLS checked against the URL's host."""
        url = self._url
        if url.scheme == "http":
            return HTTPConnectionPool(address, url.port or 80, maxsize=_IDLE_CONNECTIONS)
        return HTTPSConnectionPool(address, url.port or 443, maxsize=_IDLE_CONNECTIONS, **tls_options(url))


def tls_options(url: Url) -> dict[str, Any]:
    """Return urllib3's options with which TLS is verified against a URL's host, whatever the address."""
    host = (url.host or "").strip("[]").rstrip(".")
    return {
        "cert_reqs": "CERT_REQUIRED",
        "server_hostname": host,
        "assert_hostname": host,
        "ca_certs": os.environ.get("REQUESTS_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH,  # as requests does
    }
