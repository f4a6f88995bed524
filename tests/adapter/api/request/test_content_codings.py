"""Compressed bodies: what is decoded, what is refused, and that a bomb never unfolds."""

import gzip
import io
import json
import tracemalloc
import zlib
from collections.abc import Callable, Mapping

import pytest
import zstandard
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from adapter.api.request.body import read_body
from adapter.settings.settings import Settings
from tests.support.shares import no_limit
from translators.errors import RequestError

MAX = 1 << 20
SETTINGS = Settings(upstream_url="http://provider.test/v1", max_body_bytes=MAX)


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def streamed_zstd(data: bytes) -> bytes:
    """Compress without the size in the header, as Codex does."""
    compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    return compressor.compress(data) + compressor.flush()


ENCODERS: Mapping[str, tuple[str, Callable[[bytes], bytes]]] = {
    "zstd": ("zstd", zstandard.compress),
    "zstd, streamed": ("ZSTD ", streamed_zstd),
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "deflate without the zlib header": ("deflate", raw_deflate),
}
every_coding = pytest.mark.parametrize(("encoding", "encode"), ENCODERS.values(), ids=ENCODERS)


def read(body: bytes, encoding: str) -> bytes:
    environ = EnvironBuilder(
        method="POST", input_stream=io.BytesIO(body), content_length=len(body), content_type="application/json",
        headers={"Content-Encoding": encoding},
    ).get_environ()  # fmt: skip
    return read_body(environ, SETTINGS, no_limit())


def refusal(body: bytes, encoding: str) -> RequestError:
    with pytest.raises(RequestError) as caught:
        read(body, encoding)
    return caught.value


@every_coding
@given(data=st.binary(max_size=5000))
def test_a_body_is_decoded(encoding: str, encode: Callable[[bytes], bytes], data: bytes) -> None:
    assert read(encode(data), encoding) == data


@every_coding
@pytest.mark.parametrize("text", [b"x", bytes(range(256))], ids=["one byte", "every byte"])
def test_the_limit_counts_decoded_bytes(encoding: str, encode: Callable[[bytes], bytes], text: bytes) -> None:
    data = text * (MAX // len(text))
    assert read(encode(data), encoding) == data
    error = refusal(encode(data + b"y"), encoding)
    assert (error.status, error.code) == (413, "request_too_large")
    assert error.message.startswith("The decoded request body is too large.")


@every_coding
def test_a_bomb_does_not_unfold(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    bomb = encode(bytes(200 << 20))
    tracemalloc.start()
    try:
        assert refusal(bomb, encoding).status == 413
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()


@every_coding
def test_every_truncation_is_refused(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    whole = encode(b'{"model": "m", "input": "Hello, hello, hello."}')
    for length in range(1, len(whole)):
        error = refusal(whole[:length], encoding)
        assert (error.status, error.code) == (400, "invalid_content_encoding")


@every_coding
@pytest.mark.parametrize("body", [b"{}", b"\0" * 50, b"\xff" * 50, b'{"model":"m","input":"plain"}'])
def test_what_is_not_compressed_is_refused(encoding: str, encode: Callable[[bytes], bytes], body: bytes) -> None:
    assert refusal(body, encoding).status == 400
    assert refusal(encode(b"{}") + body, encoding).status == 400


@pytest.mark.parametrize("name", ["zstd", "zstd, streamed", "gzip", "deflate"])
def test_frames_one_after_the_other(name: str) -> None:
    encoding, encode = ENCODERS[name]
    assert read(encode(b'{"a":') + encode(b"") + encode(b"1}"), encoding) == b'{"a":1}'
    assert "frames" in refusal(encode(b"") * 1001, encoding).message


def test_a_window_larger_than_http_allows_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=24)
    frame = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    assert refusal(frame.compress(b"{}" * 100) + frame.flush(), "zstd").status == 400


@pytest.mark.parametrize("encoding", ["zstd", "gzip", "deflate"])
def test_nothing_is_nothing(encoding: str) -> None:
    assert read(b"", encoding) == b""


@every_coding
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/responses/input_tokens", {"model": "m", "input": "Hello"}),
        ("/v1/conversations", {"items": [{"role": "user", "content": "Hello"}]}),
    ],
)
def test_every_endpoint(
    path: str, body: object, encoding: str, encode: Callable[[bytes], bytes], client: FlaskClient
) -> None:
    data = encode(json.dumps(body).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    assert client.post(path, data=data, headers=headers).status_code == 200


def test_the_codings_are_named_where_another_is_refused(client: FlaskClient) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "br"}
    answer = client.post("/v1/responses", data=b"{}", headers=headers)
    assert (answer.status_code, answer.headers["Accept-Encoding"]) == (415, "zstd, gzip, deflate")
