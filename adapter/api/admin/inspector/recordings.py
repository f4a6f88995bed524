"""What the inspector has recorded: the list, what changes in it, and one exchange with its contents."""

import codecs
import re
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from functools import partial
from typing import Any, Final

import gevent
from flask import Blueprint, Response, request
from msgspec import to_builtins
from msgspec.structs import replace

from adapter.api.current import services
from adapter.services import Services
from adapter.telemetry.inspector.heads import RECORDED, Attempt, Head
from adapter.telemetry.inspector.packing import Part
from adapter.telemetry.inspector.recorder import STATE_TICKS, Recorder
from adapter.telemetry.inspector.spool import MAX_RECORDINGS, Listed, Spool
from adapter.telemetry.logs import LOGGED_TENANT_CHARACTERS
from translators.errors import RequestError
from translators.wire import NotJSON, Raw, decode, encode

blueprint = Blueprint("recordings", __name__, url_prefix="/inspector/api")

_LIMIT: Final = 200
_MAX_LIMIT: Final = 500
"""Rows of a list: what a page can show without delay."""
_EVENT: Final = re.compile(rb"^(?:data: )?(\{.*)", re.MULTILINE)
"""A line with JSON in the events as they went to the client."""
_SEARCH_SECONDS: Final = 2.0
"""For the contents that one search reads, the newest first; nothing is written meanwhile."""
_LIVE_SECONDS: Final = 0.5
"""Between two looks for changes."""
_KEEP_ALIVE_SECONDS: Final = 10.0
_SECONDS_OF_A_STATE: Final = 3.0 * STATE_TICKS


def recorder() -> Recorder:
    """Return the recorder of this worker."""
    found = services().recorder
    assert found is not None, "the inspector's blueprints are registered only with a recorder"
    return found


@blueprint.get("/recordings")
def list_recordings() -> Response:
    """List recordings, the newest first, and what the inspector records.

    Query: `limit`; `before`, the id of a recording, for those that began before it; `status`, `model`, `upstream`,
    `key`, `conversation` select by equal values; `notes`, `errors` and `retried` those that have some; `slower` by
    milliseconds; `text` by a text in head or contents. `total` of the answer counts all that are selected; null: the
    search ended early.
    """
    own = recorder()
    limit = min(_whole("limit", _LIMIT), _MAX_LIMIT)
    alive, args = _living_workers(own), request.args
    chosen, text, before = _filters(alive), args.get("text", ""), args.get("before")
    rev, found, is_all = own.read(partial(_select, chosen=chosen, text=text, before=before, limit=limit))
    about = {"mode": own.mode, "lost": own.lost, "rev": rev, "max_bytes": services().settings.inspector_bytes}
    data = [shown(one, alive) for one in found[:limit]]
    return answer({**about, "total": len(found) if is_all else None, "data": data})


@blueprint.get("/live")
def follow_changes() -> Response:
    """Send each recording as an event whenever it changes, from a revision (`after`) on, for as long as it is read."""
    own, app = recorder(), services()
    after = request.headers.get("Last-Event-ID") or request.args.get("after") or ""
    rev = own.read(Spool.revision)
    if after.isdecimal() and len(after) < 16:
        rev = int(after) if int(after) <= rev else 0  # it is of the server before this one
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Response(_live(own, app, rev), content_type="text/event-stream; charset=utf-8", headers=headers)


@blueprint.get("/recordings/<id>")
def show_recording(id: str) -> Response:
    """Return one recording, by its id or that of its response, with its contents."""
    found, contents = find(recorder(), id)
    return answer({**shown(found, _living_workers(recorder())), "recorded": _show(found.head, contents)})


def find(own: Recorder, id: str) -> tuple[Listed, Part]:
    """Return a recording and its contents; raise RequestError."""
    found = own.read(lambda spool: spool.find(id))
    if found is None:
        raise RequestError("There is no such recording; it may have made room for newer ones.", status=404)
    contents: Part = own.read(lambda spool: spool.read_contents(found.head.id))
    return found, contents


