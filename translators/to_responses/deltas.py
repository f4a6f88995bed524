"""Read chunks: the many forms in which providers send an answer → one form.

`read_chunk` decodes a payload. If it does not fit the types of `chat/chunks.py`, it is read member by member, so that
one odd member never costs the answer. The other functions read one kind of content out of a delta; thinking:
`reasoning/fields.py`. Source: docs/providers.md.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

import msgspec

from translators.chat.chunks import (
    ChatUsage,
    Chunk,
    Delta,
    ExecutedTool,
    FunctionDelta,
    ImageAddress,
    Logprobs,
    Source,
    ToolCallDelta,
    TopLogprob,
)
from translators.errors import UpstreamError
from translators.loose_json import decode_prefix, replace_lone_surrogates
from translators.reasoning.fields import PARTS, text_in
from translators.wire import Decoder, NotJSON, decode, encode

S = TypeVar("S", bound=msgspec.Struct)
PartKind = Literal["reasoning", "text", "refusal", "image", "other"]

_FLAT_ERRORS: Final = ("message", "detail", "msg", "errors", "base_resp")

decode_chunk = Decoder(Chunk).decode
"""The fast path, for payloads that fit the types; raises NotJSON for others."""


def read_chunk(payload: bytes) -> Chunk:
    """Return the chunk (or whole completion) in a payload; raise UpstreamError when it is no JSON object."""
    try:
        chunk = decode_chunk(payload)
    except NotJSON:
        chunk = fitting_chunk(replace_lone_surrogates(read_odd_value(payload)))
    return chunk if chunk.choices else with_flat_error(chunk, payload)


def with_flat_error(chunk: Chunk, payload: bytes) -> Chunk:
    """Return a chunk without choices; set its error from a flat error body, if the payload is one.

    Mistral, FastAPI, Cloudflare and Zhipu send such bodies with status 200; MiniMax has `base_resp`, with a
    `status_code` of 0 if nothing is wrong.
    """
    if not chunk.error and chunk.usage is None:
        value = replace_lone_surrogates(read_odd_value(payload))
        base = value.get("base_resp")
        if not isinstance(base, dict) or not base.get("status_code"):
            value.pop("base_resp", None)
        if any(value.get(name) for name in _FLAT_ERRORS):
            chunk.error = value
    return chunk


def read_completion(body: bytes) -> Chunk:
    """Return a whole completion; a `delta` beside its `message` is ignored (Perplexity)."""
    completion = read_chunk(body)
    for choice in completion.choices or ():
        if choice.message is not None:
            choice.delta = None
    return completion


def read_odd_value(payload: bytes) -> dict[str, Any]:
    """Return the JSON object in a payload, with lone surrogates as they are; raise UpstreamError if there is none."""
    try:
        value = decode(payload)
    except NotJSON:
        value = decode_prefix(payload)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = value[0]  # Gemini sends errors in an array
    if payload.strip() == b"null":
        return {}
    if not isinstance(value, dict):
        raise UpstreamError("The provider sent something that is not a chat completion: " + _excerpt(payload))
    return value


def fitting_chunk(value: dict[str, Any]) -> Chunk:
    """Return the chunk in a decoded object; members that do not fit keep their default."""
    return _fitting(Chunk, value)


def _fitting(kind: type[S], value: dict[str, Any]) -> S:
    """Build a Struct from the members of `value` that fit, at every depth; the others keep their default."""
    fits: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if (member := value.get(field.encode_name)) is None:
            continue
        try:
            fits[field.name] = msgspec.convert(member, field.type, strict=False)
        except msgspec.ValidationError:
            allowed = get_args(field.type)
            if isinstance(member, dict):
                if inner := _struct_in(allowed):
                    fits[field.name] = _fitting(inner, member)
            elif isinstance(member, list):
                elements = [get_args(arg)[0] for arg in allowed if get_origin(arg) is list]
                if inner := _struct_in(elements):
                    fits[field.name] = [_fitting(inner, entry) for entry in member if isinstance(entry, dict)]
    return kind(**fits)


def _struct_in(types: Iterable[Any]) -> type[msgspec.Struct] | None:
    return next((one for one in types if isinstance(one, type) and issubclass(one, msgspec.Struct)), None)


def _excerpt(payload: bytes) -> str:
    return payload[:200].decode("utf-8", "replace")


def usage_of(chunk: Chunk) -> ChatUsage | None:
    """Return the usage that a chunk reports, in whatever member; None: it has none, or one without numbers."""
    usage = chunk.usage
    if usage is None and chunk.x_groq is not None:
        usage = chunk.x_groq.usage
    if usage is None or (usage.prompt_tokens is None and usage.completion_tokens is None):
        return None
    return usage


def pieces_of(content: list[Any] | dict[str, Any]) -> Iterator[tuple[PartKind, str]]:
    """Yield the texts of content that is no string: Mistral and Databricks send lists of parts, Cloudflare an object.

    An image yields its URL. `other` is a part that a response has no place for (Mistral's `reference`).
    """
    if isinstance(content, dict):
        yield "text", encode(content).decode()
        return
    for part in content:
        if isinstance(part, str):
            yield "text", part
        elif isinstance(part, dict):
            kind = part.get("type")
            if isinstance(kind, str) and kind in PARTS:
                member = PARTS[kind]
                yield "reasoning", text_in(part if member is None else part.get(member))
            elif kind in ("text", "output_text", None):
                yield "text", text_in(part)
            elif kind == "refusal":
                yield "refusal", text_in(part.get("refusal"))
            elif kind == "image_url":
                yield "image", _url_of(part.get("image_url"))
            else:
                yield "other", ""


def images_of(delta: Delta) -> list[str]:
    """Return the URLs of a delta's pictures; most are the pictures themselves, as `data:`."""
    return [_url_of(image.image_url) for image in delta.images or ()]


def _url_of(image: Any) -> str:
    if isinstance(image, ImageAddress):
        image = image.url
    elif isinstance(image, dict):
        image = image.get("url")
    return image if isinstance(image, str) else ""


def search_results_of(tools: Iterable[ExecutedTool]) -> list[Source]:
    """Return the results of the searches that a provider ran itself."""
    return [source for tool in tools if tool.search_results for source in tool.search_results.results or ()]


def calls_of(delta: Delta, *, whole: bool) -> list[ToolCallDelta]:
    """Return the parts of tool calls in a delta; the legacy `function_call` counts as one without id.

    In a `whole` message each entry is a call of its own, whatever its index. So is each entry of a delta if only the
    position distinguishes them.
    """
    calls = delta.tool_calls
    if isinstance(calls, ToolCallDelta):
        return [calls]  # TGI sends the call itself
    if calls:
        if whole or _differ_by_position(calls):
            for position, call in enumerate(calls):
                call.index = position
        return calls
    legacy = delta.function_call
    if legacy is not None and (legacy.name or legacy.arguments):
        return [ToolCallDelta(index=0, function=legacy)]
    return []


def _differ_by_position(calls: list[ToolCallDelta]) -> bool:
    """Tell whether only the position distinguishes these calls: all have a name, none an id, two the same index."""
    return (
        len({call.index for call in calls}) < len(calls)
        and not any(call.id for call in calls)
        and all(call.function is not None and call.function.name for call in calls)
    )


def arguments_of(function: FunctionDelta | None) -> str:
    """Return a piece of the arguments as text; arguments sent as an object are written as JSON."""
    if function is None:
        return ""
    arguments = function.arguments
    if arguments is None:
        arguments = function.parameters
    if arguments is None:
        return ""
    return arguments if isinstance(arguments, str) else encode(arguments).decode()


def tokens_of(logprobs: Logprobs) -> list[Any]:
    """Return token log probabilities as the API has them, always with `bytes` and `top_logprobs`."""
    return [
        _token(token) | {"top_logprobs": [_token(other) for other in token.top_logprobs or ()]}
        for token in logprobs.content or ()
    ]


def _token(token: TopLogprob) -> dict[str, Any]:
    text = token.token or ""
    return {"token": text, "logprob": token.logprob or 0.0, "bytes": token.bytes or list(text.encode())}
