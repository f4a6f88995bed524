"""An item of a type that is not known here, as a newer client may keep one in its history.

Source: OpenAI API reference, Responses: create.
"""

from typing import Any

from msgspec import UNSET, Struct, UnsetType


class UnknownItem(Struct, frozen=True, gc=False, tag_field="type", tag="unknown_item"):
    """One of a client's history that is not known here, with all its members; the tag is for our own records."""

    kind: str
    members: dict[str, Any]
    id: str | None | UnsetType = UNSET
