"""What each provider says of a chat request, beside what `strict_chat` asks of all: a table of rules.

It shares no code with the product, so that a preset and its golden files cannot be wrong in one way. A rule reads the
body of a request and yields what is wrong with it. The rules come from the providers' documentation, which
docs/sources.md lists, and from recorded traffic.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.support.judges.strict_chat import complaints

Object = dict[str, Any]
Rule = Callable[[Object], Iterator[str]]

_STANDS_FOR_ITSELF = ("user", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "verbosity")


# --- what a rule may be -------------------------------------------------------------------------------------------


def without(*members: str) -> Rule:
    """Return the rule that a request has none of these members."""

    def rule(body: Object) -> Iterator[str]:
        yield from (f"{name} is not known" for name in members if name in body)

    return rule


def only(*members: str) -> Rule:
    """Return the rule that a request has no other members."""

    def rule(body: Object) -> Iterator[str]:
        yield from (f"{name}: extra inputs are not permitted" for name in sorted(body.keys() - set(members)))

    return rule


def values(member: str, *known: Any) -> Rule:
    """Return the rule that a member, where it is set, has one of these values."""

    def rule(body: Object) -> Iterator[str]:
        if member in body and body[member] not in known:
            yield f"{member} cannot be {body[member]!r}"

    return rule


def choices(*known: str) -> Rule:
    """Return the rule that `tool_choice` has one of these forms; `name` is a bare name, `object` OpenAI's."""

    def rule(body: Object) -> Iterator[str]:
        choice = body.get("tool_choice")
        words = ("none", "auto", "required", "any")
        form = "object" if isinstance(choice, dict) else choice if choice in words else "name"
        if choice is not None and form not in known:
            yield f"tool_choice cannot be {choice!r}"

    return rule


def formats(*known: str) -> Rule:
    """Return the rule that `response_format`, where it is set, is of one of these types."""

    def rule(body: Object) -> Iterator[str]:
        if "response_format" in body and body["response_format"]["type"] not in known:
            yield f"response_format cannot be {body['response_format']['type']}"

    return rule


def thinking_only_in(*members: str) -> Rule:
    """Return the rule that messages have thinking in these members alone."""

    def rule(body: Object) -> Iterator[str]:
        unknown = {"reasoning_content", "reasoning", "reasoning_details", "extra_content"} - set(members)
        for message in body["messages"]:
            yield from (f"{name} of a message is not known" for name in sorted(unknown & message.keys()))

    return rule


def roles(*known: str) -> Rule:
    def rule(body: Object) -> Iterator[str]:
        found = {message["role"] for message in body["messages"]} - set(known)
        yield from (f"the role {role} is not known" for role in sorted(found))

    return rule


def parts(*known: str) -> Rule:
    """Return the rule that contents have parts of these types alone."""

    def rule(body: Object) -> Iterator[str]:
        for message in body["messages"]:
            content = message.get("content")
            found = {part["type"] for part in content} - set(known) if isinstance(content, list) else set()
            yield from (f"unknown variant `{kind}`" for kind in sorted(found))

    return rule


def unless(member: str, value: Any, rule: Rule) -> Rule:
    """Return a rule that counts unless a member has a value."""
    return lambda body: iter(()) if body.get(member) == value else rule(body)


def system_first(body: Object) -> Iterator[str]:
    """One system message at most, ahead of all others."""
    if any(message["role"] in ("system", "developer") for message in body["messages"][1:]):
        yield "a system message that is not the first"


def no_strict(body: Object) -> Iterator[str]:
    if any("strict" in tool["function"] for tool in body.get("tools", ())):
        yield "strict is not known"


def plain_tool_messages(body: Object) -> Iterator[str]:
    if not all(isinstance(message["content"], str) for message in body["messages"] if message["role"] == "tool"):
        yield "content blocks of a tool message"


def thinking_is_there(body: Object) -> Iterator[str]:
    for at, message in enumerate(body["messages"]):
        if message.get("tool_calls") and not isinstance(message.get("reasoning_content"), str):
            yield f"reasoning_content is missing in assistant tool call message at index {at}"


def short_ids(body: Object) -> Iterator[str]:
    for message in body["messages"]:
        ids = [call["id"] for call in message.get("tool_calls", ())] + [message.get("tool_call_id", "123456789")]
        yield from (f"the tool call id {id} is not nine letters and digits" for id in ids if not _NINE.fullmatch(id))


_NINE = re.compile("[A-Za-z0-9]{9}")


def no_names(body: Object) -> Iterator[str]:
    if any("name" in message for message in body["messages"]):
        yield "name of a message is not known"


