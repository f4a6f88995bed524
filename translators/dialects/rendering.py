"""The rendering of a request for one provider: the dialect to write it in, and the notes on what is not exact."""

from typing import Literal

from msgspec import Struct

from translators.dialects.dialect import Dialect
from translators.notes import Notes


class Rendering(Struct, frozen=True, gc=False):
    """What every step of the translation to chat needs to know, and where it notes deviations."""

    dialect: Dialect
    notes: Notes

    @property
    def provider(self) -> str:
        """The provider as notes and errors name it."""
        return f"provider '{self.dialect.name}'"

    def note(self, path: str, action: Literal["dropped", "approximated"], limitation: str) -> None:
        """Note what a limitation of the provider led to: `limitation` is a predicate, `path` a place in the request."""
        self.notes.add(path, action, f"{self.provider} {limitation}")
