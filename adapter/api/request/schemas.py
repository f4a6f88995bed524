"""What a create request may say.

One marshmallow schema holds the members of `POST /v1/responses` in the order in which OpenAI checks them; the first
thing wrong is the answer. Before it come the stages that need no value: is there a model and an input, and is every
name known (`names.py`). null means "left out" for every member but `model` and `input`. The policy for names: a member
of the API is honoured, or accepted only while it asks for nothing (`Inert`, `Partial`), or dropped because it is meant
for someone else (`Dropped`); a name that the operator passes through goes to the provider as it is; any other is
refused.

A request that names a prompt is checked twice: as it came, and filled in with what the prompt holds. Source:
responses-api reference §2.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, cast

from marshmallow import EXCLUDE, Schema
from msgspec import Meta, Struct

from adapter.api.request.fields import (
    MOST_LOOSE_JSON,
    Dropped,
    Inert,
    Member,
    Metadata,
    Number,
    Param,
    Partial,
    Text,
)
from adapter.api.request.names import check_names, check_presence
from adapter.api.request.prompts import UnusablePrompt, filled_in
from translators.constraints.tool_choice import undeclared
from translators.context.compaction import asks_for_compaction
from translators.errors import RequestError, invalid_type, missing_parameter, shorten, too_large
from translators.responses.characters import refuse_bad_characters
from translators.responses.includes import Includable
from translators.responses.input import decode_items, decode_tools
from translators.responses.request import (
    AccessPrograms,
    BackgroundOptions,
    Compacted,
    CreateRequest,
    ImageConfig,
    PromptCacheOptions,
    PromptReference,
    ReasoningConfig,
    StreamOptions,
    TextConfig,
)
from translators.responses.tools import ToolChoice
from translators.tools.declared import loaded
from translators.wire import Decoder, Raw, decode_members, encode

ServiceTier = Literal["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"]

_MOST_TOKENS: Final = 2**31 - 1
_NAME: Final = 512
"""Characters of a model's name or an id; both are repeated in answers and messages."""

_object: Final = Decoder(dict[str, Raw])


class _ById(Struct, forbid_unknown_fields=True):
    id: Annotated[str, Meta(max_length=_NAME)]


class Model(Text):
    def read(self, raw: Raw, name: str) -> Any:
        model = super().read(raw, name)
        if not model:
            raise RequestError("The requested model '' does not exist.", param=name, code="model_not_found")
        return model


class Input(Member):
    def read(self, raw: Raw, name: str) -> Any:
        if raw == _NULL:
            raise invalid_type(name, "a string", "an object")  # the API's own words for null
        return decode_items(bytes(raw), cast(CreateSchema, self.root).max_items)


class ConversationId(Param):
    """A conversation by its id, bare or in an object."""

    def __init__(self) -> None:
        super().__init__(Annotated[str, Meta(max_length=_NAME)] | _ById)

    def read(self, raw: Raw, name: str) -> Any:
        given = super().read(raw, name)
        return given.id if isinstance(given, _ById) else given


class Tools(Member):
    def read(self, raw: Raw, name: str) -> Any:
        return decode_tools(bytes(raw))


class Choice(Param):
    def read(self, raw: Raw, name: str) -> Any:
        choice = super().read(raw, name)
        if not isinstance(choice, str) and "type" not in _object.decode(raw):
            raise missing_parameter(f"{name}.type")  # msgspec takes the only Struct of a union without its tag
        return choice


class Reasoning(Param):
    def read(self, raw: Raw, name: str) -> Any:
        reasoning: ReasoningConfig = super().read(raw, name)
        if reasoning.mode not in (None, "standard"):
            raise RequestError(
                f"Unsupported value: '{shorten(reasoning.mode)}' is not supported with this model.",
                param=f"{name}.mode",
                code="unsupported_value",
            )
        return reasoning


class Retention(Param):
    """`in-memory` is what older versions of the API called `in_memory`."""

    def read(self, raw: Raw, name: str) -> Any:
        return super().read(raw, name).replace("-", "_")


class CreateSchema(Schema):
    """The members of a create request, in the order in which they are checked."""

    class Meta:
        unknown = EXCLUDE  # names are checked before, in their own stage

    def __init__(self, max_items: int, only: Iterable[str] | None = None) -> None:
        super().__init__(only=None if only is None else tuple(only))
        self.max_items = max_items

    model = Model(_NAME)
    input = Input()
    previous_response_id = Text(_NAME)
    prompt = Param(PromptReference)
    moderation = Inert("is not supported: no chat-completions provider moderates on request.")
    include = Param(tuple[Includable, ...])
    tools = Tools()
    tool_choice = Choice(
        ToolChoice, {"tool_choice.name": "In the Responses API, it stands beside 'type', not inside 'function'."}
    )
    metadata = Metadata()
    text = Param(
        TextConfig,
        {
            "text.format.json_schema": "In the Responses API, 'name', 'schema', 'description' and 'strict' stand "
            "beside 'type', not inside 'json_schema'."
        },
        most=1 << 20,
    )
    temperature = Number(float, 0, 2)
    top_p = Number(float, 0, 1)
    presence_penalty = Number(float, -2, 2)
    frequency_penalty = Number(float, -2, 2)
    parallel_tool_calls = Param(bool)
    stream = Param(bool)
    stream_options = Param(StreamOptions)
    background = Param(bool)
    max_output_tokens = Number(int, 16, _MOST_TOKENS)
    max_tool_calls = Number(int, 1, _MOST_TOKENS)
    reasoning = Reasoning(ReasoningConfig)
    user = Param(str)
    safety_identifier = Text(128)
    prompt_cache_options = Partial(
        PromptCacheOptions, "prewarm", (True,), "is not supported: every request is sent to the model."
    )
    prompt_cache_key = Text(64)
    prompt_cache_retention = Retention(Literal["in_memory", "in-memory", "24h"])
    truncation = Param(Literal["auto", "disabled"])
    instructions = Param(str)
    store = Param(bool)
    service_tier = Param(ServiceTier)
    top_logprobs = Number(int, 0, 20)
    context_management = Param(tuple[Compacted, ...], most=MOST_LOOSE_JSON)
    conversation = ConversationId()
    background_options = Param(BackgroundOptions)
    access_programs = Partial(
        AccessPrograms, "cyber", ("daybreak_blue", "daybreak_red"), "is not open to you.", status=403
    )
    image = Partial(
        ImageConfig, "context_compression", ("enabled",), "is not supported: it requires compression support."
    )
    multi_agent = Inert("is not supported.", enabled=(False,))
    client_metadata = Dropped()


