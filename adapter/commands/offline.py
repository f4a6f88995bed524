"""Translation without a server: of a create request to a chat request, and of a recorded answer to events.

The commands `translate`, `replay` and `check` use it. Ids and times are fixed, so that equal input gives equal output.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import BinaryIO, Final, Literal, cast

from msgspec.structs import replace

from adapter.api.request.schemas import parse_create
from adapter.files.files import Files
from adapter.settings.settings import Settings
from adapter.settings.upstreams import UpstreamSettings
from adapter.upstream.routing.registry import Registry
from translators.context.configuration import apply_configuration, latest_update
from translators.dialects.dialect import Dialect
from translators.dialects.presets import dialect_for
from translators.notes import Notes
from translators.responses.echo import first_snapshot
from translators.responses.events import DONE, Event, ResponseFailed, sse_frames
from translators.responses.ids import Ids, seed
from translators.responses.request import CreateRequest
from translators.to_chat.history import History
from translators.to_chat.request import ChatRequest, chat_request
from translators.to_responses.answer import AnswerReader
from translators.to_responses.expectations import Expectations, Limits
from translators.to_responses.stream import ResponseStream
from translators.wire import decode

NOW: Final = 0
_READ_BYTES: Final = 64 * 1024


def translate(
    body: bytes, settings: Settings, notes: Notes, upstream: UpstreamSettings | None = None
) -> ChatRequest:
    """Return the chat request for a create request, for an upstream (default: that of its model with most weight)."""
    request = parse_create(
        body, max_items=settings.max_input_items, passthrough=settings.passthrough, prompts=settings.prompts
    )
    if request.previous_response_id is not None:
        notes.add("previous_response_id", "dropped", "there is no store here; only this request's input is translated")
    if upstream is None:
        dialect, model = _choose_upstream(request.model, settings)
    else:
        dialect, model = upstream.dialect, request.model
    request = apply_configuration(request, latest_update(request.input))
    request = replace(request, input=Files(settings).of_request(request.input, dialect, notes))
    return chat_request(request, History(), dialect, notes, model=model, stream=request.stream)


def _choose_upstream(model: str, settings: Settings) -> tuple[Dialect, str]:
    """Return the dialect of a model's provider, and its name there; raise RequestError if no upstream serves it."""
    upstreams = settings.all_upstreams()
    if not upstreams:
        return dialect_for("", settings.dialect), model
    candidates = Registry(upstreams, settings.models, now=lambda: NOW).list_candidates(model)
    candidate = max(candidates, key=lambda one: one.weight)
    return next(one.dialect for one in upstreams if one.name == candidate.upstream), candidate.model


def indented(body: ChatRequest) -> str:
    """Return a chat request as indented JSON."""
    return reindented(body.json)


def reindented(body: bytes) -> str:
    """Return JSON, indented."""
    return json.dumps(decode(body), indent=2, ensure_ascii=False)


def new_stream(
    settings: Settings, notes: Notes, expectations: Expectations = Expectations()  # noqa: B008 - frozen
) -> ResponseStream:
    """Return a stream machine for an answer; by default for one whose request is unknown."""
    ids = Ids(seed(NOW, 0))
    request = CreateRequest(model="replay", input=(), raw_input=b"[]", stream=True)
    return ResponseStream(
        first_snapshot(request, ids.response, NOW),
        ids,
        expectations,
        notes=notes,
        reasoning_as=cast(Literal["summary", "content"], settings.reasoning_as),
        limits=Limits(output_bytes=settings.max_output_bytes),
    )


def replay(chunks: BinaryIO, to: BinaryIO, settings: Settings, notes: Notes) -> str:
    """Write the Responses stream of a provider's recorded answer, as it is read; return why it failed, "" if not."""
    failure = ""
    for _, events in replay_pieces(iter(partial(chunks.read, _READ_BYTES), b""), settings, notes):
        to.write(sse_frames(events))
        failure = failure or find_failure(events)
    to.write(DONE)
    to.flush()
    return failure


def find_failure(events: Sequence[Event]) -> str:
    """Return why a response has failed whose last events these are; "": it has not."""
    if not events or not isinstance(events[-1], ResponseFailed):
        return ""
    error = events[-1].response.error
    return "the response failed" if error is None else error.message


def replay_pieces(
    pieces: Iterable[bytes], settings: Settings, notes: Notes
) -> Iterator[tuple[bytes, list[Event]]]:
    """Yield each piece of a recorded answer with the events that it makes; the first and last events have none."""
    stream = new_stream(settings, notes)
    reader = AnswerReader(stream)
    yield b"", stream.start()
    for data in pieces:
        if reader.done:
            break
        yield data, reader.feed(data)
    yield b"", reader.finish(NOW)
