"""What refusals have taught, as the command line shows it: read from the store that the servers share.

A store in memory belongs to the server that has it; from here nothing of it is seen. A SQLite file that is not there
is not made.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeVar

from adapter.settings.settings import Settings
from adapter.store import open_store
from adapter.store.protocols import ValueStore
from adapter.upstream.lessons import LIFETIME, Learned, forget, learned

T = TypeVar("T")
_LONGEST_NAME: Final = 60


def report(settings: Settings) -> list[str]:
    """Return a line for each lesson in the store, and one that says so if there is none; raise StoreDown."""
    found = _in_store(settings, learned)
    if not found:
        return ["No refusal has taught anything that is kept."]
    models = [f"{one.upstream} {_shown(one.model)}" for one in found]
    width = max(map(len, models))
    return [f"  {model:<{width}}  {_line(one)}" for model, one in zip(models, found, strict=True)]


def forget_all(settings: Settings) -> int:
    """Erase all lessons in the store; return how many there were; raise StoreDown."""
    return _in_store(settings, forget) or 0


def _in_store(settings: Settings, do: Callable[[ValueStore], T]) -> T | None:
    """Return what comes of the store, None if there is none yet."""
    path = settings.store_url.path
    if path and not os.path.exists(path):
        return None
    store = open_store(settings.store_url, settings.retention)
    try:
        return do(store)
    finally:
        store.close()


def _line(one: Learned) -> str:
    until = datetime.fromtimestamp(one.at + LIFETIME, UTC)
    return f"{_shown(one.lesson)}, until {until:%Y-%m-%d %H:%M} UTC"


def _shown(name: str) -> str:
    """Return a name as one short line."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[:_LONGEST_NAME])
