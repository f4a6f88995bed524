"""One setting, as the command line, the documentation and error messages describe it."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from adapter.settings.kinds import Kind, StoreLocation

PREFIX: Final = "ADAPTER_"
"""Of every environment variable that is a setting."""


def setting(default: Any, kind: Kind, help: str, *, secret: bool = False) -> Any:
    return dataclasses.field(
        default=default,
        repr=not secret and not isinstance(kind, StoreLocation),  # a URL may hold a password
        metadata={"kind": kind, "help": help, "secret": secret},
    )


@dataclass(frozen=True, slots=True)
class Description:
    """A setting's name, default, kind and help."""

    name: str
    default: Any
    kind: Kind
    help: str
    secret: bool

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    def format(self, value: object) -> str:
        """Return a value as text; a secret is masked, an unset value is empty."""
        if value is None or value == ():
            return ""
        if self.secret:
            return ", ".join("****" for _ in value) if isinstance(value, tuple) else "****"
        if isinstance(value, tuple):
            return ", ".join(value)
        if isinstance(value, bool):
            return str(value).lower()
        return self.kind.format(value)


def describe_fields(declaration: type[Any]) -> Mapping[str, Description]:
    """Return the descriptions of all fields that were declared with `setting`, by name."""
    return {
        field.name: Description(field.name, field.default, **field.metadata)
        for field in dataclasses.fields(declaration)
        if field.metadata
    }
