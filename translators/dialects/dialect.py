"""What one provider accepts and sends, as frozen data.

Everything specific to a provider is in these fields and their values (`presets.py`). The defaults are the safest form
for an unknown provider: what all providers accept is sent if the client set it; what only some accept (OpenAI's own
members, `strict`, `parallel_tool_calls`) is not. Each field is read only where its subject is translated.
Source: docs/decisions/0007-safe-dialect.md.
"""

from typing import Any, Literal

from msgspec import Struct

from translators.dialects.schemas.forms import SchemaForm
from translators.reasoning.fields import ReasoningField

Format = Literal["json_schema", "json_object"]
Choice = Literal["none", "required", "named"]


class Dialect(Struct, frozen=True, gc=False):
    """What one provider accepts, and how it answers."""

    name: str = "default"
    lessons: tuple[str, ...] = ()
    """The lessons that have amended it, in alphabetical order; see `dialects/amendments.py`."""

    # --- roles --------------------------------------------------------------------------------------------------------

    system_role: bool = True
    """The provider accepts system messages; when false, instructions are sent as marked user messages."""
    developer_role: bool = False
    """The provider accepts the role `developer`; when false, developer messages are sent as system messages."""
    system_anywhere: bool = False
    """System messages may follow the first user message; when false, those are sent as marked user messages."""
    user_needed: bool = False
    """At least one user message is required; when there are only instructions, they are sent as one."""
    alternating: bool = False
    """After the system message, user and assistant messages must alternate, the user first and last."""
    user_first: bool = False
    """The first message after the system message must be the user's; when true, one is added before any other."""
    user_after_tool: bool = True
    """A user message may follow a tool message; when false, a message of the assistant is added between them."""
    assistant_last: bool = True
    """The last message may be the assistant's; when false, one of the user is added."""

    # --- messages -----------------------------------------------------------------------------------------------------

    null_content: bool = True
    """An assistant message that has only tool calls is sent with `content: null`; when false, with an empty text."""
    blank_content: bool = True
    """An assistant message that has only tool calls may be blank; when false, its text says that tools are called."""
    refusal_field: bool = False
    """An assistant message may have the member `refusal`; when false, a refusal is sent as part of the text."""
    media: frozenset[Literal["image", "audio"]] = frozenset({"image", "audio"})
    """Content parts besides text that a user message may have. Other parts are an error in the last user message, and
    are replaced by a placeholder before it and in tool outputs."""
    file_parts: bool = False
    """A user message may have `file` parts; when false, the text of files is sent."""
    original_detail: bool = False
    """Images may have the detail `original`."""

    # --- thinking -----------------------------------------------------------------------------------------------------

    reasoning_field: ReasoningField | None = "reasoning_content"
    """Where thinking goes back in an assistant message: in the member of this name, in a content part of type
    `thinking`, or between tags in the content; None: nowhere. Opaque reasoning always goes back unchanged."""
    reasoning_required: bool = False
    """An assistant message with tool calls must have that member; unknown thinking is sent as an empty text."""
    reasoning_everywhere: bool = False
    """With `reasoning_required`: every other assistant message must have it, too."""
    thinks_first: bool = False
    """Answers begin with thinking up to `</think>`; the chat template has written the opening tag."""

    # --- effort -------------------------------------------------------------------------------------------------------

    efforts: frozenset[str] | None = None
    """Supported values of `reasoning_effort`, of which the nearest is sent; None: all; empty: the member is unknown."""
    effort_form: Literal["reasoning_effort", "reasoning"] = "reasoning_effort"
    """Whether the effort is sent as `reasoning_effort`, or as `effort` in an object `reasoning`."""
    effort_with_tools: bool = True
    """A request may have both tools and an effort; when false, the effort of a request with tools is `none`."""
    some_reasoning: dict[str, Any] = {}
    """Members added to a request with any effort other than `none`."""
    no_reasoning: dict[str, Any] = {}
    """Members sent instead of the effort `none`, for providers that switch thinking off in another way."""

    # --- tools --------------------------------------------------------------------------------------------------------

    tools: bool = True
    """The provider supports function calling; when false, no tools are sent."""
    strict_tools: bool = False
    """A function may have the member `strict`."""
    unknown_keywords: frozenset[str] = frozenset()
    """JSON Schema keywords that are removed from the parameters of tools, since the provider rejects them. Some are
    replaced by others that say the same or more."""
    schema_forms: frozenset[SchemaForm] = frozenset()
    """Forms that the provider demands of JSON schemas: `lone_refs`, `no_refs`, `one_type`, `nullable`, `string_enums`,
    `typed_arrays`, `typed_unions`, `whole_objects`, `listed_properties`, `object_root`; see
    `translators/dialects/schemas/forms.py`."""
    calls_need_tools: bool = False
    """A conversation with calls needs tools; when the request has none, those that were called are declared by name,
    and may not be called."""
    signed_calls: bool = False
    """The first call of a turn must have Gemini's signature; one that another model made gets Google's substitute."""
    tool_message_name: bool = False
    """A tool message must have the name of the function that was called."""
    short_call_ids: bool = False
    """The id of a tool call must be nine letters or digits; any other id is sent as a fixed substitute."""
    parallel_tool_calls: bool = False
    """The member `parallel_tool_calls` is supported. The adapter enforces `false` in any case."""
    web_search: bool = False
    """The provider searches the web when it is sent `web_search_options`."""

    # --- tool_choice --------------------------------------------------------------------------------------------------

    tool_choices: frozenset[Choice] = frozenset({"none", "required", "named"})
    """Forms of `tool_choice`, besides `auto`, that the provider honours; the adapter enforces the others."""
    thinking_tool_choices: frozenset[Choice] | None = None
    """Those honoured while the model thinks, that is, unless the effort is `none`; None: the same."""
    required_choice: Literal["required", "any"] = "required"
    """The value of `tool_choice` that requires a call of any tool."""
    named_choice: Literal["object", "name"] = "object"
    """Form of a named `tool_choice`: OpenAI's object, or the bare name."""

    # --- answer -------------------------------------------------------------------------------------------------------

    formats: frozenset[Format] = frozenset({"json_schema", "json_object"})
    """Types of `response_format` that the provider honours; any other is put into the instructions, and checked."""
    token_limit: Literal["max_tokens", "max_completion_tokens"] | None = "max_tokens"
    """The member that limits the output tokens; None: not supported."""
    format_with_tools: bool = True
    """A request may have both tools and a `response_format`; when false, the format of a request with tools is put into
    the instructions."""
    temperature_and_top_p: bool = True
    """A request may have both; when false, `top_p` is left out beside a temperature."""
    sampling: frozenset[str] = frozenset({"temperature", "top_p", "presence_penalty", "frequency_penalty"})
    """Supported sampling parameters; reasoning models often support none."""
    logprobs: bool = True
    """`logprobs` and `top_logprobs` are supported."""
    streaming: Literal["asked", "always", "never"] = "asked"
    """When a stream is requested from the provider: as the client requests it, always, or never."""
    stream_usage: bool = True
    """`stream_options` is supported, and needed for the usage of a stream."""

    # --- others -------------------------------------------------------------------------------------------------------

    extras: frozenset[str] = frozenset()
    """Supported members among `user`, `safety_identifier`, `prompt_cache_key`, `prompt_cache_retention`,
    `prompt_cache_options` and `verbosity`; the others are not sent."""
    service_tiers: frozenset[str] = frozenset()
    """Supported values of `service_tier`; others are not sent."""
    tokenizer: Literal["vllm", "llama_cpp"] | None = None
    """The engine whose endpoint counts the tokens of a request; None: there is none."""
