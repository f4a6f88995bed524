"""A provider's refusal → what it says about the provider: a lesson, and the dialect that it amends.

One row for each member, role or form of a chat request that some provider does not take: how a refusal names it, what
of it was sent, and what the dialect becomes. A refusal teaches only if it names something that was sent *and* says that
it is not known (`rejections.py`). What the caller asked the provider for by name (`passthrough`) and tools as such have
no rows: nothing can stand for them. A lesson is a text, `row` or `row=what`; applied to any dialect it changes what it
is about and nothing else. Sources: providers reference §1, §2, §4.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from translators.dialects.dialect import Dialect
from translators.dialects.evidence import (
    Refused,
    Sent,
    any_choice,
    choice,
    effort,
    keyword,
    member,
    message,
    message_member,
    no_user,
    only_calls,
    part,
    response_format,
    service_tier,
    some_turns,
    strict,
    switch,
    system_behind,
    system_first,
    thinking,
    token_limit,
    whole,
)
from translators.dialects.rejections import Rejection
from translators.reasoning.fields import RETURN_MEMBERS
from translators.wire import decode


class Row(Struct, frozen=True, gc=False):
    """One thing that may be refused."""

    name: str
    named: re.Pattern[str] | None
    """Its name in refusals that say, in whatever words, that it is not known; None: only `told` counts."""
    sent: Sent
    """What of it was sent, as the lesson names it; None: nothing."""
    amend: Callable[[Dialect, str], Dialect]
    told: re.Pattern[str] | None = None
    """Wordings that say all by themselves."""


# --- what becomes of the dialect --------------------------------------------------------------------------------


def _becomes(**changes: Any) -> Callable[[Dialect, str], Dialect]:
    return lambda dialect, _: replace(dialect, **changes)


def _loses(field: str, value: str = "") -> Callable[[Dialect, str], Dialect]:
    """Take one of a field's values away: this one, or what the lesson names; all of them if it names nothing."""

    def amend(dialect: Dialect, what: str) -> Dialect:
        lost = value or what
        return replace(dialect, **{field: getattr(dialect, field) - {lost} if lost else frozenset()})

    return amend


def _limited(dialect: Dialect, what: str) -> Dialect:
    return replace(dialect, token_limit=None if what == "none" else what)


def _knows(dialect: Dialect, what: str) -> Dialect:
    known = frozenset(what.split(",")) if what else frozenset()
    return replace(dialect, efforts=known if dialect.efforts is None else dialect.efforts & known)


def _thinks(dialect: Dialect, what: str) -> Dialect:
    return replace(
        dialect, reasoning_field="reasoning_content", reasoning_required=True,
        reasoning_everywhere=dialect.reasoning_everywhere or what == "all",
    )  # fmt: skip


def _chooses_thinking(dialect: Dialect, what: str) -> Dialect:
    known = dialect.tool_choices if dialect.thinking_tool_choices is None else dialect.thinking_tool_choices
    return replace(dialect, thinking_tool_choices=known - {what})


def _lacks(dialect: Dialect, what: str) -> Dialect:
    return replace(dialect, unknown_keywords=dialect.unknown_keywords.union(what.split(",")))


# --- the rows ---------------------------------------------------------------------------------------------------


def _name(name: str) -> re.Pattern[str]:
    """Return the pattern of a member's name, in any way of writing it."""
    return re.compile(rf"(?<![A-Za-z_]){name.replace('_', '[_ ]?')}(?![A-Za-z_])", re.IGNORECASE)


