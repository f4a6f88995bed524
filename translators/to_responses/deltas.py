"""Read chunks: the many forms in which providers send an answer → one form.

`read_chunk` decodes a payload. If it does not fit the types of `chat/chunks.py`, it is read member by member, so that
one odd member never costs the answer. The other functions read one kind of content out of a delta; thinking:
`reasoning/fields.py`. Source: docs/recordings.md.
"""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
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
    decode_chunk,
)
from translators.errors import ProviderError, UpstreamError
from translators.failures.classes import classify_error_object
from translators.loose_json import decode_prefix, loose_value, replace_lone_surrogates
from translators.reasoning.fields import PARTS, TEXT_MEMBERS, read_thinking, text_in
from translators.wire import NotJSON, decode, encode

S = TypeVar("S", bound=msgspec.Struct)
PartKind = Literal["reasoning", "text", "refusal", "image", "other"]

_MAX_ENVELOPES: Final = 3
"""Objects around an answer: a gateway's around another's, and one to spare."""
_MAX_QUOTED: Final = 200
"""Characters of what is not an answer, in the error message."""
_MAX_EXCERPT_BYTES: Final = 4096
"""Among which the first words are looked for: a web page begins with its head."""
_MARKUP: Final = re.compile(r"<[^<>]{0,1000}>?")
_HIDDEN_MARKUP: Final = re.compile(r"<(script|style)\b.*?(</\1>|$)|<!--.*?(-->|$)", re.DOTALL | re.IGNORECASE)
_BETWEEN: Final = re.compile(r"(?:[\s,]|data:)*")
"""What may be between the JSON values of one payload."""
_json: Final = json.JSONDecoder()
_SILENT: Final = (Delta(), Delta(content=""))
"""What most streams begin with: the role, which is not read."""
_FLAT_ERRORS: Final = ("message", "detail", "msg", "errors", "base_resp")


def read_chunk(payload: bytes) -> Chunk:
    """Return the chunk (or whole completion) in a payload; raise UpstreamError when it is no JSON object."""
    try:
        chunk = decode_chunk(payload)
    except NotJSON:
        chunk = fitting_chunk(replace_lone_surrogates(read_odd_value(payload)))
    return chunk if chunk.choices else with_flat_error(chunk, payload)


def with_flat_error(chunk: Chunk, payload: bytes) -> Chunk:
    """Return a chunk without choices, or the one in an envelope; set its error from a flat error body.

    Mistral, FastAPI, Cloudflare and Zhipu send such bodies with status 200; MiniMax has `base_resp`, with a
    `status_code` of 0 if nothing is wrong. Some gateways wrap the answer: `{"data": {…}, "success": true}`.
    """
    if chunk.choices is None and not chunk.error:
        value = replace_lone_surrogates(read_odd_value(payload))
        if (inner := _in_envelope(value)) is not None:
            return fitting_chunk({"usage": value.get("usage")} | inner)
        if chunk.usage is not None:
            return chunk
        base = value.get("base_resp")
        if not isinstance(base, dict) or not base.get("status_code"):
            value.pop("base_resp", None)
        if any(value.get(name) for name in _FLAT_ERRORS):
            chunk.error = value
    return chunk


def _in_envelope(value: dict[str, Any], depth: int = _MAX_ENVELOPES) -> dict[str, Any] | None:
    """Return the chunk or completion in the members of an object, at some depth."""
    for member in value.values() if depth else ():
        if isinstance(member, str) and '"choices"' in member:
            with suppress(*NotJSON):  # an envelope may hold the answer as a string
                member = decode(member)
        if isinstance(member, list) and len(member) == 1:
            member = member[0]
        if isinstance(member, dict):
            if member.get("choices") and isinstance(member["choices"], list):
                return member
            if (inner := _in_envelope(member, depth - 1)) is not None:
                return inner
    return None


def without_deltas(completion: Chunk) -> Chunk:
    """Return a completion without the `delta` that a choice has beside its `message` (Perplexity)."""
    for choice in completion.choices or ():
        if choice.message is not None:
            choice.delta = None
    return completion


def read_values(payload: bytes) -> list[bytes]:
    """Return the JSON values of a payload that has more than one, objects of an array included; else the payload.

    An object that is encoded as a string is decoded.
    """
    text = payload.decode("utf-8", "replace")
    values: list[Any] = []
    is_encoded = False
    position = 0
    while (start := _BETWEEN.match(text, position)) and start.end() < len(text):
        try:
            value, position = _json.raw_decode(text, start.end())
        except (ValueError, RecursionError):
            break
        while isinstance(value, str) and value.lstrip()[:1] == "{" and isinstance(inner := loose_value(value), dict):
            value, is_encoded = inner, True
        values += value if isinstance(value, list) else [value]
    objects = [value for value in values if isinstance(value, dict)]
    return [payload] if len(objects) < 2 and not is_encoded else [json.dumps(value).encode() for value in objects]


