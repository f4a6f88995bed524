"""A provider's rejection → a lesson about the provider → an amended dialect.

`RULES` has one rule for each member, role or form of a chat request that some provider rejects: how a rejection
mentions it, whether the request had it, and how the dialect changes. A rejection teaches only if it mentions something
that was sent *and* says that it is unknown (`rejections.py`). What the caller addressed to the provider by name
(`passthrough`) and tools as such have no rule: nothing can replace them. A lesson is a text, `rule` or `rule=detail`;
applied to a dialect it changes only its subject. Source: docs/decisions/0021-lessons.md.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from translators.dialects import wordings
from translators.dialects.dialect import Dialect
from translators.dialects.evidence import (
    Evidence,
    RejectedRequest,
    any_tool_choice,
    assistant_last,
    begins_without_user,
    both,
    calls_without_tools,
    effort,
    has_unsigned_calls,
    is_blank_turn,
    later_system_message,
    leading_system_message,
    member,
    message,
    message_member,
    missing_thinking,
    no_user,
    only_calls,
    part,
    response_format,
    schema_form,
    schema_keyword,
    schema_pattern,
    service_tier,
    strict,
    thinking_switch,
    token_limit,
    tool_choice,
    unlisted_effort,
    unlisted_part,
    unstreamed,
    user_after_tool,
    without_turns,
)
from translators.dialects.rejections import Rejection
from translators.dialects.schemas.forms import SchemaForm
from translators.reasoning.fields import RETURN_MEMBERS
from translators.wire import decode


class Rule(Struct, frozen=True, gc=False):
    """One thing that a provider may reject."""

    name: str
    mention: re.Pattern[str] | None
    """Its name in rejections that call it unknown, in whatever words; None: only `wording` counts."""
    find: Evidence
    """Returns the lesson's detail if the rejected request had it, else None."""
    amend: Callable[[Dialect, str], Dialect]
    wording: re.Pattern[str] | None = None
    """Wordings that are proof enough by themselves."""
    unmistakable: bool = False
    """The wording counts even where the rejection seems to be about the caller's numbers or schema."""


# --- how the dialect changes -------------------------------------------------------------------------------------


def _set(**changes: Any) -> Callable[[Dialect, str], Dialect]:
    return lambda dialect, _: replace(dialect, **changes)


def _remove(field: str, value: str = "") -> Callable[[Dialect, str], Dialect]:
    """Remove one of a field's values: this one, or the lesson's detail; all of them if it has none."""

    def amend(dialect: Dialect, what: str) -> Dialect:
        lost = value or what
        return replace(dialect, **{field: getattr(dialect, field) - {lost} if lost else frozenset()})

    return amend


def _set_token_limit(dialect: Dialect, what: str) -> Dialect:
    return replace(dialect, token_limit=None if what == "none" else what)


def _limit_efforts(dialect: Dialect, what: str) -> Dialect:
    known = frozenset(what.split(",")) if what else frozenset()
    return replace(dialect, efforts=known if dialect.efforts is None else dialect.efforts & known)


def _require_thinking(dialect: Dialect, what: str) -> Dialect:
    return replace(
        dialect, reasoning_field="reasoning_content", reasoning_required=True,
        reasoning_everywhere=dialect.reasoning_everywhere or what == "all",
    )  # fmt: skip


def _remove_thinking_choice(dialect: Dialect, what: str) -> Dialect:
    known = dialect.tool_choices if dialect.thinking_tool_choices is None else dialect.thinking_tool_choices
    return replace(dialect, thinking_tool_choices=known - {what})


def _add_unknown_keywords(dialect: Dialect, what: str) -> Dialect:
    keywords = dialect.unknown_keywords.union(what.split(","))
    forms = {form for keyword, form in _FORM_WITHOUT.items() if keyword in keywords}
    return replace(dialect, unknown_keywords=keywords, schema_forms=dialect.schema_forms | forms)


def _add_schema_form(form: SchemaForm) -> Callable[[Dialect, str], Dialect]:
    return lambda dialect, what: replace(dialect, schema_forms=dialect.schema_forms | {form} | ({what} - {""}))


_FORM_WITHOUT: Final[dict[str, SchemaForm]] = {
    "$ref": "no_refs", "$defs": "no_refs", "definitions": "no_refs", "prefixItems": "typed_arrays",
}  # fmt: skip
"""Forms of a schema that do without a keyword."""


# --- the rules --------------------------------------------------------------------------------------------------


def _name(name: str) -> re.Pattern[str]:
    """Return the pattern of a member's name, in any spelling."""
    return re.compile(rf"(?<![A-Za-z_]){name.replace('_', '[_ ]?')}(?![A-Za-z_])", re.IGNORECASE | re.ASCII)


