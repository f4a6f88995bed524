"""A provider with every fault, which counts what it accepts."""

import random
import re
import socket
import threading
from collections import Counter
from time import sleep

from tests.support import chat
from tests.support.servers.upstream import CLOSE, RESET, ReceivedRequest, Script, Upstream, head, stream, whole

MARK = re.compile(rb"request-(-?\d+)-mark")
"""Each request of a client has its own, in its input."""
TEXT = [chat.text(f"word{number} ") for number in range(12)]
REFUSALS = ("429", "500", "503")
"""Of requests that were not accepted: they may be sent again."""


class FaultyProvider(Upstream):
    """A context manager, as its base."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.played: Counter[str] = Counter()
        self.is_gentle = False
        self._accepted: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._faults: dict[str, Script] = {
            "whole": stream(*TEXT, chat.end()),
            "cut": stream(*TEXT[:4], CLOSE),
            "reset": stream(*TEXT[:4], RESET),
            "half a head": [head(200, content_type="text/event-stream")[:30], CLOSE],
            "died": [CLOSE],
            "garbage": stream(b"data: {broken\n\n", chat.end()),
            "page": whole(b"<html>Hello</html>", type="text/html"),
            "error in a 200": stream(*TEXT[:2], chat.block(chat.error("Out of order."))),
            "no end": stream(*TEXT),
            "429": whole(chat.error("Slow down."), 429, retry_after="0"),
            "500": whole(chat.error("Broken."), 500),
            "503": whole(chat.error("Overloaded."), 503),
        }
        self.otherwise = self._choose

    def _choose(self, received: ReceivedRequest) -> Script:
        name = "whole" if self.is_gentle or self._random.random() < 0.6 else self._random.choice(list(self._faults))
        marks = MARK.findall(received.body)
        self.played[name] += 1
        if marks and name not in REFUSALS:
            self._accepted[marks[-1].decode()] += 1
        self.requests.clear()
        if name == "whole" and self._random.random() < 0.2:
            sleep(self._random.random() * 2)
        return self._faults[name]

    def duplicated(self) -> int:
        """Return how many requests were accepted more than once."""
        return sum(count > 1 for count in self._accepted.values())

    def be_dead(self, seconds: float) -> None:
        """Refuse all connections for some time."""
        port = self._listener.getsockname()[1]
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._connections):
            connection.end(RESET)
        sleep(seconds)
        self._listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        threading.Thread(target=self._accept, daemon=True).start()
