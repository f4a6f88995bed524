"""`configuration_update` items: settings that change in the middle of a conversation.

The last update counts, for its turn and all later ones; a member that it does not name keeps the request's value.
Source: OpenAI API reference, Responses: create.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from translators.errors import RequestError
from translators.responses.items import ConfigurationUpdate, Item
from translators.responses.request import CreateRequest

S = TypeVar("S", bound=msgspec.Struct)


def latest_update(items: Sequence[Item], before: ConfigurationUpdate | None = None) -> ConfigurationUpdate | None:
    """Return the last update among items, `before` if there is none."""
    if ConfigurationUpdate not in map(type, items):
        return before
    return [item for item in items if isinstance(item, ConfigurationUpdate)][-1]


def apply_configuration(request: CreateRequest, update: ConfigurationUpdate | None) -> CreateRequest:
    """Return a request with the members of an update; raise RequestError if they are invalid."""
    if update is None:
        return request
    return replace(
        request,
        reasoning=_replace_members(request.reasoning, update.reasoning, "reasoning"),
        text=_replace_members(request.text, update.text, "text"),
    )


def _replace_members(config: S, update: dict[str, Any] | None, member: str) -> S:
    if not update:
        return config
    try:
        changed = msgspec.convert(update, type(config))
    except msgspec.ValidationError as error:
        raise RequestError(f"Invalid '{member}' of a configuration_update: {error}.", param="input") from None
    return replace(config, **{name: getattr(changed, name) for name in update})
