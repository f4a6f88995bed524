"""Uploads that fail leave nothing behind in memory."""

import gc
import weakref

import gevent

from adapter.files.uploads import Upload
from adapter.settings.settings import Settings
from adapter.store.files.memory import MemoryFileStore
from adapter.store.memory import MemoryStore
from adapter.store.quota import Quota
from tests.adapter.store.files.conformance import OURS
from translators.errors import RequestError


class SlowBody:
    def read(self, size: int) -> bytes:
        gevent.sleep(1)
        return b""


def test_a_slow_upload_is_let_go_of_at_once() -> None:
    quota = Quota(MemoryStore(), max_bytes=1 << 30, max_items=1 << 30)
    upload = Upload(MemoryFileStore(), quota, Settings(body_timeout=0.02), "file-1", OURS)
    body = SlowBody()
    is_alive = weakref.ref(body)
    environ = {"CONTENT_TYPE": "multipart/form-data; boundary=x", "wsgi.input": body}
    gc.disable()
    try:
        try:
            upload.receive(environ, length=None)
        except RequestError as error:
            found = error.status, error.message
        assert found == (408, "The upload brought less than 65536 bytes in 0.02 seconds.")
        del body, environ
        assert is_alive() is None
    finally:
        gc.enable()
        quota.stop()