def a_user(body: Object) -> Iterator[str]:
    if not any(message["role"] == "user" for message in body["messages"]):
        yield "no message of the user's"


def taking_turns(body: Object) -> Iterator[str]:
    found = [message["role"] for message in body["messages"]]
    spoken = found[1:] if found[0] == "system" else found
    if spoken != ["user", "assistant"] * (len(spoken) // 2) + ["user"]:
        yield f"user and assistant must take turns, the user last: {found}"


def streams_if_it_thinks(body: Object) -> Iterator[str]:
    if not body.get("stream") and body.get("enable_thinking") is not False:
        yield "enable_thinking must be set to false for non-streaming calls"


def not_both(one: str, other: str) -> Rule:
    def rule(body: Object) -> Iterator[str]:
        if one in body and other in body:
            yield f"cannot specify both {one} and {other}"

    return rule


def of_object(member: str, **known: tuple[Any, ...]) -> Rule:
    """Return the rule that a member, where it is set, is an object of these members with one of these values each."""

    def rule(body: Object) -> Iterator[str]:
        for name, value in body.get(member, {}).items():
            if value not in known.get(name, ()):
                yield f"{member}.{name} cannot be {value!r}"

    return rule


# --- the providers ------------------------------------------------------------------------------------------------

_OLD_LIMIT = without("max_completion_tokens")
_NEW_LIMIT = without("max_tokens")
_CHAT = roles("system", "user", "assistant", "tool")
_NO_EXTRAS = without(*_STANDS_FOR_ITSELF, "service_tier", "prompt_cache_options")
_EVERYONE: tuple[Rule, ...] = (
    without("store", "metadata", "n", "stop", "functions", "modalities", "seed", "logit_bias"),
    no_names,
    plain_tool_messages,
)
"""The safe request of §1's last paragraph, and "image/audio/file in tool → 400"."""

_SAFE: tuple[Rule, ...] = (_OLD_LIMIT, _CHAT, system_first, no_strict, without("parallel_tool_calls"), _NO_EXTRAS)

RULES: dict[str, tuple[Rule, ...]] = {
    "default": (*_SAFE, thinking_only_in("reasoning_content", "reasoning_details", "extra_content")),
    "openai": (_NEW_LIMIT, thinking_only_in(), parts("text", "image_url", "input_audio", "file")),
    "azure": (
        _NEW_LIMIT, thinking_only_in(), parts("text", "image_url", "input_audio"),
        without("verbosity", "prompt_cache_key", "safety_identifier"),
    ),
    "deepseek": (
        _OLD_LIMIT, _CHAT, formats("json_object"), parts("text"), system_first,
        unless("thinking", {"type": "disabled"}, choices("none", "auto")),
        unless("thinking", {"type": "disabled"}, thinking_is_there),
        values("reasoning_effort", "low", "medium", "high", "max"),
        of_object("thinking", type=("enabled", "disabled")),
    ),
    "mistral": (
        only(
            "model", "messages", "stream", "stream_options", "max_tokens", "temperature", "top_p", "presence_penalty",
            "frequency_penalty", "tools", "tool_choice", "parallel_tool_calls", "response_format", "reasoning_effort",
        ),
        _CHAT, no_strict, short_ids, choices("none", "auto", "any", "object"), thinking_only_in(),
        values("reasoning_effort", "none", "high"),
    ),
    "groq": (
        _CHAT, thinking_only_in(), without("logprobs", "top_logprobs"), values("service_tier", "auto", "flex"),
        values("reasoning_effort", "none", "low", "medium", "high"), system_first,
    ),
    "xai": (
        _CHAT, without("presence_penalty", "frequency_penalty"), _NO_EXTRAS,
        values("reasoning_effort", "none", "low", "medium", "high"),
    ),
    "together": (*_SAFE, of_object("reasoning", enabled=(True, False))),
    "fireworks": (*_SAFE, values("reasoning_effort", "none", "minimal", "low", "medium", "high", "xhigh")),
    "cerebras": (
        _CHAT, choices("none", "auto"), thinking_only_in("reasoning"),
        without("parallel_tool_calls", "presence_penalty", "frequency_penalty", "service_tier"), _NO_EXTRAS,
        values("reasoning_effort", "none", "low", "medium", "high"),
    ),
    "moonshot": (
        _NEW_LIMIT, _CHAT, no_strict, without("temperature", "top_p", "presence_penalty", "frequency_penalty"),
        choices("none", "auto", "object"), unless("thinking", {"type": "disabled"}, choices("none", "auto")),
        unless("thinking", {"type": "disabled"}, thinking_is_there), not_both("thinking", "reasoning_effort"),
        values("reasoning_effort", "low", "high", "max"),
    ),
    "zai": (
        _OLD_LIMIT, _CHAT, no_strict, formats("json_object"), choices("auto"), a_user,
        values("reasoning_effort", "low", "high", "max"),
    ),
    "minimax": (
        _NEW_LIMIT, _CHAT, formats(), system_first, of_object("thinking", type=("adaptive", "disabled")),
        thinking_only_in("reasoning_details"),
    ),
    "qwen": (
        _OLD_LIMIT, _CHAT, system_first, parts("text", "image_url", "input_audio"), streams_if_it_thinks,
        unless("enable_thinking", False, choices("none", "auto")), without("reasoning_effort"),
    ),
    "gemini": (
        _CHAT, without("reasoning", "thinking", "enable_thinking"), _NO_EXTRAS, no_strict,
        values("reasoning_effort", "low", "medium", "high"), thinking_only_in("extra_content"),
    ),
    "perplexity": (
        _OLD_LIMIT, roles("system", "user", "assistant"), taking_turns, formats("json_schema"), thinking_only_in(),
        without("tools", "tool_choice", "parallel_tool_calls", "logprobs", "top_logprobs"),
        values("reasoning_effort", "low", "medium", "high"),
    ),
    "watsonx": (_NEW_LIMIT, _CHAT, no_strict, _NO_EXTRAS),
    "bedrock": (_CHAT, no_strict, thinking_only_in("reasoning", "reasoning_details"), _NO_EXTRAS),
    "databricks": (*_SAFE, without("stream_options")),
    "snowflake": (
        _CHAT, no_strict, without("reasoning_effort"), thinking_only_in("reasoning", "reasoning_details"), _NO_EXTRAS,
    ),
    "crusoe": (_CHAT, thinking_only_in("reasoning", "reasoning_details"), _NO_EXTRAS),
    "openrouter": (_OLD_LIMIT, _CHAT, system_first, thinking_only_in("reasoning", "reasoning_details")),
    "copilot": (*_SAFE, thinking_only_in("reasoning_text", "reasoning_opaque")),
    "vercel": (
        *_SAFE, thinking_only_in("reasoning", "reasoning_details"), of_object("reasoning", enabled=(True, False)),
    ),
    "huggingface": _SAFE,
    "ollama": (
        *_SAFE, choices(), thinking_only_in("reasoning"),
        values("reasoning_effort", "none", "low", "medium", "high", "max"),
    ),
    "vllm": (_CHAT, system_first, thinking_only_in("reasoning")),  # the old name was removed
    "sglang": (_CHAT, system_first),
    "llama_cpp": (_CHAT, system_first, choices("none", "auto", "required"), no_strict),
    "lm_studio": (_OLD_LIMIT, _CHAT, formats("json_schema"), choices("none", "auto", "required")),
    "tgi": (_OLD_LIMIT, _CHAT, no_strict, without("parallel_tool_calls"), choices("none", "auto", "required", "name")),
}  # fmt: skip

OWN_MEMBERS: dict[str, tuple[str, ...]] = {
    "deepseek": ("thinking",), "moonshot": ("thinking",), "zai": ("thinking",), "minimax": ("thinking",),
    "qwen": ("enable_thinking",), "together": ("reasoning",), "vercel": ("reasoning",), "snowflake": ("reasoning",),
    "vllm": ("chat_template_kwargs",), "sglang": ("chat_template_kwargs",), "llama_cpp": ("chat_template_kwargs",),
    "mistral": ("tool_choice",), "tgi": ("tool_choice",),
}  # fmt: skip
"""Members that are not OpenAI's, or have other values."""


THINKING = {
    **dict.fromkeys(("openai", "azure", "groq", "xai", "cerebras", "minimax", "gemini", "perplexity"), None),
    **dict.fromkeys(("openrouter", "vercel", "ollama", "vllm", "bedrock", "snowflake", "crusoe"), "reasoning"),
    "mistral": "thinking",
    "copilot": "reasoning_text",
}
"""Where thinking goes back to a provider; `reasoning_content` where nothing else is known."""


def broken_rules(provider: str, body: Object) -> list[str]:
    """Return which rules of its own a provider finds broken."""
    return [wrong for rule in (*_EVERYONE, *RULES[provider]) for wrong in rule(body)]


def refusals(provider: str, body: Object) -> list[str]:
    """Return what a provider would refuse in a request, by its own rules and as every strict server would."""
    return broken_rules(provider, body) + complaints(
        body,
        developer_role=provider == "openai",
        system_anywhere=provider == "openai",
        reasoning_field=THINKING.get(provider, "reasoning_content"),
        signatures=provider == "gemini",
        also=OWN_MEMBERS.get(provider, ()),
    )
