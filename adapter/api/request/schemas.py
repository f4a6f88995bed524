"""The body of a create request: its members, and the checks of the body as a whole.

One marshmallow schema holds the members of `POST /v1/responses` in the order in which OpenAI checks them; the first
error is the answer. Checks that need no value come before it: whether there is a model and an input, and whether every
name is known (`names.py`). null means "left out" for every member but `model` and `input`. A member of the API is
honoured, or accepted only while it asks for nothing (`Inert`, `Partial`), or left out because it is meant for another
server (`Dropped`). A name that the operator passes through goes to the provider as it is. Any other name is an error.

A request that names a prompt is checked twice: as it came, and filled in with the members of the prompt.
Source: OpenAI API reference, Responses: create.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, cast

from marshmallow import Schema, missing
from msgspec import Meta, Struct
from msgspec.structs import replace

from adapter.api.request.fields import (
    MAX_LOOSE_JSON_BYTES,
    Dropped,
    Inert,
    Member,
    Metadata,
    Number,
    Partial,
    Text,
    Typed,
)
from adapter.api.request.names import check_names, check_presence
from adapter.api.request.prompts import UnusablePrompt, fill_in_prompt
from adapter.history.known_bases import KnownTurn
from adapter.history.known_inputs import MIN_BYTES, UNKNOWN, KnownInput, TenantInputs
from translators.constraints.tool_choice import undeclared_choice
from translators.context.compaction import asks_for_compaction
from translators.errors import RequestError, invalid_type, missing_parameter, shorten, too_large
from translators.responses.characters import check_characters
from translators.responses.decoding.items import decode_items
from translators.responses.decoding.tools import decode_tools
from translators.responses.includes import Includable
from translators.responses.items import CompactionTrigger, Item
from translators.responses.request import (
    AccessPrograms,
    BackgroundOptions,
    CompactionRule,
    CreateRequest,
    ImageConfig,
    PromptCacheOptions,
    PromptReference,
    ReasoningConfig,
    StreamOptions,
    TextConfig,
)
from translators.responses.tools import ToolChoice, without_secrets
from translators.tools.declarations import tools_from_items
from translators.wire import Decoder, Raw, decode_members, encode

ServiceTier = Literal["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"]

_MAX_INT32: Final = 2**31 - 1
"""What every provider can decode; OpenAI names no upper bound."""
_MAX_NAME_CHARACTERS: Final = 512
"""Of a model's name or an id: both are repeated in answers and messages, and real ones stay far below."""

_object: Final = Decoder(dict[str, Raw])


class _ById(Struct, forbid_unknown_fields=True):
    id: Annotated[str, Meta(max_length=_MAX_NAME_CHARACTERS)]


class Model(Text):
    def read(self, raw: Raw, name: str) -> Any:
        model = super().read(raw, name)
        if not model:
            raise RequestError("The requested model '' does not exist.", param=name, code="model_not_found")
        return model


class Input(Member):
    """Text or items. What they may be depends on more than their own JSON, so `_read_input` reads them."""


class ConversationId(Typed):
    """A conversation by its id, bare or in an object."""

    def __init__(self) -> None:
        super().__init__(Annotated[str, Meta(max_length=_MAX_NAME_CHARACTERS)] | _ById)

    def read(self, raw: Raw, name: str) -> Any:
        given = super().read(raw, name)
        return given.id if isinstance(given, _ById) else given


class Tools(Member):
    def read(self, raw: Raw, name: str) -> Any:
        return decode_tools(bytes(raw))


class ToolChoiceMember(Typed):
    def read(self, raw: Raw, name: str) -> Any:
        choice = super().read(raw, name)
        if not isinstance(choice, str) and "type" not in _object.decode(raw):
            raise missing_parameter(f"{name}.type")  # msgspec accepts the only Struct of a union without its tag
        return choice


class ReasoningMember(Typed):
    def read(self, raw: Raw, name: str) -> Any:
        reasoning: ReasoningConfig = super().read(raw, name)
        if reasoning.mode not in (None, "standard"):
            raise RequestError(
                f"Unsupported value: '{shorten(reasoning.mode)}' is not supported with this model.",
                param=f"{name}.mode",
                code="unsupported_value",
            )
        return reasoning


class CacheRetention(Typed):
    """`in-memory` is how older versions of the API spelt `in_memory`."""

    def read(self, raw: Raw, name: str) -> Any:
        return super().read(raw, name).replace("-", "_")