def _quoted(name: str) -> re.Pattern[str]:
    """Return the pattern of a name that is also an ordinary word."""
    return re.compile(
        rf"^{name}(?![\w.])|['\"`.]{name}(?=['\"`:, ])|(argument supplied|parameter|field): {name}(?!\w)"
        rf"|(?<![\w.]){name} ?参数",
        re.IGNORECASE | re.ASCII,
    )


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.ASCII)


RULES: Final = (
    Rule("signed_calls", None, message(has_unsigned_calls), _set(signed_calls=True), wordings.SIGNED_CALLS),
    Rule("calls_need_tools", None, calls_without_tools, _set(calls_need_tools=True), wordings.CALLS_NEED_TOOLS),
    Rule("tool_message_name", None, message(lambda one: one["role"] == "tool" and "name" not in one),
         _set(tool_message_name=True), wordings.TOOL_MESSAGE_NAME),
    Rule("token_limit", _name("max_tokens"), token_limit("max_tokens", "max_completion_tokens"), _set_token_limit),
    Rule("token_limit", _name("max_completion_tokens"), token_limit("max_completion_tokens", "max_tokens"),
         _set_token_limit),
    Rule("stream_options", _words("stream[_ ]?options|include[_ ]?usage"), member("stream_options"),
         _set(stream_usage=False)),
    Rule("stream", _words(r"^stream(?![\w.])|['\"`]stream['\"`]|\bstreaming\b"), member("stream"),
         _set(streaming="never")),
    Rule("stream_only", None, unstreamed, _set(streaming="always"), wordings.STREAM_ONLY),
    Rule("developer_role", _name("developer"), message(lambda one: one["role"] == "developer"),
         _set(developer_role=False), wordings.DEVELOPER),
    Rule("system_place", _quoted("system"), later_system_message, _set(system_anywhere=False), wordings.SYSTEM_PLACE),
    Rule("system_role", _quoted("system"), leading_system_message, _set(system_role=False), wordings.SYSTEM_ROLE),
    Rule("user_after_tool", None, user_after_tool, _set(user_after_tool=False), wordings.USER_AFTER_TOOL),
    Rule("user_first", None, begins_without_user, _set(user_first=True), wordings.USER_FIRST),
    Rule("assistant_last", None, assistant_last, _set(assistant_last=False), wordings.ASSISTANT_LAST),
    Rule("alternating", None, without_turns, _set(alternating=True, user_after_tool=False), wordings.ALTERNATING),
    Rule("user_needed", None, no_user, _set(user_needed=True), wordings.USER_NEEDED),
    Rule("reasoning_required", None, missing_thinking, _require_thinking, wordings.THINKING_BACK),
    *(Rule("reasoning_field", _name(field) if "_" in field else _quoted(field), message_member(field),
          _set(reasoning_field=None, reasoning_required=False))
      for field in RETURN_MEMBERS),
    Rule("reasoning_field", _words("thinking|content"), part(lambda one: one["type"] == "thinking"),
         _set(reasoning_field=None, reasoning_required=False)),
    Rule("refusal", _quoted("refusal"), message(lambda one: "refusal" in one),
         _set(refusal_field=False)),
    Rule("null_content", None, message(only_calls), _set(null_content=False), wordings.NULL),
    Rule("blank_content", None, message(is_blank_turn), _set(blank_content=False), wordings.BLANK),
    Rule("file", _words(r"['\"`]file['\"`]|\bfile (content|part|input|type)|input_file|content\.type|文件"),
         unlisted_part("file"), _set(file_parts=False)),
    Rule("original_detail", _words(r"['\"`]original['\"`]|\bdetail\b"),
         part(lambda one: one["type"] == "image_url" and one["image_url"].get("detail") == "original"),
         _set(original_detail=False)),
    Rule("image",
         _words(r"(variant|type|part|block)s?:? ['\"`]?image_url|image (input|content|part)|vision (is|input)"
                r"|content\.type|图片|图像|视觉|多模态|画像|이미지|изображени|\bbilder?\b|\bimágen|\bimagem"
                r"|\bles images\b|不支持 ?image_url|image_url ?类型"),
         unlisted_part("image_url"), _remove("media", "image"), wordings.IMAGES, unmistakable=True),
    Rule("audio", _words(r"input_audio|audio (input|content|part)|content\.type|音频|语音|音声|오디오|аудио"),
         unlisted_part("input_audio"), _remove("media", "audio")),
    Rule("short_call_ids", None, message(lambda one: one.get("tool_calls")), _set(short_call_ids=True),
         wordings.CALL_IDS, unmistakable=True),
    Rule("strict", _name("strict"), strict, _set(strict_tools=False)),
    *(Rule(form, None, schema_form(form), _add_schema_form(form), wording, unmistakable=True)
      for form, wording in wordings.SCHEMA_FORMS.items()),
    Rule("keyword", None, schema_pattern, _add_unknown_keywords, wordings.PATTERNS, unmistakable=True),
    Rule("keyword", _words("tool|function|parameters|schema|propert"), schema_keyword, _add_unknown_keywords),
    Rule("parallel_tool_calls", _name("parallel_tool_calls"), member("parallel_tool_calls"),
         _set(parallel_tool_calls=False)),
    Rule("thinking_tool_choice", None, tool_choice, _remove_thinking_choice, wordings.THINKING_CHOICE),
    Rule("any_tool_choice", _name("tool_choice"), any_tool_choice, _set(required_choice="any")),
    Rule("tool_choice", _name("tool_choice"), tool_choice, _remove("tool_choices")),
    Rule("web_search", _name("web_search_options"), member("web_search_options"), _set(web_search=False)),
    Rule("format_with_tools", None, both("response_format", "tools"), _set(format_with_tools=False),
         wordings.FORMAT_WITH_TOOLS, unmistakable=True),
    Rule("response_format", _words(r"response[_ ]?format|text\.format|json[_ ]schema|json[_ ]object|structured output"),
         response_format, _remove("formats"), wordings.FORMAT),
    Rule("logprobs", _words(r"(top[_ ]?)?log[_ ]?prob"), member("logprobs"), _set(logprobs=False)),
    Rule("effort_with_tools", None, member("tools"), _set(effort_with_tools=False), wordings.EFFORT_WITH_TOOLS),
    Rule("reasoning_effort", None, unlisted_effort, _limit_efforts, wordings.EFFORTS),
    Rule("reasoning_effort", _words(r"reasoning[_ .]?effort|['\"`]reasoning['\"`]"), effort, _limit_efforts,
         wordings.NO_THINKING),
    Rule("reasoning_switch", _words(r"\w"), thinking_switch, _set(no_reasoning={}, some_reasoning={})),
    Rule("service_tier", _name("service_tier"), service_tier, _remove("service_tiers")),
    Rule("temperature_and_top_p", None, both("temperature", "top_p"), _set(temperature_and_top_p=False),
         wordings.TEMPERATURE_AND_TOP_P),
    *(Rule(name, _name(name), member(name), _remove("sampling", name)) for name in ("temperature", "top_p")),
    *(Rule(name, _name(name), member(name), _remove("sampling", name), wordings.PENALTIES)
      for name in ("presence_penalty", "frequency_penalty")),
    *(Rule(name, _name(name), member(name), _remove("extras", name))
      for name in ("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "safety_identifier",
                   "verbosity")),
    Rule("user", _quoted("user"), member("user"), _remove("extras", "user")),
)  # fmt: skip
_RULES_BY_NAME: Final = {rule.name: rule for rule in RULES}
_CONTAINERS: Final = ("messages", "tools")
"""Members with more than one thing that may be rejected."""


