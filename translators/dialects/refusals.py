"""A provider's refusal as words: which member it is about, and whether it says that the member is not known.

Providers name what they refuse in a `param`, in a path (`loc`, FastAPI's), in the message, or in the body of another
provider that a gateway quotes. All of that is read, the name first; what a refusal quotes of the request is not, since
a caller wrote that. A refusal speaks of the provider only if it says that something is not known, not supported or of
the wrong form. What is wrong with a caller's schema, its numbers or the words of its prompt does not.
Sources: providers reference §1, §4; wordings recorded under providers.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from translators.errors import UpstreamError
from translators.wire import NotJSON, decode

_MOST_WORDS: Final = 2000
"""Characters of a refusal that are read; a longer one lists what a prompt may hold."""
_STATUSES: Final = frozenset({400, 404, 422})
_TEMPLATE: Final = re.compile(r"template|jinja|raise_exception", re.IGNORECASE)
"""Whose refusals llama.cpp answers with 500."""
_LIST: Final = re.compile(
    r"(?<!un)expected|(supported|allowed|valid|possible) ([a-z]+ )?(values|options|roles|types)|one of|instead"
    r"|(must|should) be (?!satisfied)",
    re.IGNORECASE,
)
"""Where a list of what is known begins."""

_NAMES: Final = ("param", "loc")
_WORDS: Final = ("code", "type", "message", "msg", "detail", "details", "error", "errors", "error_message", "reason")
_QUOTED: Final = ("metadata", "raw", "innererror")
"""Where gateways keep the words of the provider behind them."""

_UNKNOWN: Final = re.compile(
    r"(not|n't|un)[ _-]*(currently |yet )?(be(en)? )?"
    r"(support|available|implement|recogni[sz]|permitted|allowed|known|expected|accept|enabled|compatible)"
    r"|incompatible|extra[_ ](inputs|fields|forbidden)|cannot (find field|unmarshal)|no endpoints found that support"
    r"|only[^.]{1,40}(supported|allowed|accepted)|not (one of|a valid)|supported ([a-z]+ )?(values|types|options)"
    r"|expected one of|(is|are) deprecated"
    r"|must be (one of|either|[a-z ]{0,20}['\"`])|should be (a valid string|'|\")"
    r"|invalid ([a-z_ ]{1,20} )?(type|role)",
    re.IGNORECASE,
)
_CALLERS: Final = re.compile(
    r"invalid (json )?schema|schema for (response_format|function)|json[ _]validate|failed to (generate|validate|load)"
    r"|schema (contains|has|uses) |did not (match|call)|content[_ ](policy|filter|management)|safety (system|filter)"
    r"|moderation|flagged|(above|below) (the )?(maximum|minimum)|\brange\b|too (large|long|many|high|low)\b|exceed"
    r"|(must|should) be (between|less|greater)|at (least|most) \d|(greater|less|larger|higher|lower) than"
    r"|model[^.]{0,80}(does not exist|not found|no longer)|invalid model|valid model id|decommissioned|requires --"
    r"|your (organi[sz]ation|account|plan|project|tier|subscription|api key)|base64|download"
    r"|could not (be )?(fetch|process|decod|load)"
    r"|(image|audio|file)( (content|input|part))? (format|type|extension)|in (this|that) format|\bmime\b"
    r"|\b(image|audio)/(?!text|image|audio|video|file)[a-z]",
    re.IGNORECASE,
)


class Refusal(Struct, frozen=True, gc=False):
    """What a provider said in refusing a request."""

    status: int
    name: str
    """The member that it names apart from its words; "" if it names none there."""
    words: str

    @property
    def is_unknown(self) -> bool:
        """Whether it says that the provider does not know something, or not in this form."""
        return self.is_refusal and bool(_UNKNOWN.search(self.words))

    @property
    def is_refusal(self) -> bool:
        """Whether it may say anything about the provider, in a wording of its own."""
        refused = self.status in _STATUSES or (self.status == 500 and bool(_TEMPLATE.search(self.words)))
        return refused and not _CALLERS.search(self.words)

    @property
    def about(self) -> str:
        """The words ahead of a list of what is known."""
        return _LIST.split(self.words, 1)[0]

    @property
    def listed(self) -> str:
        """The words from there on."""
        return self.words[len(self.about) :]

    def says_the_same(self, other: "Refusal") -> bool:
        """Tell whether both say the same, but for places, numbers and ids."""
        return (self.status, _plain(self.words)) == (other.status, _plain(other.words))


def read_refusal(error: UpstreamError) -> Refusal | None:
    """Return what was said; None for an error that is no answer to the request, or about its length or contents."""
    if not error.provider_status or error.code in ("context_length_exceeded", "content_filter"):
        return None
    try:
        said = list(_said(decode(error.body), 8))
    except NotJSON:
        said = [("", error.body.decode("utf-8", "replace"))]
    names = [words for name, words in said if name in _NAMES]
    words = [words for name, words in said if name not in _NAMES]
    return Refusal(error.provider_status, names[0] if names else "", " ".join([*names, *words])[:_MOST_WORDS])


def _said(value: Any, depth: int, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield what a body says, each with the key under which it says that."""
    if not depth:
        return
    if isinstance(value, str):
        if name in _QUOTED and value[:1] in ("{", "["):
            try:
                yield from _said(decode(value.encode()), depth - 1)
                return
            except NotJSON:
                pass
        yield name, value
    elif isinstance(value, list) and name == "loc":
        yield name, ".".join(str(step) for step in value if step != "body")
    elif isinstance(value, list):
        for entry in value:
            yield from _said(entry, depth - 1, name)
    elif isinstance(value, dict):
        for key in (*_NAMES, *_WORDS, *_QUOTED):
            if value.get(key):
                yield from _said(value[key], depth - 1, key)


def _plain(words: str) -> str:
    return re.sub(r"[\w-]*\d[\w-]*", "", words)
