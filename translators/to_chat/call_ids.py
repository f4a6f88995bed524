"""Ids of the calls of one turn: each unique, in the form that the provider takes, and the same in every rendering.

Source: Mistral docs, Function calling; mistral-common; OpenAI API reference, Responses: create.
"""

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Set
from hashlib import sha256
from typing import Final

from translators.dialects.dialect import Dialect

_MISTRAL_ID: Final = re.compile("[A-Za-z0-9]{9}")
_NOT_ALPHANUMERIC: Final = re.compile("[^A-Za-z0-9]")
_STEM_LENGTH: Final = 58
"""Characters of a repeated id that stay: with `_` and a number of five digits, a call_id keeps to its limit of 64."""


class CallIds:
    """Assigns the ids of one turn's calls, in call order."""

    __slots__ = ("_repeated", "_short", "_taken")

    def __init__(self, dialect: Dialect) -> None:
        self._short = dialect.short_call_ids
        self._taken: set[str] = set()
        self._repeated: Counter[str] = Counter()

    def assign(self, call_id: str) -> tuple[str, bool]:
        """Return the chat id of the next call, and whether it was renamed because an earlier call has the same id."""
        id = call_id
        renamed = False
        if self._short:
            self._repeated[id] += 1
            again = self._repeated[id]
            id = short_call_id(id if again == 1 else f"{id}_{again}", self._taken)
        elif id in self._taken:
            renamed = True
            stem = id[:_STEM_LENGTH]
            while id in self._taken:
                self._repeated[stem] += 1  # never counted from 1 again: thousands of equal ids stay linear
                id = f"{stem}_{self._repeated[stem] + 1}"
        self._taken.add(id)
        return id, renamed


def short_call_id(call_id: str, taken: Set[str]) -> str:
    """Return `call_id` if it is nine letters and digits and not `taken`, else such an id made from its hash."""
    id = call_id
    while not _MISTRAL_ID.fullmatch(id) or id in taken:
        call_id = b64encode(sha256(call_id.encode("utf-8", "replace")).digest()).decode()
        id = _NOT_ALPHANUMERIC.sub("", call_id)[:9]
    return id
