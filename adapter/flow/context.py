"""What a request is asked in: all that the model gets to see, wherever it comes from.

Before the input stands what it continues: a chain, a conversation, or the beginning of the same input, which this
worker has rendered before. The last compaction item stands for everything ahead of it. `body` is the chat request that
comes of it; `items` is the same once more in items, for one who has to take it apart.
"""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from adapter.history.compaction_items import PendingCompaction
from adapter.history.prefix_cache import CachedPrefix
from adapter.history.sealing import TenantSealer
from adapter.services import Services
from adapter.upstream.routing.health import Candidate
from translators.context.compaction import last_compaction, without_settings
from translators.context.configuration import configured, latest_update
from translators.context.pairs import first_unanswered
from translators.dialects.dialect import Dialect
from translators.notes import Notes
from translators.responses.items import Compaction, Item
from translators.responses.request import CreateRequest
from translators.responses.response import OutputOfResponse, Usage
from translators.to_chat.history import History
from translators.to_chat.request import ChatRequest, chat_request
from translators.to_responses.usage import estimate_tokens
from translators.wire import Decoder


class _Counted(OutputOfResponse):
    usage: Usage | None = None


_counted: Final = Decoder(_Counted).decode


class Context:
    """The context of one request."""

    def __init__(
        self,
        services: Services,
        tenant: str,
        request: CreateRequest,
        candidate: Candidate,
        dialect: Dialect,
        notes: Notes,
        conversation: Sequence[Item] | None,
    ) -> None:
        """The context as a candidate is told it; `conversation` is what it holds, None without one.

        Raises RequestError, or StoreDown.
        """
        self._services = services
        self._tenant = tenant
        self._conversation = conversation
        self._dialect = dialect
        self.thinks_first = dialect.thinks_first
        self._notes = notes
        self._model = candidate.model
        lessons = ",".join(dialect.lessons)
        turns = request.reasoning.context == "current_turn"
        self.rendering = f"{candidate.upstream}/{candidate.model}/{turns}/{lessons}"
        # Not to the upstream: any that speaks alike and serves the same model reads what another one has signed.
        self.sealer = TenantSealer(services.keyring, tenant, f"{dialect.name}/{candidate.model}")
        self._prefix: CachedPrefix | None = None
        self._previous = request.previous_response_id
        history = self._continued(request)
        configuration = configured(request, latest_update(request.input, history.update))
        files = services.files.of_request(request.input, dialect, notes, first=history.known)
        self._is_as_it_came = files is request.input
        self.request = replace(configuration, input=files)
        self.history = history

    def _continued(self, request: CreateRequest) -> History:
        """Return the history that the input continues, from its last compaction item on if it has one."""
        services = self._services
        at = last_compaction(request.input)
        if self._conversation is None and self._previous is None:
            prefix = services.prefix_cache.find(request, self._tenant, self.rendering)
            if at is None or at < prefix.history.known:
                self._prefix = prefix
                self._notes.repeat(prefix.notes)
                return prefix.history
            self._prefix = CachedPrefix(prefix.key)
        if at is not None:
            items = [*self._earlier(), *request.input[: at + 1]]
            window = services.compaction_sealer.unseal_window(items, self._tenant, f"input[{at}].encrypted_content")
            return replace(services.chain_cache.from_items(window, self._dialect, self._notes), known=at + 1)
        if self._conversation is not None:
            return services.chain_cache.from_items(self._earlier(), self._dialect, self._notes)
        return services.chain_cache.load(self._previous, self._tenant, self.rendering, self._dialect, self._notes)

    def _earlier(self) -> Sequence[Item]:
        """Return the items of what the input continues."""
        if self._conversation is not None:
            return self._services.compaction_sealer.expand(self._conversation, self._tenant, "conversation")
        if self._previous is not None:
            return self._services.chain_cache.load_items(self._previous, self._tenant)
        return ()

    def body(self, dialect: Dialect, notes: Notes) -> ChatRequest:
        """Return the chat request; raise RequestError for what cannot be sent."""
        return self._translated(self.request, self.history, dialect, notes)

    def body_of(self, request: CreateRequest, dialect: Dialect, notes: Notes) -> ChatRequest:
        """Return the chat request of another request, which brings its context along as its input."""
        return self._translated(request, History(), dialect, notes)

    def _translated(self, request: CreateRequest, history: History, dialect: Dialect, notes: Notes) -> ChatRequest:
        stream = request.stream or request.background
        return chat_request(request, history, dialect, notes, model=self._model, stream=stream, seal=self.sealer)

    def items(self) -> list[Item]:
        """Return everything in items, with nothing sealed and no file that the provider cannot take."""
        items = self._services.compaction_sealer.expand([*self._earlier(), *self.request.input], self._tenant, "input")
        return list(self._services.files.of_history(items, self._dialect, self._notes))

    def tokens(self, body: ChatRequest) -> int:
        """Return about how many tokens the chat request is, by what the turn before it was counted as if it was."""
        if self._previous is not None:
            before = _counted(self._services.responses.get(self._previous, self._tenant).response)
            compacted = any(isinstance(item, Compaction) for item in before.output)
            if before.usage is not None and not compacted:
                seen = before.usage.total_tokens - before.usage.output_tokens_details.reasoning_tokens
                return seen + estimate_tokens(self.request.raw_input)
        return estimate_tokens(body.json)

    def compaction(self, body: ChatRequest) -> PendingCompaction | None:
        """Return what has to be summarised before the request can be sent; None if it is small enough, or one turn."""
        threshold = self._threshold()
        if threshold is None or self.tokens(body) <= threshold:
            return None
        items = self.items()
        at = first_unanswered(items)
        if len(without_settings(items[:at])) == 0:
            return None
        return PendingCompaction(items, items[:at], without_settings(items[at:]))

    def _threshold(self) -> int | None:
        wanted = self.request.context_management
        if not wanted:
            return None
        if wanted[-1].compact_threshold is None:
            self._notes.add("context_management", "dropped", "it names no compact_threshold")
        return wanted[-1].compact_threshold

    def keep(self, body: ChatRequest) -> None:
        """Remember what the input was rendered to, for the next one that begins like it."""
        if self._prefix is not None and self._is_as_it_came:
            self._services.prefix_cache.add(self._prefix, self.request, body)
