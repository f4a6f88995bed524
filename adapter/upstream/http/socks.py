"""Connections through a SOCKS proxy: urllib3's, with the reads and writes of `transport.py`.

Needs the extra `socks` (PySocks). A host is resolved by the proxy if the URL of the proxy begins with `socks5h:` or
`socks4a:`. Source: urllib3 docs, SOCKS proxies; RFC 1928.
"""

from typing import Any, Final

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.contrib.socks import SOCKSConnection, SOCKSHTTPSConnection

from adapter.upstream.http.transport import DirectIO, OnlyNew


class _Connection(DirectIO, SOCKSConnection):  # type: ignore[misc]
    connect = HTTPConnection.connect


class _TLSConnection(DirectIO, SOCKSHTTPSConnection):  # type: ignore[misc]
    connect = HTTPSConnection.connect


class _Pool(OnlyNew, HTTPConnectionPool):  # type: ignore[misc]
    ConnectionCls = _Connection  # type: ignore[assignment]


class _TLSPool(OnlyNew, HTTPSConnectionPool):  # type: ignore[misc]
    ConnectionCls = _TLSConnection  # type: ignore[assignment]


POOLS: Final[dict[str, Any]] = {"http": _Pool, "https": _TLSPool}
