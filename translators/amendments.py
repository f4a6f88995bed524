"""A provider's refusal → what it says about the provider: an amended dialect.

One row for each member of a chat request that some provider does not know: how a refusal names it, and what the dialect
becomes. A refusal counts only if it names a member that was sent *and* says that it is not known. What is wrong with a
caller's schema or with the words of a prompt says nothing about the provider, and is never learned.
Source: providers reference §1, §4.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from translators.dialect import Dialect
from translators.errors import UpstreamError
from translators.wire import Decoder, Raw, decode

_UNKNOWN: Final = re.compile(
    r"(not|n't|un)[ -]*(currently )?(be(en)? )?(support|available|implement|recogni[sz]|permitted|allowed|known)"
    r"|must be (one of|either|'|\")|extra (inputs|fields)|supported (string )?values|input should be|expected one of"
    r"|unknown variant|invalid (tool_choice |response_format )?type",
    re.IGNORECASE,
)
_CALLERS: Final = re.compile(
    r"invalid (json )?schema|schema for response_format|json[ _]validate|failed to (generate|validate)"
    r"|schema (contains|has|uses) |content[_ ](policy|filter)",
    re.IGNORECASE,
)

_members: Final = Decoder(dict[str, Raw]).decode


class Row(Struct, frozen=True, gc=False):
    """One member: its name in refusals, and what becomes of the dialect; None if nothing is left to change."""

    member: str
    named: re.Pattern[str]
    amend: Callable[[Dialect, Any], Dialect | None]


def _without_format(dialect: Dialect, sent: Any) -> Dialect | None:
    kept = dialect.formats - {sent["type"]}
    return replace(dialect, formats=kept) if kept != dialect.formats else None


def _without_choice(dialect: Dialect, sent: Any) -> Dialect | None:
    kept = dialect.tool_choices - {sent if isinstance(sent, str) else "named"}
    return replace(dialect, tool_choices=kept) if kept != dialect.tool_choices else None


ROWS: Final = (
    Row("response_format", re.compile(r"response[_ ]format|text\.format|json[_ ]schema|json[_ ]object", re.I),
        _without_format),
    Row("tool_choice", re.compile(r"tool[_ ]choice", re.I), _without_choice),
)  # fmt: skip


def amended(dialect: Dialect, error: UpstreamError, sent: bytes) -> Dialect | None:
    """Return the dialect that a refusal of a chat request teaches, None if it teaches nothing."""
    if error.status != 400 or error.code == "context_length_exceeded":
        return None
    told = f"{error.param or ''} {error.code or ''} {error.message}"
    if not _UNKNOWN.search(told) or _CALLERS.search(told):
        return None
    members: Mapping[str, Raw] = _members(sent)
    for row in ROWS:
        if row.member in members and row.named.search(told):
            return row.amend(dialect, decode(bytes(members[row.member])))
    return None
