"""How the model shall answer, and for whom: the request's scalar members → chat fields.

Only what the client set goes out. A value that the provider does not know gives way to the nearest one it knows, with a
note, or stays here, with a note; one that asks for nothing (`service_tier: "auto"`) needs none. Field table:
responses-api reference §2; what providers take: `dialect.py`.
"""

from typing import Any, Final, get_args

from translators.dialects.dialect import Dialect
from translators.notes import Notes
from translators.responses.request import CreateRequest, Effort, PromptCacheOptions

_EFFORTS: Final[tuple[str, ...]] = get_args(Effort)
_DEFAULT_TIERS: Final = ("auto", "default")


def sampling(
    request: CreateRequest, dialect: Dialect, notes: Notes, *, beside_tools: bool = False
) -> dict[str, Any]:
    """Return the fields of the chat request, and what the client wants the provider to get as it is.

    `beside_tools`: tools stand in the same request.
    """
    body = _numbers(request, dialect, notes)
    effort = request.reasoning.effort
    if beside_tools and not dialect.effort_with_tools and effort != "none":
        if effort is not None:
            notes.add("reasoning.effort", "approximated", f"provider '{dialect.name}' takes 'none' beside tools")
        effort = "none"
    body |= _effort(effort, dialect, notes)
    body |= _tier(request.service_tier, dialect, notes)
    body |= _logprobs(request, dialect, notes)
    body |= _extras(request, dialect, notes)
    if request.max_tool_calls is not None:
        notes.add("max_tool_calls", "dropped", "it limits the calls that a server runs itself, and none is run here")
    if request.reasoning.context == "all_turns" and dialect.reasoning_field is None:
        notes.add("reasoning.context", "dropped", f"provider '{dialect.name}' takes no reasoning back")
    return body | request.passthrough


def _numbers(request: CreateRequest, dialect: Dialect, notes: Notes) -> dict[str, Any]:
    """Return the members that go out as they are, where they are known."""
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
            notes.add(name, "dropped", f"not known to provider '{dialect.name}'")
        else:
            body[known] = value
    return body


def _effort(wanted: str | None, dialect: Dialect, notes: Notes) -> dict[str, Any]:
    """Return the nearest effort that a provider knows, and what an effort brings along there.

    The lower one of two; never none at all for one who wants some.
    """
    known = dialect.efforts
    if wanted is None:
        return {}
    if wanted == "none" and dialect.no_reasoning:
        return dialect.no_reasoning
    if known is None or wanted in known:
        return _effort_as(wanted, dialect)
    near = [effort for effort in _EFFORTS if effort in known and effort != "none"]
    if not near and wanted != "none" and dialect.some_reasoning:
        notes.add("reasoning.effort", "approximated", f"provider '{dialect.name}' thinks or not; it is told to")
        return dialect.some_reasoning
    if not near:
        notes.add("reasoning.effort", "dropped", f"provider '{dialect.name}' does not know '{wanted}'")
        return {}
    place = _EFFORTS.index(wanted)
    nearest = min(near, key=lambda effort: abs(_EFFORTS.index(effort) - place))
    notes.add("reasoning.effort", "approximated", f"provider '{dialect.name}' does not know '{wanted}': '{nearest}'")
    return _effort_as(nearest, dialect)


def _effort_as(effort: str, dialect: Dialect) -> dict[str, Any]:
    member: Any = effort if dialect.effort_form == "reasoning_effort" else {"effort": effort}
    return {dialect.effort_form: member} | (dialect.some_reasoning if effort != "none" else {})


def _tier(wanted: str | None, dialect: Dialect, notes: Notes) -> dict[str, Any]:
    if wanted in dialect.service_tiers:
        return {"service_tier": wanted}
    if wanted is not None and wanted not in _DEFAULT_TIERS:
        notes.add("service_tier", "dropped", f"'{wanted}' is not known to provider '{dialect.name}'")
    return {}


def _logprobs(request: CreateRequest, dialect: Dialect, notes: Notes) -> dict[str, Any]:
    included = "message.output_text.logprobs" in request.include
    if request.top_logprobs is None and not included:
        return {}
    if not dialect.logprobs:
        param = "include" if included else "top_logprobs"
        notes.add(param, "dropped", f"provider '{dialect.name}' gives no log probabilities")
        return {}
    return {"logprobs": True} | ({"top_logprobs": request.top_logprobs} if request.top_logprobs else {})


def _extras(request: CreateRequest, dialect: Dialect, notes: Notes) -> dict[str, Any]:
    """Return the fields that OpenAI has and others mostly refuse."""
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
        if name not in dialect.extras:
            param = "text.verbosity" if name == "verbosity" else name
            notes.add(param, "dropped", f"not known to provider '{dialect.name}'; only echoed")
        elif isinstance(value, PromptCacheOptions):
            body |= _prompt_cache(value, notes)
        else:
            body[name] = value
    return body


def _prompt_cache(options: PromptCacheOptions, notes: Notes) -> dict[str, Any]:
    if options.ttl == "12h":
        notes.add("prompt_cache_options.ttl", "approximated", "chat completions know '30m' only")
    known = {"mode": options.mode, "ttl": "30m" if options.ttl else None}
    body = {name: value for name, value in known.items() if value is not None}
    return {"prompt_cache_options": body} if body else {}
