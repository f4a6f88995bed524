"""The messages of one `stream_id`: answered one after the other, in their order. Queues run side by side.

Source: OpenAI guide, WebSocket mode.
"""

from collections import deque
from collections.abc import Callable

import gevent

from adapter.api.websocket.messages import Message, text_frame
from translators.wire import encode


class StreamQueue:
    """A queue without messages has no greenlet. The first message starts one, which calls `respond` for each."""

    def __init__(self, stream_id: str | None, respond: Callable[[Message, "StreamQueue"], None]) -> None:
        self.stream_id = stream_id
        self.greenlet: gevent.Greenlet | None = None
        self._respond = respond
        self._messages: deque[Message] = deque()
        self._suffix = b"" if stream_id is None else b',"stream_id":' + encode(stream_id) + b"}"

    def put(self, message: Message) -> None:
        self._messages.append(message)
        if self.greenlet is None:
            self.greenlet = gevent.spawn(self._answer_all)

    def _answer_all(self) -> None:
        try:
            while self._messages:
                self._respond(self._messages.popleft(), self)
        finally:
            self.greenlet = None

    def frame(self, event: bytes) -> bytes:
        """Return the frame of an event's JSON, with the `stream_id` added to it."""
        return text_frame(event[:-1] + self._suffix if self._suffix else event)
