"""A chat request held against what its provider takes: as every strict one would (`judges.strict_chat`) with the forms
that the dialect says, and by the provider's own rules (`judges.provider_rules`).
"""

from tests.support.judges.provider_rules import OWN_MEMBERS, RULES, broken_rules
from tests.support.judges.strict_chat import complaints
from translators.dialects.dialect import Dialect
from translators.to_chat.request import ChatRequest
from translators.wire import decode


def complaints_of(dialect: Dialect, body: ChatRequest) -> list[str]:
    """Return what a strict provider of this dialect would refuse in a request."""
    sent = decode(body.json)
    found = complaints(
        sent,
        developer_role=dialect.developer_role,
        system_anywhere=dialect.system_anywhere,
        reasoning_field=dialect.reasoning_field,
        also=OWN_MEMBERS.get(dialect.name, ()),
    )
    return found + (broken_rules(dialect.name, sent) if dialect.name in RULES else [])
