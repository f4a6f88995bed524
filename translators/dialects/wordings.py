"""Wordings of rejections that prove a lesson by themselves, whatever member they name: one pattern for each rule.

The comment after a wording names the provider that uses it, where it is not common. Chinese wordings are those of
providers that answer in Chinese. Source: recorded rejections, in `tests/translators/dialects/test_amendments.py`.
"""

import re
from typing import Final

from translators.dialects.schemas.forms import SchemaForm


def any_of(*wordings: str) -> re.Pattern[str]:
    """Return the pattern that finds any of some wordings."""
    return re.compile("|".join(wordings), re.IGNORECASE | re.DOTALL | re.ASCII)


# --- roles ------------------------------------------------------------------------------------------------------------

DEVELOPER: Final = any_of(
    r"(unexpected|incorrect|invalid|unknown|unsupported) (message )?role"
    r"(?! ['\"`]?(user|assistant|tool)|.{0,20}system)|role (param|information)",
    r"messages[.\[]\d+\]?\.role .{0,80}(enum|should be|one of|非法|取值范围)",
    r"角色信息不正确",  # Z.AI
)
SYSTEM_PLACE: Final = any_of(
    r"system (message|prompt|role)s?.{0,60}(beginnin|at the start|first|only one|single)",
    r"(only one|multiple|more than one|at most one|single|two) system|invalid chat setting \(2013\)",
    r"invalid message role: system|unexpected role ['\"`]?system",
    r"system.{0,20}(只能|必须|应).{0,20}(第一|首|开头|最前)",
)
SYSTEM_ROLE: Final = any_of(
    r"(system|developer) (role|messages?|prompts?|instructions?) (is |are |cannot )?(be )?(not|un)[ -]?"
    r"(enabled|supported|allowed)",
    r"不支持.{0,6}system",
)
ALTERNATING: Final = any_of(
    r"roles must alternate|should alternate|must alternate|alternate (between|with)",
    r"unexpected role ['\"`]?(user|assistant)['\"`]? after role ['\"`]?(user|assistant)",  # Mistral
    r"(consecutive|successive) (user|assistant|messages)",
    r"multiple ['\"`]?(user|assistant)['\"`]? (roles|messages) in a row",  # Anthropic
    r"交替|不能连续|交互に|번갈아|чередова|\balternar|alterner|abwechsel|alternieren",
)
USER_NEEDED: Final = any_of(
    r"(at least one|a|no) (message with (the )?role )?['\"`]?user['\"`]? (message|query)",
    r"至少.{0,12}(user|用户)",
)
USER_FIRST: Final = any_of(
    r"(must|should|has to|needs to) (start|begin) with (a |an |the )?['\"`]?user",  # Bedrock
    r"first (non-?system |chat )?(message|role|content|turn)[^.]{0,60}\buser\b",  # Anthropic, Gemini
    r"(function|tool) call turn comes immediately after a user turn",  # Gemini
    r"unexpected role ['\"`]?(assistant|tool)['\"`]? after role ['\"`]?(system|developer)",  # Mistral
    r"(第一|首)[条个].{0,20}(user|用户)",
)
USER_AFTER_TOOL: Final = any_of(
    r"unexpected role ['\"`]?user['\"`]? after role ['\"`]?tool",  # Mistral
    r"\b(assistant|model)\b[^.]{0,40}(after|follow)[^.]{0,30}\btool\b",
    r"\btool\b[^.]{0,40}(must|should|has to|have to) be followed by[^.]{0,30}\b(assistant|model)\b",
    r"\buser\b[^.]{0,40}(cannot|can ?not|must not|may not|(right|directly|immediately) after)[^.]{0,40}\btool\b",
)
ASSISTANT_LAST: Final = any_of(
    r"(must|should|has to|needs to) end with (a |an |the )?['\"`]?(user|tool)|\bpre-?fill",  # Anthropic
    r"final assistant content cannot end with",  # Anthropic
    r"expected last role|last role (must|should)|ends? with (a |an |the )?['\"`]?assistant",  # Mistral
    r"(last|final) message[^.]{0,40}(must|should|has to|cannot|can ?not)[^.]{0,40}\b(user|assistant)\b",  # Perplexity
    r"(last|final) (message|turn|role|position) is (from )?(the )?['\"`]?assistant",  # vLLM
    r"\bassistant\b[^.]{0,40}(last|final) (message|turn|role|position)",
    r"最后一[条个].{0,30}(user|用户|assistant)",
)

# --- messages ---------------------------------------------------------------------------------------------------------

NULL: Final = any_of(
    r"(?<!_)content\b.{0,60}\b(null|nil|none|nonetype|required|missing|valid string|a string)\b",
    r"\b(null|none|nil)\b.{0,40}\b(string|content)",
    r"content.{0,20}(不能为空|不能为 ?null|缺失)",
)
BLANK: Final = any_of(
    r"\b(text|content|message)s?\b.{0,80}\b(blank|empty|non-?whitespace|non-?empty)\b",  # Anthropic, Bedrock
    r"at least one (content|part)|contents?\.parts",  # xAI, Gemini
    r"(消息|内容|content).{0,12}(不能为空|为空)|未正常接收到.{0,12}参数",  # Z.AI
)
THINKING_BACK: Final = any_of(
    r"reasoning_content.{0,60}(must be passed back|is missing|is required)|missing ['\"`]?reasoning_content",
    r"reasoning_content.{0,30}(必须|缺失|缺少)",
)

