"""What one provider accepts and sends, as frozen data.

Nothing provider-specific stands outside this file and the few fields it names. The defaults are the safest form for a
provider nobody knows: fields the client set are sent, OpenAI's own extras are not. Sources: providers reference §1, §2.
"""

from typing import Any, Final, Literal
from urllib.parse import urlsplit

from msgspec import Struct


class Dialect(Struct, frozen=True, gc=False):
    """One provider's ways. Each field says what the adapter may send."""

    name: str = "default"
    lessons: tuple[str, ...] = ()
    """What its refusals have changed in it, in the order of the alphabet; see `amendments.py`."""
    token_limit: Literal["max_tokens", "max_completion_tokens"] | None = "max_tokens"
    """The name of the limit on an answer's tokens; None: there is none."""
    streaming: Literal["asked", "always", "never"] = "asked"
    """When an answer comes in chunks: as the client asked, whatever it asked, or never."""
    stream_usage: bool = True
    """`stream_options` has the provider say how many tokens a stream took."""
    sampling: frozenset[str] = frozenset({"temperature", "top_p", "presence_penalty", "frequency_penalty"})
    """Those of the sampling members that are known; models that reason often know none."""
    system_role: bool = True
    """There is a role for instructions; otherwise they are shown as marked user messages."""
    developer_role: bool = False
    """Developer messages keep their role; otherwise they are system messages."""
    system_anywhere: bool = False
    """System messages may stand behind the first user message; otherwise they are shown as marked user messages."""
    reasoning_field: Literal["reasoning_content", "reasoning", "thinking", "think_tags"] | None = "reasoning_content"
    """Where an assistant message takes the text of its thinking back: in a member, in a part of type `thinking`, or
    between tags in the content; None: nowhere. What else came with it always goes back as it came."""
    reasoning_required: bool = False
    """An assistant message with calls must have `reasoning_content`, an empty one if its thinking is not known."""
    null_content: bool = True
    """The content of an assistant message that only calls is null; otherwise an empty text."""
    refusal_field: bool = False
    strict_tools: bool = True
    unknown_keywords: frozenset[str] = frozenset()
    """Keywords of JSON schemas that the parameters of a tool may not have."""
    parallel_tool_calls: bool = True
    formats: frozenset[Literal["json_schema", "json_object"]] = frozenset({"json_schema", "json_object"})
    """Types of `response_format` that are honoured; what needs another is asked for in words and checked."""
    tool_choices: frozenset[Literal["none", "required", "named"]] = frozenset({"none", "required", "named"})
    """Forms of `tool_choice`, beside auto, that are honoured; the adapter sees to the others."""
    file_parts: bool = False
    original_detail: bool = False
    """Images may have detail `original`."""
    extras: frozenset[str] = frozenset()
    """Request fields of OpenAI's that go out as they are: user, safety_identifier, prompt_cache_key …"""
    service_tiers: frozenset[str] = frozenset()
    """Values of `service_tier` that go out."""
    efforts: frozenset[str] | None = None
    """Values of `reasoning_effort` that are known, the nearest of which goes out; None: all; empty: no such member."""
    effort_with_tools: bool = True
    """Tools and an effort may stand in one request; otherwise its effort is `none`."""
    no_reasoning: dict[str, Any] = {}
    """What stands for effort `none` where the provider has another way to say it."""
    logprobs: bool = True
    web_search: bool = False
    """`web_search_options` has the provider search the web."""
    tokenizer: Literal["vllm", "llamacpp"] | None = None
    """Whose way there is to have a request's tokens counted."""


_OPENAI_EXTRAS: Final = frozenset(
    {
        "user", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "safety_identifier",
        "verbosity",
    }
)

PRESETS: Final[dict[str, Dialect]] = {
    dialect.name: dialect
    for dialect in (
        Dialect(),
        Dialect(
            name="openai", token_limit="max_completion_tokens", developer_role=True, system_anywhere=True,
            reasoning_field=None, refusal_field=True, file_parts=True, original_detail=True,
            extras=_OPENAI_EXTRAS,
            service_tiers=frozenset({"auto", "default", "flex", "scale", "priority", "fast"}),
        ),
        Dialect(
            name="deepseek", formats=frozenset({"json_object"}), strict_tools=False,
            efforts=frozenset({"low", "medium", "high", "max"}),
            no_reasoning={"thinking": {"type": "disabled"}}, reasoning_required=True,
        ),
        Dialect(
            name="moonshot", token_limit="max_completion_tokens", strict_tools=False, reasoning_required=True,
        ),
        Dialect(
            name="minimax", token_limit="max_completion_tokens", reasoning_field="think_tags", formats=frozenset(),
        ),
        Dialect(name="gemini", reasoning_field=None),
        Dialect(
            name="mistral", reasoning_field="thinking", strict_tools=False, efforts=frozenset({"none", "high"}),
            logprobs=False,
        ),
        Dialect(
            name="groq", reasoning_field=None, extras=frozenset({"user"}), service_tiers=frozenset({"auto", "flex"}),
            efforts=frozenset({"none", "low", "medium", "high"}), logprobs=False,
        ),
        Dialect(name="cerebras", reasoning_field=None, parallel_tool_calls=False),
        Dialect(name="openrouter", reasoning_field="reasoning", extras=frozenset({"user"})),
        Dialect(name="vercel", reasoning_field="reasoning"),
        Dialect(
            name="ollama", reasoning_field="reasoning", strict_tools=False, tool_choices=frozenset(),
            efforts=frozenset({"none", "low", "medium", "high", "max"}),
        ),
        Dialect(name="vllm", tokenizer="vllm"),
        Dialect(name="llamacpp", tokenizer="llamacpp"),
    )
}

_HOSTS: Final = {
    "api.openai.com": "openai",
    "api.deepseek.com": "deepseek",
    "api.mistral.ai": "mistral",
    "api.groq.com": "groq",
    "api.cerebras.ai": "cerebras",
    "openrouter.ai": "openrouter",
    "api.moonshot.ai": "moonshot",
    "api.moonshot.cn": "moonshot",
    "api.minimax.io": "minimax",
    "api.minimaxi.com": "minimax",
    "generativelanguage.googleapis.com": "gemini",
    "ai-gateway.vercel.sh": "vercel",
}


def dialect_for(base_url: str, name: str = "auto") -> Dialect:
    """Return the preset of that name; for `auto` the one of the URL's host, else the safe default."""
    if name != "auto":
        return PRESETS[name]
    url = urlsplit(base_url)
    if url.port == 11434:
        return PRESETS["ollama"]
    return PRESETS[_HOSTS.get(url.hostname or "", "default")]
