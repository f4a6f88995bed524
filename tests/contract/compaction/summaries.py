"""Summaries as the provider sends them, and what it receives: the input of all tests of compaction."""

from typing import Any

from tests.support import chat
from tests.support.client import Answer
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream, whole

HEADING = "Summary of the earlier conversation (compacted):\n\n"
SUMMARY = HEADING + "They said hello."
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}, "strict": None}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
TOO_LONG = "long " * 1000
"""More than the threshold of 1,000 tokens."""
HI_AND_COMPACT: Any = [{"role": "user", "content": "Hi"}, {"type": "compaction_trigger"}]
AT_1000: Any = [{"type": "compaction", "compact_threshold": 1000}]


def received_messages(upstream: Upstream, count: int = 1) -> list[tuple[str, str]]:
    """Return (role, beginning of the content) of the messages of the provider's `count`-th request."""
    messages = upstream.received(count).json["messages"]
    return [(message["role"], (message["content"] or "")[: len(SUMMARY)]) for message in messages]


def messages_to_summarise(upstream: Upstream, count: int = 1) -> list[tuple[str, str]]:
    """Return the same for a request of a summary, without the instruction to write it."""
    messages = received_messages(upstream, count)
    assert messages[-1][0] == "user"
    assert messages[-1][1].startswith("Write a summary")
    return messages[:-1]


def summary(text: str = "They said hello.", **usage: int) -> list[Any]:
    counts = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, **usage}
    return whole(chat.completion(text, usage=counts))


def post(service: Service, path: str, body: dict[str, Any]) -> Answer:
    return service.request("POST", f"/v1/responses/{path}", body)


def streamed(events: Any) -> tuple[list[str], Any]:
    """Return the types of a stream's events, and its last response."""
    seen = list(events)
    return [event.type for event in seen], seen[-1].response
