"""An MCP server on the loopback interface that answers as a test says, and records what it was asked."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

Message = dict[str, Any]


class Reply(NamedTuple):
    """An answer; `body` is sent in pieces, with a pause before each but the first."""

    status: int
    headers: dict[str, str]
    body: tuple[bytes, ...]
    whole: bool = True
    """Whether it ends; otherwise the connection stays open until the server closes or the client leaves."""


Answers = Callable[["Request"], Reply]


class Request(NamedTuple):
    method: str
    path: str
    headers: HTTPMessage
    message: Message
    """The body, if it is JSON."""
    body: bytes

    @property
    def rpc(self) -> str:
        """Its JSON-RPC method, or the HTTP method of one without a body."""
        return str(self.message.get("method", self.method))


def as_json(message: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(status, {"Content-Type": "application/json", **_named(headers)}, (json.dumps(message).encode(),))


def as_stream(*messages: Any, whole: bool = True, **headers: str) -> Reply:
    """Return messages as an event stream; bytes are sent as they are."""
    pieces = [one if isinstance(one, bytes) else b"data: " + json.dumps(one).encode() + b"\n\n" for one in messages]
    return Reply(200, {"Content-Type": "text/event-stream", **_named(headers)}, tuple(pieces), whole)


def raw(body: bytes = b"", status: int = 200, type: str = "text/html", **headers: str) -> Reply:
    return Reply(status, {"Content-Type": type, **_named(headers)}, (body,))


def result(request: Request, **members: Any) -> Message:
    return {"jsonrpc": "2.0", "id": request.message["id"], "result": members}


def error(request: Request, code: int, message: str, **more: Any) -> Message:
    return {"jsonrpc": "2.0", "id": request.message.get("id"), "error": {"code": code, "message": message, **more}}


def tool(name: str, **members: Any) -> Message:
    return {"name": name, "inputSchema": {"type": "object"}, **members}


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


class ScriptedMCP(ThreadingHTTPServer):
    """Answers each request with what `answers` returns for it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: Answers = lambda request: raw(status=500)
        self.requests: list[Request] = []
        self.left = threading.Semaphore(0)
        """Released for each client that left before the end of its answer."""
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/mcp"

    @property
    def calls(self) -> list[str]:
        """The JSON-RPC methods that were asked for."""
        return [request.rpc for request in self.requests]

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that leave."""


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedMCP
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        message = json.loads(data) if data[:1] == b"{" else {}
        request = Request(self.command, self.path, self.headers, message, data)
        self.server.requests.append(request)
        self._send(self.server.answers(request))

    do_GET = do_POST
    do_DELETE = do_POST

    def _send(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        sized = reply.whole and len(reply.body) == 1
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header(*(("Content-Length", str(len(reply.body[0]))) if sized else ("Connection", "close")))
        self.end_headers()
        self.close_connection = not sized
        try:
            for at, piece in enumerate(reply.body):
                time.sleep(0.01 if at else 0)
                self.wfile.write(piece)
            if not reply.whole:
                self._wait_for_the_client()
        except OSError:
            self.server.left.release()

    def _wait_for_the_client(self) -> None:
        self.connection.settimeout(0.05)
        while not self.server.closing.is_set():
            try:
                if not self.connection.recv(1):
                    raise ConnectionResetError
            except TimeoutError:
                continue

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def scripted_mcp() -> Iterator[ScriptedMCP]:
    with ScriptedMCP() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()
