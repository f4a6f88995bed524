"""What takes too long fails, and leaves nothing behind in memory: its error refers to nothing that refers to it."""

import gc
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager

import gevent
import pytest

from adapter.api.request.body import read_body
from adapter.files.guard import FetchFailed, Guard
from adapter.files.pdf import NoText, text_of_pdf
from adapter.files.uploads import Upload
from adapter.settings.settings import Settings
from adapter.store.files.memory import MemoryFileStore
from adapter.store.memory import MemoryStore
from adapter.store.quota import Quota
from tests.adapter.store.files.conformance import OURS
from tests.support.shares import no_limit
from translators.errors import RequestError


class Slow(AbstractContextManager[None]):
    """A body that does not come, and a slot that is not free."""

    def read(self, size: int) -> bytes:
        gevent.sleep(1)
        return b""

    def __enter__(self) -> None:
        gevent.sleep(1)

    def __exit__(self, *error: object) -> None: ...


def upload(slow: Slow) -> None:
    quota = Quota(MemoryStore(), max_bytes=1 << 30, max_items=1 << 30)
    environ = {"CONTENT_TYPE": "multipart/form-data; boundary=x", "wsgi.input": slow}
    try:
        Upload(MemoryFileStore(), quota, Settings(body_timeout=0.02), "file-1", OURS).receive(environ, length=None)
    finally:
        quota.stop()


def receive_body(slow: Slow) -> None:
    environ = {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": "9", "wsgi.input": slow}
    read_body(environ, Settings(body_timeout=0.02), no_limit())


def fetch(slow: Slow) -> None:
    Guard(["files.test"]).fetch("https://files.test/a", max_bytes=1, seconds=0.02, slot=slow)


def read_pdf(slow: Slow) -> None:
    text_of_pdf(b"%PDF", 0.02, slow)


@pytest.mark.parametrize(
    ("work", "failure", "message"),
    [
        (upload, RequestError, "The upload brought less than 65536 bytes in 0.02 seconds."),
        (receive_body, RequestError, "The request body did not arrive within 0.02 seconds."),
        (fetch, FetchFailed, "it did not arrive in time"),
        (read_pdf, NoText, "could not be read in time"),
    ],
)
def test_what_is_too_slow_is_let_go_of_at_once(
    work: Callable[[Slow], None], failure: type[Exception], message: str
) -> None:
    slow = Slow()
    is_alive = weakref.ref(slow)
    found = ""
    gc.disable()
    try:
        try:
            work(slow)
        except failure as error:
            found = str(error)
        assert found == message
        del slow
        assert is_alive() is None
    finally:
        gc.enable()
