"""What one provider accepts and sends, as frozen data.

Nothing provider-specific stands outside these fields and their values (`presets.py`). The defaults are the safest form
for a provider nobody knows: what all take is sent where the client set it; what only some take (OpenAI's own members,
`strict`, `parallel_tool_calls`) is not. Each field is tested where the thing it is about is translated, nowhere else.
Sources: providers reference §1, §2.
"""

from typing import Any, Literal

from msgspec import Struct

from translators.reasoning.fields import ReasoningField

Format = Literal["json_schema", "json_object"]
Choice = Literal["none", "required", "named"]


class Dialect(Struct, frozen=True, gc=False):
    """One provider's ways. Each field says what the adapter may send."""

    name: str = "default"
    lessons: tuple[str, ...] = ()
    """What its refusals have changed in it, in the order of the alphabet; see `learning/amendments.py`."""

    # --- roles --------------------------------------------------------------------------------------------------------

    system_role: bool = True
    """There is a role for instructions; otherwise they are shown as marked user messages."""
    developer_role: bool = False
    """Developer messages keep their role; otherwise they are system messages."""
    system_anywhere: bool = False
    """System messages may stand behind the first user message; otherwise they are shown as marked user messages."""
    user_needed: bool = False
    """There must be a message of the user's: instructions alone are shown as one."""
    alternating: bool = False
    """User and assistant take turns, the user first and last, and nobody else speaks behind the system message."""

    # --- messages -----------------------------------------------------------------------------------------------------

    null_content: bool = True
    """The content of an assistant message that only calls is null; otherwise an empty text."""
    refusal_field: bool = False
    """An assistant message has a member for what it refused; otherwise it is part of its text."""
    media: frozenset[Literal["image", "audio"]] = frozenset({"image", "audio"})
    """Parts beside text that a user message may have; others are refused in the last one, and left out before it and of
    the outputs of tools."""
    file_parts: bool = False
    """A user message may have files; otherwise they are sent as text, if they hold any."""
    original_detail: bool = False
    """Images may have detail `original`."""

    # --- thinking -----------------------------------------------------------------------------------------------------

    reasoning_field: ReasoningField | None = "reasoning_content"
    """Where thinking goes back in an assistant message: in the member of this name, in a content part of type
    `thinking`, or between tags in the content; None: nowhere. Opaque reasoning always goes back unchanged."""
    reasoning_required: bool = False
    """An assistant message with calls must have that member, an empty one if its thinking is not known."""
    reasoning_everywhere: bool = False
    """Where it is required, every other assistant message must have it, too."""
    thinks_first: bool = False
    """Content begins inside the thinking and `</think>` ends that: the chat template has written the opening tag."""

    # --- effort -------------------------------------------------------------------------------------------------------

    efforts: frozenset[str] | None = None
    """Values of `reasoning_effort` that are known, the nearest of which goes out; None: all; empty: no such member."""
    effort_form: Literal["reasoning_effort", "reasoning"] = "reasoning_effort"
    """An effort is a member of its own, or stands in an object `reasoning`."""
    effort_with_tools: bool = True
    """Tools and an effort may stand in one request; otherwise its effort is `none`."""
    some_reasoning: dict[str, Any] = {}
    """Members that any other effort than `none` brings along."""
    no_reasoning: dict[str, Any] = {}
    """What stands for effort `none` where the provider has another way to say it."""

    # --- tools --------------------------------------------------------------------------------------------------------

    tools: bool = True
    """There are functions that the model can call; otherwise it is told of none."""
    strict_tools: bool = False
    """`strict` of a function is known."""
    unknown_keywords: frozenset[str] = frozenset()
    """Keywords of JSON schemas that the parameters of a tool may not have."""
    short_call_ids: bool = False
    """The id of a call must be nine letters or digits; others are replaced, each always by the same one."""
    parallel_tool_calls: bool = False
    """The member of that name is known; the adapter sees to it everywhere."""
    web_search: bool = False
    """`web_search_options` has the provider search the web."""

    # --- tool_choice --------------------------------------------------------------------------------------------------

    tool_choices: frozenset[Choice] = frozenset({"none", "required", "named"})
    """Forms of `tool_choice`, beside auto, that are honoured; the adapter sees to the others."""
    thinking_tool_choices: frozenset[Choice] | None = None
    """Those that are honoured while the model thinks, which it does unless the client's effort is `none`; None: all."""
    required_choice: Literal["required", "any"] = "required"
    """The word for: some tool must be called."""
    named_choice: Literal["object", "name"] = "object"
    """How the tool that must be called is told: by OpenAI's object, or by its bare name."""

    # --- the answer ---------------------------------------------------------------------------------------------------

    formats: frozenset[Format] = frozenset({"json_schema", "json_object"})
    """Types of `response_format` that are honoured; what needs another is asked for in words and checked."""
    token_limit: Literal["max_tokens", "max_completion_tokens"] | None = "max_tokens"
    """The name of the limit on an answer's tokens; None: there is none."""
    sampling: frozenset[str] = frozenset({"temperature", "top_p", "presence_penalty", "frequency_penalty"})
    """Those of the sampling members that are known; models that reason often know none."""
    logprobs: bool = True
    """`logprobs` has the provider tell how likely its tokens were."""
    streaming: Literal["asked", "always", "never"] = "asked"
    """When an answer comes in chunks: as the client asked, whatever it asked, or never."""
    stream_usage: bool = True
    """`stream_options` has the provider say how many tokens a stream took."""

    # --- the rest -----------------------------------------------------------------------------------------------------

    extras: frozenset[str] = frozenset()
    """Those of `user`, `safety_identifier`, `prompt_cache_key`, `prompt_cache_retention`, `prompt_cache_options` and
    `verbosity` that go out."""
    service_tiers: frozenset[str] = frozenset()
    """Values of `service_tier` that go out."""
    tokenizer: Literal["vllm", "llama_cpp"] | None = None
    """Whose way there is to have a request's tokens counted."""
