"""The entry of every request for a model, over HTTP or WebSocket.

`identify_caller`, `read_callers_body` and `admit` are its steps, always in this order: the bearer key identifies the
tenant; the body is read; it is parsed, and its references are replaced by the items they name. `admit_http` takes all
of them for create, compact and input_tokens; `admit_forwarded` does the same for a request that is not translated. A
WebSocket identifies its caller once, at the handshake, and passes each message to `admit`.

Checks on each request for a model (quotas, audits, limits of a tenant) belong in `admit`; checks on everything that
callers do, reading stored responses included, in `identify_caller`. Neither needs Flask: an HTTP request is its WSGI
environment here.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from adapter.api.auth import authenticate, read_key
from adapter.api.request.body import read_body
from adapter.api.request.schemas import parse_create
from adapter.api.request.start import ADMISSION, ADMITTED, IDS, RECORDING, START
from adapter.event_loop.client_watch import ClientWatch
from adapter.flow.caller import Caller
from adapter.history.known_inputs import TenantInputs
from adapter.history.references import resolve_references
from adapter.services import Services
from adapter.settings.settings import Settings
from adapter.sharing.keys import CallerKeys
from adapter.sharing.offload import LARGE_BYTES
from adapter.sharing.shares import Holding
from adapter.store.protocols import ResponseReader
from translators.chat.forwarded import ForwardedRequest, read_forwarded
from translators.responses.request import CreateRequest

_INSPECT: Final = "HTTP_X_ADAPTER_INSPECT"
_FAST_PATH: Final = "/v1/responses"
"""What the fast path serves, in whose environment there is no path."""

Parse = Callable[[bytes, Settings, TenantInputs | None], CreateRequest]
"""Return the request in a body, of which something may be known; raise RequestError for the first thing that is wrong
with it."""


def identify_caller(environ: Mapping[str, Any], keys: CallerKeys) -> Caller:
    """Return who sends an HTTP request; raise RequestError (401)."""
    key = read_key(environ)
    who = authenticate(key, keys)
    return Caller(who.tenant, who.key, key, ClientWatch(environ.get("gunicorn.socket")))


def read_callers_body(environ: dict[str, Any], caller: Caller, services: Services) -> bytes:
    """Return the body of a caller's request, counted for as long as the caller is referred to; raise as `read_body`."""
    caller.body = Holding(services.bodies, caller.tenant)
    return read_body(environ, services.settings, caller.body)


def parse_body(body: bytes, settings: Settings, known: TenantInputs | None = None) -> CreateRequest:
    """Return the create request in a body, as the settings allow it; raise RequestError."""
    return parse_create(
        body, max_items=settings.max_input_items, passthrough=settings.passthrough, prompts=settings.prompts,
        known=known,
    )  # fmt: skip


def admit(
    body: bytes, caller: Caller, services: Services, store: ResponseReader, parse: Parse = parse_body
) -> CreateRequest:
    """Return the request in a body, ready to be answered; raise RequestError, LimitExceeded, UnusablePrompt, StoreDown.

    `parse` accepts the bodies of one endpoint; references are looked up in `store`.
    """
    try:
        if len(body) < LARGE_BYTES:
            request = parse(body, services.settings, services.known_inputs.of(caller.tenant))
        else:
            request = services.offload.run(caller.tenant, parse, body, services.settings, None)
    except Exception:
        _record_unparsed(body, caller, services)
        raise
    if (recording := caller.recording) is not None:
        recording.steps.append(("asked", request.model, request.previous_response_id, request.conversation))
        if not request.store and recording.contents is not None:
            recording.withhold_unstored()
    if caller.key is not None:
        caller.admission = services.gate.admit(caller.key, request.model, len(body), request.max_output_tokens)
    return resolve_references(request, store, caller.tenant)


def admit_http(
    environ: dict[str, Any], services: Services, parse: Parse = parse_body
) -> tuple[Caller, CreateRequest]:
    """Return the caller and the request of an HTTP request; raise as `admit` and `read_body`, or
    RequestError (401).
    """
    if ADMITTED in environ:
        admitted: tuple[Caller, CreateRequest] = environ.pop(ADMITTED)
        return admitted
    caller = identify_caller(environ, services.caller_keys)
    services.overload.check()
    body = read_callers_body(environ, caller, services)
    if services.recorder is not None and (_INSPECT not in environ or not declines_recording(environ)):
        path, began, ids = environ.get("PATH_INFO", _FAST_PATH), environ[START], environ[IDS]
        caller.recording = environ[RECORDING] = services.recorder.begin(caller, path, body, began, ids)
    request = admit(body, caller, services, services.responses, parse)
    if caller.admission is not None:
        environ[ADMISSION] = caller.admission
    return caller, request


def admit_forwarded(environ: dict[str, Any], services: Services) -> tuple[Caller, ForwardedRequest]:
    """Return the caller and the request of an HTTP request that is to be forwarded; raise as `admit_http`."""
    caller = identify_caller(environ, services.caller_keys)
    services.overload.check()
    body = read_callers_body(environ, caller, services)
    if services.recorder is not None and not declines_recording(environ):
        path, began, ids = environ["PATH_INFO"], environ[START], environ[IDS]
        caller.recording = environ[RECORDING] = services.recorder.begin(caller, path, body, began, ids)
    try:
        if len(body) < LARGE_BYTES:
            request = read_forwarded(body)
        else:
            request = services.offload.run(caller.tenant, read_forwarded, body)
    except Exception:
        _record_unparsed(body, caller, services)
        raise
    if caller.recording is not None:
        caller.recording.steps.append(("asked", request.model, None, None))
        if not request.may_be_stored:
            caller.recording.withhold_unstored()
    if caller.key is not None:
        caller.admission = services.gate.admit(caller.key, request.model, len(body), request.max_output_tokens)
        if caller.admission is not None:
            environ[ADMISSION] = caller.admission
    return caller, request


def _record_unparsed(body: bytes, caller: Caller, services: Services) -> None:
    """Record of a request that could not be parsed what can be read of it."""
    if caller.recording is None:
        return
    if len(body) < LARGE_BYTES:
        caller.recording.describe_unparsed(body)
    else:
        services.offload.run(caller.tenant, caller.recording.describe_unparsed, body)


def declines_recording(environ: Mapping[str, Any]) -> bool:
    """Return whether a caller wants the inspector to record nothing."""
    wish: str = environ.get(_INSPECT, "")
    return wish.strip().lower() == "off"
