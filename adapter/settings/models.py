"""`[models]` of the TOML file: which upstreams serve a model, and under which name there.

A model is given by its name, or by a pattern with one `*`, which matches any text. The first pattern of the file that
matches is used; a pattern that is never used, because an earlier one matches the same names, is an error.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from marshmallow import Schema

from adapter.settings.kinds import Text, Whole, suggest
from adapter.settings.tables import TableError, check_table, quote_key
from adapter.settings.upstreams import DEFAULT

_MODEL_NAME: Final = re.compile(r"[^\s*]{0,256}\*?[^\s*]{0,256}")


class Target(NamedTuple):
    """An upstream that serves a model, and the name of the model there."""

    upstream: str
    model: str
    """`*` is replaced by the text that the `*` of the pattern matched."""
    weight: int
    context_window: int | None = None
    """Tokens; None: as the upstream's list of models says."""

    def describe(self) -> str:
        more = [f"weight {self.weight}"] if self.weight != 1 else []
        more += [f"context window {self.context_window}"] if self.context_window is not None else []
        return f"{self.model} at {self.upstream}" + (f" ({', '.join(more)})" if more else "")


Models = Mapping[str, tuple[Target, ...]]
"""Model name or pattern → the upstreams that serve it, in the order of the file."""


class _TargetTable(Schema):
    upstream = Text("the name of an upstream")
    model = Text("a model's name, in which one * may stand for what the pattern's * matched", _MODEL_NAME.pattern)
    weight = Whole(0, 1000)
    context_window = Whole(1, 1_000_000_000)


TARGET_TABLE: Final = _TargetTable()


def read_models(table: object, weights: Mapping[str, int]) -> Models:
    """Return the models of `[models]`; `weights`: upstream → its weight. Raise TableError."""
    if not isinstance(table, dict):
        raise TableError("models must be a table: a model's name or a pattern, and who serves it.")
    models: dict[str, tuple[Target, ...]] = {}
    for pattern, value in table.items():
        where = f"models.{quote_key(pattern)}"
        if not pattern or not _MODEL_NAME.fullmatch(pattern):
            raise TableError(f"{where}: a pattern has no spaces, and at most one *, which stands for anything.")
        for earlier in models:
            if "*" in earlier and "*" in pattern and match_pattern(earlier, pattern) is not None:
                raise TableError(f"{where} never counts, since models.{quote_key(earlier)} above it matches the same.")
        entries = value if isinstance(value, list) else [value]
        if not entries:
            raise TableError(f"{where} must name an upstream.")
        targets: list[Target] = []
        for at, entry in enumerate(entries):
            of = f"{where}[{at}]" if isinstance(value, list) else where
            targets += _targets(entry, pattern, of, weights)
        if len({(target.upstream, target.model) for target in targets}) < len(targets):
            raise TableError(f"{where} names the same model of an upstream twice.")
        models[pattern] = tuple(targets)
    return models


def match_pattern(pattern: str, name: str) -> str | None:
    """Return the text that the `*` of a pattern matches in a name ("": the pattern has none); None: no match."""
    head, star, tail = pattern.partition("*")
    if not star:
        return "" if name == pattern else None
    if len(name) < len(head) + len(tail) or not name.startswith(head) or not name.endswith(tail):
        return None
    return name[len(head) : len(name) - len(tail)]


def _targets(entry: object, pattern: str, where: str, weights: Mapping[str, int]) -> list[Target]:
    if isinstance(entry, str):
        entry = {"upstream": entry}
    if not isinstance(entry, dict):
        raise TableError(
            f"{where} must be an upstream's name, or a table of upstream, model, weight and context_window."
        )
    hint = ' A name with a dot is written in quotes: "gpt-4.1".'
    read = check_table(TARGET_TABLE, entry, where, "upstream, model, weight or context_window", hint=hint)
    upstream, model = read.get("upstream"), read.get("model", pattern)
    if upstream is not None and upstream not in weights:
        alias = f' Another name for a model is written {{ model = "{upstream}" }}.' if upstream != DEFAULT else ""
        raise TableError(f"{where}: there is no upstream {upstream}.{suggest(upstream, weights) or alias}")
    if not model:
        raise TableError(f"{where}.model is empty.")
    if "*" in model and "*" not in pattern:
        raise TableError(f"{where}.model has a *, and the name before it has none.")
    chosen = tuple(weights) if upstream is None else (upstream,)
    window = read.get("context_window")
    return [Target(name, model, read.get("weight", weights[name]), window) for name in chosen]
