"""A provider over TLS: the head of its answer and each chunk of its body come in records of their own."""

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from tests.support import chat
from tests.support.servers.service import Service

ANSWER = [chat.text("Hel"), chat.text("lo"), chat.end(), b"data: [DONE]\n\n"]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return a file with a key and its own certificate for 127.0.0.1."""
    if shutil.which("openssl") is None:
        if os.environ.get("CI"):
            pytest.fail("openssl is not installed")
        pytest.skip("NOT TESTED: TLS to the provider, because openssl is not installed")
    file = tmp_path / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=test",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    file.write_bytes((tmp_path / "key.pem").read_bytes() + (tmp_path / "cert.pem").read_bytes())
    return file


class Provider:
    """Answers every request with ANSWER, one TLS record for each piece, and counts its connections."""

    def __init__(self, certificate: Path, client_authority: Path | None = None) -> None:
        """`client_authority`: clients need a certificate of it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        if client_authority is not None:
            context.load_verify_locations(client_authority)
            context.verify_mode = ssl.CERT_REQUIRED
        self.connections = 0
        self._listener = context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except ssl.SSLError:
                continue
            except OSError:
                return
            self.connections += 1
            with connection, contextlib.suppress(ssl.SSLError):
                self._answer_all(connection)

    def _answer_all(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as requests:
            while line := requests.readline():
                length = 0
                while line.strip():
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                    line = requests.readline()
                requests.read(length)
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                )
                for piece in ANSWER:
                    connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
                connection.sendall(b"0\r\n\r\n")

    def close(self) -> None:
        self._listener.close()


def test_a_provider_over_tls(certificate: Path, tmp_path: Path) -> None:
    provider = Provider(certificate)
    trusting = Service(tmp_path / "service", upstream_url=provider.url, workers=1)
    trusting.environ["REQUESTS_CA_BUNDLE"] = str(certificate)
    try:
        with trusting as service:
            for _ in range(3):
                assert service.stream()[-1]["response"]["output"][0]["content"][0]["text"] == "Hello"
            assert provider.connections == 1
    finally:
        provider.close()
