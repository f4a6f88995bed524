"""What does not fit its type, in OpenAI's words: msgspec's ValidationError → RequestError.

msgspec says what is wrong in English and where as a path (`$[3].content[0].text`). The message becomes the wording and
code of responses-api reference §6.6, the path is put behind the parameter's name, and where a value had to be one of
several, the type is walked along the path to name them all. What a caller sent is shown shortened.
"""

import re
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec

from translators.errors import RequestError, missing, wrong_type, wrong_value

_AT: Final = re.compile(r"(?P<problem>.*) - at `(?:key in )?\$(?P<path>[^`]*)`", re.S)
"""The last place that is named: a message quotes what the caller sent, and that may name one too."""
_STEP: Final = re.compile(r"\.[^.\[]+|\[[^\]]*\]")

_LACKING: Final = re.compile(r"Object missing required field `(.+)`", re.S)
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`", re.S)
_UNLISTED: Final = re.compile(r"Invalid (?:enum )?value '?(.*?)'?", re.S)
_UNLIKE: Final = re.compile(r"Expected `str` matching regex '(.+)'", re.S)
_TOO_LONG: Final = re.compile(r"Expected `(\w+)` of length ([<>]=) (\d+)")
_OTHER_TYPE: Final = re.compile(r"Expected `([^`]+)`(?:, got `([^`]+)`)?")

_NOUNS: Final = {
    "str": "a string", "int": "an integer", "float": "a decimal number", "bool": "a boolean",
    "array": "an array", "object": "an object", "null": "null",
}  # fmt: skip
_KINDS: Final = {"str": "string", "array": "array", "object": "object"}

_SHOWN: Final = 64
"""Characters of a caller's value that an error message repeats."""


def explain(error: msgspec.ValidationError, param: str, fits: Any) -> RequestError:
    """Return the refusal of a parameter that does not fit the type `fits`, naming the exact place."""
    text = str(error)
    at = _AT.fullmatch(text)
    problem, path = (at["problem"], at["path"]) if at else (text, "")
    place = param + path
    if found := _LACKING.fullmatch(problem):
        return missing(f"{place}.{found[1]}")
    if found := _UNKNOWN.fullmatch(problem):
        return unknown(f"{place}.{shortened(found[1])}")
    if (found := _UNLISTED.fullmatch(problem)) and (values := allowed(fits, path)):
        return wrong_value(place, shortened(found[1]), values)
    if found := _UNLIKE.fullmatch(problem):
        return RequestError(
            f"Invalid '{place}': string does not match pattern. Expected a string that matches the pattern "
            f"'{found[1]}'.",
            param=place,
            code="invalid_value",
        )
    if found := _TOO_LONG.fullmatch(problem):
        return wrong_length(place, _KINDS[found[1]], found[2] == "<=", int(found[3]))
    if found := _OTHER_TYPE.fullmatch(problem):
        return wrong_type(place, _nouns(found[1]), _NOUNS.get(found[2], "another type"))
    return RequestError(f"Invalid value for '{place}': {problem}.", param=place, code="invalid_value")


def unknown(param: str, hint: str = "") -> RequestError:
    """Return the refusal of a parameter that does not exist."""
    return RequestError(
        f"Unknown parameter: '{param}'.{hint and ' ' + hint}", param=param, code="unknown_parameter"
    )


def wrong_length(
    param: str, kind: str, above: bool, limit: int, got: int | None = None
) -> RequestError:
    """Return the refusal of a "string" or "array" that is longer or shorter than its limit."""
    wrong, bound, side = ("long", "maximum", "above_max") if above else ("short", "minimum", "below_min")
    article = "an" if kind == "array" else "a"
    instead = "" if got is None else f", but got {article} {kind} with length {got} instead"
    return RequestError(
        f"Invalid '{param}': {kind} too {wrong}. Expected {article} {kind} with {bound} length {limit}{instead}.",
        param=param,
        code=f"{kind}_{side}_length",
    )


def check_parameters(schema: dict[str, Any], tool: str, param: str) -> None:
    """Raise RequestError for a schema of a tool's arguments that says that they are no object."""
    kind, properties = schema.get("type", "object"), schema.get("properties") or {}
    if kind != "object":
        got = shortened(msgspec.json.encode(kind).decode())
        wrong = f"schema must be a JSON Schema of 'type: \"object\"', got 'type: {got}'."
    elif not isinstance(properties, dict):
        wrong = f"{shortened(msgspec.json.encode(properties).decode())} is not of type 'object'."
    else:
        return
    raise RequestError(
        f"Invalid schema for function '{shortened(tool)}': {wrong}",
        param=f"{param}.parameters",
        code="invalid_function_parameters",
    )


def too_large(param: str, limit: int) -> RequestError:
    """Return the refusal of a value whose JSON is too large to be made into objects."""
    return RequestError(
        f"Invalid '{param}': too large. Expected at most {limit} bytes of JSON.", param=param, code="invalid_value"
    )


def shortened(value: str) -> str:
    """Return what a message repeats of a caller's value."""
    return value if len(value) <= _SHOWN else value[:_SHOWN] + "…"


def allowed(fits: Any, path: str = "") -> list[str]:
    """Return what may stand at a path below a type: the values of a Literal, the tags of a union of Structs."""
    places = [fits]
    for step in _STEP.findall(path):
        places = [below for place in places for below in _below(place, step)]
    values = [str(value) for place in places for value in _literals(place)]
    return list(dict.fromkeys(values))


def _below(place: Any, step: str) -> Iterator[Any]:
    """Yield the types that one step (`[0]`, `.name`) below a type may lead to."""
    for kind in _members(place):
        if get_origin(kind) in (list, tuple) and step[0] == "[":
            yield get_args(kind)[0]
        elif isinstance(kind, type) and issubclass(kind, msgspec.Struct) and step[0] == ".":
            config = kind.__struct_config__
            if step[1:] == config.tag_field:
                yield Literal[config.tag]
            yield from (field.type for field in msgspec.structs.fields(kind) if field.encode_name == step[1:])


def _literals(place: Any) -> Iterator[Any]:
    for kind in _members(place):
        if get_origin(kind) is Literal:
            yield from get_args(kind)


def _members(place: Any) -> Iterator[Any]:
    """Yield the types that a union stands for, bare of their annotations."""
    if get_origin(place) is Annotated:
        yield from _members(get_args(place)[0])
    elif get_origin(place) in (Union, UnionType):
        for member in get_args(place):
            yield from _members(member)
    else:
        yield place


def _nouns(expected: str) -> str:
    """Name the types that msgspec expected; null goes without saying, it counts as left out."""
    names = [_NOUNS.get(name, name) for name in expected.split(" | ") if name != "null"]
    return " or ".join(names) or "null"
