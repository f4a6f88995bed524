"""What the rounds of one response share: the request, its caller, the attempts, the stream machine, the notes."""

from typing import TYPE_CHECKING

from msgspec import Struct

from adapter.flow.attempts import Attempts
from adapter.flow.caller import Caller
from adapter.flow.plans import RoundRequest
from adapter.history.conversation_lease import ConversationLease
from adapter.services import FlowServices
from translators.constraints.judge import Judgement, answer_finder
from translators.errors import UpstreamError
from translators.notes import Notes
from translators.reasoning.thinking import SealPolicy
from translators.responses.ids import Ids
from translators.responses.request import CreateRequest, JSONSchemaFormat
from translators.responses.response import Response
from translators.to_responses.expectations import Expectations
from translators.to_responses.stream import ResponseStream

if TYPE_CHECKING:
    from adapter.flow.tools.hosted_tools import HostedTools


class Flow(Struct, frozen=True):
    """What the rounds of one response share."""

    services: FlowServices
    caller: Caller
    request: CreateRequest
    """As it is stored: the caller's, before the context's configuration is applied to it."""
    attempts: Attempts
    stream: ResponseStream
    """The machine that the client follows."""
    notes: Notes
    """What was not done exactly in the answer."""
    lease: ConversationLease | None
    """Of the conversation that the response continues; None: it continues none."""
    tools: "HostedTools | None" = None
    """The tools that the adapter runs itself; None: the request has none."""

    def check(self) -> None:
        """Raise what ends a response from outside: ClientDisconnected, or UpstreamError. Renew the lease."""
        check_request(self.services, self.caller, self.lease)

    def judge(self, asked: RoundRequest, response: Response) -> Judgement:
        """Judge an answer; beside the event loop, if a caller's schema decides how long that takes."""
        rules = asked.chat.answer_rules
        if rules.format is None and not rules.call:
            return Judgement()
        if isinstance(rules.format, JSONSchemaFormat):
            return self.services.offload.run(self.caller.tenant, rules.judge, response, self.notes)
        return rules.judge(response, self.notes)

    def expectations(self, asked: RoundRequest) -> Expectations:
        """Return what a stream machine needs to know of a round's chat request."""
        request, chat, context = self.request, asked.chat, asked.context
        format = context.request.text.format
        always = not request.store or "reasoning.encrypted_content" in request.include
        return Expectations(
            chat.names, SealPolicy(context.sealer, always), chat.history.call_ids, len(chat.json),
            self.tools.names if self.tools is not None else frozenset(),
            context.dialect.thinks_first, self.attempts.redact, chat.functions,
            None if format is None else answer_finder(format), context.model,
        )  # fmt: skip


def new_stream(
    services: FlowServices, first: Response, ids: Ids, request: CreateRequest, notes: Notes
) -> ResponseStream:
    """Return a stream machine for the answers to a request; `first` is the first snapshot of the response."""
    return ResponseStream(
        first,
        ids,
        notes=notes,
        reasoning_as=services.reasoning_as,
        limits=services.limits,
        max_calls=1 if request.parallel_tool_calls is False else None,
    )


def check_request(services: FlowServices, caller: Caller, lease: ConversationLease | None) -> None:
    """Raise what ends a request from outside: ClientDisconnected, or UpstreamError. Renew the lease."""
    caller.watch.check()
    if lease is not None:
        lease.renew()
    if services.must_stop():
        raise stopping_error()


def stopping_error() -> UpstreamError:
    """Return the error of a request that a worker cannot finish before it stops."""
    return UpstreamError("This server is being restarted. Please try again.", status=503, retry_after=1.0)
