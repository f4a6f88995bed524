"""The scripts of the upstream: the answers that model names stand for, and their bytes. No I/O, no clock.

    n400        400 text deltas, as fast as the peer reads, each its own SSE event, HTTP chunk and write
    n400g8      the same, 8 deltas per write
    n180r30     180 deltas, 30 per second, the first one after a thirtieth of a second
    n100t       one tool call whose arguments come in 100 deltas
    n50h        one call of the MCP tool `record`, and 50 words once its result is in the request
    n50         without `"stream": true`: one JSON completion of 50 words (or one tool call of 50 words)

A prefix up to the last `/` is ignored, as routers put one there. Every delta carries its mark: `@` and the
sender's monotonic clock in microseconds, sixteen digits; so a reader on the same machine knows how old it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

NAME = re.compile(rb"n(\d{1,6})(?:g(\d{1,4}))?(?:r(\d{1,4}))?([th]?)")
LAST_WORD = b"finis"  # last word of every unstreamed answer, by which the client knows that it is complete
MARK = b"@%016d"
HOSTED_TOOL = b"mcp__bench__record"

TOOL_CALL = (
    b'"tool_calls":[{"index":0,"id":"call_bench","type":"function",'
    b'"function":{"name":"%b","arguments":"%b"}}]'
)
ARGUMENTS = b'"tool_calls":[{"index":0,"function":{"arguments":"%b"}}]'
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)


@dataclass(frozen=True)
class Script:
    """What a model name asks for: how many deltas, how many per write, how many per second (0: no pacing)."""

    name: bytes
    deltas: int
    group: int
    rate: int
    tool: bytes
    """The function that it calls, b"" for none."""
    hosted: bool = False
    """The call is answered by the server under test, and a text follows."""


@lru_cache(maxsize=1000)
def read_script(model: bytes) -> Script | None:
    """Return the script of a model name, or None if it is not one."""
    name = model.rpartition(b"/")[2]
    found = NAME.fullmatch(name)
    if found is None or int(found[1]) == 0:
        return None
    tool = {b"": b"", b"t": b"record", b"h": HOSTED_TOOL}[found[4]]
    return Script(name, int(found[1]), int(found[2] or 1) or 1, int(found[3] or 0), tool, found[4] == b"h")


@dataclass(frozen=True)
class Pieces:
    """A streamed answer on the wire, but for its ending; a delta is `before`, its mark, `after`."""

    opening: bytes
    before: bytes
    after: bytes
    closing: bytes


@lru_cache(maxsize=1000)
def render(script: Script) -> Pieces:
    """Render everything of a streamed answer that depends neither on the request nor on the time."""
    role = b'"role":"assistant","content":'
    mark = MARK % 0
    if script.tool:
        opening = event(script, choice(role + b"null," + TOOL_CALL % (script.tool, b'{\\"text\\":\\"')))
        delta = event(script, choice(ARGUMENTS % (b"word " + mark + b" ")))
        closing = event(script, choice(ARGUMENTS % b'\\"}')) + event(script, choice(b"", b'"tool_calls"'))
    else:
        opening = event(script, choice(role + b'""'))
        delta = event(script, choice(b'"content":"word ' + mark + b' "'))
        closing = event(script, choice(b"", b'"stop"'))
    before, _, after = delta.partition(mark)
    return Pieces(STREAM_HEAD + opening, before, after, closing)


def ending(script: Script, request_bytes: int, usage_wanted: bool) -> bytes:
    """Return what follows the closing of a streamed answer: usage if wanted, `[DONE]`, the last chunk."""
    counted = event(script, b'"choices":[],' + usage(request_bytes, script.deltas)) if usage_wanted else b""
    return counted + chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


def completion(script: Script, request_bytes: int) -> bytes:
    """Return a whole unstreamed answer."""
    words = b"word " * (script.deltas - 1) + LAST_WORD
    message, finish = b'"content":"%b"' % words, b"stop"
    if script.tool:
        arguments = b'{\\"text\\":\\"%b\\"}' % words
        call = (TOOL_CALL % (script.tool, arguments)).replace(b'"index":0,', b"", 1)
        message, finish = b'"content":null,' + call, b"tool_calls"
    return answer(
        b"200 OK",
        b'{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"%b",'
        b'"choices":[{"index":0,"message":{"role":"assistant",%b},"finish_reason":"%b"}],%b}'
        % (script.name, message, finish, usage(request_bytes, script.deltas)),
    )


def event(script: Script, members: bytes) -> bytes:
    """Return one SSE event, framed as one HTTP chunk."""
    head = b'{"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"%b",'
    return chunk(b"data: " + head % script.name + members + b"}\n\n")


def chunk(payload: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def choice(delta: bytes, finish: bytes = b"null") -> bytes:
    return b'"choices":[{"index":0,"delta":{%b},"finish_reason":%b}]' % (delta, finish)


def usage(request_bytes: int, words: int) -> bytes:
    """Return the usage member. The prompt is counted in bytes: so a server that sends no history is noticed."""
    counts = (request_bytes, words, request_bytes + words)
    return b'"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}' % counts


def answer(status: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % (status, len(body)) + body


def error_answer(status: bytes, message: bytes) -> bytes:
    return answer(status, b'{"error":{"message":"%b","type":"invalid_request_error"}}' % message)


def call_result(id: bytes, method: bytes) -> bytes:
    """Return the answer of an MCP server with one tool, whose result is 50 words."""
    result = b'"content":[{"type":"text","text":"%b"}]' % (b"word " * 50)
    if method == b"tools/list":
        result = b'"ttlMs":60000,"tools":[{"name":"record","inputSchema":{"type":"object"}}]'
    return answer(b"200 OK", b'{"jsonrpc":"2.0","id":%b,"result":{"resultType":"complete",%b}}' % (id, result))


MODELS = answer(
    b"200 OK", b'{"object":"list","data":[{"id":"n50","object":"model","created":0,"owned_by":"bench"}]}'
)
