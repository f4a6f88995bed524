"""Requests that are forwarded: what the adapter reads of them, and the only change that it makes.

A chat-completions or embeddings request goes to the provider as its client wrote it, byte for byte, except that the
value of `model` becomes the model's name there. Nothing else is decoded but what routing and limits need, so a member
that is new to the adapter is no problem. Source: OpenAI API reference, Chat Completions, Embeddings.
"""

import re
from typing import Final

from msgspec import Struct

from translators.errors import RequestError, invalid_parameter, missing_parameter
from translators.wire import Decoder, Raw, decode_members, decode_param, encode

_BEFORE_VALUE: Final = re.compile(rb'[\s,{]*"(?:[^"\\]|\\.)*"\s*:\s*', re.S)
"""What comes between two values of an object."""
_AFFINITY_MEMBERS: Final = ("prompt_cache_key", "user")
"""By which requests reach the same provider, and its prefix cache."""
_text: Final = Decoder(str)
_count: Final = Decoder(int)


class ForwardedRequest(Struct, frozen=True):
    """A request to be forwarded."""

    body: bytes
    model: str
    model_span: tuple[int, int]
    """Where the JSON of the model's name is in the body."""
    max_output_tokens: int | None
    """Of all choices together; None: not stated."""
    group: str
    """Requests of one group prefer the same provider; "": it has none."""
    may_be_stored: bool = True
    """Whether the client has not asked, with `store: false`, that nothing of it is."""

    def for_model(self, model: str) -> bytes:
        """Return the body for a model by its name at a provider."""
        if model == self.model:
            return self.body
        start, end = self.model_span
        return b"".join((self.body[:start], encode(model), self.body[end:]))


def read_forwarded(body: bytes) -> ForwardedRequest:
    """Return the request in a body; raise RequestError for anything but a JSON object with a model."""
    members = decode_members(body)
    if "model" not in members:
        raise missing_parameter("model")
    model = decode_param(_text, members["model"], "model")
    if not model:
        raise invalid_parameter("model", "an empty string")
    limit = _read_count(members, "max_completion_tokens")
    if limit is None:
        limit = _read_count(members, "max_tokens")
    choices = max(1, _read_count(members, "n") or 1)
    group = next((bytes(members[name]).decode() for name in _AFFINITY_MEMBERS if name in members), "")
    return ForwardedRequest(
        body, model, _find_value(body, members, "model"), None if limit is None else max(0, limit) * choices, group,
        bytes(members.get("store", b"")) != b"false",
    )  # fmt: skip


def _read_count(members: dict[str, Raw], name: str) -> int | None:
    """Return a member that is an integer; None for any other: the provider is to judge it."""
    try:
        return decode_param(_count, members[name], name)
    except (KeyError, RequestError):
        return None


def _find_value(body: bytes, members: dict[str, Raw], name: str) -> tuple[int, int]:
    """Return where the value of a member begins and ends; `members` are those of the body, in its order."""
    end = 0
    for key, raw in members.items():
        before = _BEFORE_VALUE.match(body, end)
        assert before is not None
        start, end = before.end(), before.end() + len(memoryview(raw))
        if key == name:
            break
    return start, end