def not_an_answer(payload: bytes) -> UpstreamError:
    """Return the error for an answer with status 200 that is none: it quotes the first words."""
    message = "The provider sent something that is not a chat completion: " + first_words(payload)
    return UpstreamError(message, status=502, cause="answer", provider_error=ProviderError(message))


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
        raise not_an_answer(payload)
    return value


def begins_answer(chunk: Chunk) -> bool:
    """Return whether a chunk says something of the answer, if only how it ends; many streams begin with others.

    Raises UpstreamError for an error in the place of an answer. After words, or tokens that may have to be paid, an
    error ends the answer. Source: OpenRouter docs, Errors; `tests/faults/failover/test_errors_in_answers.py`.
    """
    choices = chunk.choices or ()
    error = chunk.error or (chunk.x_groq is not None and chunk.x_groq.error)
    ends = False
    for choice in choices:
        delta = choice.message if choice.delta is None else choice.delta
        if choice.text or (delta is not None and (delta.content or delta.tool_calls or _has_members(delta))):
            return True
        error = error or choice.error
        ends = ends or bool(choice.finish_reason or choice.finish_details)
    if error and (chunk.usage is None or not chunk.usage.completion_tokens):
        raise classify_error_object(error)
    return ends or bool(error or chunk.search_results or chunk.citations or chunk.venice_parameters)


def _has_members(delta: Delta) -> bool:
    return delta not in _SILENT and any(getattr(delta, name) for name in delta.__struct_fields__)


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
            if field.name in TEXT_MEMBERS:
                fits[field.name] = text_in(member)
            elif isinstance(member, dict):
                if inner := _struct_in(allowed):
                    fits[field.name] = _fitting(inner, member)
                elif inner := _struct_in(_elements_of(allowed)):  # the only one
                    fits[field.name] = [_fitting(inner, member)]
            elif isinstance(member, list) and (inner := _struct_in(_elements_of(allowed))):
                fits[field.name] = [_fitting(inner, entry) for entry in member if isinstance(entry, dict)]
    return kind(**fits)


def _elements_of(types: Iterable[Any]) -> list[Any]:
    """Return the types of the elements of those that are lists."""
    return [get_args(type)[0] for type in types if get_origin(type) is list]


def _struct_in(types: Iterable[Any]) -> type[msgspec.Struct] | None:
    return next((one for one in types if isinstance(one, type) and issubclass(one, msgspec.Struct)), None)


def first_words(payload: bytes) -> str:
    """Return the first words of a payload, without markup."""
    text = _HIDDEN_MARKUP.sub(" ", payload[:_MAX_EXCERPT_BYTES].decode("utf-8", "replace"))
    words = " ".join(_MARKUP.sub(" ", text).split())
    return words[:_MAX_QUOTED] if words else "it is empty"


def usage_of(chunk: Chunk) -> ChatUsage | None:
    """Return the usage that a chunk reports, in whatever member; None: it has none, or one without numbers."""
    usage = chunk.usage
    if usage is None and chunk.x_groq is not None:
        usage = chunk.x_groq.usage
    if usage is None:
        usage = chunk.usage_metadata
    if usage is None and chunk.eval_count is not None:
        usage = ChatUsage(prompt_eval_count=chunk.prompt_eval_count, eval_count=chunk.eval_count)
    return usage if usage is not None and usage.has_numbers() else None


def pieces_of(content: list[Any] | dict[str, Any]) -> Iterator[tuple[PartKind, str]]:
    """Yield the texts of content that is no string: Mistral and Databricks send lists of parts, Cloudflare an object.

    An image yields its URL. `other` is a part that a response has no place for (Mistral's `reference`).
    """
    if isinstance(content, dict) and isinstance(content.get("type"), str):
        content = [content]
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


def repeats_deltas(message: Delta, written: int) -> bool:
    """Whether a message has all that the deltas before it had, `written` characters: MiniMax ends a stream so."""
    if not isinstance(message.content, str) or not message.content:
        return False
    texts = [message.content, read_thinking(message)]
    texts += [arguments_of(call.function) for call in calls_of(message, whole=True)]
    return sum(map(len, texts)) >= written


def images_of(delta: Delta) -> list[str]:
    """Return the URLs of a delta's images; most are the images themselves, as `data:`."""
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
        if whole or (len(calls) > 1 and _differ_by_position(calls)):
            for position, call in enumerate(calls):
                call.index = position
        return calls
    legacy = delta.function_call
    if legacy is not None and (legacy.name or legacy.arguments):
        return [ToolCallDelta(index=0, function=legacy)]
    return []


def _differ_by_position(calls: list[ToolCallDelta]) -> bool:
    """Whether only the position distinguishes these calls: all have a name, none an id, two the same index."""
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
        others = (function.parameters, function.input, function.args)
        arguments = next((other for other in others if other is not None), "")
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
