"""`/v1/chat/completions` and `/v1/embeddings`: forwarded to the provider of the model, for clients still to be moved.

A client that does not use the Responses API yet shares the address, keys, limits and models with those that do. What
the provider answers is what the client gets: the body of an error included, without the secrets that it may quote. Only
an error that is the operator's (a key that the provider refuses, a wrong URL) is the adapter's own, as is one that is
not JSON. Off with `ADAPTER_FORWARD=false`. Source: docs/decisions/0041-forwarding.md.
"""

from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response
from flask import request as http

from adapter.api.current import services
from adapter.api.errors import answer_exception
from adapter.api.request.intake import admit_forwarded
from adapter.api.stream import stream_forwarded
from adapter.flow.forwarding import CHAT, EMBEDDINGS, Forwarding
from adapter.upstream.client import USER_AGENT
from translators.errors import RequestError, UpstreamError

if TYPE_CHECKING:
    from adapter.telemetry.inspector.recording import Recording

blueprint = Blueprint("forwarded", __name__, url_prefix="/v1")

_VIA: Final = f"1.1 {USER_AGENT}"
_MAX_ADAPTERS: Final = 4
"""One behind the other: more are a loop."""
_ABOUT_THE_KEY: Final = (401, 403)


@blueprint.post("/chat/completions")
def complete() -> Response:
    return _forward(CHAT)


@blueprint.post("/embeddings")
def embed() -> Response:
    return _forward(EMBEDDINGS)


def _forward(path: str) -> Response:
    app = services()
    via = _adapters_before()
    caller, request = admit_forwarded(http.environ, app)
    forwarding = Forwarding(app.flow, caller, path, request, via)
    try:
        content_type = forwarding.send()
        if content_type.lower().startswith("text/event-stream"):
            return stream_forwarded(forwarding, app, content_type)
        answer = Response(forwarding.read_whole(), content_type=content_type)
    except BaseException as error:
        forwarding.close()
        if isinstance(error, UpstreamError):
            return _answer_provider_error(error, caller.recording)
        raise
    forwarding.close()
    return answer


def _adapters_before() -> str | None:
    """Return the `Via` field of a request that another adapter has sent; raise RequestError (508) for a loop.

    None for a client's own request, so that providers learn nothing of the client. Source: RFC 9110 §7.6.3.
    """
    if not http.headers.get("User-Agent", "").startswith(USER_AGENT):
        return None
    before = http.headers.get("Via", "")
    if before.count(_VIA) >= _MAX_ADAPTERS:
        raise RequestError("The upstreams of adapters lead back to this one.", code="loop_detected", status=508)
    return f"{before[:1000]}, {_VIA}" if before else _VIA


def _answer_provider_error(error: UpstreamError, recording: "Recording | None") -> Response:
    """Return the answer to a request that failed: the provider's own, unless its error is for the operator."""
    answer = answer_exception(error)
    provider = error.provider_error
    if provider is None or not provider.body or error.cause != "status":
        return answer
    is_operators = provider.status < 400 or (provider.status in _ABOUT_THE_KEY and error.status != provider.status)
    if not is_operators:
        answer.status_code = provider.status
        answer.set_data(provider.body)
        if recording is not None:
            recording.pass_on(provider)
    return answer
