"""A provider's rejection of a request, as words: which member it is about, and whether it calls that member unknown.

The subject is the error's `param`, else the first name in its message. Text that the rejection quotes from the request
does not count, since the caller wrote it. A rejection teaches something about the provider only if it says that
something is unknown, unsupported or of the wrong form. Complaints about the caller's schema, numbers or prompt do not.
Source: the recorded rejections in `tests/translators/dialects/test_amendments.py`.
"""

import re
from typing import Final

from msgspec import Struct

from translators.errors import UpstreamError

_STATUSES: Final = frozenset({200, 400, 404, 422})
"""Gateways answer 200 and put the rejection into the body."""
_REQUEST_AT_500: Final = re.compile(
    r"template|jinja|roles must alternate|raise_exception|(image|audio|vision)( input)? is not supported|mmproj"
    r"|missing data required for image|参数(非法|错误|有误)|不支持|schema conversion failed"
    r"|unknown (field|parameter|argument)\b",
    re.IGNORECASE,
)
"""Rejections that come with 500: a chat template's own and of media (llama.cpp), and those that a gateway translated.
Source: ggml-org/llama.cpp#13566."""
_LIST: Final = re.compile(
    r"(?<!un)expected|(supported|allowed|valid|possible) ([a-z]+ )?(values|options|roles|types|levels)|one of|instead"
    r"|(must|should) be (?!satisfied)"
    r"|取值范围|可选值|支持的?(取值|值|类型)|允许的?(取值|值)|(只|仅)(能|支持|允许)|应为|必须(是|为)",
    re.IGNORECASE | re.ASCII,
)
"""The beginning of a list of supported values."""

_UNKNOWN: Final = re.compile(
    r"(not|n't|un)[ _-]*(currently |yet )?(be(en)? )?"
    r"(support|available|implement|recogni[sz]|permitted|allowed|known|expected|accept|enabled|compatible)"
    r"|incompatible|extra[_ ](inputs|fields|forbidden)|cannot (find field|unmarshal)|no endpoints found that support"
    r"|only[^.]{1,40}(supported|allowed|accepted)|not (one of|a valid)|supported ([a-z]+ )?(values|types|options)"
    r"|expected one of|(is|are) deprecated"
    r"|must be (one of|either|[a-z ]{0,20}['\"`])|should be (a valid string|'|\")"
    r"|invalid ([a-z_ ]{1,20} )?(type|role)"
    r"|不(被|可|能)?(支持|允许|接受|识别|可用|合法|正确)|未(知|定义)|无法识别|非法|无效|有误|(参数|字段)错误|(只|仅)(能|支持|允许)"
    r"|应为|必须(是|为)|取值范围"
    r"|サポート(されてい|していま)|対応していません|無効な"
    r"|지원하지 않|지원되지 않|유효하지 않|не ?поддержива|еподдержива|недопустим|неизвестн"
    r"|nicht unterstützt|unterstützt keine|unbekannte|ungültige"
    r"|((pas|non) pris(es?)?|ne prend pas) en charge|inconnue?\b"
    r"|no (se |es )?(admite|compatible|soporta)|desconocid|não (é )?suportad|desconhecid",
    re.IGNORECASE | re.ASCII,
)
_CALLERS_MISTAKE: Final = re.compile(
    r"invalid (json )?schema|schema for (response_format|function)|json[ _]validate|failed to (generate|validate|load)"
    r"|schema (contains|has|uses) |did not (match|call)|content[_ ](policy|filter|management)|safety (system|filter)"
    r"|moderation|flagged|(above|below) (the )?(maximum|minimum)|\brange\b|too (large|long|many|high|low)\b|exceed"
    r"|(must|should) be (between|less|greater)|at (least|most) \d|(greater|less|larger|higher|lower) than"
    r"|model[^.]{0,80}(does not exist|not found|no longer)|invalid model|valid model id|decommissioned|requires --"
    r"|your (organi[sz]ation|account|plan|project|tier|subscription|api key)|base64|download"
    r"|could not (be )?(fetch|process|decod|load)"
    r"|(image|audio|file)( (content|input|part))? (format|type|extension)|in (this|that) format|\bmime\b"
    r"|\b(image|audio)/(?!text|image|audio|video|file)[a-z]"
    r"|取值范围.{0,8}[\[(（【]? ?-?\d|超(过|出)|过(大|小|长|短|高|低)|大于|小于|不能多于|不能少于|之间"
    r"|敏感|审核|违规|余额|额度|账户|权限"
    r"|(图片|图像|音频|文件|视频).{0,8}(格式|大小|尺寸|下载|解码|解析|损坏)|模型.{0,20}不存在",
    re.IGNORECASE | re.ASCII,
)


class Rejection(Struct, frozen=True, gc=False):
    """What a provider answered when it rejected a request."""

    status: int
    param: str
    """The member that the error names in a field of its own; "": none."""
    words: str
    """`param`, code, type, message and details."""

    @property
    def may_teach(self) -> bool:
        """Whether it is about the request: by its status, or by its words if the status is 500."""
        return self.status in _STATUSES or (self.status == 500 and _REQUEST_AT_500.search(self.words) is not None)

    @property
    def is_about_provider(self) -> bool:
        """Whether it may teach something about the provider: it is not the caller's mistake."""
        return self.may_teach and not _CALLERS_MISTAKE.search(self.words)

    @property
    def is_unknown(self) -> bool:
        """Whether it says that the provider does not know something, or not in this form."""
        return self.is_about_provider and bool(_UNKNOWN.search(self.words))

    @property
    def subject(self) -> str:
        """The words before a list of supported values."""
        return _LIST.split(self.words, 1)[0]

    @property
    def alternatives(self) -> str:
        """The words from that list on; "": there is none."""
        return self.words[len(self.subject) :]

    def repeats(self, other: "Rejection") -> bool:
        """Return whether both say the same, apart from paths, numbers and ids."""
        return (self.status, _without_numbers(self.words)) == (other.status, _without_numbers(other.words))


def read_rejection(error: UpstreamError) -> Rejection | None:
    """Return the rejection; None: the error is no answer to the request, or is about its length or contents."""
    found = error.provider_error
    if found is None or error.code in ("context_length_exceeded", "content_filter"):
        return None
    status = found.status or (200 if error.cause == "answer" else 0)
    return Rejection(status, found.param or "", " ".join(filter(None, (found.param, found.words, found.details))))


def _without_numbers(words: str) -> str:
    return re.sub(r"[\w-]*\d[\w-]*", "", words)
