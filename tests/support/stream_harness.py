"""The stream machine with its surroundings: feed it chunks or bytes, then look at the events and the response."""

import json
from collections.abc import Iterable
from typing import Any, Self

from tests.properties.strategies.streamed_answers import Object
from tests.support.judges.grammar import check_stream
from tests.support.judges.sse import read_json
from translators.notes import Notes
from translators.responses.events import Event
from translators.responses.ids import Ids, seed
from translators.responses.response import Response
from translators.to_responses.answer import AnswerReader
from translators.to_responses.deltas import read_chunk
from translators.to_responses.expectations import Expectations
from translators.to_responses.stream import ResponseStream
from translators.wire import encode

NOW = 1_795_360_000
SEED = seed(0, 0)


class StreamHarness:
    """A new stream machine. Members of `Expectations` go there, other options to `ResponseStream`."""

    def __init__(self, **options: Any) -> None:
        names = [name for name in Expectations.__struct_fields__ if name in options]
        expected = Expectations(**{name: options.pop(name) for name in names})
        ids = Ids(SEED)
        self._notes = Notes()
        response = Response(id=ids.response, created_at=NOW, model="m")
        self.stream = ResponseStream(response, ids, expected, **{"notes": self._notes, **options})
        self.emitted: list[Event] = self.stream.start()

    def read(self, pieces: Iterable[bytes]) -> Self:
        """Read a whole answer that arrives in pieces."""
        reader = AnswerReader(self.stream)
        for piece in pieces:
            self.emitted += reader.feed(piece)
        self.emitted += reader.finish(NOW + 1)
        return self

    def feed(self, chunks: Iterable[Object]) -> Self:
        self.emitted += self.stream.feed(read_chunk(json.dumps(chunk).encode()) for chunk in chunks)
        return self

    def finish(self) -> Self:
        """End the stream as a provider does that sends `[DONE]`."""
        self.emitted += self.stream.finish(NOW + 1, done=True)
        return self

    @property
    def events(self) -> list[Object]:
        return [read_json(encode(event)) for event in self.emitted]

    @property
    def response(self) -> Object:
        """The terminal response; AssertionError unless the stream obeys the laws."""
        terminal = check_stream(self.events)
        assert terminal == read_json(encode(self.stream.response))
        return terminal

    @property
    def output(self) -> list[Object]:
        output: list[Object] = self.response["output"]
        return output

    @property
    def notes(self) -> list[tuple[str, str]]:
        return [(note.param, note.action) for note in self._notes]


def contents(output: list[Object]) -> list[Any]:
    """Return (type, text) of each content part of each item; of a call its name and decoded arguments."""
    found: list[Any] = []
    for item in output:
        if item["type"] == "function_call":
            found.append(("call", item["name"], decode_arguments(item["arguments"])))
        elif item["type"] == "image_generation_call":
            found.append(("image", item["result"]))
        for part in [*item.get("summary", ()), *item.get("content", ())]:
            found.append((part["type"], part.get("text", part.get("refusal"))))
    return found


def decode_arguments(arguments: str) -> Any:
    """Return arguments decoded, or unchanged where they were cut off."""
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments
