"""A web server on the loopback interface that answers each path with the bytes it was told to."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def answer(body: bytes = b"", status: int = 200, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


DRIP = 0.05
"""Seconds between two bytes of a site that drips."""


class Site(ThreadingHTTPServer):
    """What it answers with is in `answers`, and it closes the connection; what it was asked is in `asked`.

    A path that is in `drips` is answered with the bytes there and then one byte after the other, without end. Any other
    is not answered at all.
    """

    daemon_threads = True

    def __init__(self, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, bytes] = {}
        self.drips: dict[str, bytes] = {}
        self.asked: list[tuple[str, HTTPMessage]] = []
        self.came = threading.Semaphore(0)
        """Released for each request."""
        self.over = threading.Event()
        """Set when the site closes."""
        self.names: list[str] = []
        """The names that clients asked a certificate for."""
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            context.sni_callback = lambda _, name, __: self.names.append(name)
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
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers))
        self.server.came.release()
        if self.path in self.server.answers:
            self.wfile.write(self.server.answers[self.path])
        elif self.path in self.server.drips:
            self.wfile.write(self.server.drips[self.path])
            while not self.server.over.wait(DRIP):
                self.wfile.write(b"x")
        else:
            self.server.over.wait()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[Site]:
    with Site(certificate) as site:
        thread = threading.Thread(target=site.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield site
        finally:
            site.over.set()
            site.shutdown()
            thread.join()