def _quoted(name: str) -> re.Pattern[str]:
    """Return the pattern of a name that is an ordinary word, too."""
    return re.compile(
        rf"^{name}(?![\w.])|['\"`.]{name}(?=['\"`:, ])|(argument supplied|parameter|field): {name}(?!\w)", re.IGNORECASE
    )


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_DEVELOPER: Final = _words(
    r"(unexpected|incorrect|invalid|unknown|unsupported) (message )?role(?!.{0,20}system)|role (param|information)"
    r"|messages[.\[]\d+\]?\.role .{0,80}(enum|should be|one of)"
)
_SYSTEM_PLACE: Final = _words(
    r"system (message|prompt|role)s?.{0,60}(beginnin|at the start|first|only one|single)"
    r"|(only one|multiple|more than one|at most one|single|two) system|invalid chat setting \(2013\)"
    r"|invalid message role: system|unexpected role ['\"`]?system"
)
_SYSTEM_ROLE: Final = _words(
    r"(system|developer) (role|messages?|prompts?|instructions?) (is |are |cannot )?(be )?(not|un)[ -]?"
    r"(enabled|supported|allowed)"
)
_NULL: Final = _words(
    r"(?<!_)content\b.{0,60}\b(null|nil|none|nonetype|required|missing|valid string|a string)\b"
    r"|\b(null|none|nil)\b.{0,40}\b(string|content)"
)
_THINKING_BACK: Final = _words(
    r"reasoning_content.{0,60}(must be passed back|is missing|is required)|missing ['\"`]?reasoning_content"
)

ROWS: Final = (
    Row("token_limit", _name("max_tokens"), token_limit("max_tokens", "max_completion_tokens"), _limited),
    Row("token_limit", _name("max_completion_tokens"), token_limit("max_completion_tokens", "max_tokens"), _limited),
    Row("stream_options", _words("stream[_ ]?options|include[_ ]?usage"), member("stream_options"),
        _becomes(stream_usage=False)),
    Row("stream", _words(r"^stream(?![\w.])|['\"`]stream['\"`]|\bstreaming\b"), member("stream"),
        _becomes(streaming="never")),
    Row("stream_only", None, whole, _becomes(streaming="always"),
        _words(r"only supports? stream|non-?streaming (call|request)|stream['\"`]? (mode )?(must be|is required)")),
    Row("developer_role", _name("developer"), message(lambda one: one["role"] == "developer"),
        _becomes(developer_role=False), _DEVELOPER),
    Row("system_place", _quoted("system"), system_behind, _becomes(system_anywhere=False), _SYSTEM_PLACE),
    Row("system_role", _quoted("system"), system_first, _becomes(system_role=False), _SYSTEM_ROLE),
    Row("alternating", None, some_turns, _becomes(alternating=True),
        _words(r"roles must alternate|should alternate|must alternate|alternate (between|with)")),
    Row("user_needed", None, no_user, _becomes(user_needed=True),
        _words(r"(at least one|a|no) (message with (the )?role )?['\"`]?user['\"`]? (message|query)")),
    Row("reasoning_required", None, thinking, _thinks, _THINKING_BACK),
    *(Row("reasoning_field", _name(field) if "_" in field else _quoted(field), message_member(field),
          _becomes(reasoning_field=None, reasoning_required=False))
      for field in RETURN_MEMBERS),
    Row("reasoning_field", _words("thinking|content"), part(lambda one: one["type"] == "thinking"),
        _becomes(reasoning_field=None, reasoning_required=False)),
    Row("refusal", _quoted("refusal"), message(lambda one: "refusal" in one),
        _becomes(refusal_field=False)),
    Row("null_content", None, message(only_calls), _becomes(null_content=False), _NULL),
    Row("file", _words(r"['\"`]file['\"`]|\bfile (content|part|input|type)|input_file"),
        part(lambda one: one["type"] == "file"), _becomes(file_parts=False)),
    Row("original_detail", _words(r"['\"`]original['\"`]|\bdetail\b"),
        part(lambda one: one["type"] == "image_url" and one["image_url"].get("detail") == "original"),
        _becomes(original_detail=False)),
    Row("image", _words(r"(variant|type|part|block)s?:? ['\"`]?image_url|image (input|content|part)|vision (is|input)"),
        part(lambda one: one["type"] == "image_url"), _loses("media", "image")),
    Row("audio", _words(r"input_audio|audio (input|content|part)"),
        part(lambda one: one["type"] == "input_audio"), _loses("media", "audio")),
    Row("short_call_ids", None, message(lambda one: one.get("tool_calls")),
        _becomes(short_call_ids=True), _words("must be a-z, A-Z, 0-9, with a length of 9")),
    Row("strict", _name("strict"), strict, _becomes(strict_tools=False)),
    Row("keyword", _words("tool|function|parameters|schema|propert"), keyword, _lacks),
    Row("parallel_tool_calls", _name("parallel_tool_calls"), member("parallel_tool_calls"),
        _becomes(parallel_tool_calls=False)),
    Row("thinking_tool_choice", None, choice, _chooses_thinking,
        _words(r"thinking.{0,60}tool[_ ]?choice|tool[_ ]?choice.{0,80}thinking")),
    Row("any_tool_choice", _name("tool_choice"), any_choice, _becomes(required_choice="any")),
    Row("tool_choice", _name("tool_choice"), choice, _loses("tool_choices")),
    Row("web_search", _name("web_search_options"), member("web_search_options"), _becomes(web_search=False)),
    Row("response_format", _words(r"response[_ ]?format|text\.format|json[_ ]schema|json[_ ]object|structured output"),
        response_format, _loses("formats")),
    Row("logprobs", _words(r"(top[_ ]?)?log[_ ]?prob"), member("logprobs"), _becomes(logprobs=False)),
    Row("effort_with_tools", None, member("tools"), _becomes(effort_with_tools=False),
        _words(r"tools with ['\"`]?reasoning_effort")),
    Row("reasoning_effort", _words(r"reasoning[_ .]?effort|['\"`]reasoning['\"`]"), effort, _knows),
    Row("reasoning_switch", _words(r"\w"), switch, _becomes(no_reasoning={}, some_reasoning={})),
    Row("service_tier", _name("service_tier"), service_tier, _loses("service_tiers")),
    *(Row(name, _name(name), member(name), _loses("sampling", name))
      for name in ("temperature", "top_p", "presence_penalty", "frequency_penalty")),
    *(Row(name, _name(name), member(name), _loses("extras", name))
      for name in ("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "safety_identifier",
                   "verbosity")),
    Row("user", _quoted("user"), member("user"), _loses("extras", "user")),
)  # fmt: skip
_ROW: Final = {row.name: row for row in ROWS}
_CONTAINERS: Final = ("messages", "tools")
"""Members that hold more than one thing that may be refused."""


