"""Answers of a model, and the chunks in which some provider tells them.

An `Answer` is the truth: what was said, in order. `Manner` is how sloppily a provider tells it: where it puts the
thinking, how it numbers, names and splits calls, how it tells its sources, when it counts tokens. Every combination
made here leaves no doubt about the truth; what is ambiguous (two equal calls in a row without index and id) is not
made. Sources: providers reference §3, field-lessons reference §1.5.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from hypothesis import strategies as st

Object = dict[str, Any]


@dataclass(frozen=True)
class Said:
    """A piece of thinking, text or refusal."""

    kind: Literal["reasoning", "text", "refusal"]
    text: str


@dataclass(frozen=True)
class Called:
    """A tool call; `arguments` is JSON, or nothing for a call without arguments."""

    name: str
    arguments: str


@dataclass(frozen=True)
class Drawn:
    """A picture, as base64."""

    data: str


Answer = list[Said | Called | Drawn]

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
spoken = texts.filter(lambda text: not text.isspace() and not text.lstrip().startswith("<"))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=6) | st.sampled_from(['"}{', "}", "{}", "\\"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
arguments = st.builds(
    json.dumps,
    st.dictionaries(st.text(max_size=3), values, max_size=3),
    separators=st.sampled_from([(",", ":"), (", ", ": ")]),
    ensure_ascii=st.booleans(),
)
calls = st.builds(Called, st.sampled_from(["get_weather", "ping", "a", "ab"]), arguments | st.just(""))
pictures = st.builds(Drawn, st.text("ABCD", min_size=4, max_size=6))
pieces = st.builds(Said, st.sampled_from(["reasoning", "text", "refusal"]), spoken)


def _merged(answer: Iterable[Said | Called | Drawn]) -> Answer:
    """Return an answer that can be told: of two texts in a row nobody can tell that they are not one, and the same
    picture again is no other."""
    merged: Answer = []
    for part in answer:
        if isinstance(part, Drawn) and part in merged:
            continue
        last = merged[-1] if merged else None
        if isinstance(part, Said) and isinstance(last, Said) and last.kind == part.kind:
            merged[-1] = Said(part.kind, last.text + part.text)
        else:
            merged.append(part)
    return merged


answers = st.lists(pieces | pieces | calls | calls | pictures, min_size=1, max_size=5).map(_merged)


@dataclass(frozen=True)
class CallManner:
    """How calls are told apart: `index` and `id` on their pieces, and what later pieces repeat."""

    index: Literal["counted", "none", "minus one", "zero"]
    id: Literal["once", "always", "empty later", "none"]
    name: Literal["once", "always", "empty later", "null later"]
    arguments: Literal["split", "whole", "object"]
    interleaved: bool
    together: bool
    """The calls of a group come in one delta, when they come whole."""


def _tells_apart(manner: CallManner) -> bool:
    """Tell whether the pieces say which call they belong to."""
    if manner.index == "counted":
        return True
    if manner.interleaved:
        return manner.index != "zero" and manner.id == "always"
    return manner.id != "none" or manner.arguments != "split"


call_manners = st.builds(
    CallManner,
    index=st.sampled_from(["counted", "none", "minus one", "zero"]),
    id=st.sampled_from(["once", "always", "empty later", "none"]),
    name=st.sampled_from(["once", "always", "empty later", "null later"]),
    arguments=st.sampled_from(["split", "whole", "object"]),
    interleaved=st.booleans(),
    together=st.booleans(),
).filter(_tells_apart)


@dataclass(frozen=True)
class Manner:
    calls: CallManner
    reasoning: Literal["reasoning_content", "reasoning", "reasoning_details", "both", "parts", "tags"]
    speaks: bool
    """Text comes as what is heard."""
    sources: Literal["none", "lists", "results", "annotations", "places"]
    pictures: Literal["images", "parts"]
    usage: Literal["none", "with finish", "own chunk", "every chunk", "x_groq"]
    finish: Literal["own chunk", "with content", "repeated"]
    nulls: bool
    """Members that say nothing are there as null."""
    role: Literal["first", "always", "never"]
    line_end: bytes
    comments: bool
    done: bool


manners = st.builds(
    Manner,
    calls=call_manners,
    reasoning=st.sampled_from(["reasoning_content", "reasoning", "reasoning_details", "both", "parts", "tags"]),
    speaks=st.booleans(),
    sources=st.sampled_from(["none", "lists", "results", "annotations", "places"]),
    pictures=st.sampled_from(["images", "parts"]),
    usage=st.sampled_from(["none", "with finish", "own chunk", "every chunk", "x_groq"]),
    finish=st.sampled_from(["own chunk", "with content", "repeated"]),
    nulls=st.booleans(),
    role=st.sampled_from(["first", "always", "never"]),
    line_end=st.sampled_from([b"\n", b"\r\n"]),
    comments=st.booleans(),
    done=st.booleans(),
)

SOURCES = ["https://a.example/", "https://b.example/x"]
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


@dataclass
class Told:
    """An answer as a provider tells it."""

    answer: Answer
    manner: Manner
    finish: str
    deltas: list[Object] = field(default_factory=list)

    @property
    def chunks(self) -> list[Object]:
        """The chunks, the finish reason and the usage among them."""
        manner = self.manner
        told = [self._chunk(delta, first=position == 0) for position, delta in enumerate(self.deltas)]
        if manner.finish != "with content" or not told:
            told.append(self._chunk({}, first=not told))
        told[-1]["choices"][0]["finish_reason"] = self.finish
        if manner.finish == "repeated":
            told.append(self._chunk({"content": ""}, first=False))
            told[-1]["choices"][0]["finish_reason"] = self.finish
        if manner.usage == "with finish":
            told[-1]["usage"] = USAGE
        elif manner.usage == "x_groq":
            told[-1]["x_groq"] = {"id": "req_1", "usage": USAGE}
        elif manner.usage == "own chunk":
            told.append({"id": "c", "choices": [], "usage": USAGE})
        elif manner.usage == "every chunk":
            for chunk in told:
                chunk["usage"] = {"prompt_tokens": 11, "completion_tokens": 1, "total_tokens": None}
            told[-1]["usage"] = USAGE
        for chunk in told:
            if manner.sources == "lists":
                chunk |= {"citations": SOURCES, "search_results": [{"url": url, "title": "A"} for url in SOURCES]}
            elif manner.sources == "results":
                chunk["search_results"] = [{"url": url, "snippet": "…"} for url in SOURCES]
        return told

    def _chunk(self, delta: Object, *, first: bool) -> Object:
        if self.manner.role == "always" or (first and self.manner.role == "first"):
            delta = {"role": "assistant", **delta}
        if self.manner.nulls:
            nothing = ("content", "reasoning_content", "refusal", "tool_calls", "function_call")
            delta = {**dict.fromkeys(nothing), **delta}
        return {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}

    @property
    def blocks(self) -> list[bytes]:
        """The chunks as blocks of an event stream, `[DONE]` too."""
        end = self.manner.line_end * 2
        blocks = [b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + end for chunk in self.chunks]
        if self.manner.comments:
            blocks = [part for block in blocks for part in (b": PROCESSING" + end, block)]
        return [*blocks, b"data: [DONE]" + end] if self.manner.done else blocks


@st.composite
def tellings(draw: st.DrawFn) -> Told:
    """Make up an answer and a way to tell it."""
    answer = draw(answers)
    manner = draw(manners)
    if _without_doubt(answer, manner):
        deltas = draw(deltas_of(answer, manner))
    else:
        answer = [part for part in answer if isinstance(part, Said)] or [Said("text", "Hi")]
        answer = _merged(answer)
        deltas = draw(deltas_of(answer, manner))
    return Told(answer, manner, draw(st.sampled_from(["stop", "tool_calls", "length"])), deltas)


def _without_doubt(answer: Answer, manner: Manner) -> bool:
    """Tell whether calls that only their names and arguments tell apart have some, and differ in them."""
    if manner.calls.index == "counted" or manner.calls.id != "none":
        return True
    called = [part for part in answer if isinstance(part, Called)]
    if not all(call.arguments for call in called):
        return False
    return len({(call.name, repr(json.loads(call.arguments))) for call in called}) == len(called)


@st.composite
def deltas_of(draw: st.DrawFn, answer: Answer, manner: Manner) -> list[Object]:
    """Return the deltas that tell an answer, split anywhere, with empty ones in between."""
    tags = manner.reasoning == "tags" and _fits_tags(answer)
    deltas: list[Object] = []
    counted = told = 0
    group: list[Called] = []
    for part in [*answer, None]:
        if isinstance(part, Called):
            group.append(part)
            continue
        if group:
            deltas += draw(_call_deltas(group, counted, manner.calls))
            counted += len(group)
            group = []
        if part is None:
            break
        if isinstance(part, Drawn):
            deltas.append(_picture(part, manner))
            continue
        text = part.text
        if tags and part.kind == "reasoning":
            text = f"<think>{text}</think>" + draw(st.sampled_from(["", "\n", "\r\n\n"]))
        for piece in draw(splits(text)):
            deltas.append(_delta(part.kind, piece, manner, tags))
            if draw(st.integers(0, 9)) == 0:
                deltas.append(draw(st.sampled_from([{}, {"content": ""}, {"tool_calls": []}, {"role": "assistant"}])))
        if part.kind == "text":
            deltas += _annotations(told, part.text, manner)
            told += len(part.text)
    return deltas


def _picture(picture: Drawn, manner: Manner) -> Object:
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture.data}"}}
    return {"content": "", "images": [part]} if manner.pictures == "images" else {"content": [part]}


def _annotations(start: int, text: str, manner: Manner) -> list[Object]:
    """Return the deltas that tell the sources of a text which begins at `start`."""
    if manner.sources not in ("annotations", "places"):
        return []
    end = start + len(text)
    place = {"start_index": start, "end_index": end} if manner.sources == "places" else {}
    return [
        {"annotations": [{"type": "url_citation", "url_citation": {"url": url, "title": "A", **place}}]}
        for url in SOURCES
    ]


def _fits_tags(answer: Answer) -> bool:
    """Tell whether the only thinking opens the answer, and what follows shows no tags or leading line ends."""
    first = answer[0]
    kinds = [part.kind for part in answer if isinstance(part, Said)]
    return (
        isinstance(first, Said)
        and first.kind == "reasoning"
        and kinds.count("reasoning") == 1
        and "</" not in first.text
        and not any(isinstance(part, Said) and part.text[:1] in "\r\n" for part in answer[1:])
    )


def _delta(kind: str, text: str, manner: Manner, tags: bool) -> Object:
    if kind == "refusal":
        return {"refusal": text}
    if kind == "text" and manner.speaks and not tags:
        return {"content": None, "audio": {"id": "audio_1", "transcript": text}}
    if kind == "text" or tags:
        return {"content": [{"type": "text", "text": text}] if manner.reasoning == "parts" else text}
    details = [{"type": "reasoning.text", "text": text, "index": 0}]
    return {
        "reasoning_content": {"reasoning_content": text},
        "reasoning": {"reasoning": text},
        "reasoning_details": {"reasoning": "", "reasoning_details": details},
        "both": {"reasoning": text, "reasoning_content": text, "reasoning_details": details},
        "parts": {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]},
        "tags": {"reasoning_content": text},
    }[manner.reasoning]


@st.composite
def _call_deltas(draw: st.DrawFn, group: list[Called], counted: int, manner: CallManner) -> list[Object]:
    """Return the deltas of calls that follow each other, the first of them the answer's `counted`-th."""
    lines = [
        _call_pieces(call, draw(splits(call.arguments)), counted + position, manner)
        for position, call in enumerate(group)
    ]
    if manner.together and all(len(line) == 1 for line in lines):
        return [{"tool_calls": [piece for line in lines for piece in line]}]
    if manner.interleaved:
        return [{"tool_calls": [piece]} for piece in draw(_interleaved(lines))]
    return [{"tool_calls": [piece]} for line in lines for piece in line]


