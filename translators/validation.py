"""msgspec's ValidationError → a RequestError in OpenAI's words.

msgspec says what is wrong in English and where as a path (`$[3].content[0].text`). The problem becomes OpenAI's wording
and code; the path follows the parameter's name; where a value has to be one of several, the type is walked along the
path to list them all. A message quotes at most the first characters of what the caller sent (`errors.shorten`).
"""

import re
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec

from translators.errors import (
    RequestError,
    invalid_length,
    invalid_type,
    invalid_value,
    missing_parameter,
    shorten,
    unknown_parameter,
)

_PROBLEM_AND_PATH: Final = re.compile(r"(?P<problem>.*) - at `(?:key in )?\$(?P<path>[^`]*)`", re.S)
"""Matches the last path in a message: what the message quotes of the caller's value may contain another."""
_PATH_STEP: Final = re.compile(r"\.[^.\[]+|\[[^\]]*\]")

_MISSING_FIELD: Final = re.compile(r"Object missing required field `(.+)`", re.S)
_UNKNOWN_FIELD: Final = re.compile(r"Object contains unknown field `(.*)`", re.S)
_UNKNOWN_CHOICE: Final = re.compile(r"Invalid (?:enum )?value '?(.*?)'?", re.S)
_PATTERN_MISMATCH: Final = re.compile(r"Expected `str` matching regex '(.+)'", re.S)
_WRONG_LENGTH: Final = re.compile(r"Expected `(\w+)` of length ([<>]=) (\d+)")
_WRONG_TYPE: Final = re.compile(r"Expected `([^`]+)`(?:, got `([^`]+)`)?")

_TYPE_NAMES: Final = {
    "str": "a string", "int": "an integer", "float": "a decimal number", "bool": "a boolean",
    "array": "an array", "object": "an object", "null": "null",
}  # fmt: skip
_SIZED_TYPES: Final = {"str": "string", "array": "array", "object": "object"}


def to_request_error(error: msgspec.ValidationError, param: str, expected: Any) -> RequestError:
    """Return the error for a parameter that is not of the type `expected`, with the exact path."""
    text = str(error)
    located = _PROBLEM_AND_PATH.fullmatch(text)
    problem, below = (located["problem"], located["path"]) if located else (text, "")
    path = param + below
    if found := _MISSING_FIELD.fullmatch(problem):
        return missing_parameter(f"{path}.{found[1]}")
    if found := _UNKNOWN_FIELD.fullmatch(problem):
        return unknown_parameter(f"{path}.{shorten(found[1])}")
    if (found := _UNKNOWN_CHOICE.fullmatch(problem)) and (values := allowed_values(expected, below)):
        return invalid_value(path, shorten(found[1]), values)
    if found := _PATTERN_MISMATCH.fullmatch(problem):
        return RequestError(
            f"Invalid '{path}': string does not match pattern. Expected a string that matches the pattern "
            f"'{found[1]}'.",
            param=path,
            code="invalid_value",
        )
    if found := _WRONG_LENGTH.fullmatch(problem):
        return invalid_length(path, _SIZED_TYPES[found[1]], found[2] == "<=", int(found[3]))
    if found := _WRONG_TYPE.fullmatch(problem):
        return invalid_type(path, _type_names(found[1]), _TYPE_NAMES.get(found[2], "another type"))
    return RequestError(f"Invalid value for '{path}': {problem}.", param=path, code="invalid_value")


def allowed_values(expected: Any, path: str = "") -> list[str]:
    """Return the values allowed at a path below a type: those of a Literal, the tags of a union of Structs.

    A tag that begins with `_` is for our own records.
    """
    types = [expected]
    for step in _PATH_STEP.findall(path):
        types = [below for type in types for below in _types_below(type, step)]
    values = [str(value) for type in types for value in _literals(type)]
    return [value for value in dict.fromkeys(values) if not value.startswith("_")]


def _types_below(type_: Any, step: str) -> Iterator[Any]:
    """Yield the types that one step (`[0]`, `.name`) below a type may lead to."""
    for member in _union_members(type_):
        if get_origin(member) in (list, tuple) and step[0] == "[":
            yield get_args(member)[0]
        elif isinstance(member, type) and issubclass(member, msgspec.Struct) and step[0] == ".":
            config = member.__struct_config__
            if step[1:] == config.tag_field:
                yield Literal[config.tag]
            yield from (field.type for field in msgspec.structs.fields(member) if field.encode_name == step[1:])


def _literals(type_: Any) -> Iterator[Any]:
    for member in _union_members(type_):
        if get_origin(member) is Literal:
            yield from get_args(member)


def _union_members(type_: Any) -> Iterator[Any]:
    """Yield the members of a union, or the type itself, without annotations."""
    if get_origin(type_) is Annotated:
        yield from _union_members(get_args(type_)[0])
    elif get_origin(type_) in (Union, UnionType):
        for member in get_args(type_):
            yield from _union_members(member)
    else:
        yield type_


def _type_names(expected: str) -> str:
    """Name the types that msgspec expected, except null: a null counts as left out."""
    names = [_TYPE_NAMES.get(name, name) for name in expected.split(" | ") if name != "null"]
    return " or ".join(names) or "null"
