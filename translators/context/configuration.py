"""`configuration_update` items: settings that change in the middle of a conversation.

The last one counts, for the turn it stands in and for those behind it; what it does not name stays as the request says.
Source: responses-api reference §3.3.
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
    """Return the last update among items, else the one that was in force before them."""
    if ConfigurationUpdate not in map(type, items):
        return before
    return [item for item in items if isinstance(item, ConfigurationUpdate)][-1]


def configured(request: CreateRequest, update: ConfigurationUpdate | None) -> CreateRequest:
    """Return a request as an update changes it; raise RequestError if the update does not fit."""
    if update is None:
        return request
    return replace(
        request,
        reasoning=_changed(request.reasoning, update.reasoning, "reasoning"),
        text=_changed(request.text, update.text, "text"),
    )


def _changed(config: S, update: dict[str, Any] | None, member: str) -> S:
    if not update:
        return config
    try:
        changed = msgspec.convert(update, type(config))
    except msgspec.ValidationError as error:
        raise RequestError(f"Invalid '{member}' of a configuration_update: {error}.", param="input") from None
    return replace(config, **{name: getattr(changed, name) for name in update})
