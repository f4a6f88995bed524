"""The kinds of member that a request has, as marshmallow fields.

A member of a body arrives as its raw JSON and leaves as the typed value that the rest of the product works with. Each
field decodes its own: nothing is built from JSON of a wrong type or size, numbers and booleans are strict by nature,
and the first thing wrong is raised as the RequestError it will be answered with. Nothing is gathered, because OpenAI's
envelope has room for one error. Bounds, codes and wording: responses-api reference §2, §6.6.
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
from translators.wire import Decoder, Raw, decode_param

MOST_LOOSE_JSON: Final = 64 * 1024
"""Bytes of JSON in a member whose contents have no bounds of their own."""

_any_object: Final = Decoder(dict[str, Any])


class Member(fields.Field[Any]):
    """Base of all kinds."""

    def read(self, raw: Raw, name: str) -> Any:
        """Return the value of a member, or `missing` to leave it out; raise RequestError."""
        raise NotImplementedError

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return self.read(value, attr or "")


class Param(Member):
    """A member of one type, whose JSON may have `most` bytes.

    `hints` say more about a place below it that callers often get wrong.
    """

    def __init__(self, type: Any, hints: Mapping[str, str] | None = None, *, most: int = sys.maxsize) -> None:
        super().__init__()
        self._decoder = Decoder(type)
        self._hints = hints or {}
        self._most = most

    def read(self, raw: Raw, name: str) -> Any:
        if len(memoryview(raw)) > self._most:
            raise too_large(name, self._most)
        try:
            return decode_param(self._decoder, raw, name)
        except RequestError as error:
            if hint := self._hints.get(error.param or ""):
                raise RequestError(f"{error.message} {hint}", param=error.param, code=error.code) from None
            raise


class Number(Param):
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

    def _outside(self, name: str, side: str, bound: str, wanted: str, got: Raw) -> RequestError:
        return RequestError(
            f"Invalid '{name}': {self._kind} {side} {bound}imum value. Expected a value {wanted}, "
            f"but got {shorten(bytes(got).decode())} instead.",
            param=name,
            code=f"{self._kind}_{side}_{bound}_value",
        )


class Text(Param):
    """A string of at most `longest` characters."""

    def __init__(self, longest: int) -> None:
        super().__init__(str)
        self._longest = longest

    def read(self, raw: Raw, name: str) -> Any:
        text = super().read(raw, name)
        if len(text) > self._longest:
            raise invalid_length(name, "string", above=True, limit=self._longest, got=len(text))
        return text


class Metadata(Member):
    """At most 16 pairs of short strings."""

    _PAIRS, _KEY, _VALUE = 16, 64, 512
    _JSON: Final = 256 * 1024
    """Bytes in which 16 such pairs can always be written; more is not even decoded."""

    def read(self, raw: Raw, name: str) -> dict[str, str]:
        if len(memoryview(raw)) > self._JSON:
            raise self._too_many(name, "a larger one")
        pairs: dict[str, Any] = decode_param(_any_object, raw, name)
        if len(pairs) > self._PAIRS:
            raise self._too_many(name, f"an object with {len(pairs)} properties")
        for key, text in pairs.items():
            if len(key) > self._KEY:
                raise RequestError(
                    f"Invalid '{name}': property name too long. Expected a property name with maximum length "
                    f"{self._KEY}, but got one with length {len(key)} instead.",
                    param=name,
                    code="property_name_above_max_length",
                )
            if not isinstance(text, str):
                raise invalid_type(f"{name}.{key}", "a string", json_type_name(text))
            if len(text) > self._VALUE:
                raise invalid_length(f"{name}.{key}", "string", above=True, limit=self._VALUE, got=len(text))
        return pairs

    def _too_many(self, name: str, got: str) -> RequestError:
        return RequestError(
            f"Invalid '{name}': too many properties. Expected an object with at most {self._PAIRS} properties, "
            f"but got {got} instead.",
            param=name,
            code="object_above_max_properties",
        )


class Dropped(Member):
    """Something that clients send for their own server's sake, whatever it is."""

    def read(self, raw: Raw, name: str) -> Any:
        return missing


class Inert(Param):
    """A member that exists in the API and asks for what this version cannot do.

    It is accepted, and dropped, as long as it asks for nothing: `harmless` are whole values, `members` the harmless
    values of an object's members. Anything else is refused with `advice`, never ignored.
    """

    def __init__(
        self, advice: str, *, type: Any = Any, harmless: tuple[Any, ...] = (), **members: tuple[Any, ...]
    ) -> None:
        super().__init__(type, most=MOST_LOOSE_JSON)
        self._advice = advice
        self._harmless = harmless
        self._members = members

    def read(self, raw: Raw, name: str) -> Any:
        asked = super().read(raw, name)
        if asked in self._harmless:
            return missing
        if not self._members or not isinstance(asked, dict):
            raise unsupported_parameter(name, self._advice)
        for member, wanted in asked.items():
            if wanted is not None and wanted not in self._members.get(member, ()):
                raise unsupported_parameter(f"{name}.{shorten(member)}", self._advice)
        return missing


class Partial(Param):
    """An object of which one member may not have the values `refused`, which belong to the API."""

    def __init__(self, type: Any, member: str, refused: tuple[Any, ...], advice: str, *, status: int = 400) -> None:
        super().__init__(type, most=MOST_LOOSE_JSON)
        self._member, self._refused, self._advice, self._status = member, refused, advice, status

    def read(self, raw: Raw, name: str) -> Any:
        value = super().read(raw, name)
        if getattr(value, self._member) in self._refused:
            refusal = unsupported_parameter(f"{name}.{self._member}", self._advice)
            refusal.status = self._status
            raise refusal
        return value


class QueryNumber(fields.Field[int]):
    """A whole number in a query, where everything is text."""

    def __init__(self, low: int, high: int, *, load_default: int) -> None:
        super().__init__(load_default=load_default)
        self._bounds = Number(int, low, high)

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", value):
            raise invalid_type(attr or "", "an integer", "a string")
        return self._bounds.read(Raw(value.encode()), attr or "")


class QueryChoice(fields.Field[str]):
    """One of several words in a query."""

    def __init__(self, *allowed: str, load_default: str) -> None:
        super().__init__(load_default=load_default)
        self._allowed = allowed

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> str:
        if value not in self._allowed:
            raise invalid_value(attr or "", shorten(value), self._allowed)
        return value
