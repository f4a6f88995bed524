"""The HTTP server of the demo upstream: two routes on a loopback port, with a thread for each connection."""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from adapter.demo.answers import chunks, completion

JSON = dict[str, Any]

MODELS: Final = ("demo", "demo-large")
PACE: Final = 0.02
"""Seconds between two words of a stream, so that it can be seen to stream."""
MAX_BODY_BYTES: Final = 64 * 1024 * 1024


class Handler(BaseHTTPRequestHandler):
    """GET /v1/models, POST /v1/chat/completions; errors as vLLM words them."""

    protocol_version = "HTTP/1.1"
    server_version = "adapter-demo"
    disable_nagle_algorithm = True
    pace = PACE

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            of_all = {"object": "model", "created": 0, "owned_by": "adapter-demo", "context_length": 128_000}
            cards = [{"id": model, **of_all} for model in MODELS]
            self._send(200, {"object": "list", "data": cards})
        else:
            self._send_error(404, "Not Found")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY_BYTES:
            self.close_connection = True
            return self._send_error(413, "The body is too large.")
        body = self.rfile.read(length)
        if self.path != "/v1/chat/completions":
            return self._send_error(404, "The demo upstream has /v1/models and /v1/chat/completions only.")
        try:
            request = json.loads(body)
        except ValueError as error:
            return self._send_error(400, f"Invalid JSON: {error}")
        if not isinstance(request, dict) or not request.get("messages"):
            return self._send_error(400, "The field messages is required.")
        try:
            if request.get("stream"):
                return self._stream(list(chunks(request)))
            return self._send(200, completion(request))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            return self._send_error(400, f"The request does not fit: {error!r}")

    def _stream(self, answer: list[JSON]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in answer:
            self._write_chunk(b"data: " + json.dumps(chunk).encode() + b"\n\n")
            time.sleep(self.pace)
        self._write_chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _write_chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _send(self, status: int, body: JSON) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _send_error(self, status: int, message: str) -> None:
        kind = {404: "NotFoundError"}.get(status, "BadRequestError")
        self._send(status, {"error": {"message": message, "type": kind, "param": None, "code": status}})

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the adapter logs its requests itself."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    @property
    def url(self) -> str:
        """The base URL to configure as upstream."""
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that went away in mid-answer; report the rest."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def listen(port: int = 0, pace: float = PACE) -> Server:
    """Return a server bound to a loopback port; `serve_forever` runs it."""
    return Server(("127.0.0.1", port), type("PacedHandler", (Handler,), {"pace": pace}))
