"""What of a refused request a refusal may be about: one function for each thing that some provider does not take.

Each returns what was sent of it, as the lesson names it: "" where there is nothing more to say, None where it was not
sent at all.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, get_args

from msgspec import Struct

from translators.dialects.dialect import Dialect
from translators.dialects.rejections import Rejection
from translators.dialects.schema_keywords import keywords
from translators.responses.request import Effort

_EFFORTS: Final[tuple[str, ...]] = get_args(Effort)
_KEYWORDS: Final = frozenset(
    {
        "$comment", "$id", "$schema", "additionalProperties", "const", "contains", "contentEncoding",
        "contentMediaType", "default", "dependentRequired", "deprecated", "example", "examples", "exclusiveMaximum",
        "exclusiveMinimum", "format", "maxContains", "maxItems", "maxLength", "maxProperties", "maximum",
        "minContains", "minItems", "minLength", "minProperties", "minimum", "multipleOf", "nullable", "pattern",
        "patternProperties", "propertyNames", "readOnly", "title", "unevaluatedItems", "unevaluatedProperties",
        "uniqueItems", "writeOnly",
    }
)  # fmt: skip
"""Keywords without which a schema still says what an argument is."""

Object = dict[str, Any]


class Refused(Struct, frozen=True, gc=False):
    """A request that was refused."""

    body: Object
    refusal: Rejection
    dialect: Dialect
    """The one in which it was sent."""

    @property
    def messages(self) -> list[Object]:
        messages: list[Object] = self.body["messages"]
        return messages

    def quotes(self, name: str) -> bool:
        """Tell whether the refusal has a name in quotes."""
        return re.search(rf"['\"`]{re.escape(name)}['\"`]", self.refusal.words) is not None


Sent = Callable[[Refused], str | None]


def member(name: str) -> Sent:
    return lambda refused: "" if name in refused.body else None


def message(is_it: Callable[[Object], Any]) -> Sent:
    return lambda refused: "" if any(map(is_it, refused.messages)) else None


def message_member(name: str) -> Sent:
    return message(lambda one: name in one)


def part(is_it: Callable[[Object], Any]) -> Sent:
    return message(lambda one: any(map(is_it, _parts(one))))


def _parts(one: Object) -> Iterator[Object]:
    content = one.get("content")
    return iter(content if isinstance(content, list) else ())


def token_limit(name: str, other: str) -> Sent:
    """Return what finds this name of the token limit, and names the other one instead; none if that was refused."""

    def sent(refused: Refused) -> str | None:
        if name not in refused.body:
            return None
        return "none" if any(lesson.startswith("token_limit=") for lesson in refused.dialect.lessons) else other

    return sent


def whole(refused: Refused) -> str | None:
    return None if refused.body.get("stream") else ""


def system_behind(refused: Refused) -> str | None:
    return "" if any(one["role"] in ("system", "developer") for one in refused.messages[1:]) else None


def system_first(refused: Refused) -> str | None:
    return "" if refused.messages[0]["role"] == "system" else None


def no_user(refused: Refused) -> str | None:
    return None if any(one["role"] == "user" for one in refused.messages) else ""


def some_turns(refused: Refused) -> str | None:
    return "" if len(refused.messages) > 2 else None


def thinking(refused: Refused) -> str | None:
    """Find messages of the model's without thinking: those that call, if they are enough for the refusal, or all."""
    lacking = [one for one in refused.messages if one["role"] == "assistant" and "reasoning_content" not in one]
    if not lacking:
        return None
    calls = any(one.get("tool_calls") for one in lacking)
    return "" if calls and "in the assistant message" not in refused.refusal.words else "all"


def only_calls(one: Object) -> bool:
    return bool(one.get("tool_calls")) and one.get("content") is None


def response_format(refused: Refused) -> str | None:
    wanted = refused.body.get("response_format")
    return None if wanted is None else str(wanted["type"])


def choice(refused: Refused) -> str | None:
    wanted = refused.body.get("tool_choice")
    if wanted == refused.dialect.required_choice:
        return "required"
    return wanted if wanted in (None, "auto", "none") else "named"


def any_choice(refused: Refused) -> str | None:
    listed = re.search(r"['\"`]any['\"`]", refused.refusal.alternatives)
    return "" if listed and refused.body.get("tool_choice") == "required" else None


def strict(refused: Refused) -> str | None:
    return "" if any("strict" in tool["function"] for tool in refused.body.get("tools", ())) else None


def keyword(refused: Refused) -> str | None:
    """Return the keywords of tools' parameters that the refusal names."""
    used = {name for tool in refused.body.get("tools", ()) for name in keywords(tool["function"].get("parameters"))}
    named = re.findall(r"['\"`]([$A-Za-z]+)['\"`]", refused.refusal.subject)
    return ",".join(sorted(used & _KEYWORDS & set(named))) or None


def effort(refused: Refused) -> str | None:
    """Return the efforts that are known: those that the refusal lists, else all but the one it names, else none."""
    sent = refused.body.get("reasoning_effort") or refused.body.get("reasoning", {}).get("effort")
    if sent is None:
        return None
    listed = re.findall(r"[a-z]+", refused.refusal.alternatives)
    known = [one for one in _EFFORTS if one in listed and one != sent]
    if not known and refused.quotes(sent):
        known = [one for one in _EFFORTS if one != sent]
    return ",".join(known)


def switch(refused: Refused) -> str | None:
    """Find a member of the provider's own that has it think, or not."""
    switches = {**refused.dialect.no_reasoning, **refused.dialect.some_reasoning}
    return "" if any(name in refused.body and refused.quotes(name) for name in switches) else None


def service_tier(refused: Refused) -> str | None:
    sent = refused.body.get("service_tier")
    return sent if sent is None or refused.quotes(sent) else ""
