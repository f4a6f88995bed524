"""What must not be told on: keys, and secrets in the definitions of tools, are in no log line, error, note or file.

What is said in a response that is not to be stored is nowhere either.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream, stream, whole

HIDDEN = "hidden-0123456789abcdef"
SAID = "said-0123456789abcdef"
CALLER, OWN = f"sk-caller-{HIDDEN}", f"sk-own-{HIDDEN}"
MCP = {
    "type": "mcp", "server_label": "x", "server_url": f"https://mcp.example/{HIDDEN}", "authorization": HIDDEN,
    "headers": {"X-Key": HIDDEN},
}  # fmt: skip
FUNCTION = {"type": "function", "name": "f", "headers": {"X-Key": HIDDEN}, "authorization": HIDDEN}
FILE = {"type": "input_file", "filename": "a.txt", "file_url": f"https://files.example/{HIDDEN}"}

REQUESTS: dict[str, dict[str, Any]] = {
    "a server's tool": {"tools": [MCP]},
    "a server's tool that is wrong": {"tools": [{**MCP, "server_label": 5}]},
    "a server's tool that is brought along": {"input": [{"type": "additional_tools", "tools": [MCP]}]},
    "members that a function does not have": {"tools": [FUNCTION]},
    "a function that is wrong": {"tools": [{**FUNCTION, "name": 5}]},
    "in a namespace": {"tools": [{"type": "namespace", "name": "n", "tools": [FUNCTION]}]},
    "a file that is not fetched": {"input": [{"role": "user", "content": [FILE]}]},
    "an answer that is not kept": {"input": SAID, "instructions": SAID, "store": False},
}


@pytest.fixture(scope="module")
def talkative(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that logs all that it can."""
    with Service(
        tmp_path_factory.mktemp("talkative"), upstream_url=provider.url, workers=1, api_keys=CALLER,
        upstream_api_key=OWN, log_level="debug",
    ) as service:  # fmt: skip
        service.key = CALLER
        yield service


def told(service: Service) -> bytes:
    """Return everything that the service has written anywhere."""
    return b"".join(file.read_bytes() for file in service.directory.iterdir() if file.is_file())


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", REQUESTS)
def test_secrets_of_a_request(talkative: Service, upstream: Upstream, name: str, streamed: bool) -> None:
    said = REQUESTS[name].get("instructions", "Hello")
    script = stream(chat.text(said), chat.end()) if streamed else whole(chat.completion(said))
    upstream.otherwise = lambda received: script
    answer = talkative.post({"model": "m", "input": "Hi", "stream": streamed, **REQUESTS[name]})
    assert HIDDEN not in answer.body.decode() + str(answer.headers)
    assert HIDDEN.encode() not in told(talkative)
    assert SAID.encode() not in told(talkative)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_keys_that_the_provider_repeats(talkative: Service, upstream: Upstream, status: int) -> None:
    upstream.plays(whole(chat.error(f"Wrong: {OWN}. Authorization: Bearer {OWN}"), status))
    answer = talkative.post({"model": "m", "input": "Hi"})
    assert answer.status >= 400
    assert HIDDEN not in answer.body.decode() + str(answer.headers)
    assert HIDDEN.encode() not in told(talkative)


REPEATED = f"Wrong: {OWN}. Authorization: Bearer {OWN}"
ERRORS_IN_ANSWERS = {
    "the first chunk": stream(chat.block(chat.error(REPEATED, code=OWN, param=OWN, type=OWN))),
    "a later chunk": stream(chat.text("Hel"), chat.block(chat.error(REPEATED))),
    "in a choice": stream(chat.text("Hel"), chat.chunk(choices=[{"index": 0, "delta": {}, "error": REPEATED}])),
    "in x_groq": stream(chat.text("Hel"), chat.chunk(choices=[], x_groq={"error": REPEATED})),
    "the finish reason": stream(chat.text("Hel"), chat.end(f"error: {REPEATED}")),
    "the whole body": whole(chat.error(REPEATED)),
    "escaped": whole(json.dumps(chat.error(REPEATED)).replace("sk-own", r"\u0073k-own").encode()),
    "not JSON": whole(REPEATED.encode(), type="text/plain"),
    "not JSON in a stream": stream(chat.text("Hel"), b"data: " + REPEATED.encode() + b"\n\n"),
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("error", ERRORS_IN_ANSWERS)
def test_keys_that_the_provider_repeats_in_an_answer(
    talkative: Service, upstream: Upstream, error: str, streamed: bool
) -> None:
    upstream.plays(ERRORS_IN_ANSWERS[error])
    answer = talkative.post({"model": "m", "input": "Hi", "stream": streamed})
    assert HIDDEN not in answer.body.decode() + str(answer.headers)
    assert HIDDEN.encode() not in told(talkative)


@pytest.mark.parametrize("key", [f"sk-{HIDDEN}", f"{HIDDEN} {HIDDEN}", f"{HIDDEN}\xe9"])
def test_keys_that_are_wrong(talkative: Service, key: str) -> None:
    answer = talkative.request("POST", "/v1/responses", {"model": "m"}, {"Authorization": f"Bearer {key}"})
    assert answer.status == 401
    assert HIDDEN not in answer.body.decode()
    assert HIDDEN.encode() not in told(talkative)