class CreateSchema(Schema):
    """The members of a create request, in the order in which they are checked."""

    model = Model(_MAX_NAME_CHARACTERS)
    input = Input()
    previous_response_id = Text(_MAX_NAME_CHARACTERS)
    prompt = Typed(PromptReference)
    moderation = Inert()
    include = Typed(tuple[Includable, ...])
    tools = Tools()
    tool_choice = ToolChoiceMember(
        ToolChoice,
        {
            "tool_choice.name": "In the Responses API, it is a member beside 'type', not inside 'function' or "
            "'custom'.",
            "tool_choice.mode": "In the Responses API, 'mode' and 'tools' are members beside 'type'.",
        },
    )
    metadata = Metadata()
    text = Typed(
        TextConfig,
        {
            "text.format.json_schema": "In the Responses API, 'name', 'schema', 'description' and 'strict' are "
            "members beside 'type', not inside 'json_schema'."
        },
        max_bytes=1 << 20,
    )
    temperature = Number(float, 0, 2)
    top_p = Number(float, 0, 1)
    presence_penalty = Number(float, -2, 2)
    frequency_penalty = Number(float, -2, 2)
    parallel_tool_calls = Typed(bool)
    stream = Typed(bool)
    stream_options = Typed(
        StreamOptions,
        {"stream_options.include_usage": "In the Responses API, the response in the last event always has its usage."},
    )
    background = Typed(bool)
    max_output_tokens = Number(int, 16, _MAX_INT32)
    max_tool_calls = Number(int, 1, _MAX_INT32)
    reasoning = ReasoningMember(ReasoningConfig)
    user = Typed(str)
    safety_identifier = Text(128)
    prompt_cache_options = Partial(PromptCacheOptions, "prewarm", (True,))
    prompt_cache_key = Text(64)
    prompt_cache_retention = CacheRetention(Literal["in_memory", "in-memory", "24h"])
    truncation = Typed(Literal["auto", "disabled"])
    instructions = Typed(str)
    store = Typed(bool)
    service_tier = Typed(ServiceTier)
    top_logprobs = Number(int, 0, 20)
    context_management = Typed(tuple[CompactionRule, ...], max_bytes=MAX_LOOSE_JSON_BYTES)
    conversation = ConversationId()
    background_options = Typed(BackgroundOptions)
    access_programs = Partial(
        AccessPrograms, "cyber", ("daybreak_blue", "daybreak_red"), "is not available here.", status=403
    )
    image = Partial(
        ImageConfig, "context_compression", ("enabled",), "is not supported: it requires compression support."
    )
    multi_agent = Inert(enabled=(False,))
    client_metadata = Dropped()


_MEMBERS: Final = cast(dict[str, Member], CreateSchema().fields)
"""In the order in which they are checked. Made once, before the fork: marshmallow copies each of them."""
_PREVIOUS: Final = Text(_MAX_NAME_CHARACTERS)
_METADATA: Final = Metadata()
_NULL: Final = Raw(b"null")
_NO_INPUT: Final = Raw(b"[]")
_CONTINUES: Final = ("previous_response_id", "conversation")
"""Members with which an input may have items that a first request must not have."""
_NEVER_LEFT_OUT: Final = frozenset(("model", "input"))


def parse_create(
    body: bytes, *, max_items: int, passthrough: Sequence[str] = (), prompts: str | None = None,
    known: TenantInputs | None = None,
) -> CreateRequest:
    """Return the create request in a body; raise RequestError for its first error.

    `passthrough` are the members that go to the provider as they are, `prompts` the folder of prompts. What is `known`
    is not decoded again.
    """  # fmt: skip
    if known is not None and (turn := known.find_turn(body, max_items)) is not None:
        return _parse_turn(body, *turn, max_items, known)
    members = decode_members(body)
    check_names(members, _MEMBERS, passthrough)
    continues = any(members.get(name, _NULL) != _NULL for name in _CONTINUES)
    found, raw = UNKNOWN, bytes(members.get("input", _NULL))
    if known is not None and len(raw) > MIN_BYTES:
        found = known.find_items(raw, max_items, continues=continues)
    check_characters(body, members, found.size)
    given = {name: raw for name, raw in members.items() if raw != _NULL or name in _NEVER_LEFT_OUT}
    check_presence(given)
    values = _read_members(given, max_items, found.items)
    if "prompt" in given:
        given = fill_in_prompt(given, values["prompt"], prompts)
        values = _read_with_prompt(given, max_items, values["prompt"].id)
        known = None  # a file can change
    request = _request(given, values, _passthrough_members(given, passthrough))
    if known is None:
        return request
    if len(raw) > MIN_BYTES:
        known.add_items(request, found, continues=continues)
    return known.with_base(request, body, members)


def _parse_turn(
    body: bytes, turn: KnownTurn, found: KnownInput, max_items: int, known: TenantInputs
) -> CreateRequest:
    """Return the request of a body whose base request is known; raise RequestError for its first error."""
    values, raw = turn.values, turn.values["input"]
    check_characters(body, values, found.size)
    previous, metadata = values.get("previous_response_id"), values.get("metadata")
    request = replace(
        turn.base.members,
        input=decode_items(raw, max_items, in_history=turn.continues) if found.items is None else found.items,
        raw_input=raw,
        previous_response_id=None if previous is None else _PREVIOUS.read(Raw(previous), "previous_response_id"),
        metadata={} if metadata is None else _METADATA.read(Raw(metadata), "metadata"),
        base=turn.base,
    )
    _check_together(request, is_base_known=True)
    if len(raw) > MIN_BYTES:
        known.add_items(request, found, continues=turn.continues)
    return request


