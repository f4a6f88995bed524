"""A request that later ones continue: it is checked and kept like any other, but no model is called.

Source: OpenAI guide, WebSocket mode (`generate: false`).
"""

import time
from collections.abc import Iterator
from typing import Final

from adapter.flow.round import Deliver, Round
from translators.chat.chunks import ChatUsage, Choice, Chunk
from translators.responses.events import Event

_EMPTY_ANSWER: Final = Chunk(
    choices=[Choice(finish_reason="stop")], usage=ChatUsage(prompt_tokens=0, completion_tokens=0, total_tokens=0)
)


class PrewarmRound(Round):
    """A round without a chat call, which ends at once with an empty answer."""

    def send(self) -> None:
        pass

    def wait(self, seconds: float, *, to_begin: bool = False) -> bool:
        return True

    def events(self, deliver: Deliver | None = None) -> Iterator[list[Event]]:
        return iter(())

    def finish(self) -> tuple[list[Event], Round | None]:
        stream = self._flow.stream
        return stream.feed((_EMPTY_ANSWER,)) + stream.finish(int(time.time()), done=True), None

    def close(self, *, keep_connection: bool = True) -> None:
        pass