def lessons_of(rejection: Rejection, sent: bytes, dialect: Dialect) -> Iterator[str]:
    """Yield the lessons that a rejection of the request `sent` in `dialect` may teach, the likeliest first."""
    if not rejection.may_teach:
        return
    for rule, detail in _matching_rules(RejectedRequest(decode(sent), rejection, dialect)):
        lesson = f"{rule.name}={detail}" if detail else rule.name
        if lesson not in dialect.lessons and with_lessons(dialect, [lesson]) != dialect:
            yield lesson


def with_lessons(dialect: Dialect, lessons: Iterable[str]) -> Dialect:
    """Return a dialect amended by lessons; those that change nothing in it, or have no rule, are ignored."""
    for lesson in sorted(set(lessons)):
        name, _, detail = lesson.partition("=")
        if (rule := _RULES_BY_NAME.get(name)) is not None and (amended := rule.amend(dialect, detail)) != dialect:
            dialect = replace(amended, lessons=tuple(sorted((*dialect.lessons, lesson))))
    return dialect


def _matching_rules(request: RejectedRequest) -> Iterator[tuple[Rule, str]]:
    """Yield the rules that a rejection may be about, with the lesson's detail, the likeliest first."""
    rejection = request.rejection
    for rule in RULES:
        counts = rule.unmistakable or rejection.is_about_provider
        proven = counts and rule.wording is not None and rule.wording.search(rejection.words)
        if proven and (detail := rule.find(request)) is not None:
            yield rule, detail
    if not rejection.is_unknown:
        return
    head = re.split(r"[.\[]", rejection.param)[0]
    text = rejection.param if head in request.body and head not in _CONTAINERS else rejection.subject
    mentions = [(found.start(), rule) for rule in RULES if rule.mention and (found := rule.mention.search(text))]
    for _, rule in sorted(mentions, key=lambda mention: mention[0]):
        if (detail := rule.find(request)) is not None:
            yield rule, detail
