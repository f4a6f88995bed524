"""What the reader of a body finds when it takes over a connection whose head has been read."""

import ssl
from types import SimpleNamespace
from typing import Any

import pytest

from adapter.upstream.framing import Framing, SizedBody, UnsizedBody
from adapter.upstream.reader import _framing, _read_ahead


class Ahead:
    """What http.client has of a body: bytes, or the error of the connection it looks at for more."""

    def __init__(self, held: bytes, error: OSError | None = None) -> None:
        self._held = held
        self._error = error

    def peek(self) -> bytes:
        if self._error is not None:
            raise self._error
        return self._held

    def read(self, size: int) -> bytes:
        return self._held[:size]


def answer(ahead: Ahead | None = None, status: int = 200, **headers: str) -> Any:
    return SimpleNamespace(
        status=status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        _fp=SimpleNamespace(fp=ahead),
    )


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (Ahead(b"data: "), b"data: "),
        (Ahead(b""), b""),
        (Ahead(b"", ssl.SSLWantReadError()), b""),  # TLS: the body is not in the record that had the head
        (Ahead(b"", ConnectionResetError()), b""),
    ],
)
def test_what_came_with_the_head(ahead: Ahead, expected: bytes) -> None:
    assert _read_ahead(answer(ahead)) == expected


@pytest.mark.parametrize(
    ("length", "kind"),
    [
        ("12", SizedBody),
        ("0", SizedBody),
        ("", UnsizedBody),
        ("-5", UnsizedBody),
        ("²", UnsizedBody),
        ("9" * 5000, UnsizedBody),
    ],
)
def test_content_length(length: str, kind: type[Framing]) -> None:
    assert isinstance(_framing(answer(content_length=length)), kind)


def test_no_content_has_no_body() -> None:
    assert _framing(answer(status=204)).over
