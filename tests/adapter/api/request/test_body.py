"""Reading a request's body: its type, its size, its end. Sockets and slow clients are in tests/faults."""

import io
from typing import Any

import gevent
import pytest
from werkzeug.test import EnvironBuilder

from adapter.api.request.body import discard_body, read_body
from adapter.settings.settings import Settings
from tests.support.shares import no_limit
from translators.errors import RequestError

JSON = "application/json"
SMALL = Settings(upstream_url="http://provider.test/v1", max_body_bytes=1024, body_timeout=0.1)


class Connection(io.RawIOBase):
    """A server's input that counts what is read from it and, like gunicorn's, can be given up."""

    failed = False

    def __init__(self, size: int = 0) -> None:
        self.left = size

    def read(self, size: int = -1) -> bytes:
        taken = min(self.left, size)
        self.left -= taken
        return b"x" * taken


class Stalled(Connection):
    def read(self, size: int = -1) -> bytes:
        gevent.sleep(60)
        raise AssertionError("nobody may wait that long")


class Broken(Connection):
    def read(self, size: int = -1) -> bytes:
        raise ValueError("not a chunk")


def of(body: bytes | Connection, type: str | None = JSON, **environ: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"wsgi.input": body if isinstance(body, Connection) else io.BytesIO(body)}
    if isinstance(body, bytes):
        given["CONTENT_LENGTH"] = str(len(body))
    if type is not None:
        given["CONTENT_TYPE"] = type
    return EnvironBuilder("/v1/responses", method="POST", environ_overrides=given | environ).get_environ()


def chunked(body: bytes | Connection) -> dict[str, Any]:
    environ = of(body, HTTP_TRANSFER_ENCODING="chunked")
    environ["wsgi.input_terminated"] = True
    environ.pop("CONTENT_LENGTH", None)
    return environ


def refusal(environ: dict[str, Any]) -> RequestError:
    with pytest.raises(RequestError) as caught:
        read_body(environ, SMALL, no_limit())
    return caught.value


@pytest.mark.parametrize(
    "type",
    ["application/json", "Application/JSON; charset=utf-8", "application/json;", "application/vnd.x+json"],
)
def test_json_under_its_names(type: str) -> None:
    assert read_body(of(b"{}", type), SMALL, no_limit()) == b"{}"


@pytest.mark.parametrize("type", [None, "", "text/plain", "application/x-www-form-urlencoded", "application/jsonl"])
def test_other_types(type: str | None) -> None:
    error = refusal(of(b"{}", type))
    assert error.status == 415
    assert "'Content-Type: application/json'" in error.message


@pytest.mark.parametrize("encoding", ["br", "compress", "identity, gzip", "gzip, zstd", "gzip, gzip", "gzip;q=1", "?"])
def test_other_codings_and_more_than_one(encoding: str) -> None:
    error = refusal(of(b"{}", HTTP_CONTENT_ENCODING=encoding))
    assert error.status == 415
    assert f"'{encoding}'" in error.message


@pytest.mark.parametrize("frame", [of, chunked])
@pytest.mark.parametrize("size", [0, 1, 1024])
def test_a_body_within_the_limit(frame: Any, size: int) -> None:
    assert read_body(frame(b"x" * size), SMALL, no_limit()) == b"x" * size


@pytest.mark.parametrize("frame", [of, chunked])
def test_a_body_over_the_limit(frame: Any) -> None:
    assert refusal(frame(b"x" * 1025)).status == 413


def test_a_length_over_the_limit_is_refused_unread() -> None:
    connection = Connection(10_000)
    assert refusal(of(connection, CONTENT_LENGTH="10000")).status == 413
    assert connection.left == 10_000


def test_chunks_without_end_are_refused_on_the_way() -> None:
    connection = Connection(1 << 30)
    assert refusal(chunked(connection)).status == 413
    assert connection.left > (1 << 30) - 200_000


@pytest.mark.parametrize("length", ["0", "", "-5", "x"])
def test_no_length_is_no_body(length: str) -> None:
    assert read_body(of(Connection(10), CONTENT_LENGTH=length), SMALL, no_limit()) == b""


def test_a_body_that_ends_early() -> None:
    error = refusal(of(b"{}", CONTENT_LENGTH="100"))
    assert (error.status, error.message) == (400, "The request body ended after 2 of 100 bytes.")


def test_a_body_that_does_not_arrive() -> None:
    assert refusal(of(Stalled(), CONTENT_LENGTH="100")).status == 408


def test_a_body_that_is_framed_wrong() -> None:
    assert refusal(chunked(Broken())).message == "The request body could not be read: ValueError."


def test_a_body_that_nobody_read_is_taken_off_the_connection() -> None:
    connection = Connection(10_000_000)
    discard_body(of(connection, CONTENT_LENGTH="10000000"))
    assert (connection.left, connection.failed) == (0, False)


def test_a_body_without_end_is_given_up() -> None:
    connection = Connection(1 << 30)
    discard_body(of(connection, CONTENT_LENGTH=str(1 << 30)))
    assert connection.left >= (1 << 30) - (65 << 20)
    assert connection.failed


def test_a_connection_that_was_given_up_is_left_alone() -> None:
    connection = Connection(10)
    connection.failed = True
    discard_body(of(connection, CONTENT_LENGTH="10"))
    assert connection.left == 10


def test_a_broken_body_is_given_up() -> None:
    connection = Broken()
    discard_body(of(connection, CONTENT_LENGTH="10"))
    assert connection.failed
