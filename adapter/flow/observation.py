"""What the metrics and the log get of a response: it begins, it ends."""

from collections.abc import Iterable
from itertools import islice
from typing import Final

from adapter.event_loop.client_watch import ClientDisconnected
from adapter.flow.caller import Caller
from adapter.settings.caller_keys import CallerKey
from adapter.store.base import StoreDown
from adapter.store.keys.usage_recorder import UsageRecorder
from adapter.telemetry.aggregates import Addition, add_each
from adapter.telemetry.catalog import (
    FIRST_TOKEN_SECONDS,
    FORWARDED,
    FORWARDED_SECONDS,
    IN_FLIGHT,
    KEY_TOKENS,
    NOTES,
    OUTPUT_TOKEN_SECONDS,
    RESPONSE_SECONDS,
    RESPONSES,
    TOKENS,
    member_label,
    model_label,
)
from adapter.telemetry.logs import LOGGED_TENANT_CHARACTERS, log
from adapter.telemetry.traces import names
from adapter.telemetry.traces.spans import Attributes, Trace
from translators.errors import ProtocolError
from translators.notes import Note, Notes
from translators.responses.request import CreateRequest
from translators.responses.response import Response, Usage

FORWARDED_TRANSPORT: Final = "forwarded"
"""Of a request that is not translated, where a response has its own."""
_ANSWERED: Final = ("completed", "incomplete")
_MAX_LOGGED_NOTES: Final = 20
"""There may be one for each item of the input; all of them are stored with the response."""
_MAX_LOGGED_MODEL_CHARACTERS: Final = 200
"""Of the name in a forwarded request, which no one has checked."""


def observe_end(
    caller: Caller, response: Response, upstream: str, transport: str, seconds: float, first: float | None,
    notes: Iterable[Note], recorder: UsageRecorder,
) -> None:  # fmt: skip
    """Count a response that has ended after so many seconds, however it ended, and what it cost the caller's named key.

    `first`: seconds until its answer began; None: none did.
    """
    status = "failed" if response.status == "in_progress" else response.status
    model = model_label(response.model, status in _ANSWERED)
    usage = response.usage
    add_each(
        (
            (IN_FLIGHT, (transport,), -1),
            (RESPONSES, (upstream, model, status, transport), 1),
            *(() if usage is None else _token_counts(usage, upstream, model, caller.key)),
        )
    )
    RESPONSE_SECONDS.observe(seconds, (upstream, model, transport))
    if first is not None:
        FIRST_TOKEN_SECONDS.observe(first, (upstream, model))
        if usage is not None and usage.output_tokens > 1 and transport != "http":
            OUTPUT_TOKEN_SECONDS.observe((seconds - first) / usage.output_tokens, (upstream, model))
    for note in notes:
        NOTES.add((member_label(note.param), note.action))
    if caller.key is not None:
        answered = response.status in _ANSWERED
        _count_for_key(caller, usage, upstream, model, recorder, answered=answered, began=first is not None)


def _token_counts(usage: Usage, upstream: str, model: str, key: CallerKey | None) -> tuple[Addition, ...]:
    of_key: tuple[Addition, ...] = ()
    if key is not None:
        of_key = (
            (KEY_TOKENS, (key.name, "input"), usage.input_tokens),
            (KEY_TOKENS, (key.name, "output"), usage.output_tokens),
        )
    return (
        *of_key,
        (TOKENS, (upstream, model, "input"), usage.input_tokens),
        (TOKENS, (upstream, model, "cached_input"), usage.input_tokens_details.cached_tokens),
        (TOKENS, (upstream, model, "output"), usage.output_tokens),
        (TOKENS, (upstream, model, "reasoning"), usage.output_tokens_details.reasoning_tokens),
    )


def settle(caller: Caller, usage: Usage | None, *, began: bool) -> int:
    """Count a request as ended in the limits of its key, and return what it cost the budget; the first call counts.

    Call it before the client can know of the end: its next request may be at another worker at once.
    """
    if caller.admission is None:
        return 0
    return caller.admission.settle(usage.total_tokens if usage else None, began=began)


def _count_for_key(
    caller: Caller, usage: Usage | None, upstream: str, model: str, recorder: UsageRecorder, *, answered: bool,
    began: bool,
) -> None:  # fmt: skip
    """Count what a request cost its named key: its `usage`, or if an answer `began` without one, the estimate."""
    key = caller.key
    assert key is not None
    cost = settle(caller, usage, began=began)
    recorder.add(key.name, upstream, model, failed=not answered, usage=usage, cost=cost)


