"""Where each provider puts thinking, both ways.

A provider sends thinking in a member of the delta (or of the whole message), in a part of the content, or between tags
at the start of the content (`think_tags.py`). It takes thinking back in one of the same places, which its dialect names
(`reasoning_field`). To add a field, add its member to `ThinkingDelta`, to `ThinkingMessage` if it can go back, its rows
to the tables, and name it in the preset; `tests/translators/reasoning/test_fields.py` fails while something is missing.

What a provider sends with its thinking and wants back unchanged, such as signatures, is gathered in `opaque.py`.
Source: DeepSeek API docs, Thinking mode; Mistral docs, Reasoning; OpenRouter docs, Reasoning tokens; LiteLLM;
BerriAI/litellm#35021.
"""

from collections.abc import Callable
from typing import Any, Final, Literal, get_args

from msgspec import Struct, field
from msgspec.structs import fields

ReasoningField = Literal["reasoning_content", "reasoning", "reasoning_text", "thinking", "think_tags"]
"""The places in which thinking goes back to a provider, one row each in `RETURNS`."""

_MAX_DEPTH: Final = 8
"""Levels of lists and objects in which text is looked for. Databricks uses three: part, `summary`, text."""


# --- from the provider ----------------------------------------------------------------------------------------


class ThinkingDelta(Struct, gc=False, kw_only=True):
    """The members of a delta that hold thinking."""

    reasoning_content: str | None = None
    """DeepSeek, Moonshot, Z.AI, Qwen, xAI, SGLang, llama.cpp."""
    reasoning: str | dict[str, Any] | None = None
    """OpenRouter, Groq, Cerebras, Ollama, vLLM."""
    reasoning_text: str | None = None
    """GitHub Copilot."""
    thinking: str | dict[str, Any] | None = None
    """Gateways in front of Anthropic and Ollama."""
    thought: str | bool | None = None
    reasoning_content_camel: str | None = field(default=None, name="reasoningContent")
    cot_summary: str | None = None
    """Gateways; Gemini's own API has a boolean under the first of these names."""
    reasoning_details: list[Any] | None = None
    """OpenRouter, Vercel: blocks with signatures; their text mostly repeats `reasoning`."""
    thinking_blocks: list[Any] | None = None
    """LiteLLM: Anthropic's blocks with signatures; their text mostly repeats `reasoning_content`."""


THINKING_MEMBERS: Final = ThinkingDelta.__struct_fields__
TEXT_MEMBERS: Final = tuple(member.name for member in fields(ThinkingDelta) if str in get_args(member.type))
"""Those that are text, or may be."""

PARTS: Final[dict[str, str | None]] = {"thinking": "thinking", "reasoning": None}
"""Types of content parts that hold thinking, each with the member that has its text; None: the part as a whole."""


def read_thinking(delta: ThinkingDelta) -> str:
    """Return the text of a delta's thinking; a provider that sends it in several members repeats it."""
    if delta.reasoning_content:
        return delta.reasoning_content
    if delta.reasoning:
        return delta.reasoning if isinstance(delta.reasoning, str) else text_in(delta.reasoning)
    if delta.reasoning_text:
        return delta.reasoning_text
    if delta.thinking:
        return delta.thinking if isinstance(delta.thinking, str) else text_in(delta.thinking)
    if delta.thought and isinstance(delta.thought, str):
        return delta.thought
    if delta.reasoning_content_camel or delta.cot_summary:
        return delta.reasoning_content_camel or delta.cot_summary or ""
    if delta.reasoning_details:
        return "".join(map(text_in, delta.reasoning_details))
    if delta.thinking_blocks:
        return "".join(map(text_in, delta.thinking_blocks))
    return ""


def is_in_blocks(delta: ThinkingDelta) -> bool:
    """Whether the text of a delta's thinking is in its blocks alone: an earlier delta may have had it already."""
    return not (delta.reasoning_content or delta.reasoning or delta.reasoning_text or delta.thinking)


def text_in(value: Any, depth: int = _MAX_DEPTH) -> str:
    """Return the text in a value: a string, an object with a member that has text, or a list of them."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and depth:
        return "".join([text_in(entry, depth - 1) for entry in value])
    if isinstance(value, dict) and depth:
        for key in ("text", "summary", "thinking", "content"):
            if value.get(key):
                return text_in(value[key], depth - 1)
    return ""


# --- back to the provider -------------------------------------------------------------------------------------


class ThinkingMessage(Struct, frozen=True, gc=False, omit_defaults=True):
    """The members of an assistant message in which thinking goes back, after its content."""

    content: Any
    """Typed by `AssistantMessage`."""
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_text: str | None = None
    reasoning_details: list[dict[str, Any]] | None = None
    """Always returned as it came, whatever the dialect's field; so are the two that follow."""
    thinking_blocks: list[dict[str, Any]] | None = None
    reasoning_opaque: str | None = None


class ThinkingPart(Struct, frozen=True, gc=False, tag_field="type", tag="thinking"):
    """A content part of an assistant message, ahead of its text."""

    thinking: list[dict[str, str]]


RETURNS: Final[dict[ReasoningField, Callable[[str], str | ThinkingPart] | None]] = {
    "reasoning_content": None,
    "reasoning": None,
    "reasoning_text": None,
    "thinking": lambda text: ThinkingPart([{"type": "text", "text": text}]),
    "think_tags": lambda text: f"<think>{text}</think>\n\n",
}
"""How a text of thinking goes back: as the beginning of the message's content that this builds of it; None: as the
member of the message that has this name."""

RETURN_MEMBERS: Final = tuple(name for name in get_args(ReasoningField) if RETURNS[name] is None)
