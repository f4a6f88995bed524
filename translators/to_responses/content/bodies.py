"""What stands between the marks of a call, in each family's way: text → calls.

A reader returns None if the text is no call of a declared function; then it stays text. Source: vLLM docs, Tool
calling; SGLang docs, Tool parser.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from translators.loose_json import decode_prefix, loose_object, loose_value
from translators.to_responses.content.functions import DeclaredFunctions, MarkedCall
from translators.to_responses.content.values import python_calls, typed_value
from translators.wire import encode

_json: Final = json.JSONDecoder(strict=False)

Reader = Callable[[str, DeclaredFunctions], list[MarkedCall] | None]

_NAMES: Final = ("name", "tool_name", "function")
_ARGUMENTS: Final = ("arguments", "parameters", "args", "input")
_IDS: Final = ("id", "tool_call_id", "call_id")
_BETWEEN: Final = " \t\r\n,;"
"""What separates JSON values that are no list."""
_FENCE: Final = re.compile(r"\s*```(?:json)?(.*)```\s*", re.DOTALL)
_PARAMETER: Final = re.compile(r"<parameter=([^>]{1,256})>(.*?)(?:</parameter>|(?=<parameter=)|\Z)", re.DOTALL)
_FUNCTION: Final = re.compile(r"<function=([^>]{1,256})>(.*?)(?:</function>|(?=<function=)|\Z)", re.DOTALL)
_INVOKE: Final = re.compile(r'<invoke\s+name="([^"]{1,256})"\s*>(.*?)(?:</invoke>|(?=<invoke\s)|\Z)', re.DOTALL)
_NAMED_FUNCTION: Final = re.compile(
    r'<function\s+name="([^"]{1,256})"\s*>(.*?)(?:</function>|(?=<function\s)|\Z)', re.DOTALL
)
_BARE: Final = re.compile(r"\s*(?:functools\s*(\[.*)|```(?:tool_code|tool_call|json)\s*(.*?)\s*(?:```)?)\s*", re.DOTALL)
_PRINTED: Final = re.compile(r"print\((.*)\)", re.DOTALL)
_NAMED: Final = re.compile(
    r'<parameter\s+name="([^"]{1,256})"(?:\s+string="(true|false)")?[^>]{0,64}>'
    r"(.*?)(?:</parameter>|(?=<parameter\s)|\Z)",
    re.DOTALL,
)
_TAG: Final = re.compile(r"<([\w.-]{1,256})>")
_GLM: Final = re.compile(
    r"<arg_key>(.{1,128}?)</arg_key>\s*<arg_value>(.*?)(?:</arg_value>|(?=<arg_key>)|\Z)", re.DOTALL
)
_BEFORE_ARGUMENTS: Final = re.compile(r"(?=<\w|```)")
_ANY_TAG: Final = re.compile(r"<[^<>]{1,256}>")
_MISTRAL: Final = re.compile(r"\s*([\w.-]+)\s*(?:\[CALL_ID\]\s*(\w+)\s*)?(?:\[ARGS\]\s*)?(?=\{)")
_SPELLING: Final = re.compile(r"[｜|‖]{1,2}DSML[｜|‖]{1,2}\s*|\]?<\]minimax\[>\[\s*|(?<=[</])(?:longcat_|steptml:)")
"""What some models write in each tag, so that no user's text can be one: DeepSeek, MiniMax M3, LongCat, Step 3."""
_MAX_DEPTH: Final = 8
"""Of objects and lists whose members are tags."""
_MAX_UNCLOSED: Final = 64
"""Tags without a closing one, for each of which the whole text is searched."""
_GEMMA: Final = re.compile(r"\s*call:([\w.-]+)\s*(\{.*\})\s*", re.DOTALL)
_GEMMA_TOKEN: Final = re.compile(r'<\|"\|>(.*?)<\|"\|>|([{,]\s*)([\w.$-]+)(\s*:)', re.DOTALL)


def read_json_calls(text: str, functions: DeclaredFunctions) -> list[MarkedCall] | None:
    """Read objects with a name and arguments, alone, in a list, or one behind the other (Hermes, Llama, Granite)."""
    values = list(_values(text))
    if not values:
        return None
    calls = [_call_in(value, functions) for value in values]
    return None if None in calls else [call for call in calls if call is not None]