def observe_forwarded(
    caller: Caller, path: str, model: str, upstream: str, error: str | None, usage: Usage | None, seconds: float,
    recorder: UsageRecorder,
) -> None:  # fmt: skip
    """Count a forwarded request that has ended after so many seconds, in an `error` or with an answer of that `usage`.

    `usage` is None if no answer began.
    """
    IN_FLIGHT.add((FORWARDED_TRANSPORT,), -1)
    label = model_label(model, usage is not None)
    FORWARDED.add((upstream, label, path, "answered" if error is None else "failed"))
    FORWARDED_SECONDS.observe(seconds, (upstream, label, path))
    if usage is not None:
        add_each(_token_counts(usage, upstream, label, caller.key))
    if caller.key is not None:
        _count_for_key(caller, usage, upstream, label, recorder, answered=error is None, began=usage is not None)


def log_forwarded(
    caller: Caller, path: str, model: str, upstream: str, error: str | None, usage: Usage | None, seconds: float
) -> None:
    """Log how a forwarded request ended; arguments as in `observe_forwarded`."""
    log.info(
        "forwarded",
        path=path,
        tenant=_logged_tenant(caller),
        model=model[:_MAX_LOGGED_MODEL_CHARACTERS],
        upstream=upstream,
        error=error,
        input_tokens=usage.input_tokens if usage else None,
        output_tokens=usage.output_tokens if usage else None,
        seconds=round(seconds, 3),
    )


def _logged_tenant(caller: Caller) -> str | None:
    return (caller.tenant if caller.key else caller.tenant[:LOGGED_TENANT_CHARACTERS]) or None


def trace_end(
    trace: Trace, request: CreateRequest, response: Response, upstream: str, transport: str, seconds: float,
    first: float | None, notes: Iterable[Note],
) -> None:  # fmt: skip
    """Record the call of the model in the trace of its request; `first` as in `observe_end`."""
    if not trace.is_recorded:
        trace.close_call(response.model, seconds, {}, [], failed=False)
        return
    usage, failed = response.usage, response.status not in _ANSWERED
    attributes: Attributes = {
        names.PROVIDER: upstream, names.MODEL: response.model, names.RESPONSE: response.id,
        names.TRANSPORT: transport,
    }  # fmt: skip
    if request.previous_response_id is not None:
        attributes[names.PREVIOUS] = request.previous_response_id
    if request.conversation is not None:
        attributes[names.CONVERSATION] = request.conversation
    if first is not None:
        attributes[names.FIRST_CHUNK] = round(first, 6)
    if failed:
        attributes[names.ERROR] = (response.error.code if response.error else None) or response.status
    if usage is not None:
        attributes |= {
            names.INPUT: usage.input_tokens, names.CACHED: usage.input_tokens_details.cached_tokens,
            names.OUTPUT: usage.output_tokens, names.REASONING: usage.output_tokens_details.reasoning_tokens,
        }  # fmt: skip
    shown: list[Attributes] = [
        {names.NOTE_PARAM: param, names.NOTE_ACTION: action}
        for param, action in islice(_without_reasons(notes), _MAX_LOGGED_NOTES)
    ]
    trace.close_call(response.model, seconds, attributes, shown, failed=failed)


def _without_reasons(notes: Iterable[Note]) -> dict[tuple[str, str], None]:
    """Return the param and action of each note, once: reasons may quote what callers and providers wrote."""
    return dict.fromkeys((note.param, note.action) for note in notes)


def code_of(error: Exception) -> str:
    """Return the code by which the log names the error with which a request ended."""
    if isinstance(error, ProtocolError):
        return error.code or error.type
    if isinstance(error, StoreDown):
        return "store_down"
    return "client_disconnected" if isinstance(error, ClientDisconnected) else "server_error"


def log_end(
    caller: Caller, response: Response, upstream: str, transport: str, error: str | None, seconds: float,
    first: float | None, notes: Notes,
) -> None:  # fmt: skip
    """Log how a response ended after so many seconds; `first` as in `observe_end`.

    `error`: the code of the error with which the request ended, if it was none of the response.
    """
    usage = response.usage
    logged = []
    if notes:
        distinct = _without_reasons(notes)
        logged = [f"{param}: {action}" for param, action in islice(distinct, _MAX_LOGGED_NOTES)]
        if len(distinct) > _MAX_LOGGED_NOTES:
            logged.append(f"and {len(distinct) - _MAX_LOGGED_NOTES} more")
    log.info(
        "response",
        response_id=response.id,
        tenant=_logged_tenant(caller),
        transport=transport,
        model=response.model,
        upstream=upstream,
        status="failed" if response.status == "in_progress" else response.status,  # it ended as an HTTP error
        error=response.error.code if response.error else error,
        incomplete=response.incomplete_details.reason if response.incomplete_details else None,
        input_tokens=usage.input_tokens if usage else None,
        cached_tokens=usage.input_tokens_details.cached_tokens if usage else None,
        output_tokens=usage.output_tokens if usage else None,
        reasoning_tokens=usage.output_tokens_details.reasoning_tokens if usage else None,
        first_token=None if first is None else round(first, 3),
        seconds=round(seconds, 3),
        notes=logged,
    )