IMAGES: Final = any_of(
    r"at most 0 images?|not a (multi-?modal|vision|vl)\b|text-only model",  # vLLM
    r"\bcontent\b.{0,30}should be a valid string",  # FastAPI, where content is text alone
    r"image_url\b.{0,20} only supported by|missing data required for image",  # OpenAI, Ollama
    r"(does not|doesn't|do not|don't|can ?not|can't) (support|accept|take|read|handle) (images?|vision|multi-?modal)",
)

# --- calls ------------------------------------------------------------------------------------------------------------

SIGNED_CALLS: Final = any_of(r"thought[_ ]?signature")  # Gemini
CALLS_NEED_TOOLS: Final = any_of(
    r"tool calling without [`'\"]?tools",  # LiteLLM
    r"toolconfig\b[^.]{0,20}must be (defined|specified|set)",  # Bedrock
    r"(tool_calls?|tool_use|tool_result|tooluse|tool (messages?|calls?|results?))\b[^.]{0,80}"
    r"(must (define|declare|provide|include|specify)|without|no|missing|empty|but)\b[^.]{0,30}\btools\b",  # Anthropic
    r"\btools\b[^.]{0,40}(required|must be|missing|non-?empty|be empty)[^.]{0,60}"
    r"(tool_calls?|tool_use|tool (messages?|calls?))",
)
TOOL_MESSAGE_NAME: Final = any_of(
    r"function_?response\.name",  # Gemini
    r"\btool['\"`]?( message| result| response)?s?\b[^.]{0,40}['\"`\s]name\b[^.]{0,40}(required|missing|empty|must)",
    r"\btool['\"`]? [^.]{0,20}(must|should) (have|contain|include|carry)[^.]{0,20}\bname\b",
    r"messages?[.\[]\d+\]?(\.\w+)?\.name\b.{0,60}(required|missing|empty)",
    r"['\"`]name['\"`] is a required property.{0,30}messages",
    r"tool.{0,20}(缺少|缺失|不能为空).{0,6}name|tool.{0,20}name.{0,6}(缺少|缺失|不能为空)",
)
CALL_IDS: Final = any_of(
    r"must be a-z, A-Z, 0-9, with a length of 9",  # Mistral
    r"(tool|function)?[_ ]?(call|use|result)s?[^ ]{0,12}[_. ]id['\"`]?s?\b.{0,80}(pattern|length|too long|at most"
    r"|characters|alphanumeric|invalid|match|长度|过长|格式|非法|不合法|超过)",  # Anthropic, OpenAI
    r"tooluseid\b.{0,120}(pattern|constraint|length)",  # Bedrock
    r"(invalid|malformed|长度|过长|非法|不合法).{0,40}(tool_?call_?|tool_use_?|call_)id\b",
)

# --- schemas ----------------------------------------------------------------------------------------------------------

SCHEMA_FORMS: Final[dict[SchemaForm, re.Pattern[str]]] = {
    "lone_refs": any_of(
        r"\$ref\b.{0,80}(alongside|beside|sibling|instead of the parent)",
        r"\$ref\b.{0,80}(can ?not|must not|may not) (have|be (combined|used))",
        r"(siblings?|beside|alongside|next to) (of |to )?['\"`]?\$ref",  # Gemini, Moonshot
    ),
    "no_refs": any_of(r"\$(ref|defs)\b.{0,30}\b(not|un)[ -]?(supported|allowed|permitted|recogni[sz]ed)"),
    "typed_unions": any_of(r"when using (any|one)of, type should"),  # Moonshot
    "one_type": any_of(
        r"not repeating|cannot start list",  # Gemini
        r"unmarshal array .{0,80}\.type\b",  # Ollama
        r"\btypes?\b.{0,60}(must be|should be|expected|is not|not of type|unmarshal).{0,30}\b(string|array|list)",
        r"(list|array|union|multiple)s?( of)? types?\b.{0,40}(not|un)[ -]?(supported|allowed|valid)",
        r"\[\W{0,2}(string|null|number|integer|boolean|array|object)['\"`]?, ?['\"`]?\w+\W{0,2}\] is not",
    ),
    "string_enums": any_of(
        r"\benum\b.{0,60}(TYPE_STRING|strings?\b|cannot be empty|empty)|TYPE_STRING",  # Gemini
        r"\benum\b.{0,60}(only|must).{0,30}(string|same type)|enum (value|type)s?.{0,40}(not match|does not|invalid)",
    ),
    "typed_arrays": any_of(
        r"array schema missing items",  # OpenAI
        r"\bitems\b['\"`]?:? ?(is |are )?(a )?(missing|required|must be)",  # Gemini
        r"missing (the )?(required )?(field |property )?['\"`]?items",
        r"\barray\b.{0,40}(must|should|needs? to) (have|define|specify|include).{0,20}\bitems\b",
    ),
    "whole_objects": any_of(
        r"should be non-?empty for object|propert(y|ies)\b.{0,20}\b(is|are) not defined",  # Gemini
        r"\brequired\b.{0,60}\bnot (defined|declared|found|present|in)\b.{0,30}\bpropert",
    ),
    "listed_properties": any_of(r"object schema missing properties"),  # OpenAI
    "object_root": any_of(
        r"\b(one|any|all)of\b.{0,80}(top[- ]?level|\broot)|(top[- ]?level|\broot).{0,80}\b((one|any|all)of|object)\b",
        r"schema must (have|be) (a |of )?['\"`]?type['\"`]?:? ?['\"`]?object",  # OpenAI
        r"got ['\"`]?type: ?['\"`]?(none|null|array|string)",
        r"input_schema\.type|parameters\.type.{0,30}object",  # Anthropic
    ),
}
"""Wordings by the form of schemas that they demand."""
PATTERNS: Final = any_of(
    r"\bpatterns? must (start|begin|end)",  # llama.cpp
    r"\b(regex(es)?|regular expressions?|look-?(ahead|behind|around)s?)\b.{0,80}"
    r"(not|un)[ -]?(supported|allowed|permitted|implemented)",
    r"(not |un)(supported?|allowed|implemented) .{0,40}\b(regex|regular expression|look-?(ahead|behind|around))",
    r"(invalid|failed to (parse|compile)|could not (parse|compile)) (the )?(regex|regular expression|pattern)\b",
)
"""Wordings about the regular expressions of schemas. Source: llama.cpp README, Grammars."""

