"""The bundled demo upstream, in this process and without its pauses."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from adapter.demo.server import listen


@contextmanager
def demo() -> Iterator[str]:
    """Run it; yield its base URL."""
    server = listen(pace=0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