def answer(value: object) -> Response:
    return Response(encode(value), content_type="application/json", headers={"Cache-Control": "no-store"})


def masked(json: bytes) -> Raw | dict[str, str | None]:
    """Return JSON that is in no recording, such as a stored item, without the secrets of this server."""
    return _event(services().mask(json, None))


def shown(one: Listed, alive: Collection[int] | None = None) -> dict[str, Any]:
    """Return a recording as operators see it; `alive`: the workers that are still running."""
    head = replace(one.head, tenant=one.head.tenant[:LOGGED_TENANT_CHARACTERS])
    if alive is not None:
        head = replace(head, status=_status(head, alive))
    return {"rev": one.rev, **to_builtins(head), **_times(head)}


def _times(head: Head) -> dict[str, Any]:
    """Return what has times in a head, with milliseconds since the beginning."""

    def known(**times: float | None) -> dict[str, float]:
        return {name.replace("_", " "): head.milliseconds(time) for name, time in times.items() if time is not None}

    marks = known(
        read=head.read, translated=head.attempts[0].began if head.attempts else None,
        first_token=head.first_token, storing=head.storing, stored=head.stored, closed=head.closed,
    )  # fmt: skip
    attempts = [
        {
            **attempt_members(one), "delay": one.delay * 1000,
            **known(began=one.began, answered=one.answered, first=one.first, ended=one.ended or head.closed),
        }
        for one in head.attempts
    ]  # fmt: skip
    tools = [
        {**to_builtins(one), "began": max(0.0, head.milliseconds(one.began)), "ended": head.milliseconds(one.ended)}
        for one in head.tools
    ]
    return {"marks": marks, "attempts": attempts, "tools": tools}


def attempt_members(attempt: Attempt) -> dict[str, Any]:
    """Return the members of an attempt: what it always has, and what else is known."""
    always = {"reason": attempt.reason, "key": attempt.key, "lessons": attempt.lessons}
    return {**always, **to_builtins(attempt)}


def _status(head: Head, alive: Collection[int]) -> str:
    """Return the status of a recording; `lost` if its worker has ended without ending it."""
    is_lost = head.status == "in_progress" and head.worker not in alive
    return "lost" if is_lost and time.time() - head.at > _SECONDS_OF_A_STATE else head.status


def _living_workers(own: Recorder) -> set[int]:
    """Return the workers that have written their state lately; one that was killed cannot end its recordings."""
    since = time.time() - _SECONDS_OF_A_STATE
    return {pid for pid, _, _ in own.read(lambda spool: spool.read_workers(since))}


def _select(
    spool: Spool, chosen: list[Callable[[Head], bool]], text: str, before: str | None, limit: int
) -> tuple[int, list[Listed], bool]:
    """Return the last revision, what is chosen, the newest first, and whether that is all; it may exceed the limit."""
    rev, listed = spool.revision(), spool.latest(MAX_RECORDINGS)
    if before is not None:
        at = next((at for at, one in enumerate(listed, 1) if one.head.id == before), None)
        if at is None:
            raise RequestError("The recordings before that one have made room for newer ones.", status=404)
        listed = listed[at:]
    found = [one for one in listed if all(is_chosen(one.head) for is_chosen in chosen)]
    return (rev, *_search(spool, found, text.encode(), limit)) if text else (rev, found, True)


def _search(spool: Spool, listed: list[Listed], text: bytes, limit: int) -> tuple[list[Listed], bool]:
    """Return the recordings that have a text, the newest first, and whether there was time to search all contents."""
    found = {one.head.id for one in listed if text in encode(one.head)}
    others = {one.head.id for one in listed if one.head.contents.startswith(RECORDED)} - found
    until = time.monotonic() + _SEARCH_SECONDS
    mentioning = set[str]()
    for id, part in spool.read_all_contents():
        if id in others and _mentions(part, text):
            mentioning.add(id)
        if len(mentioning) > limit or time.monotonic() > until:
            is_all = False
            break
    else:
        is_all = True
    return [one for one in listed if one.head.id in found or one.head.id in mentioning], is_all