def lessons_of(refusal: Rejection, sent: bytes, dialect: Dialect) -> Iterator[str]:
    """Yield what a refusal may teach that the dialect which the request was sent in does not know: likeliest first."""
    if not refusal.is_about_provider:
        return
    for row, what in _rows(Refused(decode(sent), refusal, dialect)):
        lesson = f"{row.name}={what}" if what else row.name
        if lesson not in dialect.lessons and with_lessons(dialect, [lesson]) != dialect:
            yield lesson


def with_lessons(dialect: Dialect, lessons: Iterable[str]) -> Dialect:
    """Return a dialect amended by lessons; those that change nothing in it, or that nobody knows, are left out."""
    for lesson in sorted(set(lessons)):
        name, _, what = lesson.partition("=")
        if (row := _ROW.get(name)) is not None and (amended := row.amend(dialect, what)) != dialect:
            dialect = replace(amended, lessons=tuple(sorted((*dialect.lessons, lesson))))
    return dialect


def _rows(refused: Refused) -> Iterator[tuple[Row, str]]:
    """Yield the rows that a refusal may be about, and what was sent of each: the likeliest first."""
    refusal = refused.refusal
    for row in ROWS:
        told = row.told is not None and row.told.search(refusal.words)
        if told and (what := row.sent(refused)) is not None:
            yield row, what
    if not refusal.is_unknown:
        return
    head = re.split(r"[.\[]", refusal.param)[0]
    where = refusal.param if head in refused.body and head not in _CONTAINERS else refusal.subject
    places = [(found.start(), row) for row in ROWS if row.named and (found := row.named.search(where))]
    for _, row in sorted(places, key=lambda place: place[0]):
        if (what := row.sent(refused)) is not None:
            yield row, what
