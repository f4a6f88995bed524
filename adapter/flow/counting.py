"""How many tokens a request is to its model, without asking the model.

A provider that counts is asked (`Dialect.tokenizer`): its template and its tokenizer know best. Where there is none, or
it does not answer, the count is an estimate by bytes, and a note says so.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

import structlog
from msgspec import Struct

from adapter.flow.caller import Caller
from adapter.flow.context import ContextSource, gather_context
from adapter.history.conversation_log import load_items
from adapter.services import FlowServices
from translators.context.compaction import asks_for_compaction, remove_trigger
from translators.errors import UpstreamError
from translators.notes import Notes
from translators.responses.ids import family_of
from translators.responses.request import CreateRequest
from translators.to_responses.usage import estimate_tokens
from translators.wire import Decoder, NotJSON, Raw, encode

Ask = Callable[[str, bytes], bytes]
"""Return what a path of the provider's answers to a body."""


class _Count(Struct):
    count: int


class _Prompt(Struct):
    prompt: str


class _Tokens(Struct):
    tokens: list[Raw]


_members: Final = Decoder(dict[str, Raw]).decode
_count: Final = Decoder(_Count).decode
_prompt: Final = Decoder(_Prompt).decode
_tokens: Final = Decoder(_Tokens).decode
_TEMPLATED: Final = ("model", "messages", "tools", "chat_template_kwargs")
"""Members of a chat request from which the prompt is made."""

log = structlog.get_logger()


def count(services: FlowServices, caller: Caller, request: CreateRequest, notes: Notes) -> int:
    """Return the tokens of a request's whole context; raise RequestError for one that could not be sent."""
    if asks_for_compaction(request.input):
        request = remove_trigger(request)
    group = request.conversation or family_of(request.previous_response_id or "") or ""
    candidate = services.registry.candidates(request.model, group).first()
    dialect = services.dialects[candidate.upstream].for_model(candidate.model)
    earlier = None
    if request.conversation is not None:
        earlier = load_items(services.conversations, request.conversation, caller.tenant)
    context = gather_context(ContextSource(services, caller.tenant, request, earlier), candidate, dialect)
    body = context.translate().json
    notes.repeat(context.notes)
    if dialect.tokenizer is not None:
        ask = partial(services.upstreams[candidate.upstream].post, bearer=caller.bearer, watch=caller.watch)
        try:
            return _COUNTERS[dialect.tokenizer](ask, body)
        except (UpstreamError, *NotJSON) as error:
            log.warning("tokens not counted", tokenizer=dialect.tokenizer, error=str(error))
    notes.add("input_tokens", "estimated", "from the size of the request: four bytes are taken for a token")
    return estimate_tokens(body)


def _by_vllm(ask: Ask, body: bytes) -> int:
    return _count(ask("/tokenize", encode(_templated(body)))).count


def _by_llama_cpp(ask: Ask, body: bytes) -> int:
    prompt = _prompt(ask("/apply-template", encode(_templated(body)))).prompt
    asked = {"content": prompt, "add_special": True, "parse_special": True}
    return len(_tokens(ask("/tokenize", encode(asked))).tokens)


def _templated(body: bytes) -> dict[str, Raw]:
    members = _members(body)
    return {name: members[name] for name in _TEMPLATED if name in members}


_COUNTERS: Final[dict[str, Callable[[Ask, bytes], int]]] = {"vllm": _by_vllm, "llama_cpp": _by_llama_cpp}
