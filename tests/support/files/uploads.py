"""Uploads as a client sends them: multipart bodies, in pieces."""

from collections.abc import Iterator

MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}
END = b"--b--\r\n"


def part(name: str, value: bytes, filename: str | None = None, type: str = "") -> bytes:
    """Return one part of a multipart body."""
    return head(name, filename, type) + value + b"\r\n"


def head(name: str, filename: str | None = None, type: str = "") -> bytes:
    text = f'--b\r\nContent-Disposition: form-data; name="{name}"'
    text += "" if filename is None else f'; filename="{filename}"'
    text += f"\r\nContent-Type: {type}" if type else ""
    return text.encode() + b"\r\n\r\n"


PURPOSE = part("purpose", b"user_data")
FILE = part("file", b"abc", "a.txt", "text/plain")


def large(size: int, piece: bytes = bytes(range(256)) * 256) -> Iterator[bytes]:
    """Yield the body of an upload of `size` bytes, a multiple of the piece's."""
    yield PURPOSE + head("file", "large.bin")
    for _ in range(size // len(piece)):
        yield piece
    yield b"\r\n" + END
