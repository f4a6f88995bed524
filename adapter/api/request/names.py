"""The names of a create request's members: the required ones, and errors that help with unknown ones.

The error for a name of the chat-completions API gives the Responses API's name for it, the error for a misspelt name
the nearest known one, and the error for a name that the provider might know the setting that passes it through.
Source: OpenAI API reference, Responses: create; OpenAI API reference, Chat Completions: create.
"""

from collections.abc import Collection
from typing import Final

from translators.errors import RequestError, missing_parameter, shorten, unknown_parameter
from translators.responses.passthrough import RESERVED

_REPLACE_INPUT: Final = ("previous_response_id", "prompt", "conversation")

_CHAT_NAMES: Final = {
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "response_format": "text.format",
    "verbosity": "text.verbosity",
    "reasoning_effort": "reasoning.effort",
    "functions": "tools",
    "function_call": "tool_choice",
    "logprobs": "top_logprobs",
    "web_search_options": "tools",
    "audio": None,
    "chat_template_kwargs": None,
    "logit_bias": None,
    "min_p": None,
    "modalities": None,
    "n": None,
    "prediction": None,
    "seed": None,
    "stop": None,
    "top_k": None,
}
"""Members of a chat-completions request, OpenAI's and other providers', with the Responses API's name for each."""


def check_presence(members: Collection[str]) -> None:
    """Raise RequestError for a request without model or input, unless another member can replace them."""
    if "model" not in members and "prompt" not in members:
        raise missing_parameter("model")
    if "input" not in members and not any(name in members for name in _REPLACE_INPUT):
        raise missing_parameter("input")


def check_names(members: Collection[str], known: Collection[str], passthrough: Collection[str]) -> None:
    """Raise RequestError for a missing member, and for one that is neither known nor passed through."""
    unknown = [name for name in members if name not in known and name not in passthrough]
    if "messages" in unknown and "model" in members:
        raise RequestError(
            "Unsupported parameter: 'messages'. In the Responses API, this parameter has moved to 'input'.",
            code="unsupported_parameter",
        )
    check_presence(members)
    if unknown:
        raise _unknown(unknown[0], known)


def _unknown(name: str, known: Collection[str]) -> RequestError:
    if name in _CHAT_NAMES:
        new_name = _CHAT_NAMES[name]
        hint = f"this parameter has moved to '{new_name}'." if new_name else "there is no such parameter."
        return unknown_parameter(name, f"In the Responses API, {hint}{_how_to_pass(name)}")
    nearest = min(known, key=lambda other: _distance(name, other))
    hint = f"Did you mean '{nearest}'?" if _distance(name, nearest) <= 2 else _how_to_pass(name).lstrip()
    return unknown_parameter(shorten(name), hint)


def _how_to_pass(name: str) -> str:
    """Return the advice for a member that the operator could pass through, or ""."""
    if name in RESERVED:
        return ""
    return " The operator can let it through to the provider with the setting ADAPTER_PASSTHROUGH."


def _distance(one: str, other: str) -> int:
    """Return how many letters have to be changed, added or removed; 3 or more for names too different to tell."""
    if abs(len(one) - len(other)) > 2:
        return 3
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        above, row[0] = row[0], at
        for column, expected in enumerate(other, 1):
            above, row[column] = row[column], min(
                row[column] + 1, row[column - 1] + 1, above + (letter != expected)
            )
    return row[-1]
