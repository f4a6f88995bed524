"""A golden case: its files, and what the code makes of them now.

The dialect is the preset named like the case's first directory, else the default. Ids and times are fixed: a response
was created at NOW, and its seed counts the turns.
"""

import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from adapter.api.request.schemas import parse_create
from translators.constraints.judge import answer_finder
from translators.dialects.dialect import Dialect
from translators.dialects.presets import PRESETS
from translators.notes import Notes
from translators.responses.echo import first_snapshot
from translators.responses.events import DONE, Event, sse_frame
from translators.responses.ids import Ids, seed
from translators.responses.request import CreateRequest
from translators.to_chat.history import History
from translators.to_chat.request import ChatRequest, chat_request
from translators.to_responses.answer import AnswerReader
from translators.to_responses.expectations import Expectations
from translators.to_responses.stream import ResponseStream
from translators.wire import decode, encode

ROOT = Path(__file__).parent
NOW = 1_795_360_000
"""When every response was created; it ends a second later."""


class Case:
    """One directory of files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.name = directory.relative_to(ROOT).as_posix()

    @classmethod
    def all(cls) -> list[Self]:
        return [cls(path.parent) for path in sorted(ROOT.rglob("request.json"))]

    @property
    def dialect(self) -> Dialect:
        return PRESETS.get(self.name.split("/")[0], PRESETS["default"])

    @cached_property
    def request(self) -> CreateRequest:
        return parse_create(self.read("request.json"), max_items=100)

    @cached_property
    def answer(self) -> bytes | None:
        """What the provider answered; None for a case about the request alone."""
        for name in ("chunks.sse", "completion.json"):
            if (self.directory / name).exists():
                return self.read(name)
        return None

    def read(self, name: str) -> bytes:
        return (self.directory / name).read_bytes()

    def expected(self, name: str) -> Any:
        """Return what a JSON file says; None where it is absent."""
        path = self.directory / name
        return json.loads(path.read_bytes()) if path.exists() else None

    @property
    def turn(self) -> int:
        return int(self.directory.name) if self.directory.name.isdigit() else 1

    @property
    def history(self) -> History:
        """What the turns before this one left."""
        if self.turn == 1:
            return History()
        before = Case(self.directory.parent / str(self.turn - 1)).play()
        assert self.request.previous_response_id == before.stream.response.id, "the turn continues another response"
        return before.body.history.with_output(before.stream.response.output)

    def translate(self) -> tuple[ChatRequest, Notes]:
        """Return the chat request, and what was not translated exactly."""
        notes = Notes()
        request = self.request
        body = chat_request(request, self.history, self.dialect, notes, model=request.model, stream=request.stream)
        return body, notes

    def play(self, pieces: Iterable[bytes] | None = None) -> "Played":
        """Translate the request and read the answer, in these pieces or whole."""
        assert self.answer is not None, f"{self.name} has no answer"
        return Played(self, [self.answer] if pieces is None else pieces)


class Played:
    """A case as the code plays it."""

    def __init__(self, case: Case, pieces: Iterable[bytes]) -> None:
        self.body, self.notes = case.translate()
        ids = Ids(seed(NOW * 1000, case.turn))
        self.stream = ResponseStream(
            first_snapshot(case.request, ids.response, NOW),
            ids,
            Expectations(
                self.body.names, None, self.body.history.call_ids, len(self.body.json),
                functions=self.body.functions, find_answer=answer_finder(case.request.text.format),
            ),
            notes=self.notes,
        )
        self.events: list[Event] = self.stream.start()
        reader = AnswerReader(self.stream)
        for piece in pieces:
            self.events += reader.feed(piece)
        self.events += reader.finish(NOW + 1)

    @property
    def sse(self) -> bytes:
        return b"".join(map(sse_frame, self.events)) + DONE

    @property
    def response(self) -> Any:
        return plain(self.stream.response)


def plain(value: object) -> Any:
    """Return a value as its JSON says it."""
    return decode(encode(value))
