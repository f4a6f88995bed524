"""A create request after validation.

`adapter.api.request.schemas` builds it from the body; everything after that trusts its types and bounds. Members that
the client left out or sent as null are None (or the API's default where there is one), so "set" is always visible.
Nested objects are strict: an unknown key in `text`, `reasoning` or `stream_options` is refused, because it would
otherwise be dropped silently. Source: OpenAI API reference, Responses: create.
"""

from collections.abc import Callable, Hashable, Set
from typing import Annotated, Any, Final, Literal, ParamSpec, TypeVar

from msgspec import Meta, Struct
from msgspec.structs import replace

from translators.responses.hosted.items import MCPApprovalResponse
from translators.responses.items import InputFile, InputImage, InputText, Item
from translators.responses.tools import (
    WEB_SEARCH_TOOLS,
    HostedChoice,
    Tool,
    ToolChoice,
    ToolSearchTool,
    is_hosted_search,
)
from translators.wire import Raw

T = TypeVar("T")
P = ParamSpec("P")

MAX_MADE: Final = 3
"""Things made of one base that are remembered: its snapshot, and the heads for two candidates."""

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class ReasoningConfig(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    effort: Effort | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None
    context: Literal["auto", "current_turn", "all_turns"] | None = None
    mode: str | None = None


class TextFormat(Struct, frozen=True, gc=False, tag_field="type", tag="text"):
    """Free text, the default."""


class JSONObjectFormat(Struct, frozen=True, gc=False, tag_field="type", tag="json_object"):
    """Any JSON object."""


class JSONSchemaFormat(
    Struct, frozen=True, gc=False, tag_field="type", tag="json_schema", forbid_unknown_fields=True
):
    """JSON that fits a schema."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None


class TextConfig(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    format: TextFormat | JSONObjectFormat | JSONSchemaFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class PromptReference(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A prompt on the server, and the values of its variables."""

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    version: Annotated[str, Meta(max_length=128)] | None = None
    variables: dict[str, str | InputText | InputImage | InputFile] | None = None


class PromptCacheOptions(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    mode: Literal["implicit", "explicit"] | None = None
    ttl: Literal["30m", "12h"] | None = None
    comparison_response_id: Annotated[str, Meta(max_length=512)] | None = None
    prewarm: bool | None = None


class AccessPrograms(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    cyber: Literal["standard", "daybreak_blue", "daybreak_red"] | None = None


class ImageConfig(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    context_compression: Literal["auto", "enabled", "disabled"] | None = None


class CompactionRule(Struct, frozen=True, gc=False, tag_field="type", tag="compaction", forbid_unknown_fields=True):
    """An entry of `context_management`: a context of more tokens is compacted before the request is answered."""

    compact_threshold: Annotated[int, Meta(ge=1000)] | None = None


class BackgroundOptions(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Accepted without effect: a response starts at once, which is within any window, and there is no queue."""

    completion_window: Literal["soonest", "2h", "8h"] | None = None
    continuation_id: Annotated[str, Meta(max_length=512)] | None = None


class StreamOptions(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    include_obfuscation: bool | None = None


class CreateRequest(Struct, frozen=True, kw_only=True):
    """`POST /v1/responses`, checked. `input` holds items only: a string became one user message."""

    model: str
    input: tuple[Item, ...]
    raw_input: bytes
    """The input's JSON as the client sent it, for the store."""
    instructions: str | None = None
    previous_response_id: str | None = None
    conversation: str | None = None
    tools: tuple[Tool, ...] = ()
    raw_tools: Raw = Raw(b"[]")
    """The tools normalised, as the Response echoes them."""
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool | None = None
    max_tool_calls: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    max_output_tokens: int | None = None
    top_logprobs: int | None = None
    reasoning: ReasoningConfig = ReasoningConfig()
    text: TextConfig = TextConfig()
    include: tuple[str, ...] = ()
    truncation: Literal["auto", "disabled"] = "disabled"
    context_management: tuple[CompactionRule, ...] = ()
    metadata: dict[str, str] = {}
    store: bool = True
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    background: bool = False
    background_options: BackgroundOptions = BackgroundOptions()
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: PromptCacheOptions | None = None
    service_tier: str | None = None
    access_programs: AccessPrograms | None = None
    image: ImageConfig | None = None
    prompt: PromptReference | None = None
    """The prompt that the request was filled in from; its contents are in the other members already."""
    passthrough: dict[str, Raw] = {}
    """Members that go to the provider as they are."""
    base: "BaseRequest | None" = None
    """What it has in common with others, as it was read; None: that is not known."""


class BaseRequest(Struct, frozen=True, eq=False):
    """A request without what differs from turn to turn: its input, the response that it continues, its metadata."""

    members: CreateRequest
    made: dict[Hashable, Any] = {}
    """What was made of it, by `make_once`."""


_NO_TURN: Final[dict[str, Any]] = {
    "input": (), "raw_input": b"", "previous_response_id": None, "metadata": {}, "base": None,
}  # fmt: skip


def base_of(request: CreateRequest) -> BaseRequest:
    """Return a request without what differs from turn to turn."""
    return BaseRequest(replace(request, **_NO_TURN))


def make_once(request: CreateRequest, key: Hashable, make: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Return what `make` returns; it is made once for all requests that have their base in common.

    It depends on the members of the base and on what `key` names, and is never changed. For a request that has been
    changed since it was read, in more than its turn, it is made anew.
    """
    base = request.base
    if base is None or replace(request, **_NO_TURN) != base.members:
        return make(*args, **named)
    found: T | None = base.made.get(key)
    if found is None:
        found = make(*args, **named)
        if len(base.made) >= MAX_MADE:
            base.made.clear()
        base.made[key] = found
    return found


def names_hosted_tools(request: CreateRequest, hosted: Set[type]) -> bool:
    """Whether a request declares one of the `hosted` tools, or answers a request of theirs for approval."""
    return (
        not hosted.isdisjoint(map(type, request.tools))
        or (ToolSearchTool in map(type, request.tools) and any(map(is_hosted_search, request.tools)))
        or MCPApprovalResponse in map(type, request.input)
    )


def chosen_tool_not_run(request: CreateRequest, hosted: Set[type]) -> str | None:
    """Return the type of a chosen tool that only `hosted` declarations can have; None: it can be called."""
    if not isinstance(request.tool_choice, HostedChoice):
        return None
    kind = str(request.tool_choice.__struct_config__.tag)
    is_search = kind.startswith("web_search")
    return kind if is_search and WEB_SEARCH_TOOLS.isdisjoint(hosted) else None
