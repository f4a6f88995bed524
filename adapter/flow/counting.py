"""How many tokens the model would read for a request, without sending it to the model.

If the provider counts tokens (`Dialect.tokenizer`), its count is returned, because only it knows its template and its
tokenizer. If it does not, or does not answer, the count is an estimate from the bytes, with a note.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from msgspec import Struct

from adapter.flow.caller import Caller
from adapter.flow.context import ContextSource, gather_context
from adapter.history.conversation_log import load_items
from adapter.services import FlowServices
from adapter.telemetry.logs import log
from adapter.upstream.routing.lookups import look_up
from translators.context.compaction import asks_for_compaction, remove_trigger
from translators.errors import UpstreamError
from translators.notes import Notes
from translators.responses.ids import family_of
from translators.responses.request import CreateRequest
from translators.to_responses.usage import estimate_tokens
from translators.wire import Decoder, NotJSON, Raw, encode

Post = Callable[[str, bytes], bytes]
"""Posts a body to one of the provider's paths and returns the body of the answer; raises UpstreamError."""


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
_PROMPT_MEMBERS: Final = ("model", "messages", "tools", "chat_template_kwargs")
"""Members of a chat request that its chat template renders."""


def count_tokens(services: FlowServices, caller: Caller, request: CreateRequest, notes: Notes) -> int:
    """Return the tokens of a request's whole context; raise RequestError for a request that could not be sent."""
    if asks_for_compaction(request.input):
        request = remove_trigger(request)
    group = request.conversation or family_of(request.previous_response_id or "") or ""
    candidate = services.registry.draw_candidates(request.model, group).first()
    dialect = services.dialects[candidate.upstream].for_model(candidate.model, caller.tenant)
    earlier = None
    if request.conversation is not None:
        earlier = load_items(services.conversations, request.conversation, caller.tenant)
    context = gather_context(ContextSource(services, caller.tenant, request, earlier), candidate, dialect)
    body = context.translate().json
    notes.repeat(context.notes)
    if dialect.tokenizer is not None:
        upstream = services.upstreams[candidate.upstream]
        post = partial(upstream.post, bearer=caller.bearer, watch=caller.watch)
        try:
            return look_up(upstream, services.registry, partial(_COUNTERS[dialect.tokenizer], post, body))
        except UpstreamError as error:
            upstream.log_failure(error, tokenizer=dialect.tokenizer)
        except NotJSON as error:
            log.warning("tokens not counted", tokenizer=dialect.tokenizer, error=str(error))
    notes.add("input_tokens", "estimated", "from the size of the request, at four bytes per token")
    return estimate_tokens(body)


def _count_with_vllm(post: Post, body: bytes) -> int:
    return _count(post("/tokenize", encode(_prompt_members(body)))).count


def _count_with_llama_cpp(post: Post, body: bytes) -> int:
    prompt = _prompt(post("/apply-template", encode(_prompt_members(body)))).prompt
    content = {"content": prompt, "add_special": True, "parse_special": True}
    return len(_tokens(post("/tokenize", encode(content))).tokens)


def _prompt_members(body: bytes) -> dict[str, Raw]:
    members = _members(body)
    return {name: members[name] for name in _PROMPT_MEMBERS if name in members}


_COUNTERS: Final[dict[str, Callable[[Post, bytes], int]]] = {
    "vllm": _count_with_vllm, "llama_cpp": _count_with_llama_cpp,
}  # fmt: skip
