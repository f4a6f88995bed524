"""A buffered answer: read to its end and judged before the client sees anything of it.

An `AnswerReader` feeds a `BufferedAnswer` instead of the machine that the client follows. It keeps the chunks and
follows them with a machine of its own. `send_to` feeds them to the other machine, so that the client gets the very
events that an unbuffered answer has.
"""

from collections.abc import Iterable, Iterator

from translators.chat.alike import AlikeChunks
from translators.chat.chunks import Chunk, Delta
from translators.errors import ProtocolError
from translators.notes import Notes
from translators.reasoning.think_tags import answer_in
from translators.responses.events import Event
from translators.responses.response import Response
from translators.to_responses.stream import ResponseStream


class BufferedAnswer:
    """One answer; `trial` is a machine like the one that the client follows.

    `thinks_first`: the content begins with thinking, without a tag that says so.
    """

    def __init__(self, trial: ResponseStream, *, thinks_first: bool = False) -> None:
        self._trial = trial
        self._thinks_first = thinks_first
        self._chunks: list[Chunk] = []
        self._done = False

    @property
    def is_over(self) -> bool:
        return self._trial.is_over

    @property
    def has_answer(self) -> bool:
        return self._trial.has_answer

    @property
    def response(self) -> Response:
        return self._trial.response

    def feed(self, chunks: Iterable[Chunk | AlikeChunks]) -> list[Event]:
        self._trial.feed(self._keep(chunks))
        return []

    def _keep(self, chunks: Iterable[Chunk | AlikeChunks]) -> Iterator[Chunk]:
        for some in chunks:
            for chunk in some.chunks() if isinstance(some, AlikeChunks) else (some,):
                self._chunks.append(chunk)
                yield chunk

    def finish(self, now: int, *, done: bool) -> list[Event]:
        self._done = done
        self._trial.finish(now, done=done)
        return []

    def fail(self, error: ProtocolError) -> list[Event]:
        self._trial.fail(error)
        return []

    def send_to(self, stream: ResponseStream, now: int) -> list[Event]:
        """Return the events of the answer in the stream that the client follows; `now` is in Unix seconds."""
        events = stream.feed(self._chunks)
        if self._trial.error is not None:
            return events + stream.fail(self._trial.error)
        return events + stream.finish(now, done=self._done)

    def trim_to(self, text: str, notes: Notes) -> None:
        """Reduce the content to this part of it, and the thinking in tags before it."""
        contents = [part for chunk in self._chunks for part in _contents(chunk)]
        written = "".join(part.content for part in contents if isinstance(part.content, str))
        thinking = written.removesuffix(answer_in(written, begun=self._thinks_first))
        for part in contents:
            part.content, part.annotations = None, None
        contents[0].content = thinking + text
        for chunk in self._chunks:
            for choice in chunk.choices or ():
                if choice.logprobs is not None:
                    choice.logprobs = None
                    notes.add("logprobs", "dropped", "those of an answer that was reduced to a part of it")


def _contents(chunk: Chunk) -> list[Delta]:
    """Return the deltas of a chunk that have content; the text of a legacy completion is moved into one."""
    found = []
    for choice in chunk.choices or ():
        delta = choice.delta or choice.message
        if delta is None and choice.text:
            delta = choice.delta = Delta(content=choice.text)
        if delta is not None and delta.content and not choice.index:
            found.append(delta)
    return found
