"""Models → the catalog in which Codex CLI looks up what it knows about a model.

Codex fails on the whole catalog if one entry has no instructions, and uses those instead of its own prompt; an empty
text leaves the model without any. It has a prompt of its own for a model that is not in the catalog. So a catalog is
empty unless there are instructions for its models. A model whose context window is not known is left out, too: Codex
would never compact its conversations. Source: Codex CLI 0.169; NVIDIA-NeMo/Switchyard#565; openai/codex#31302.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import Struct

_WINDOW_MEMBERS: Final = (
    ("context_window",),  # Groq
    ("max_model_len",),  # vLLM, SGLang
    ("context_length",),  # OpenRouter, Together, Moonshot
    ("top_provider", "context_length"),  # OpenRouter: what its first provider serves
    ("max_context_length",),  # Mistral
    ("max_input_tokens",),  # Anthropic
    ("meta", "n_ctx"),  # llama.cpp; its n_ctx_train is what the model could have
)
"""Where providers write the size of a model's context, in tokens."""


class _Truncation(Struct, frozen=True):
    """How much of a tool's output Codex sends."""

    mode: str = "bytes"
    limit: int = 10_000


class CodexModel(Struct, frozen=True):
    """An entry of the catalog: what Codex assumes for unknown models, but for context window and instructions."""

    slug: str
    display_name: str
    priority: int
    context_window: int
    base_instructions: str
    description: str | None = None
    supported_reasoning_levels: tuple[str, ...] = ()
    shell_type: str = "default"
    visibility: str = "list"
    supported_in_api: bool = True
    supports_reasoning_summaries: bool = True
    support_verbosity: bool = False
    supports_parallel_tool_calls: bool = True
    apply_patch_tool_type: str | None = None
    truncation_policy: _Truncation = _Truncation()
    experimental_supported_tools: tuple[str, ...] = ()


def read_context_window(model: Mapping[str, Any]) -> int | None:
    """Return the context of a model object, in tokens: the smallest size that its provider names; None: it names none.

    Source: docs/recordings.md.
    """
    sizes = [_member(model, path) for path in _WINDOW_MEMBERS]
    return min((size for size in sizes if type(size) is int and size > 0), default=None)


def codex_catalog(windows: Iterable[tuple[str, int | None]], instructions: str) -> list[CodexModel]:
    """Return the entries of models, given as (name, context window in tokens), in their order."""
    known = [(name, window) for name, window in windows if window is not None]
    return [
        CodexModel(name, name, priority, window, instructions) for priority, (name, window) in enumerate(known, 1)
    ]


def _member(model: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = model
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
