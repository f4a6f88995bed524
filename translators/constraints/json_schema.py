"""Whether a value fits a JSON schema that a caller sent, found out in bounded time.

A validator is no match for a schema made to keep it busy: references fan out exponentially, `uniqueItems` is
quadratic, a regular expression may never end. So every keyword that is applied is paid for from a budget, `pattern` is
matched by a library that can stop, keywords that hide such work are not applied, and nothing is ever fetched. A value
that cannot be judged within these bounds is not called wrong: `NotJudged` says why, and its catcher makes a note.
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

_MOST_BYTES: Final = 256 * 1024
_STEPS: Final = 100_000
"""Keywords that are applied at most, less than a second of them."""
_MOST_PARTS: Final = 4_000
"""Commas and braces of a schema that is itself checked: an empty object in it takes a sixth of a millisecond."""
_PATTERN_STEPS: Final = 200
"""What matching one regular expression costs, beside a step for each of its characters, which are compiled."""
_PATIENCE: Final = 0.002
"""Seconds for one regular expression and one string."""
_SHOWN: Final = 300
"""Characters of a validator's message; it quotes the value."""
_DRAFTS: Final = (Draft7Validator, Draft201909Validator, Draft202012Validator)
_NOT_APPLIED: Final = (b'"patternProperties"', b'"unevaluatedProperties"', b'"unevaluatedItems"', b'"$schema"')
"""Keywords inside which the library matches expressions and follows references where nobody can count.

For a part that names a draft of its own it takes that draft's validator, instead of the one that counts.
"""
_BREAKS: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What the library raises for references, names and numbers that it does not expect."""


class NotJudged(Exception):
    """The schema cannot be applied here; that says nothing about the value."""


def mistake(schema: dict[str, Any]) -> str | None:
    """Return what is wrong with a schema, None if nothing is, or if it is too large to tell.

    Regular expressions are not looked at: compiling them takes long, and Python's are not those of JSON schemas.
    """
    json = encode(schema)
    if len(json) > _MOST_BYTES or json.count(b",") + json.count(b"{") > _MOST_PARTS:
        return None
    try:
        _draft(schema).check_schema(schema, format_checker=None)
    except SchemaError as error:
        return _told(error)
    except RecursionError:
        return "It is nested too deeply."
    except _BREAKS:
        return "It has a reference, a name or a number that cannot be used."
    return None


def misfit(value: Any, schema: dict[str, Any]) -> str | None:
    """Return where and why a value does not fit a schema, None if it does; raise NotJudged."""
    draft = _draft(schema)
    schema = {name: part for name, part in schema.items() if name != "$schema"}
    json = encode(schema)
    if len(json) > _MOST_BYTES:
        raise NotJudged("the schema is too large")
    for keyword in _NOT_APPLIED:
        if keyword in json:
            raise NotJudged(f"the schema has {keyword.decode()}")
    budget = Budget(len(encode(value)))
    counted = {name: budget.counting(name, apply) for name, apply in draft.VALIDATORS.items()}
    bounded: Any = extend(draft, counted | {"pattern": budget.pattern})  # type: ignore[no-untyped-call]
    try:
        error = next(bounded(schema, registry=EMPTY_REGISTRY).iter_errors(value), None)
    except Unresolvable:
        raise NotJudged("the schema refers to something outside itself") from None
    except RecursionError:
        raise NotJudged("the schema is nested too deeply") from None
    except _BREAKS:
        raise NotJudged("the schema has a reference, a name or a number that cannot be used") from None
    return None if error is None else _told(error)


class Budget:
    """What may be spent on judging one value of so many bytes."""

    def __init__(self, size: int) -> None:
        self._left = _STEPS
        self._per_error = 5 + size // 1000
        """An error costs more to make than a keyword to apply, and quotes the value."""

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise NotJudged("checking the schema would take too long")

    def counting(self, name: str, apply: Any) -> Any:
        """Return a keyword's validator that pays for what it does."""

        def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
            self.spend(1 + (len(value) if isinstance(value, (list, dict)) else 0))
            if isinstance(instance, (list, dict)):
                self.spend(len(instance) ** 2 if name == "uniqueItems" else len(instance))
            for error in apply(validator, value, instance, schema) or ():
                self.spend(self._per_error)
                yield error

        return counted

    def pattern(self, validator: Any, value: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if not isinstance(instance, str):
            return
        self.spend(_PATTERN_STEPS + len(value))
        try:
            found = regex.search(value, instance, timeout=_PATIENCE)
        except TimeoutError:
            raise NotJudged("a regular expression of the schema takes too long") from None
        except regex.error:
            raise NotJudged("a regular expression of the schema is not known here") from None
        if found is None:
            yield ValidationError(f"{instance!r} does not match {value!r}")


def _draft(schema: dict[str, Any]) -> Any:
    """Return the validator of the draft that a schema names, of the newest one if it names none that is known."""
    try:
        named = validator_for(schema, default=Draft202012Validator)
    except (TypeError, ValueError):  # no text, or no URL
        named = None
    return named if named in _DRAFTS else Draft202012Validator


def _told(error: Any) -> str:
    """Write an error in one line: where, and what."""
    return f"{error.json_path}: {error.message[:_SHOWN]}"
