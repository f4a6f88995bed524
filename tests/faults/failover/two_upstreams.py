"""The settings of a service with two upstreams, and what tests of failover say to them.

Each test has a model name of its own (`name`): an upstream in cooldown after one test's failures is not skipped in
the next.
"""

import itertools
from typing import Any

from tests.support import chat
from tests.support.servers.upstream import (
    CLOSE,
    RESET,
    ReceivedRequest,
    Script,
    Upstream,
    head,
    stream,
    whole,
)

SETTINGS = """
[upstreams.a]
url = "{a}"
keys = ["key-1-of-a", "key-2-of-a"]
dialect = "openai"

[upstreams.b]
url = "{b}"
key = "key-of-b"
headers = {{ X-Team = "search" }}
dialect = {{ preset = "default", formats = [] }}

[upstreams.passing]
url = "{b}"
callers_key = true

[upstreams.nobody]
url = "http://127.0.0.1:9/v1"

[upstreams.counting]
url = "{b}"
dialect = "vllm"

[upstreams.silent]
url = "{a}"
timeout = 1

[models]
"silent" = ["silent", {{ upstream = "b", weight = 0 }}]
"first-*" = ["a", {{ upstream = "b", model = "b-*", weight = 0 }}]
"second-*" = ["b", {{ upstream = "a", weight = 0 }}]
"even-*" = ["a", "b"]
"only-b-*" = "b"
"passed" = ["passing", {{ upstream = "a", weight = 0 }}]
"lost" = ["nobody", {{ upstream = "b", weight = 0 }}]
"counted" = {{ upstream = "counting", model = "c" }}
"""
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
BUSY = whole(chat.error("Overloaded."), 503)
HELLO = whole(chat.completion("Hello."))
COUNTER = itertools.count()


def settings(a: Upstream, b: Upstream) -> str:
    return SETTINGS.format(a=a.url, b=b.url)


def name(kind: str) -> str:
    return f"{kind}-{next(COUNTER)}"


def text_of(response: dict[str, Any]) -> str:
    return str(response["output"][-1]["content"][0]["text"])


def answer(text: str, received: ReceivedRequest) -> Script:
    if received.json.get("stream"):
        return stream(chat.text(*text), chat.end())
    return whole(chat.completion(text))


EMPTY_HEAD = head(200, content_type="text/event-stream", transfer_encoding="chunked")
FAILURES: dict[str, list[Script]] = {
    "429 for both keys": [whole(chat.error("Slow down."), 429, retry_after="1")] * 2,
    "401 for both keys": [whole(chat.error("Bad key."), 401)] * 2,
    "quota, then 403": [
        whole(chat.error("You exceeded your current quota.", code="insufficient_quota"), 429),
        whole(chat.error("Forbidden."), 403),
    ],
    "500": [whole(chat.error("Crashed."), 500)],
    "502 with a web page": [whole(b"<html>Bad Gateway</html>", 502, "text/html")],
    "503": [BUSY],
    "529": [whole(chat.error("Overloaded."), 529)],
    "404 for the model": [whole(chat.error("The model does not exist.", code="model_not_found"), 404)],
    "not HTTP": [[b"SSH-2.0-OpenSSH_9.2\r\n", CLOSE]],
}
LOST: dict[str, Script] = {
    "closed without an answer": [CLOSE],
    "reset": [RESET],
    "half a head": [b"HTTP/1.1 200 OK\r\ncontent-", CLOSE],
    "a status and nothing behind it": [EMPTY_HEAD, CLOSE],
    "only keep-alives behind it": stream(b": waiting\n\n", chat.role(), CLOSE),
    "an end without an answer": stream(chat.DONE),
}
"""After these the provider may have accepted the request."""
