"""The kinds of member that a request has, as marshmallow fields.

A member of a body arrives as its raw JSON and leaves as a typed value. Each field decodes its own JSON: nothing is
built from JSON of a wrong type or size, numbers and booleans are strict, and the first error is raised as the
RequestError that the caller gets. Errors are not collected, because OpenAI's envelope has room for one.
Bounds, codes and wording are OpenAI's. Source: OpenAI OpenAPI specification; OpenAI API reference, Responses: create.
"""

import re
import sys
from collections.abc import Mapping
from typing import Any, Final

from marshmallow import fields, missing

from translators.errors import (
    RequestError,
    invalid_length,
    invalid_type,
    invalid_value,
    json_type_name,
    shorten,
    too_large,
    unsupported_parameter,
)
from translators.policy import FIELDS, refusal_of
from translators.wire import Decoder, Raw, decode_param

MAX_LOOSE_JSON_BYTES: Final = 64 * 1024
"""Of a member whose contents have no bounds of their own: far more than any real one, little enough to decode."""

_any_object: Final = Decoder(dict[str, Any])


class Member(fields.Field[Any]):
    """Base of all members of a body."""

    def read(self, raw: Raw, name: str) -> Any:
        """Return the value of a member, or `missing` to leave it out; raise RequestError."""
        raise NotImplementedError

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return self.read(value, attr or "")


class Typed(Member):
    """A member of one type, with at most `max_bytes` of JSON.

    `hints` are added to errors at paths below it that callers often get wrong.
    """

    def __init__(self, type: Any, hints: Mapping[str, str] | None = None, *, max_bytes: int = sys.maxsize) -> None:
        super().__init__()
        self._decoder = Decoder(type)
        self._hints = hints or {}
        self._max_bytes = max_bytes

    def read(self, raw: Raw, name: str) -> Any:
        if len(memoryview(raw)) > self._max_bytes:
            raise too_large(name, self._max_bytes)
        try:
            return decode_param(self._decoder, raw, name)
        except RequestError as error:
            if hint := self._hints.get(error.param or ""):
                raise RequestError(f"{error.message} {hint}", param=error.param, code=error.code) from None
            raise


class Number(Typed):
    """An int or a float within bounds; `true` and `"5"` are neither, and 1.0 is no int."""

    def __init__(self, type: type[int] | type[float], low: int, high: int) -> None:
        super().__init__(type)
        self._low, self._high = low, high
        self._kind = "integer" if type is int else "decimal"

    def read(self, raw: Raw, name: str) -> Any:
        number = super().read(raw, name)
        if number < self._low:
            raise self._outside(name, "below", "min", f">= {self._low}", raw)
        if number > self._high:
            raise self._outside(name, "above", "max", f"<= {self._high}", raw)
        return number

    def _outside(self, name: str, side: str, bound: str, expected: str, got: Raw) -> RequestError:
        return RequestError(
            f"Invalid '{name}': {self._kind} {side} {bound}imum value. Expected a value {expected}, "
            f"but got {shorten(bytes(got).decode())} instead.",
            param=name,
            code=f"{self._kind}_{side}_{bound}_value",
        )


class Text(Typed):
    """A string of at most `max_characters`."""

    def __init__(self, max_characters: int) -> None:
        super().__init__(str)
        self._max_characters = max_characters

    def read(self, raw: Raw, name: str) -> Any:
        text = super().read(raw, name)
        if len(text) > self._max_characters:
            raise invalid_length(name, "string", above=True, limit=self._max_characters, got=len(text))
        return text


