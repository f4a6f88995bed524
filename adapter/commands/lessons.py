"""The lessons in the store, as the command line shows them.

The store is the one that the servers share; a `memory:` store belongs to its server, and has none for this command. A
SQLite file that does not exist is not created.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeVar

from adapter.settings.settings import Settings
from adapter.store import open_store
from adapter.store.protocols import ValueStore
from adapter.upstream.lessons import LIFETIME, StoredLesson, erase_lessons, list_lessons

T = TypeVar("T")
_MAX_NAME_CHARS: Final = 60
"""Shown of a model's name, which callers choose, so that a line stays a line."""


def report(settings: Settings) -> tuple[list[str], str]:
    """Return a line for each lesson in the store, and if there is none, why; raise StoreDown."""
    if settings.store_url.kind == "memory":
        return [], "The lessons of a server with a memory: store cannot be read from outside."
    found = _with_store(settings, list_lessons)
    if found is None:
        return [], f"No lessons are stored: there is no store at {os.path.abspath(settings.store_url.path)} yet."
    if not found:
        return [], "No lessons are stored."
    models = [f"{one.upstream} {_printable(one.model)}" for one in found]
    width = max(map(len, models))
    return [f"  {model:<{width}}  {_describe(one)}" for model, one in zip(models, found, strict=True)], ""


def forget_all(settings: Settings) -> int:
    """Erase all lessons in the store; return how many there were; raise StoreDown."""
    return _with_store(settings, erase_lessons) or 0


def _with_store(settings: Settings, do: Callable[[ValueStore], T]) -> T | None:
    """Return what `do` returns for the store; None: there is no store yet."""
    path = settings.store_url.path
    if path and not os.path.exists(path):
        return None
    store = open_store(settings.store_url, settings.retention)
    try:
        return do(store)
    finally:
        store.close()


def _describe(one: StoredLesson) -> str:
    until = datetime.fromtimestamp(one.at + LIFETIME, UTC)
    scope = "" if one.taught_by is None else ", for one tenant"
    return f"{_printable(one.lesson)}, until {until:%Y-%m-%d %H:%M} UTC{scope}"


def _printable(name: str) -> str:
    """Return a name as one short line."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[:_MAX_NAME_CHARS])
