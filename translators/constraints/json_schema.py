"""Validation against a caller's JSON schema, in bounded time.

A hostile schema can keep a validator busy forever: references fan out exponentially, `uniqueItems` is quadratic, a
regular expression may never end. So each applied keyword costs steps of a budget, `pattern` is matched by a library
with a timeout, a schema with keywords that escape this count is not applied, and nothing is ever fetched. If a value
cannot be judged within these bounds, `NotJudged` says why; that is a note, not an error of the value.
Source: JSON Schema, core and validation.
"""

from collections.abc import Iterator
from typing import Any, Final

import regex
from jsonschema import Draft7Validator, Draft201909Validator, Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend, validator_for
from referencing.exceptions import Unresolvable
from referencing.jsonschema import EMPTY_REGISTRY

from translators.wire import encode

_MAX_SCHEMA_BYTES: Final = 256 * 1024
"""JSON of a schema. Real ones stay far below; the library walks a schema whole before the budget counts a step."""
_MAX_STEPS: Final = 100_000
"""Keywords applied to one value: less than a second of work."""
_MAX_CHECKED_PARTS: Final = 4_000
"""Commas and braces up to which a schema is itself checked, at a sixth of a millisecond each: 0.7 seconds."""
_PATTERN_STEPS: Final = 200
"""Steps for one match of a regular expression, besides one per character of the expression, for its compilation."""
_PATTERN_TIMEOUT: Final = 0.002
"""Seconds for one regular expression and one string: the budget pays for 500 of them, one second in all."""
_MAX_MESSAGE_LENGTH: Final = 300
"""Characters of a validator's message, which quotes the value."""
_DRAFTS: Final = (Draft7Validator, Draft201909Validator, Draft202012Validator)
_UNCOUNTED_KEYWORDS: Final = (b'"patternProperties"', b'"unevaluatedProperties"', b'"unevaluatedItems"', b'"$schema"')
"""Keywords inside which the library matches expressions and follows references without calling a counted validator.

`$schema`: for a part with a draft of its own the library takes that draft's validator instead of the counted one.
"""
_LIBRARY_ERRORS: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""Raised by the library for references, names and numbers that it does not expect."""


class NotJudged(Exception):
    """The schema cannot be applied here; that says nothing about the value."""


def schema_error(schema: dict[str, Any]) -> str | None:
    """Return the first error of a schema, None if it has none or is too large to be checked.

    Regular expressions are not checked: compiling them takes long, and JSON Schema uses another dialect than Python.
    """
    json = encode(schema)
    if len(json) > _MAX_SCHEMA_BYTES or json.count(b",") + json.count(b"{") > _MAX_CHECKED_PARTS:
        return None
    try:
        _draft(schema).check_schema(schema, format_checker=None)
    except SchemaError as error:
        return _one_line(error)
    except RecursionError:
        return "It is nested too deeply."
    except _LIBRARY_ERRORS:
        return "It has a reference, a name or a number that cannot be used."
    return None


def first_error(value: Any, schema: dict[str, Any]) -> str | None:
    """Return where and why a value does not fit a schema, None if it fits; raise NotJudged."""
    draft = _draft(schema)
    schema = {name: part for name, part in schema.items() if name != "$schema"}
    json = encode(schema)
    if len(json) > _MAX_SCHEMA_BYTES:
        raise NotJudged("the schema is too large")
    for keyword in _UNCOUNTED_KEYWORDS:
        if keyword in json:
            raise NotJudged(f"the schema has {keyword.decode()}")
    budget = Budget(len(encode(value)))
    counted = {name: budget.counted(name, apply) for name, apply in draft.VALIDATORS.items()}
    bounded: Any = extend(draft, counted | {"pattern": budget.match_pattern})  # type: ignore[no-untyped-call]
    try:
        error = next(bounded(schema, registry=EMPTY_REGISTRY).iter_errors(value), None)
    except Unresolvable:
        raise NotJudged("the schema refers to something outside itself") from None
    except RecursionError:
        raise NotJudged("the schema is nested too deeply") from None
    except _LIBRARY_ERRORS:
        raise NotJudged("the schema has a reference, a name or a number that cannot be used") from None
    return None if error is None else _one_line(error)


class Budget:
    """Steps left for judging one value, whose JSON has `size` bytes."""

    def __init__(self, size: int) -> None:
        self._left = _MAX_STEPS
        self._per_error = 5 + size // 1000
        """Steps for one error: it costs more than applying a keyword, and quotes the value."""

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise NotJudged("checking the schema would take too long")

    def counted(self, name: str, apply: Any) -> Any:
        """Return the validator of a keyword with its cost deducted on each use."""

        def validate(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
            self.spend(1 + (len(value) if isinstance(value, (list, dict)) else 0))
            if isinstance(instance, (list, dict)):
                self.spend(len(instance) ** 2 if name == "uniqueItems" else len(instance))
            for error in apply(validator, value, instance, schema) or ():
                self.spend(self._per_error)
                yield error

        return validate

    def match_pattern(self, validator: Any, value: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if not isinstance(instance, str):
            return
        self.spend(_PATTERN_STEPS + len(value))
        try:
            found = regex.search(value, instance, timeout=_PATTERN_TIMEOUT)
        except TimeoutError:
            raise NotJudged("a regular expression of the schema takes too long") from None
        except regex.error:
            raise NotJudged("a regular expression of the schema is not known here") from None
        if found is None:
            yield ValidationError(f"{instance!r} does not match {value!r}")


def _draft(schema: dict[str, Any]) -> Any:
    """Return the validator of the draft that a schema names, that of the newest draft if it names no known one."""
    try:
        named = validator_for(schema, default=Draft202012Validator)
    except (TypeError, ValueError):  # no text, or no URL
        named = None
    return named if named in _DRAFTS else Draft202012Validator


def _one_line(error: Any) -> str:
    """Return an error in one line: path and message."""
    return f"{error.json_path}: {error.message[:_MAX_MESSAGE_LENGTH]}"
