"""What is fuzzed: each target takes any bytes and raises only if a law is broken."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from wsproto import ConnectionType, WSConnection
from wsproto.events import Request, TextMessage
from wsproto.utilities import RemoteProtocolError

from adapter.api.request.content_codings import TooLarge, decode_body
from adapter.api.request.schemas import parse_create
from adapter.api.websocket.messages import Message
from adapter.history.sealing import Keyring
from tests.support.shares import no_limit
from tests.support.stream_harness import StreamHarness
from translators.errors import RequestError
from translators.to_responses.sse import SSEDecoder

Target = Callable[[bytes], None]

_KEYRING: Final = Keyring(["n" * 32, "o" * 32])
_FOR: Final = {"tenant": "t", "upstream": "gemini/m"}
_MAX_BYTES: Final = 1 << 16


def read_sse(data: bytes) -> None:
    """Events do not depend on where the bytes are cut."""
    whole, cut = SSEDecoder(), SSEDecoder()
    expected = whole.feed(data) + whole.flush()
    found = [payload for at in range(len(data)) for payload in cut.feed(data[at : at + 1])] + cut.flush()
    assert found == expected


def read_answer(data: bytes) -> None:
    """Any answer of a provider, whole or cut, becomes a stream that obeys the laws."""
    half = len(data) // 2
    assert StreamHarness().read([data[:half], data[half:]]).response["status"] in ("completed", "incomplete", "failed")


def read_chunks(data: bytes) -> None:
    """So does any payload of an event, after one that is in order."""
    lines = b"".join(b"data: %b\n\n" % line for line in data.split(b"\n"))
    read_answer(b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n' + lines)


def parse_body(data: bytes) -> None:
    """A body is a request, or a request error."""
    with suppress(RequestError):
        parse_create(data, max_items=50)


def parse_input(data: bytes) -> None:
    """So is a body with any input and tools."""
    body = data.split(b"\n", 1)
    parse_body(b'{"model":"m","input":%b,"tools":%b}' % (body[0], body[-1] if len(body) > 1 else b"[]"))


def decode_coding(data: bytes) -> None:
    """A compressed body is decoded, or a request error, or too large."""
    for coding in ("zstd", "gzip", "deflate"):
        with suppress(RequestError, TooLarge):
            decode_body(data, coding, _MAX_BYTES, no_limit().grow)


def unseal(data: bytes) -> None:
    """What was not sealed here, for this tenant, cannot be opened."""
    text = data.decode("latin-1")
    assert _KEYRING.unseal(text, **_FOR) is None
    sealed = _KEYRING.seal(data, **_FOR)
    assert _KEYRING.unseal(sealed, **_FOR) == data
    at = len(data) % len(sealed)
    changed = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]
    assert _KEYRING.unseal(changed, **_FOR) in (None, data)  # the last letter may have unused bits


def read_frames(data: bytes) -> None:
    """Frames of a client are messages, or the end of the connection."""
    client, server = WSConnection(ConnectionType.CLIENT), WSConnection(ConnectionType.SERVER)
    server.receive_data(client.send(Request(host="localhost", target="/v1/responses")))
    for event in list(server.events()):
        assert isinstance(event, Request)
    from wsproto.events import AcceptConnection

    server.send(AcceptConnection())
    text = ""
    with suppress(RemoteProtocolError):
        server.receive_data(data)
        for event in server.events():
            if isinstance(event, TextMessage):
                text += event.data
                if event.message_finished:
                    read_message(text.encode())
                    text = ""


def read_message(data: bytes) -> None:
    """A message is a request, or a request error."""
    with suppress(RequestError):
        message = Message(data.decode("utf-8", "replace"), no_limit())
        parse_create(message.body, max_items=50)
        message.steer()


TARGETS: Final[dict[str, tuple[Target, tuple[bytes, ...]]]] = {
    "sse": (read_sse, (b'event: x\ndata: {"a":1}\n\n', b"data:1\r\ndata:2\r\n\r\n: c\n\ndata: [DONE]\n\n")),
    "answers": (read_answer, (
        b'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
        b'{"choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}',
        b'{"error":{"message":"No.","code":"x"}}',
    )),
    "chunks": (read_chunks, (
        b'{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}}]}',
        b'{"choices":[{"delta":{"reasoning_content":"Hm","content":"<think>a</think>b"},"finish_reason":"length"}]}',
    )),
    "bodies": (parse_body, (
        b'{"model":"m","input":"Hi","temperature":1,"stream":true,"text":{"format":{"type":"json_object"}}}',
        b'{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"x"}]}],"include":[]}',
    )),
    "inputs": (parse_input, (
        b'[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output",'
        b'"call_id":"c","output":"x"}]\n[{"type":"function","name":"f","parameters":{}}]',
        b'[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"x"}]\n[{"type":"custom","name":"g"}]',
    )),
    "codings": (decode_coding, (
        b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd\x20\x02\x11\x00\x00{}", b"x\x9c\xab\xae\x05\x00",
    )),
    "seals": (unseal, (b"", b'{"text":"Hm."}', b"x" * 5000)),
    "frames": (read_frames, (
        b"\x81\x82\0\0\0\0{}", b"\x01\x81\0\0\0\0{\x80\x81\0\0\0\0}", b"\x89\x80\0\0\0\0", b"\x88\x82\0\0\0\0\x03\xe8",
    )),
    "messages": (read_message, (b'{"type":"response.create","model":"m","input":"Hi","stream_id":"a"}',)),
}  # fmt: skip
"""By name: the target, and inputs to begin with."""