def parse_part(
    body: bytes, names: Collection[str], *, max_items: int, others: Collection[str] = ()
) -> tuple[CreateRequest, list[str]]:
    """Return a create request of the members of these names, and the names of the others in the body.

    `others` are known names beside those of a create request. Raises RequestError for the first error.
    """
    members = decode_members(body)
    check_names(["model", *members], [*_MEMBERS, *others], ())
    check_characters(body, members)
    given = {name: raw for name, raw in members.items() if name in names and raw != _NULL}
    values = {"model": "", **_read_members(given, max_items)}
    return _request(given, values, {}), [name for name in members if name not in names and members[name] != _NULL]


def _request(given: Mapping[str, Raw], values: dict[str, Any], passthrough: dict[str, Raw]) -> CreateRequest:
    """Return a request, its members checked together."""
    values.setdefault("input", ())
    request = CreateRequest(
        raw_input=bytes(given.get("input", _NO_INPUT)),
        raw_tools=Raw(encode([without_secrets(tool) for tool in values.get("tools", ())])),
        passthrough=passthrough,
        **values,
    )
    _check_together(request)
    return request


def _read_members(
    given: Mapping[str, Raw], max_items: int, items: tuple[Item, ...] | None = None
) -> dict[str, Any]:
    """Return the values of the members that are given; raise RequestError for the first error.

    `items` are those of the input if they are known. The schema's own `load` would spend ten calls on each member: on
    hooks and collected errors, of which there are none here.
    """
    values: dict[str, Any] = {}
    for name, member in _MEMBERS.items():
        if name not in given:
            continue
        if name == "input":
            values[name] = _read_input(given, max_items) if items is None else items
        elif (value := member.read(given[name], name)) is not missing:
            values[name] = value
    return values


def _read_input(given: Mapping[str, Raw], max_items: int) -> tuple[Item, ...]:
    raw = given["input"]
    if raw == _NULL:
        raise invalid_type("input", "a string", "an object")  # OpenAI's own wording for null
    return decode_items(bytes(raw), max_items, in_history=not given.keys().isdisjoint(_CONTINUES))


def _read_with_prompt(given: Mapping[str, Raw], max_items: int, prompt: str) -> dict[str, Any]:
    """Return the values of all members; an error that the request alone does not have is the prompt's."""
    if "model" not in given:
        raise missing_parameter("model")
    try:
        return _read_members(given, max_items)
    except RequestError as error:
        if (error.param, error.code) == ("input", "array_above_max_length"):
            raise
        raise UnusablePrompt(prompt, error.message) from None


def _passthrough_members(given: Mapping[str, Raw], passthrough: Sequence[str]) -> dict[str, Raw]:
    """Return the members that go to the provider as they are."""
    members = {name: given[name] for name in passthrough if name in given}
    for name, raw in members.items():
        if len(memoryview(raw)) > MAX_LOOSE_JSON_BYTES:
            raise too_large(name, MAX_LOOSE_JSON_BYTES)
    return members


def _check_together(request: CreateRequest, *, is_base_known: bool = False) -> None:
    """Raise RequestError for members that do not go together; those of a known base do."""
    if CompactionTrigger in map(type, request.input):
        asks_for_compaction(request.input)  # raises for a trigger that is not the last item
    if request.tool_choice != "auto":
        _check_tools(request)
    if not is_base_known:
        _check_base(request)
    if not request.input and request.previous_response_id is None and request.conversation is None:
        raise RequestError(
            "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation' must be provided.",
            code="missing_required_parameter",
        )


def _check_base(request: CreateRequest) -> None:
    if request.stream_options.include_obfuscation is not None and not request.stream:
        raise RequestError(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    _check_background(request)
    if request.conversation is not None and request.previous_response_id is not None:
        raise RequestError(
            "Mutually exclusive parameters. Ensure you are only providing one of: 'previous_response_id' or "
            "'conversation'.",
            code="mutually_exclusive_parameters",
        )


def _check_tools(request: CreateRequest) -> None:
    choice = request.tool_choice
    tools = [*request.tools, *tools_from_items(request.input)]
    if (kind := undeclared_choice(choice, tools)) is not None:
        raise RequestError(f"Tool choice '{kind}' not found in 'tools' parameter.", param="tool_choice")
    if choice == "required" and not tools:
        raise RequestError(
            "Tool choice 'required' must be specified with 'tools' parameter.", param="tool_choice"
        )


def _check_background(request: CreateRequest) -> None:
    if request.background and not request.store:
        raise RequestError(
            "Unsupported parameter: 'background' requires 'store' to be true.",
            param="background",
            code="unsupported_parameter",
        )
    if request.background_options.completion_window in ("2h", "8h") and (
        not request.background or request.stream or request.service_tier not in (None, "auto", "default")
    ):
        raise RequestError(
            f"The completion window '{request.background_options.completion_window}' is only allowed when 'background' "
            "is enabled and 'stream' is not, in the service tier 'default'.",
            param="background_options.completion_window",
        )