def _mentions(part: Part, text: bytes) -> bool:
    pieces = [part.request, part.response, *[json for _, json in (*part.chats, *part.error_bodies)]]
    pieces += [data for *_, data in part.chunks] + [data for *_, data in part.events]
    return any(piece is not None and text in piece for piece in pieces)


def _filters(alive: Collection[int]) -> list[Callable[[Head], bool]]:
    """Return the conditions of the query; `alive`: the workers that are still running."""
    args, found = request.args, list[Callable[[Head], bool]]()
    if status := args.get("status"):
        found.append(lambda head: _status(head, alive) == status)
    for name in ("model", "key", "conversation"):
        if value := args.get(name):
            found.append(lambda head, name=name, value=value: getattr(head, name) == value)  # type: ignore[misc]
    if upstream := args.get("upstream"):
        found.append(lambda head: any(one.upstream == upstream for one in head.attempts))
    if args.get("notes"):
        found.append(lambda head: bool(head.notes))
    if args.get("errors"):
        found.append(lambda head: head.error is not None)
    if args.get("retried"):
        found.append(lambda head: len(head.attempts) > 1)
    if args.get("slower"):
        slower = _whole("slower", 0)
        found.append(lambda head: head.milliseconds(head.closed or head.began) >= slower)
    return found


def _whole(name: str, default: int) -> int:
    value = request.args.get(name, str(default))
    if not (value.isdecimal() and len(value) < 10):
        raise RequestError(f"{name} must be a whole number.", param=name, code="invalid_value")
    return int(value)


def _live(own: Recorder, app: Services, rev: int) -> Generator[bytes]:
    silence = 0.0
    yield b"retry: 1000\n\n"
    while not app.draining:
        changed = own.read(partial(Spool.changed_since, rev=rev, limit=_LIMIT))
        if changed:
            rev, silence = changed[-1].rev, 0.0
            yield b"".join(b"id: %d\ndata: %b\n\n" % (one.rev, encode(shown(one))) for one in changed)
        elif silence >= _KEEP_ALIVE_SECONDS:
            silence = 0.0
            yield b": nothing new\n\n"
        silence += _LIVE_SECONDS
        gevent.sleep(_LIVE_SECONDS)


def _show(head: Head, part: Part) -> dict[str, Any]:
    return {
        "request": _text(part.request),
        "chats": [{"attempt": number, "text": _text(json)} for number, json in part.chats],
        "chunks": [piece for chunks in part.chunks for piece in _split(head, *chunks)],
        "error_bodies": [{"attempt": number, "text": _text(body)} for number, body in part.error_bodies],
        "events": [batch for events in part.events for batch in _batches(head, *events)],
        "response": _text(part.response),
    }


def _batches(
    head: Head, times: Iterable[float], sizes: Iterable[int], data: bytes
) -> Iterator[tuple[float, list[Raw | dict[str, str | None]]]]:
    """Yield when events went to the client, and their JSON."""
    at = 0
    for went, size in zip(times, sizes, strict=True):
        yield head.milliseconds(went), [_event(json) for json in _EVENT.findall(data, at, at + size)]
        at += size


def _event(json: bytes) -> Raw | dict[str, str | None]:
    """Return an event; one that is no JSON any more, since a secret was part of a number, as a text."""
    try:
        decode(json)
    except NotJSON:
        return {"type": "masked", "text": _text(json)}
    return Raw(json)


def _split(head: Head, number: int, times: Iterable[float], sizes: Iterable[int], data: bytes) -> list[dict[str, Any]]:
    """Return the pieces in which bytes came, as text; a character that came in two pieces is in the second."""
    decoder, at, pieces = codecs.getincrementaldecoder("utf-8")("replace"), 0, []
    for came, size in zip(times, sizes, strict=True):
        pieces.append({"attempt": number, "at": head.milliseconds(came), "text": decoder.decode(data[at : at + size])})
        at += size
    return pieces


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "replace")
