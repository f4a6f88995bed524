"""The first snapshot of a response: the request's fields as the Response object shows them.

A parameter that the client left out is shown with the API's default, and as null only where the schema allows it.
Source: OpenAI API reference, Responses: create; Open Responses specification, Response object.
"""

from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from translators.responses.request import (
    CreateRequest,
    JSONSchemaFormat,
    PromptCacheOptions,
    TextConfig,
    TextFormat,
    make_once,
)
from translators.responses.response import Response


def first_snapshot(request: CreateRequest, id: str, created_at: int) -> Response:
    """Return the response as `response.created` shows it; `created_at` is in Unix seconds."""
    shown = make_once(request, "snapshot", _show, request)
    return replace(
        shown, id=id, created_at=created_at, previous_response_id=request.previous_response_id,
        metadata=request.metadata,
    )  # fmt: skip


def _show(request: CreateRequest) -> Response:
    """Return the members of a request as the Response object shows them."""
    return Response(
        id="",
        created_at=0,
        model=request.model,
        status="queued" if request.background else "in_progress",
        background=request.background,
        frequency_penalty=0.0 if request.frequency_penalty is None else request.frequency_penalty,
        instructions=request.instructions,
        max_output_tokens=request.max_output_tokens,
        max_tool_calls=request.max_tool_calls,
        parallel_tool_calls=True if request.parallel_tool_calls is None else request.parallel_tool_calls,
        presence_penalty=0.0 if request.presence_penalty is None else request.presence_penalty,
        conversation=UNSET if request.conversation is None else {"id": request.conversation},
        prompt_cache_key=request.prompt_cache_key,
        prompt_cache_retention=request.prompt_cache_retention,
        reasoning=_reasoning(request),
        safety_identifier=request.safety_identifier,
        service_tier=request.service_tier or "auto",
        store=request.store,
        temperature=1.0 if request.temperature is None else request.temperature,
        text={"format": _format(request.text), "verbosity": request.text.verbosity or "medium"},
        tool_choice=request.tool_choice,
        tools=request.raw_tools,
        top_logprobs=0 if request.top_logprobs is None else request.top_logprobs,
        top_p=1.0 if request.top_p is None else request.top_p,
        truncation=request.truncation,
        user=request.user,
        prompt=request.prompt or UNSET,
        access_programs=UNSET if request.access_programs is None else {"cyber": "standard"},
        image=UNSET if request.image is None else {"context_compression": "disabled"},
        **_prompt_cache(request.prompt_cache_options),
    )


def _reasoning(request: CreateRequest) -> dict[str, Any]:
    wanted = request.reasoning
    echo: dict[str, Any] = {"effort": wanted.effort, "summary": wanted.summary or wanted.generate_summary}
    for name in ("context", "mode"):
        if (value := getattr(wanted, name)) is not None:
            echo[name] = value
    return echo


def _prompt_cache(options: PromptCacheOptions | None) -> dict[str, Any]:
    if options is None:
        return {}
    echo: dict[str, str] = {"mode": options.mode or "implicit", "ttl": options.ttl or "30m"}
    if options.comparison_response_id is None:
        return {"prompt_cache_options": echo}
    echo["comparison_response_id"] = options.comparison_response_id
    return {"prompt_cache_options": echo, "prompt_cache_diagnostics": {"type": "unavailable"}}


def _format(text: TextConfig) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(text.format or TextFormat())
    if isinstance(text.format, JSONSchemaFormat):
        shown["strict"] = bool(text.format.strict)
    return shown