_ORDER: Final = tuple(CreateSchema(max_items=0).fields)
_KNOWN: Final = dict.fromkeys(_ORDER)
_NULL: Final = Raw(b"null")
_NO_INPUT: Final = Raw(b"[]")
_NEVER_LEFT_OUT: Final = frozenset(("model", "input"))

@lru_cache(maxsize=128)
def _schema_of(present: tuple[str, ...], max_items: int) -> CreateSchema:
    """Return the schema of these members alone: marshmallow's time goes by its fields, and clients send few of them."""
    return CreateSchema(max_items, only=present)


def parse_create(
    body: bytes, *, max_items: int, passthrough: Sequence[str] = (), prompts: str | None = None
) -> CreateRequest:
    """Return the create request that a body holds; raise RequestError for the first thing that is wrong with it.

    `passthrough` are the members that go to the provider as they are, `prompts` the folder of prompts.
    """
    members = decode_members(body)
    check_names(members, _KNOWN, passthrough)
    refuse_bad_characters(body, members)
    given = {name: raw for name, raw in members.items() if raw != _NULL or name in _NEVER_LEFT_OUT}
    check_presence(given)
    values = _values(given, max_items)
    if "prompt" in given:
        given = filled_in(given, values["prompt"], prompts)
        values = _values_with_prompt(given, max_items, values["prompt"].id)
    return _request(given, values, _passed(given, passthrough))


def parse_part(
    body: bytes, names: Collection[str], *, max_items: int, others: Collection[str] = ()
) -> tuple[CreateRequest, list[str]]:
    """Return what the members of these names make, as a create request; and the names of the others that are there.

    `others` are known beside those of a create request. Raises RequestError for the first thing that is wrong.
    """
    members = decode_members(body)
    check_names(["model", *members], [*_KNOWN, *others], ())
    refuse_bad_characters(body, members)
    given = {name: raw for name, raw in members.items() if name in names and raw != _NULL}
    values = {"model": "", **_values(given, max_items)}
    return _request(given, values, {}), [name for name in members if name not in names and members[name] != _NULL]


def _request(given: Mapping[str, Raw], values: dict[str, Any], passthrough: dict[str, Raw]) -> CreateRequest:
    values.setdefault("input", ())
    request = CreateRequest(
        raw_input=bytes(given.get("input", _NO_INPUT)),
        raw_tools=Raw(encode(values.get("tools", ()))),
        passthrough=passthrough,
        **values,
    )
    _check_whole(request)
    return request


def _values(given: Mapping[str, Raw], max_items: int) -> dict[str, Any]:
    present = tuple(name for name in _ORDER if name in given)
    values: dict[str, Any] = _schema_of(present, max_items).load(given)
    return values


def _values_with_prompt(given: Mapping[str, Raw], max_items: int, prompt: str) -> dict[str, Any]:
    """Check the members once more; what is wrong now is wrong with the prompt's."""
    if "model" not in given:
        raise missing_parameter("model")
    try:
        return _values(given, max_items)
    except RequestError as error:
        if (error.param, error.code) == ("input", "array_above_max_length"):
            raise
        raise UnusablePrompt(prompt, error.message) from None


def _passed(given: Mapping[str, Raw], passthrough: Sequence[str]) -> dict[str, Raw]:
    """Return the members that go to the provider as they are."""
    passed = {name: given[name] for name in passthrough if name in given}
    for name, raw in passed.items():
        if len(memoryview(raw)) > MOST_LOOSE_JSON:
            raise too_large(name, MOST_LOOSE_JSON)
    return passed


def _check_whole(request: CreateRequest) -> None:
    """Check what no member shows alone."""
    asks_for_compaction(request.input)
    choice = request.tool_choice
    tools = [*request.tools, *loaded(request.input)]
    if (kind := undeclared(choice, tools)) is not None:
        raise RequestError(f"Tool choice '{kind}' not found in 'tools' parameter.", param="tool_choice")
    if choice == "required" and not tools:
        raise RequestError(
            "Tool choice 'required' must be specified with 'tools' parameter.", param="tool_choice"
        )
    if request.stream_options.include_obfuscation is not None and not request.stream:
        raise RequestError(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
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
    if request.conversation is not None and request.previous_response_id is not None:
        raise RequestError(
            "Mutually exclusive parameters. Ensure you are only providing one of: 'previous_response_id' or "
            "'conversation'.",
            code="mutually_exclusive_parameters",
        )
    if not request.input and request.previous_response_id is None and request.conversation is None:
        raise RequestError(
            "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation' must be provided.",
            code="missing_required_parameter",
        )
