"""The messages of a WebSocket, in both directions: JSON objects, one in each text frame.

A client sends `response.create`, with the members of a body of POST, and `response.steer`, which is not supported.
It gets the events of the stream as they are, and `error` messages. Source: OpenAI guide, WebSocket mode.
"""

import re
from typing import Any, Final, Literal

from adapter.sharing.shares import Holding
from translators.errors import (
    ProtocolError,
    RequestError,
    UpstreamError,
    invalid_type,
    invalid_value,
    json_type_name,
    missing_parameter,
    shorten,
)
from translators.wire import Raw, decode, decode_members, encode

_STREAM_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_NOT_IN_BODY: Final = ("type", "stream", "stream_id", "generate")
"""Members of a message that the body of a create request does not have; `stream` is always true here."""


class Message:
    """One message of a client, parsed as far as the transport needs it; raises RequestError for anything else.

    `body`: the create request in it. `prewarms`: nothing is to be generated; the next request continues this one.
    """

    __slots__ = ("_text", "body", "kind", "prewarms", "room", "stream_id")

    def __init__(self, text: str, room: Holding) -> None:
        """`room` has the bytes of the message, for as long as it is referred to."""
        self._text = text
        self.room = room
        members = decode_members(text.encode())
        if "type" not in members:
            raise missing_parameter("type")
        kind = _value(members, "type")
        if kind not in ("response.create", "response.steer"):
            raise invalid_value("type", shorten(str(kind)), ["response.create"])
        self.kind: Literal["response.create", "response.steer"] = kind
        self.stream_id = _read_stream_id(members)
        generate = _value(members, "generate")
        if generate is not None and not isinstance(generate, bool):
            raise invalid_type("generate", "a boolean", json_type_name(generate))
        self.prewarms = generate is False or _remove_prewarm(members)
        body = {name: raw for name, raw in members.items() if name not in _NOT_IN_BODY}
        self.body = encode({**body, "stream": True})

    def steer(self) -> dict[str, Any]:
        """Return the members of a `response.steer`, for the answer that quotes them."""
        members = decode(self._text.encode())
        return {name: members.get(name) for name in ("previous_response_id", "input")}


def _value(members: dict[str, Raw], name: str) -> Any:
    return decode(bytes(members[name])) if name in members else None


def _read_stream_id(members: dict[str, Raw]) -> str | None:
    stream_id = _value(members, "stream_id")
    if stream_id is not None and not (isinstance(stream_id, str) and _STREAM_ID.fullmatch(stream_id)):
        raise RequestError(
            "The 'stream_id' field must be a non-empty string with at most 256 characters and may only contain "
            "letters, numbers, underscores, hyphens, and periods.",
            param="stream_id",
            code="invalid_stream_id",
        )
    return stream_id


def _remove_prewarm(members: dict[str, Raw]) -> bool:
    """Remove `prompt_cache_options.prewarm`, which a body must not have; return whether it was true."""
    options = _value(members, "prompt_cache_options")
    if not isinstance(options, dict) or options.pop("prewarm", None) is not True:
        return False
    members["prompt_cache_options"] = Raw(encode(options))
    return True


def error_message(error: ProtocolError, stream_id: str | None) -> bytes:
    """Return the frame of an `error` message; its `headers` replace those of an HTTP answer."""
    members: dict[str, Any] = error.envelope()["error"]
    members["code"] = members["code"] or members["type"]  # a code is required here
    if isinstance(error, UpstreamError) and error.retry_after is not None:
        members["headers"] = {"retry-after": f"{error.retry_after:g}"}
    message: dict[str, Any] = {"type": "error", "status": error.status, "error": members}
    if stream_id is not None:
        message["stream_id"] = stream_id
    return text_frame(encode(message))


def steer_failure(message: Message) -> bytes:
    """Return the frame that answers a `response.steer`: chat has no way to add input to a running answer."""
    error = {
        "type": "invalid_request_error",
        "code": "steering_not_supported",
        "message": "Responses cannot be steered here. Send the input with the next 'response.create'.",
    }
    failure = {"type": "response.steer.failed", "sequence_number": 0, "error": error, "steer": message.steer()}
    return text_frame(encode(failure))


def text_frame(payload: bytes) -> bytes:
    """Return a text message as one frame of a server: not fragmented, not masked. Source: RFC 6455 §5.2."""
    size = len(payload)
    if size < 126:
        return b"\x81" + size.to_bytes(1) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2) + payload
    return b"\x81\x7f" + size.to_bytes(8) + payload