# --- pairs ------------------------------------------------------------------------------------------------------------

_NOT_BOTH: Final = (
    r"(both|either|together|simultaneous|same time|only (one|use)|mutually|at once|combin|同时|二选一|互斥)"
)
TEMPERATURE_AND_TOP_P: Final = any_of(
    rf"temperature\b.{{0,20}}\btop_p\b.{{0,80}}{_NOT_BOTH}",  # Anthropic
    rf"top_p\b.{{0,20}}\btemperature\b.{{0,80}}{_NOT_BOTH}",
    rf"{_NOT_BOTH}.{{0,60}}(temperature\b.{{0,20}}\btop_p|top_p\b.{{0,20}}\btemperature)\b",
)
_FORMAT: Final = (
    r"(response[_ ]?(mime|format|schema)|json[_ ](mode|schema|object|response)|structured (output|response)s?)"
)
_REFUSED: Final = r"(not|n't|unsupported|incompatible|cannot|combin|together|conflict|only|不|同时)"
FORMAT_WITH_TOOLS: Final = any_of(
    rf"\b(function calling|functions?|tools?|tool[_ ]\w+)\b.{{0,60}}{_FORMAT}.{{0,80}}{_REFUSED}",  # Gemini
    rf"\b(tools?|functions?)\b\W{{0,3}}(is|are) {_REFUSED}.{{0,20}}{_FORMAT}",  # Cerebras
    rf"{_FORMAT}.{{0,60}}{_REFUSED}.{{0,60}}\b(function calling|functions|tools?)\b",  # Groq, Mistral
    rf"{_FORMAT}\W{{1,3}}(and|or|with) \W?(functions?|tools?)\b.{{0,60}}{_REFUSED}",
    rf"{_REFUSED}.{{0,40}}{_FORMAT}.{{0,40}}\b(with|and|when|together).{{0,40}}\b(functions?|tools?)\b",
    r"grammar constraints? (with|and) tools",  # llama.cpp
)
FORMAT: Final = any_of(
    r'"choices": ?(null|\[ ?\])',  # in place of an answer. Source: modelscope/modelscope#1801
    r"response_format(\.type)?['\"`]? .{0,40}\b(is|are) (not valid|invalid)",  # DashScope
    r"response_format\.json_schema\.strict\b.{0,20}(required|should be true)",  # Anthropic
)

# --- others -----------------------------------------------------------------------------------------------------------

STREAM_ONLY: Final = any_of(
    r"only supports? stream|non-?streaming (call|request)|stream(ing)?['\"`]? (mode )?(must be|is required)",
    r"(只|仅)支持流式|不支持非流式",
)
THINKING_CHOICE: Final = any_of(r"thinking.{0,60}tool[_ ]?choice|tool[_ ]?choice.{0,80}thinking")
PENALTIES: Final = any_of(r"\bpenalty is not enabled")  # Gemini
NO_THINKING: Final = any_of(r"(does not|doesn't|do not|don't) support (thinking|reasoning)\b(?! ?_?effort)")  # Ollama
EFFORTS: Final = any_of(r"\blow\W{1,4}((and|or) \W?)?(medium\W{1,4}((and|or) \W?)?)?high\b", r"\bvalid levels\b")
"""A list of efforts: it says what was refused, also where the member has no name."""
EFFORT_WITH_TOOLS: Final = any_of(r"tools with ['\"`]?reasoning_effort")
