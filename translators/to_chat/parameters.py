"""Scalar parameters of a request (sampling, limits, effort, tier, caching) → chat fields.

Only what the client set goes out. The dialect names the field of the limit: `max_tokens` or `max_completion_tokens`
(`token_limit`). A value that the provider does not know is replaced by the nearest known one, or left out; a note says
so, unless the value changes nothing (`service_tier: "auto"`).
Source: OpenAI API reference, Responses: create; OpenAI API reference, Chat: create.
"""

from typing import Any, Final, get_args

from translators.dialects.dialect import Dialect
from translators.dialects.rendering import Rendering
from translators.notes import Notes
from translators.responses.request import CreateRequest, Effort, PromptCacheOptions

_EFFORTS: Final[tuple[str, ...]] = get_args(Effort)
_DEFAULT_TIERS: Final = ("auto", "default")


def chat_parameters(request: CreateRequest, rendering: Rendering, *, with_tools: bool = False) -> dict[str, Any]:
    """Return the chat fields, with the client's passthrough members; `with_tools`: the chat request has tools."""
    dialect = rendering.dialect
    body = _numbers(request, rendering)
    effort = request.reasoning.effort
    if with_tools and not dialect.effort_with_tools and effort != "none":
        if effort is not None:
            rendering.note("reasoning.effort", "approximated", "accepts only 'none' together with tools")
        effort = "none"
    body |= _effort(effort, rendering)
    body |= _tier(request.service_tier, rendering)
    body |= _logprobs(request, rendering)
    body |= _extras(request, rendering)
    if request.max_tool_calls is not None:
        rendering.notes.add("max_tool_calls", "dropped", "it limits calls of hosted tools, and none runs here")
    if request.reasoning.context == "all_turns" and dialect.reasoning_field is None:
        rendering.note("reasoning.context", "dropped", "takes no reasoning back")
    return body | request.passthrough


def _numbers(request: CreateRequest, rendering: Rendering) -> dict[str, Any]:
    """Return the numeric fields, under the provider's names."""
    dialect = rendering.dialect
    wanted: dict[str, float | None] = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "presence_penalty": request.presence_penalty,
        "frequency_penalty": request.frequency_penalty,
        "max_output_tokens": request.max_output_tokens,
    }
    body: dict[str, Any] = {}
    for name, value in wanted.items():
        if value is None:
            continue
        known = dialect.token_limit if name == "max_output_tokens" else name if name in dialect.sampling else None
        if known is None:
            rendering.note(name, "dropped", "has no such parameter")
        else:
            body[known] = value
    if not dialect.temperature_and_top_p and "temperature" in body and body.pop("top_p", None) is not None:
        rendering.note("top_p", "dropped", "takes no top_p beside a temperature")
    return body


def _effort(wanted: str | None, rendering: Rendering) -> dict[str, Any]:
    """Return the fields for the nearest effort that the provider knows.

    Of two equally near ones the lower, but never "none" for a request that wants thinking.
    """
    dialect = rendering.dialect
    known = dialect.efforts
    if wanted is None:
        return {}
    if wanted == "none" and dialect.no_reasoning:
        return dialect.no_reasoning
    if known is None or wanted in known:
        return _effort_fields(wanted, dialect)
    near = [effort for effort in _EFFORTS if effort in known and effort != "none"]
    if not near and wanted != "none" and dialect.some_reasoning:
        rendering.note("reasoning.effort", "approximated", "has only a switch for thinking: on")
        return dialect.some_reasoning
    if not near:
        rendering.note("reasoning.effort", "dropped", f"has no effort '{wanted}'")
        return {}
    place = _EFFORTS.index(wanted)
    nearest = min(near, key=lambda effort: abs(_EFFORTS.index(effort) - place))
    rendering.note("reasoning.effort", "approximated", f"has no effort '{wanted}': sent as '{nearest}'")
    return _effort_fields(nearest, dialect)


def _effort_fields(effort: str, dialect: Dialect) -> dict[str, Any]:
    member: Any = effort if dialect.effort_form == "reasoning_effort" else {"effort": effort}
    return {dialect.effort_form: member} | (dialect.some_reasoning if effort != "none" else {})


def _tier(wanted: str | None, rendering: Rendering) -> dict[str, Any]:
    if wanted in rendering.dialect.service_tiers:
        return {"service_tier": wanted}
    if wanted is not None and wanted not in _DEFAULT_TIERS:
        rendering.note("service_tier", "dropped", f"has no tier '{wanted}'")
    return {}


def _logprobs(request: CreateRequest, rendering: Rendering) -> dict[str, Any]:
    included = "message.output_text.logprobs" in request.include
    if request.top_logprobs is None and not included:
        return {}
    if not rendering.dialect.logprobs:
        param = "include" if included else "top_logprobs"
        rendering.note(param, "dropped", "returns no log probabilities")
        return {}
    return {"logprobs": True} | ({"top_logprobs": request.top_logprobs} if request.top_logprobs else {})


def _extras(request: CreateRequest, rendering: Rendering) -> dict[str, Any]:
    """Return the fields that OpenAI has and other providers mostly reject."""
    wanted: dict[str, Any] = {
        "user": request.user,
        "safety_identifier": request.safety_identifier,
        "prompt_cache_key": request.prompt_cache_key,
        "prompt_cache_retention": request.prompt_cache_retention,
        "prompt_cache_options": request.prompt_cache_options,
        "verbosity": request.text.verbosity,
    }
    body: dict[str, Any] = {}
    for name, value in wanted.items():
        if value is None:
            continue
        if name not in rendering.dialect.extras:
            param = "text.verbosity" if name == "verbosity" else name
            rendering.note(param, "dropped", "has no such parameter; only echoed")
        elif isinstance(value, PromptCacheOptions):
            body |= _prompt_cache(value, rendering.notes)
        else:
            body[name] = value
    return body


def _prompt_cache(options: PromptCacheOptions, notes: Notes) -> dict[str, Any]:
    if options.ttl == "12h":
        notes.add("prompt_cache_options.ttl", "approximated", "chat completions have only '30m'")
    known = {"mode": options.mode, "ttl": "30m" if options.ttl else None}
    body = {name: value for name, value in known.items() if value is not None}
    return {"prompt_cache_options": body} if body else {}
