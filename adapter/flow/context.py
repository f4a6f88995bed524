"""The context of a request: all that the model gets to see, wherever it comes from.

Before the input comes what it continues: a chain, a conversation, or the beginning of the same input, which this worker
has rendered before. The last compaction item replaces everything before it. `gather_context` loads all of it, in the
form that one candidate accepts; the `Context` is then translated, whole or in part, as often as the flow needs.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from adapter.files.stored import stored_ids
from adapter.history.compaction_items import PendingCompaction
from adapter.history.prefix_cache import MIN_BYTES, CachedPrefix
from adapter.history.sealing import TenantSealer
from adapter.services import FlowServices
from adapter.sharing.offload import LARGE_BYTES
from adapter.upstream.routing.health import Candidate
from translators.context.compaction import last_compaction, without_settings
from translators.context.configuration import apply_configuration, latest_update
from translators.context.pairs import first_unanswered
from translators.dialects.dialect import Dialect
from translators.notes import Notes
from translators.responses.items import Compaction, ConfigurationUpdate, Item
from translators.responses.request import CreateRequest, JSONSchemaFormat
from translators.responses.response import OutputOfResponse, Usage
from translators.to_chat.history import History
from translators.to_chat.request import ChatRequest, chat_request
from translators.to_responses.usage import estimate_tokens
from translators.wire import Decoder, encode


class _Counted(OutputOfResponse):
    usage: Usage | None = None


_counted: Final = Decoder(_Counted).decode
_MANY_ITEMS: Final = 2000
"""That are not rendered yet: some milliseconds."""
_LARGE_TOOLS_BYTES: Final = 128 * 1024
"""JSON of tools; small ones of this size together take some milliseconds."""
_LARGE_SCHEMA_BYTES: Final = 512
"""JSON of a schema; checking one of this size takes some milliseconds."""


class ContextSource(Struct, frozen=True):
    """What a context is gathered from: the same for every candidate."""

    services: FlowServices
    tenant: str
    request: CreateRequest
    """As the caller sent it, with its references resolved and without a compaction trigger."""
    conversation: Sequence[Item] | None = None
    """The items of the conversation; None: the request continues none."""

    def load_earlier(self) -> Sequence[Item]:
        """Return the items before the input, with nothing sealed; raise RequestError or StoreDown."""
        if self.conversation is not None:
            return self.services.compaction_sealer.expand(self.conversation, self.tenant, "conversation")
        if self.request.previous_response_id is not None:
            return self.services.chain_cache.load_items(self.request.previous_response_id, self.tenant)
        return ()


class Context(Struct, frozen=True):
    """The context of one request, for one candidate."""

    source: ContextSource
    request: CreateRequest
    """The request as it is translated: with the latest configuration of its items, and with its files loaded."""
    history: History
    """What the input continues."""
    dialect: Dialect
    model: str
    """The provider's name of the model."""
    rendering_key: str
    """Names everything that rendered messages depend on besides the items: part of the keys of the caches."""
    sealer: TenantSealer
    notes: Notes
    """What gathering and translating approximated for this candidate."""
    prefix: CachedPrefix | None
    """Where the rendered input may be cached; None: nowhere."""

    def translate(self) -> ChatRequest:
        """Return the chat request; raise RequestError for what cannot be sent."""
        return self.translate_after(self.request, self.history)

    def translate_alone(self, request: CreateRequest) -> ChatRequest:
        """Return the chat request of a request whose input is its whole context; raise RequestError."""
        return self.translate_after(request, History())

    def translate_after(self, request: CreateRequest, history: History) -> ChatRequest:
        """Return the chat request of a request that continues another history; raise RequestError.

        It is made beside the event loop if that may take long.
        """
        translate = partial(
            chat_request, request, history, self.dialect, self.notes,
            model=self.model, stream=request.stream or request.background, sealer=self.sealer,
        )  # fmt: skip
        if _is_long_work(request, history):
            return self.source.services.offload.run(self.source.tenant, translate)
        return translate()

    def load_items(self) -> list[Item]:
        """Return the whole context as items, with nothing sealed and no file that the provider cannot take."""
        source, services = self.source, self.source.services
        items = services.compaction_sealer.expand(
            [*source.load_earlier(), *self.request.input], source.tenant, "input"
        )
        return list(services.files.of_history(items, self.dialect, self.notes, source.tenant))

    def estimate_tokens(self, chat: ChatRequest) -> int:
        """Return about how many tokens a chat request is: from the usage of the previous response, if it has one."""
        previous, source = self.request.previous_response_id, self.source
        if previous is not None:
            before = _counted(source.services.responses.get(previous, source.tenant).response)
            compacted = any(isinstance(item, Compaction) for item in before.output)
            if before.usage is not None and not compacted:
                seen = before.usage.total_tokens - before.usage.output_tokens_details.reasoning_tokens
                return seen + estimate_tokens(self.request.raw_input)
        return estimate_tokens(chat.json)

    def due_compaction(self, chat: ChatRequest) -> PendingCompaction | None:
        """Return what to summarise before the request is sent; None if it is small enough, or has only one segment."""
        if not self.request.context_management:
            return None
        threshold = self.request.context_management[-1].compact_threshold
        if threshold is None:
            self.notes.add("context_management", "dropped", "it names no compact_threshold")
            return None
        if self.estimate_tokens(chat) <= threshold:
            return None
        items = self.load_items()
        at = first_unanswered(items)
        if len(without_settings(items[:at])) == 0:
            return None
        return PendingCompaction(items, items[:at], without_settings(items[at:]))

    def cache_prefix(self, chat: ChatRequest) -> None:
        """Cache what the input was rendered to, for the next one that begins like it."""
        if self.prefix is not None:
            self.source.services.prefix_cache.add(self.prefix, self.request, chat)


