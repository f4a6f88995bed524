"""What the reader of a body makes of the head: where the body ends, and what coding it has."""

import pytest

from adapter.upstream.http.framing import ChunkedBody, CompressedBody, Framing, SizedBody, UnsizedBody
from adapter.upstream.http.head import Fields, Head
from adapter.upstream.http.reader import choose_framing
from translators.errors import UpstreamError


def answer(status: int = 200, **headers: str) -> Head:
    fields = Fields({name.replace("_", "-"): value for name, value in headers.items()})
    return Head(status, fields, True, b"", b"")


@pytest.mark.parametrize(
    ("length", "kind"),
    [
        ("12", SizedBody),
        ("0", SizedBody),
        ("12, 12", SizedBody),
        ("12, 13", UnsizedBody),
        ("", UnsizedBody),
        ("-5", UnsizedBody),
        ("²", UnsizedBody),
        ("9" * 5000, UnsizedBody),
    ],
)
def test_content_length(length: str, kind: type[Framing]) -> None:
    assert isinstance(choose_framing(answer(content_length=length)), kind)


def test_chunks_count_before_a_length() -> None:
    assert isinstance(choose_framing(answer(transfer_encoding="Chunked", content_length="3")), ChunkedBody)


@pytest.mark.parametrize("status", [204, 304])
def test_what_has_no_body(status: int) -> None:
    assert choose_framing(answer(status)).over


@pytest.mark.parametrize(("coding", "kind"), [("gzip", CompressedBody), ("", SizedBody), ("Identity", SizedBody)])
def test_codings(coding: str, kind: type[Framing]) -> None:
    assert isinstance(choose_framing(answer(content_length="3", content_encoding=coding)), kind)


def test_a_coding_that_nobody_asked_for() -> None:
    with pytest.raises(UpstreamError, match="compressed"):
        choose_framing(answer(content_encoding="br"))
