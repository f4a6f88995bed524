"""A forward proxy on the loopback interface: absolute URLs over plain HTTP, and CONNECT tunnels."""

import socket
import threading
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit


class ForwardProxy:
    """A context manager. `heads` are the heads of the requests that passed, in order."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """Serve the requests of one connection, all of them to the server that the first one names."""
        with client:
            head, rest = _read_head(client)
            if not head:
                return
            self.heads.append(head)
            method, target, _ = head.split(" ", 2)
            if method == "CONNECT":
                host, _, port = target.rpartition(":")
                server = socket.create_connection((host, int(port)))
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                address = urlsplit(target)
                server = socket.create_connection((address.hostname or "", address.port or 80))
                server.sendall(head.replace(f"http://{address.netloc}", "", 1).encode("latin-1") + rest)
            with server:
                threading.Thread(target=_copy, args=(client, server), daemon=True).start()
                _copy(server, client)


class SocksProxy(ForwardProxy):
    """A SOCKS 5 proxy without authentication; `heads` are the hosts that it connected to, as it was given them."""

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as incoming:
            _, count = incoming.read(2)
            incoming.read(count)
            client.sendall(b"\x05\x00")
            *_, kind = incoming.read(4)
            host = incoming.read(incoming.read(1)[0]).decode() if kind == 3 else socket.inet_ntoa(incoming.read(4))
            port = int.from_bytes(incoming.read(2))
            self.heads.append(host)
            server = socket.create_connection((host, port))
            client.sendall(b"\x05\x00\x00\x01" + bytes(6))
            with server:
                threading.Thread(target=_copy, args=(client, server), daemon=True).start()
                _copy(server, client)


def _read_head(connection: socket.socket) -> tuple[str, bytes]:
    """Return the head of a request with its blank line, and what was read behind it."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := connection.recv(65536)):
            return "", b""
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head.decode("latin-1") + "\r\n\r\n", rest


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
