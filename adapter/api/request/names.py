"""The names of a create request's members: which must be there, and what is said of one that nobody knows.

A name of the chat-completions API is refused with the Responses API's name for it, a misspelt one with the nearest that
there is, and one that could be meant for the provider with the setting that would let it through. Source: responses-api
reference §2, §6.6.
"""

from collections.abc import Collection
from typing import Final

from translators.errors import RequestError, missing_parameter, shorten, unknown_parameter
from translators.responses.passthrough import RESERVED

_INSTEAD_OF_INPUT: Final = ("previous_response_id", "prompt", "conversation")

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
"""Members of a chat-completions request, OpenAI's and some of others, each with the Responses API's name for it."""


def check_presence(members: Collection[str]) -> None:
    """Refuse a request without a model or an input, unless something else may bring them."""
    if "model" not in members and "prompt" not in members:
        raise missing_parameter("model")
    if "input" not in members and not any(name in members for name in _INSTEAD_OF_INPUT):
        raise missing_parameter("input")


def check_names(members: Collection[str], known: Collection[str], passthrough: Collection[str]) -> None:
    """Refuse a request that lacks what all need, or has a member that is neither known nor passed through."""
    strange = [name for name in members if name not in known and name not in passthrough]
    if "messages" in strange and "model" in members:
        raise RequestError(
            "Unsupported parameter: 'messages'. In the Responses API, this parameter has moved to 'input'.",
            code="unsupported_parameter",
        )
    check_presence(members)
    if strange:
        raise _unknown(strange[0], known)


def _unknown(name: str, known: Collection[str]) -> RequestError:
    if name in _CHAT_NAMES:
        ours = _CHAT_NAMES[name]
        hint = f"this parameter has moved to '{ours}'." if ours else "there is no such parameter."
        return unknown_parameter(name, f"In the Responses API, {hint}{_how_to_pass(name)}")
    nearest = min(known, key=lambda ours: _distance(name, ours))
    hint = f"Did you mean '{nearest}'?" if _distance(name, nearest) <= 2 else _how_to_pass(name).lstrip()
    return unknown_parameter(shorten(name), hint)


def _how_to_pass(name: str) -> str:
    """Say how a member could get to the provider, if it may."""
    if name in RESERVED:
        return ""
    return " The operator can let it through to the provider with the setting ADAPTER_PASSTHROUGH."


def _distance(one: str, other: str) -> int:
    """Return how many letters have to be changed, added or taken away (3 means "more than 2")."""
    if abs(len(one) - len(other)) > 2:
        return 3
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        above, row[0] = row[0], at
        for column, wanted in enumerate(other, 1):
            above, row[column] = row[column], min(
                row[column] + 1, row[column - 1] + 1, above + (letter != wanted)
            )
    return row[-1]
