"""Whether a rejected request contains a thing that some provider rejects: one function for each such thing.

Each returns the lesson's detail if the request had the thing ("" if the lesson needs none), else None.
"""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Final, get_args

from msgspec import Struct

from translators.dialects.dialect import Dialect
from translators.dialects.rejections import Rejection
from translators.dialects.schemas.forms import SchemaForm, departures
from translators.dialects.schemas.keywords import keywords
from translators.responses.request import Effort

_EFFORTS: Final[tuple[str, ...]] = get_args(Effort)
_NAMED_KEYWORD: Final = re.compile(r"['\"`]([$\w-]+)['\"`]|\.([$\w-]+)(?=['\"`]?:)", re.ASCII)
_LISTED_KEYWORDS: Final = re.compile(r"\b(?:properties|keywords) ((?:[$\w-]+, )*[$\w-]+) are not", re.ASCII)
_NEEDED_KEYWORDS: Final = frozenset({"type", "properties", "items", "required", "description", "enum"})
"""Keywords without which a schema no longer describes an argument."""

Object = dict[str, Any]


class RejectedRequest(Struct, frozen=True, gc=False):
    """A rejected request."""

    body: Object
    rejection: Rejection
    dialect: Dialect
    """The dialect in which it was sent."""

    @property
    def messages(self) -> list[Object]:
        messages: list[Object] = self.body["messages"]
        return messages

    def quotes(self, name: str) -> bool:
        """Whether the rejection has a name in quotes."""
        return re.search(rf"['\"`]{re.escape(name)}['\"`]", self.rejection.words) is not None


Evidence = Callable[[RejectedRequest], str | None]


def member(name: str) -> Evidence:
    return lambda request: "" if name in request.body else None


def message(is_it: Callable[[Object], Any]) -> Evidence:
    return lambda request: "" if any(map(is_it, request.messages)) else None


def message_member(name: str) -> Evidence:
    return message(lambda one: name in one)


def part(is_it: Callable[[Object], Any]) -> Evidence:
    return message(lambda one: any(map(is_it, _parts(one))))


def unlisted_part(kind: str) -> Evidence:
    """Find parts of a type that is not among those which the rejection lists as supported."""

    def find(request: RejectedRequest) -> str | None:
        listed = re.search(rf"\b{kind}\b", request.rejection.alternatives, re.ASCII)
        return None if listed else part(lambda one: one["type"] == kind)(request)

    return find


def _parts(one: Object) -> Iterator[Object]:
    content = one.get("content")
    return iter(content if isinstance(content, list) else ())


def token_limit(name: str, other: str) -> Evidence:
    """Find this name of the token limit; the detail is the other name, or `none` if that was rejected, too."""

    def sent(request: RejectedRequest) -> str | None:
        if name not in request.body:
            return None
        return "none" if any(lesson.startswith("token_limit=") for lesson in request.dialect.lessons) else other

    return sent


def unstreamed(request: RejectedRequest) -> str | None:
    return None if request.body.get("stream") else ""


def later_system_message(request: RejectedRequest) -> str | None:
    return "" if any(one["role"] in ("system", "developer") for one in request.messages[1:]) else None


def leading_system_message(request: RejectedRequest) -> str | None:
    return "" if request.messages[0]["role"] == "system" else None


def no_user(request: RejectedRequest) -> str | None:
    return None if any(one["role"] == "user" for one in request.messages) else ""


def _conversation(request: RejectedRequest) -> list[Object]:
    """Return the messages after the leading ones."""
    return [one for one in request.messages if one["role"] not in ("system", "developer")]


def begins_without_user(request: RejectedRequest) -> str | None:
    first = next(iter(_conversation(request)), None)
    return "" if first is not None and first["role"] != "user" else None


def assistant_last(request: RejectedRequest) -> str | None:
    return "" if request.messages[-1]["role"] == "assistant" else None


def user_after_tool(request: RejectedRequest) -> str | None:
    roles = [one["role"] for one in request.messages]
    return "" if ("tool", "user") in pairwise(roles) else None


def calls_without_tools(request: RejectedRequest) -> str | None:
    called = any("tool_calls" in one for one in request.messages)
    return "" if called and not request.body.get("tools") else None


def has_unsigned_calls(one: Object) -> bool:
    calls = one.get("tool_calls") or ()
    return bool(calls) and not any("extra_content" in call for call in calls)