def read_named_json(separator: str) -> Reader:
    """Return the reader of a name, a separator, and arguments (Kimi, DeepSeek V3.1)."""

    def read(text: str, functions: DeclaredFunctions) -> list[MarkedCall] | None:
        head, separated, arguments = text.partition(separator)
        if arguments.lstrip()[:1] not in ("{", "`", ""):  # DeepSeek V3 and R1: a type, the name, a fenced block
            head, _, arguments = arguments.partition("\n")
        name = functions.find(head)
        if not separated or name is None:
            return None
        fenced = _FENCE.fullmatch(arguments)
        arguments = (fenced[1] if fenced else arguments).strip() or "{}"
        if loose_object(arguments) is None:
            return None
        return [MarkedCall(name, arguments, head.strip() if ":" in head else "")]

    return read


def read_arguments_of(recipient: str) -> Reader:
    """Return the reader of the arguments of a call whose name came before (harmony)."""

    def read(text: str, functions: DeclaredFunctions) -> list[MarkedCall] | None:
        name = functions.find(recipient)
        arguments = text.strip() or "{}"
        return None if name is None or loose_object(arguments) is None else [MarkedCall(name, arguments)]

    return read


def read_mistral(text: str, functions: DeclaredFunctions) -> list[MarkedCall] | None:
    """Read a list of objects, or each name with its arguments behind it."""
    if text.lstrip()[:1] in ("[", "{"):
        return read_json_calls(text, functions)
    calls = []
    for part in re.split(r"\[TOOL_CALLS\]", text):
        found = _MISTRAL.match(part)
        value = decode_prefix(part[found.end() :].encode()) if found else None
        name = functions.find(found[1]) if found else None
        if found is None or name is None or not isinstance(value, dict):
            return None
        calls.append(MarkedCall(name, encode(value).decode(), found[2] or ""))
    return calls


def read_tags(text: str, functions: DeclaredFunctions) -> list[MarkedCall] | None:
    """Read calls whose arguments are tags, in any of the ways to write those, or JSON between them."""
    text = _SPELLING.sub("", text)
    for head, tag, read in _CALL_TAGS:
        if text.lstrip().startswith(head):
            calls = _all(read(found[1], found[2], functions) for found in tag.finditer(text))
            return None if tag.sub("", text).strip() else calls
    if text.lstrip()[:1] in ("{", "["):
        return read_json_calls(text, functions)
    members = dict(_elements(text))
    if "tool_call" in members:  # Hunyuan: a list of them
        found = [read_tags(body, functions) for tag, body in _elements(text) if tag == "tool_call"]
        return None if None in found else [call for calls in found for call in calls or ()]
    if "name" in members:
        arguments = next((members[member] for member in _ARGUMENTS if member in members), "").strip()
        return _all(iter([_declared(members["name"], loose_object(arguments or "{}"), functions)]))
    said = _BEFORE_ARGUMENTS.split(text, 1)[0]
    rest = text[len(said) :]
    name = functions.find(said)
    if name is None:
        return None
    if (fenced := _FENCE.fullmatch(rest)) is not None:
        return _all(iter([_declared(name, loose_object(fenced[1]), functions)]))
    pairs = [(key.strip(), value) for key, value in _GLM.findall(rest)]
    values = {key: typed_value(value, functions.property(name, key)) for key, value in pairs}
    return _all(iter([_with_arguments(name, values, rest)]))


def read_gemma(text: str, functions: DeclaredFunctions) -> list[MarkedCall] | None:
    """Read `call:get{city:<|"|>Paris<|"|>}`: JSON without quotes around names, and with marks around strings."""
    found = _GEMMA.fullmatch(text)
    name = functions.find(found[1]) if found else None
    if found is None or name is None:
        return None
    arguments = loose_object(_GEMMA_TOKEN.sub(_gemma_json, found[2]))
    return None if arguments is None else [MarkedCall(name, encode(arguments).decode())]


def read_python(text: str, functions: DeclaredFunctions) -> list[MarkedCall] | None:
    """Read `[get(city="Paris")]` (Llama 4, LFM2)."""
    calls = python_calls(text)
    if not calls:
        return read_json_calls(text, functions)
    return _all(_declared(name, arguments, functions) for name, arguments in calls)


def read_bare(text: str, functions: DeclaredFunctions) -> list[MarkedCall] | None:
    """Read JSON or Python without marks, or behind the word that some models write before it."""
    found = _BARE.fullmatch(text)
    body = text if found is None else found[1] or found[2]
    printed = _PRINTED.fullmatch(body.strip())
    return read_python(printed[1] if printed else body, functions)


def _values(text: str) -> Iterator[Any]:
    """Yield the JSON values of a text; nothing if there is anything else in it."""
    value = loose_value(text)
    if isinstance(value, list):
        yield from value
    elif value is not None:
        yield value
    else:
        values: list[Any] = []
        rest = text.strip()
        while rest:
            try:
                value, end = _json.raw_decode(rest)
            except (ValueError, RecursionError):
                return
            values += value if isinstance(value, list) else [value]
            rest = rest[end:].lstrip(_BETWEEN)
        yield from values


