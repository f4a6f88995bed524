"""Whatever was learned of whatever provider: every conversation can still be said, in a form that is as strict.

And whatever a provider says in refusing a request can be read.
"""

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.properties.strategies.conversations import PROVIDERS, conversations
from tests.properties.to_chat.test_round_trip import body_of
from tests.support.judges.provider_rules import OWN_MEMBERS
from tests.support.judges.strict_chat import complaints
from tests.translators.dialects.test_amendments import LESSONS
from translators.dialects.amendments import RULES, lessons_of, with_lessons
from translators.dialects.dialect import Dialect
from translators.dialects.rejections import read_rejection
from translators.failures.classes import classify_http_error
from translators.responses.items import Item
from translators.wire import decode, encode

taught = st.lists(st.sampled_from(sorted({lesson for lesson, *_ in LESSONS} - {"image", "audio", "null_content"})))
"""Not those that leave nothing to be said of an image, nor the one form that a strict provider has not."""


@given(conversations(), st.sampled_from(PROVIDERS), taught)
def test_every_conversation_can_be_said(items: list[Item], dialect: Dialect, lessons: list[str]) -> None:
    learned = with_lessons(dialect, lessons)
    found = complaints(
        decode(body_of(items, learned).json),
        developer_role=learned.developer_role,
        system_anywhere=learned.system_anywhere,
        reasoning_field=learned.reasoning_field,
        signatures=learned.signed_calls,
        tool_names=learned.tool_message_name,
        also=OWN_MEMBERS.get(dialect.name, ()),
    )
    assert found == []


@given(st.sampled_from(PROVIDERS), taught, taught)
def test_the_order_of_lessons_is_nothing(dialect: Dialect, lessons: list[str], others: list[str]) -> None:
    assert with_lessons(dialect, lessons + others) == with_lessons(dialect, others + lessons)
    assert set(with_lessons(dialect, lessons).lessons) <= set(lessons)


KEYS = st.sampled_from(["error", "errors", "message", "detail", "loc", "param", "msg", "code", "type", "raw"])
WORDS = st.sampled_from([*(row.name for row in RULES), "is not supported", "Unknown", "'", "system", "content null"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.lists(WORDS).map(" ".join),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS | st.text(), inner),
)


@given(st.binary() | json_values.map(encode), st.sampled_from([400, 404, 422, 500, 503]), conversations())
def test_no_refusal_is_too_odd_to_be_read(body: bytes, status: int, items: list[Item]) -> None:
    refusal = read_rejection(classify_http_error(status, {}, body, own_key=True))
    dialect = Dialect(name="open", developer_role=True, system_anywhere=True, refusal_field=True)
    for lesson in lessons_of(refusal, body_of(items, dialect).json, dialect) if refusal else ():
        assert lesson in with_lessons(dialect, [lesson]).lessons


ALTERNATING = [replace(dialect, alternating=True) for dialect in (*PROVIDERS, Dialect())]


@given(conversations(), st.sampled_from(ALTERNATING))
def test_turns_that_alternate_lose_nothing(items: list[Item], dialect: Dialect) -> None:
    """Neither a word nor its place: what was rendered for others is there, in its order."""
    plain = words(body_of(items, replace(dialect, alternating=False)).json)
    turns = decode(body_of(items, dialect).json)["messages"]
    assert words(encode(turns)) == plain
    roles = [message["role"] for message in turns]
    assert not [role for role, next in pairwise(roles) if role == next != "tool"]
    assert roles[-1] == "user" or dialect.tools


def words(body: bytes) -> list[str]:
    return re.findall(r"w\d+\.", body.decode())
