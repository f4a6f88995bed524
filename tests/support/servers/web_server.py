"""A web server on the loopback interface that answers each path with given bytes."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def http_response(body: bytes = b"", status: int = 200, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


TRICKLE_SECONDS = 0.05
"""Seconds between two bytes of a trickle."""


class WebServer(ThreadingHTTPServer):
    """Answers a path with its bytes in `responses`, then closes the connection; `requests` records what came.

    A path in `trickles` is answered with the bytes there, then with one byte after the other, without end. Any other
    path is never answered.
    """

    daemon_threads = True

    def __init__(self, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.responses: dict[str, bytes] = {}
        self.trickles: dict[str, bytes] = {}
        self.requests: list[tuple[str, HTTPMessage]] = []
        self.arrivals = threading.Semaphore(0)
        """Released for each request."""
        self.closing = threading.Event()
        """Set when the server closes."""
        self.tls_names: list[str] = []
        """The names that clients asked a certificate for."""
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            context.sni_callback = lambda _, name, __: self.tls_names.append(name)
            self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that leave, or that do not trust the certificate."""


class _Handler(BaseHTTPRequestHandler):
    server: WebServer

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers))
        self.server.arrivals.release()
        if self.path in self.server.responses:
            self.wfile.write(self.server.responses[self.path])
        elif self.path in self.server.trickles:
            self.wfile.write(self.server.trickles[self.path])
            while not self.server.closing.wait(TRICKLE_SECONDS):
                self.wfile.write(b"x")
        else:
            self.server.closing.wait()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def web_server(certificate: Path | None = None) -> Iterator[WebServer]:
    with WebServer(certificate) as web:
        thread = threading.Thread(target=web.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield web
        finally:
            web.closing.set()
            web.shutdown()
            thread.join()