def _is_long_work(request: CreateRequest, history: History) -> bool:
    """Return whether the translation of a request may take long: of much, or with a schema of the caller's to check."""
    format = request.text.format
    return (
        len(request.raw_input) >= LARGE_BYTES
        or len(history.pending) + len(request.input) - history.known >= _MANY_ITEMS
        or len(request.raw_tools) >= _LARGE_TOOLS_BYTES
        or (isinstance(format, JSONSchemaFormat) and len(encode(format.schema)) >= _LARGE_SCHEMA_BYTES)
    )


def gather_context(source: ContextSource, candidate: Candidate, dialect: Dialect) -> Context:
    """Load all that a request continues, as a candidate accepts it; raise RequestError or StoreDown."""
    services, request, notes = source.services, source.request, Notes()
    turns = request.reasoning.context == "current_turn"
    rendering_key = f"{candidate.upstream}/{candidate.model}/{turns}/{','.join(dialect.lessons)}"
    # Not bound to the upstream: another one with the same dialect and model reads what this one has signed.
    sealer = TenantSealer(services.keyring(), source.tenant, f"{dialect.name}/{candidate.model}")
    kinds = set(map(type, request.input))
    at = last_compaction(request.input) if Compaction in kinds else None
    history, prefix = _load_history(source, at, rendering_key, dialect, notes)
    update = latest_update(request.input) if ConfigurationUpdate in kinds else history.update
    if update is not None:
        request = apply_configuration(request, update)
    files = services.files.of_request(request.input, dialect, notes, history.known, source.tenant)
    if files is not request.input:
        if ids := stored_ids(request.input):
            history = replace(history, files=history.files | ids)
        request, prefix = replace(request, input=files), None  # they are no part of the input that is cached
    return Context(source, request, history, dialect, candidate.model, rendering_key, sealer, notes, prefix)


def _load_history(
    source: ContextSource, at: int | None, rendering_key: str, dialect: Dialect, notes: Notes
) -> tuple[History, CachedPrefix | None]:
    """Return the history that the input continues, and its place in the cache; None: it is not cached.

    `at`: the position of the input's last compaction item, from which on the history counts; None: it has none.
    """
    services, request, tenant = source.services, source.request, source.tenant
    prefix: CachedPrefix | None = None
    if source.conversation is None and request.previous_response_id is None:
        if len(request.raw_input) > MIN_BYTES:
            prefix = services.prefix_cache.find(request, tenant, rendering_key)
        if prefix is None and at is None:
            return History(), None
        if prefix is not None and (at is None or at < prefix.history.known):
            notes.repeat(prefix.notes)
            return prefix.history, prefix
        prefix = None if prefix is None else CachedPrefix(prefix.key)
    if at is not None:
        items = [*source.load_earlier(), *request.input[: at + 1]]
        window = services.compaction_sealer.unseal_window(items, tenant, f"input[{at}].encrypted_content")
        return replace(services.chain_cache.from_items(window, dialect, notes, tenant), known=at + 1), prefix
    if source.conversation is not None:
        return services.chain_cache.from_items(source.load_earlier(), dialect, notes, tenant), None
    return services.chain_cache.load(request.previous_response_id, tenant, rendering_key, dialect, notes), None