@st.composite
def _interleaved(draw: st.DrawFn, lines: list[list[Object]]) -> list[Object]:
    """Mix lines of pieces; each keeps its order, and they begin in order."""
    waiting = [list(line) for line in lines]
    mixed: list[Object] = []
    begun = 0
    while any(waiting):
        open_lines = [line for line in waiting[:begun] if line] + waiting[begun : begun + 1]
        line = draw(st.sampled_from(open_lines))
        begun += line is not None and begun < len(waiting) and line is waiting[begun]
        mixed.append(line.pop(0))
    return mixed


def _call_pieces(call: Called, fragments: list[str], number: int, manner: CallManner) -> list[Object]:
    """Return the entries of `tool_calls` that tell one call."""
    told: list[Any] = list(fragments)
    if manner.arguments != "split":
        told = [call.arguments]
    if manner.arguments == "object" and call.arguments:
        told = [json.loads(call.arguments)]
    entries: list[Object] = []
    for position, part in enumerate(told or [""]):
        later = position > 0
        entry: Object = {"type": "function", "function": {"arguments": part}}
        if manner.index != "none":
            entry["index"] = {"counted": number, "minus one": -1, "zero": 0}[manner.index]
        if manner.id != "none" and (not later or manner.id == "always"):
            entry["id"] = f"call_{number}"
        elif manner.id == "empty later":
            entry["id"] = ""
        if not later or manner.name == "always":
            entry["function"]["name"] = call.name
        elif manner.name != "once":
            entry["function"]["name"] = "" if manner.name == "empty later" else None
        entries.append(entry)
    return entries


@st.composite
def splits(draw: st.DrawFn, text: str) -> list[str]:
    """Split a text anywhere."""
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=3)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
