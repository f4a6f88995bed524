"""Thinking inside content: between tags at the start of an answer, split off as it streams.

Providers without a reasoning parser (or with it off) send the model's thinking as text between tags. Which tags is the
model's choice: to add a form, add a row to `THINK_TAGS`. Only tags that open the content count: a later `<think>` is
the model writing about tags. A tag may be split over chunks anywhere; characters that could still become a tag wait for
the next chunk, no others do. Line ends right after the closing tag are dropped. White space before the opening tag is a
few characters at most; more than that is part of the answer.

Some chat templates write the opening tag themselves, so that only the closing one arrives (DeepSeek-R1, QwQ and Qwen3's
thinking models, served without a reasoning parser). That cannot be seen before it arrives, and text that has gone out
cannot be taken back; so the dialect has to say it (`begun`). Otherwise a closing tag without an opening one is text:
recorded answers have stray ones at the end or in the middle of their text. Source: vLLM docs, Reasoning outputs.
"""

from typing import Final, NamedTuple


class ThinkTag(NamedTuple):
    """A form of thinking in content; `repeated`: the thinking may go on between further tags of the same form."""

    opening: str
    closing: str
    in_template: bool = False
    """A chat template may have written the opening tag itself."""
    repeated: bool = False


THINK_TAGS: Final = (
    ThinkTag("<think>", "</think>", in_template=True),  # DeepSeek, Qwen, GLM, MiniMax M2 and most others
    ThinkTag("<THINK>", "</THINK>"),
    ThinkTag("<Think>", "</Think>"),
    ThinkTag("<thinking>", "</thinking>"),
    ThinkTag("<Thinking>", "</Thinking>"),
    ThinkTag("<THINKING>", "</THINKING>"),
    ThinkTag("<thought>", "</thought>"),  # Gemini
    ThinkTag("<thoughts>", "</thoughts>"),
    ThinkTag("<reflection>", "</reflection>"),
    ThinkTag("<reason>", "</reason>"),
    ThinkTag("<analysis>", "</analysis>"),
    ThinkTag("<scratchpad>", "</scratchpad>"),
    ThinkTag("<|think|>", "<|/think|>"),
    ThinkTag("<mm:think>", "</mm:think>", in_template=True),  # MiniMax M3
    ThinkTag("<seed:think>", "</seed:think>", in_template=True),  # Seed-OSS
    ThinkTag("[THINK]", "[/THINK]", in_template=True),  # Magistral, Ministral
    ThinkTag("◁think▷", "◁/think▷", in_template=True),  # Kimi
    ThinkTag("<|channel>thought\n", "<channel|>"),  # Gemma 4
    ThinkTag("<|channel>thought", "<channel|>"),
    ThinkTag("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A
    ThinkTag("<|begin_of_thought|>", "<|end_of_thought|>"),  # OpenThinker
    ThinkTag("<longcat_think>", "</longcat_think>", in_template=True),  # LongCat
    ThinkTag("<|inner_prefix|>", "<|inner_suffix|>"),  # Apertus
    ThinkTag("<unused94>thought\n", "<unused95>"),  # MedGemma
    ThinkTag("<unused94>thought", "<unused95>"),
    ThinkTag("<reasoning>", "</reasoning>", repeated=True),  # gpt-oss at Bedrock, a tag for each piece of a stream
)
_FIRST: Final = frozenset(("", *(tag.opening[0] for tag in THINK_TAGS)))
"""What content that may open with a tag begins with."""
_MAX_LEADING_SPACE: Final = 64
"""Characters of white space before a tag: templates write a few line ends, and more must not wait for ever."""

Piece = tuple[bool, str]
"""Whether the text is thinking, and the text."""


class ThinkTags:
    """Splits content until the thinking is over; then `over` is true and the rest is plain text.

    `feed` and `flush` return pieces in order. `begun`: the content begins inside the thinking, tag or no tag.
    """

    __slots__ = ("_begun", "_closings", "_pending", "_tag", "over")

    def __init__(self, begun: bool = False) -> None:
        self.over = False
        self._begun = begun
        self._pending = ""
        self._tag: ThinkTag | None = None
        """The form of the thinking, once its opening tag has come."""
        self._closings: tuple[str, ...] = ()
        """What ends the thinking that is being written; empty before it and after it."""

    def feed(self, text: str) -> list[Piece]:
        text = self._pending + text
        self._pending = ""
        if self._closings:
            return self._think(text)
        if self._tag is not None:
            return self._answer(text, self._tag)
        return self._sniff(text)

    def flush(self) -> list[Piece]:
        """Return the text that waits for the rest of a tag: other than content arrives, or the answer ends."""
        pending, self._pending = self._pending, ""
        if not pending:
            return []
        if self._begun and self._tag is None:
            self._begin(None)
        thinking = bool(self._closings)
        self.over = not thinking
        return [(thinking, pending)]

    def _begin(self, tag: ThinkTag | None) -> None:
        """Begin thinking; None: without an opening tag."""
        self._tag = tag or THINK_TAGS[0]
        self._closings = (tag.closing,) if tag else tuple(each.closing for each in THINK_TAGS if each.in_template)

    def _sniff(self, text: str) -> list[Piece]:
        start = text.lstrip()
        if start[:1] in _FIRST and len(text) - len(start) <= _MAX_LEADING_SPACE:
            if any(tag.opening != start and tag.opening.startswith(start) for tag in THINK_TAGS):
                self._pending = text
                return []
            for tag in THINK_TAGS:
                if start.startswith(tag.opening):
                    self._begin(tag)
                    return self._think(start[len(tag.opening) :])
        if self._begun:
            self._begin(None)
            return self._think(text)
        self.over = True
        return [(False, text)]

    def _think(self, text: str) -> list[Piece]:
        assert self._tag is not None
        ends = [(text.index(closing), closing) for closing in self._closings if closing in text]
        if not ends:
            end = len(text) - max(_overlap(text, closing) for closing in self._closings)
            self._pending = text[end:]
            return [(True, text[:end])] if end else []
        end, closing = min(ends)
        self._closings = ()
        return ([(True, text[:end])] if end else []) + self._answer(text[end + len(closing) :], self._tag)

    def _answer(self, text: str, tag: ThinkTag) -> list[Piece]:
        text = text.lstrip("\r\n")
        if tag.repeated and text.startswith(tag.opening):
            self._begin(tag)
            return self._think(text[len(tag.opening) :])
        if not text or (tag.repeated and tag.opening.startswith(text)):
            self._pending = text
            return []
        self.over = True
        return [(False, text)]


def answer_in(content: str, *, begun: bool = False) -> str:
    """Return what follows the thinking at the start of whole content."""
    tags = ThinkTags(begun)
    return "".join(text for thinking, text in tags.feed(content) + tags.flush() if not thinking)


def _overlap(text: str, tag: str) -> int:
    """Return the length of the longest end of `text` that is a beginning of `tag`."""
    for size in range(min(len(tag) - 1, len(text)), 0, -1):
        if text.endswith(tag[:size]):
            return size
    return 0