def _call_in(value: Any, functions: DeclaredFunctions) -> MarkedCall | None:
    """Return the call that an object is."""
    if not isinstance(value, dict):
        return None
    inner = value.get("function")
    if isinstance(inner, dict):
        value = value | inner | {"function": None}
    said = next((value[member] for member in _NAMES if isinstance(value.get(member), str)), None)
    if said is None:
        (only, arguments), *more = value.items() if value else [("", None)]
        return None if more or not isinstance(arguments, dict) else _declared(only, arguments, functions)
    arguments = next((value[member] for member in _ARGUMENTS if value.get(member) is not None), {})
    id = next((value[member] for member in _IDS if isinstance(value.get(member), str)), "")
    return _declared(said, arguments, functions, id)


def _declared(said: str, arguments: Any, functions: DeclaredFunctions, id: str = "") -> MarkedCall | None:
    name = functions.find(said)
    if name is None or not isinstance(arguments, (dict, str)):
        return None
    return MarkedCall(name, arguments if isinstance(arguments, str) else encode(arguments).decode(), id)


def _function_tag(said: str, body: str, functions: DeclaredFunctions) -> MarkedCall | None:
    name = functions.find(said.strip("\"' "))
    if name is None:
        return None
    if body.lstrip()[:1] == "{":
        value = decode_prefix(body.encode())
        return MarkedCall(name, encode(value).decode()) if isinstance(value, dict) else None
    values = {
        key.strip("\"' "): typed_value(_one_line_end_less(value), functions.property(name, key.strip("\"' ")))
        for key, value in _PARAMETER.findall(body)
    }
    return _with_arguments(name, values, body)


def _invoke_tag(said: str, body: str, functions: DeclaredFunctions) -> MarkedCall | None:
    name = functions.find(said)
    if name is None:
        return None
    values = loose_object(body.strip())
    if values is None:
        values = {}
        for key, is_string, text in _NAMED.findall(body):
            schema = {"type": "string"} if is_string == "true" else {} if is_string else functions.property(name, key)
            values[key] = typed_value(text, schema)
        values = values or _leaves(body, functions.parameters[name])
    return _with_arguments(name, values, body)


def _with_arguments(name: str, values: dict[str, Any], body: str) -> MarkedCall | None:
    """Return a call; None if its body says something that is none of the arguments: run without, it would do harm."""
    if not values and _ANY_TAG.sub("", body).strip(" \t\r\n{}"):
        return None
    return MarkedCall(name, encode(values).decode())


def _leaves(body: str, schema: dict[str, Any], depth: int = _MAX_DEPTH) -> dict[str, Any]:
    """Return the values of tags that are named after the arguments (MiniMax M3)."""
    properties = schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    return {name: _leaf(text, known.get(name), depth) for name, text in _elements(body)}


def _leaf(text: str, schema: Any, depth: int) -> Any:
    """Return the value between two tags; objects have tags of their members between them, lists those of `item`."""
    schema = schema if isinstance(schema, dict) else {}
    if depth and schema.get("type") == "object" and text.lstrip()[:1] == "<":
        return _leaves(text, schema, depth - 1)
    if depth and schema.get("type") == "array" and text.lstrip()[:1] == "<":
        return [_leaf(item, schema.get("items"), depth - 1) for _, item in _elements(text)]
    return typed_value(text, schema)


def _elements(body: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each tag in a text, and what stands between it and its closing tag."""
    position = unclosed = 0
    while unclosed < _MAX_UNCLOSED and (tag := _TAG.search(body, position)):
        end = body.find(f"</{tag[1]}>", tag.end())
        if end < 0:
            unclosed, position = unclosed + 1, tag.end()
            continue
        yield tag[1], body[tag.end() : end]
        position = end + len(tag[1]) + 3


def _gemma_json(token: re.Match[str]) -> str:
    if token[1] is not None:
        return encode(token[1]).decode()
    return f'{token[2]}"{token[3]}"{token[4]}'


def _one_line_end_less(value: str) -> str:
    """Return a value without the line ends that a template writes around it."""
    return value.removeprefix("\n").removesuffix("\n")


_CALL_TAGS: Final = (
    ("<function=", _FUNCTION, _function_tag),
    ("<function", _NAMED_FUNCTION, _invoke_tag),
    ("<invoke", _INVOKE, _invoke_tag),
)
"""Tags that name a function: how they begin, what they hold, and how to read that."""


def _all(calls: Iterator[MarkedCall | None]) -> list[MarkedCall] | None:
    """Return calls if all of them are declared."""
    found = list(calls)
    return [call for call in found if call is not None] if found and None not in found else None
