"""A chat request held against what its provider takes (`tests.support.strict_chat`), as its dialect says."""

from tests.support.strict_chat import complaints
from translators.chat_body import ChatBody
from translators.dialect import Dialect
from translators.wire import decode


def complaints_of(dialect: Dialect, body: ChatBody) -> list[str]:
    """Return what a strict provider of this dialect would refuse in a request."""
    return complaints(
        decode(body.json),
        developer_role=dialect.developer_role,
        system_anywhere=dialect.system_anywhere,
        reasoning_field=dialect.reasoning_field,
        also=dialect.no_reasoning,
    )