class Metadata(Member):
    """At most 16 pairs of short strings. Source: OpenAI API reference, Responses: create."""

    _MAX_PAIRS, _MAX_KEY_CHARACTERS, _MAX_VALUE_CHARACTERS = 16, 64, 512
    _MAX_BYTES: Final = 256 * 1024
    """Of JSON: more than 16 such pairs need with every character escaped. A larger value is not decoded."""

    def read(self, raw: Raw, name: str) -> dict[str, str]:
        if len(memoryview(raw)) > self._MAX_BYTES:
            raise self._too_many(name, "a larger one")
        pairs: dict[str, Any] = decode_param(_any_object, raw, name)
        if len(pairs) > self._MAX_PAIRS:
            raise self._too_many(name, f"an object with {len(pairs)} properties")
        for key, text in pairs.items():
            if len(key) > self._MAX_KEY_CHARACTERS:
                raise RequestError(
                    f"Invalid '{name}': property name too long. Expected a property name with maximum length "
                    f"{self._MAX_KEY_CHARACTERS}, but got one with length {len(key)} instead.",
                    param=name,
                    code="property_name_above_max_length",
                )
            if not isinstance(text, str):
                raise invalid_type(f"{name}.{key}", "a string", json_type_name(text))
            if len(text) > self._MAX_VALUE_CHARACTERS:
                limit = self._MAX_VALUE_CHARACTERS
                raise invalid_length(f"{name}.{key}", "string", above=True, limit=limit, got=len(text))
        return pairs

    def _too_many(self, name: str, got: str) -> RequestError:
        return RequestError(
            f"Invalid '{name}': too many properties. Expected an object with at most {self._MAX_PAIRS} properties, "
            f"but got {got} instead.",
            param=name,
            code="object_above_max_properties",
        )


class Dropped(Member):
    """A member that clients send for a server of their own; it may be anything, and is left out."""

    def read(self, raw: Raw, name: str) -> Any:
        return missing


class Inert(Typed):
    """A member of the API for something that this server cannot do; the policy says why (`policy/requests.py`).

    It is accepted, and left out, as long as it asks for nothing: `members` are the harmless values of an object's
    members. Anything else is an error, never ignored.
    """

    def __init__(self, **members: tuple[Any, ...]) -> None:
        super().__init__(Any, max_bytes=MAX_LOOSE_JSON_BYTES)
        self._members = members

    def read(self, raw: Raw, name: str) -> Any:
        value = super().read(raw, name)
        if not self._members or not isinstance(value, dict):
            raise unsupported_parameter(name, _reason(name))
        for member, inner in value.items():
            if inner is not None and inner not in self._members.get(member, ()):
                raise unsupported_parameter(f"{name}.{shorten(member)}", _reason(name))
        return missing


class Partial(Typed):
    """An object of which one member has values that the API knows and this server does not support.

    `reason` completes the error's "Unsupported parameter: 'path' …"; without one, the policy has it.
    """

    def __init__(
        self, type: Any, member: str, unsupported: tuple[Any, ...], reason: str | None = None, *, status: int = 400
    ) -> None:
        super().__init__(type, max_bytes=MAX_LOOSE_JSON_BYTES)
        self._member, self._unsupported, self._reason, self._status = member, unsupported, reason, status

    def read(self, raw: Raw, name: str) -> Any:
        value = super().read(raw, name)
        if getattr(value, self._member) in self._unsupported:
            path = f"{name}.{self._member}"
            error = unsupported_parameter(path, self._reason or _reason(path))
            error.status = self._status
            try:
                raise error
            finally:
                del error  # its traceback refers to this frame
        return value


def _reason(path: str) -> str:
    """Return why the policy refuses a member, as the end of an error's sentence."""
    return refusal_of(FIELDS, path) or "is not supported."


class QueryNumber(fields.Field[int]):
    """A whole number in a query, where every value is text."""

    def __init__(self, low: int, high: int, *, load_default: int) -> None:
        super().__init__(load_default=load_default)
        self._bounds = Number(int, low, high)

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", value):
            raise invalid_type(attr or "", "an integer", "a string")
        return self._bounds.read(Raw(value.encode()), attr or "")


class QueryChoice(fields.Field[str]):
    """One of several words, in a query."""

    def __init__(self, *allowed: str, load_default: str) -> None:
        super().__init__(load_default=load_default)
        self._allowed = allowed

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> str:
        if value not in self._allowed:
            raise invalid_value(attr or "", shorten(value), self._allowed)
        return value