def without_turns(request: RejectedRequest) -> str | None:
    """Find messages in which user and assistant do not alternate."""
    roles = [one["role"] for one in _conversation(request)]
    others = {("user", "user"), ("assistant", "assistant"), ("tool", "user")}
    return "" if roles[0:1] != ["user"] or roles[-1] == "assistant" or others & set(pairwise(roles)) else None


def missing_thinking(request: RejectedRequest) -> str | None:
    """Find assistant messages without thinking; the detail is `all` unless only those with calls need it."""
    lacking = [one for one in request.messages if one["role"] == "assistant" and "reasoning_content" not in one]
    if not lacking:
        return None
    calls = any(one.get("tool_calls") for one in lacking)
    return "" if calls and "in the assistant message" not in request.rejection.words else "all"


def only_calls(one: Object) -> bool:
    return bool(one.get("tool_calls")) and one.get("content") is None


def is_blank_turn(one: Object) -> bool:
    return bool(one.get("tool_calls")) and not one.get("content")


def response_format(request: RejectedRequest) -> str | None:
    wanted = request.body.get("response_format")
    return None if wanted is None else str(wanted["type"])


def tool_choice(request: RejectedRequest) -> str | None:
    wanted = request.body.get("tool_choice")
    if wanted == request.dialect.required_choice:
        return "required"
    return wanted if wanted in (None, "auto", "none") else "named"


def any_tool_choice(request: RejectedRequest) -> str | None:
    listed = re.search(r"['\"`]any['\"`]", request.rejection.alternatives)
    return "" if listed and request.body.get("tool_choice") == "required" else None


def strict(request: RejectedRequest) -> str | None:
    return "" if any("strict" in tool["function"] for tool in request.body.get("tools", ())) else None


def schema_keyword(request: RejectedRequest) -> str | None:
    """Return the keywords in schemas that the rejection names."""
    used = {name for schema in _schemas(request.body) for name in keywords(schema)}
    subject = request.rejection.subject
    named = {name for pair in _NAMED_KEYWORD.findall(subject) for name in pair}
    for listed in _LISTED_KEYWORDS.findall(subject):
        named.update(re.findall(r"[$\w-]+", listed))
    return ",".join(sorted((used & named) - _NEEDED_KEYWORDS)) or None


def schema_pattern(request: RejectedRequest) -> str | None:
    """Find a regular expression in a schema, about which the rejection need not name the keyword."""
    return "pattern" if any("pattern" in keywords(schema) for schema in _schemas(request.body)) else None


def schema_form(form: SchemaForm) -> Evidence:
    """Find schemas that are not in a form; the detail for the one type is `nullable` where the words are Google's."""

    def find(request: RejectedRequest) -> str | None:
        if not any(form in departures(schema) for schema in _schemas(request.body)):
            return None
        return "nullable" if form == "one_type" and "epeating" in request.rejection.words else ""

    return find


def _schemas(body: Object) -> Iterator[Any]:
    """Yield the schemas of a request: of its tools and its format."""
    for tool in body.get("tools", ()):
        yield tool["function"].get("parameters")
    yield body.get("response_format", {}).get("json_schema", {}).get("schema")


def both(name: str, other: str) -> Evidence:
    return lambda request: "" if name in request.body and other in request.body else None


def effort(request: RejectedRequest) -> str | None:
    """Return the supported efforts: those that the rejection lists, else all but the one it quotes, else none."""
    sent = request.body.get("reasoning_effort") or request.body.get("reasoning", {}).get("effort")
    if sent is None:
        return None
    listed = re.findall(r"[a-z]+", request.rejection.alternatives)
    known = [one for one in _EFFORTS if one in listed and one != sent]
    if not known and request.quotes(sent):
        known = [one for one in _EFFORTS if one != sent]
    return ",".join(known)


def unlisted_effort(request: RejectedRequest) -> str | None:
    """Return the efforts that the rejection lists, if it quotes the one that was sent and does not list it."""
    sent = request.body.get("reasoning_effort") or request.body.get("reasoning", {}).get("effort")
    listed = re.findall(r"[a-z]+", request.rejection.alternatives)
    return None if sent is None or sent in listed or not request.quotes(sent) else effort(request)


def thinking_switch(request: RejectedRequest) -> str | None:
    """Find the provider's own member that switches thinking on or off."""
    switches = {**request.dialect.no_reasoning, **request.dialect.some_reasoning}
    return "" if any(name in request.body and request.quotes(name) for name in switches) else None


def service_tier(request: RejectedRequest) -> str | None:
    sent = request.body.get("service_tier")
    return sent if sent is None or request.quotes(sent) else ""
