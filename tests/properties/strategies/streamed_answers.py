"""Answers of a model, and the chunks in which a provider might stream them.

An `Answer` is what the model meant: its parts, in order. A `ChunkStyle` is how a provider streams it, as sloppily as
real ones do: where the thinking goes, how calls are numbered, named and split, where sources and token counts are.
Every combination made here is unambiguous; two equal calls in a row without index and id, for one, are not made.
Sources: docs/recordings.md; the golden cases in `tests/wire`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from hypothesis import strategies as st

Object = dict[str, Any]


@dataclass(frozen=True)
class TextPart:
    """A piece of thinking, text or refusal."""

    kind: Literal["reasoning", "text", "refusal"]
    text: str


@dataclass(frozen=True)
class CallPart:
    """A tool call; `arguments` is JSON, or nothing for a call without arguments."""

    name: str
    arguments: str


@dataclass(frozen=True)
class ImagePart:
    """An image, as base64."""

    data: str


Answer = list[TextPart | CallPart | ImagePart]

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
visible_texts = texts.filter(lambda text: not text.isspace() and not text.lstrip().startswith("<"))
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
calls = st.builds(CallPart, st.sampled_from(["get_weather", "ping", "a", "ab"]), arguments | st.just(""))
images = st.builds(ImagePart, st.text("ABCD", min_size=4, max_size=6))
pieces = st.builds(TextPart, st.sampled_from(["reasoning", "text", "refusal"]), visible_texts)


def _merge_texts(answer: Iterable[TextPart | CallPart | ImagePart]) -> Answer:
    """Return the answer as chunks can express it: texts of one kind in a row are one text, and an image comes once."""
    merged: Answer = []
    for part in answer:
        if isinstance(part, ImagePart) and part in merged:
            continue
        last = merged[-1] if merged else None
        if isinstance(part, TextPart) and isinstance(last, TextPart) and last.kind == part.kind:
            merged[-1] = TextPart(part.kind, last.text + part.text)
        else:
            merged.append(part)
    return merged


answers = st.lists(pieces | pieces | calls | calls | images, min_size=1, max_size=5).map(_merge_texts)


@dataclass(frozen=True)
class CallStyle:
    """How pieces of calls are identified: by `index` and `id`, and which of these later pieces repeat."""

    index: Literal["counted", "none", "minus one", "zero"]
    id: Literal["once", "always", "empty later", "none"]
    name: Literal["once", "always", "empty later", "null later"]
    arguments: Literal["split", "whole", "object"]
    interleaved: bool
    together: bool
    """The calls of a group come in one delta, when they come whole."""


def _identifies_calls(style: CallStyle) -> bool:
    """Whether each piece shows which call it belongs to."""
    if style.index == "counted":
        return True
    if style.interleaved:
        return style.index != "zero" and style.id == "always"
    return style.id != "none" or style.arguments != "split"


call_styles = st.builds(
    CallStyle,
    index=st.sampled_from(["counted", "none", "minus one", "zero"]),
    id=st.sampled_from(["once", "always", "empty later", "none"]),
    name=st.sampled_from(["once", "always", "empty later", "null later"]),
    arguments=st.sampled_from(["split", "whole", "object"]),
    interleaved=st.booleans(),
    together=st.booleans(),
).filter(_identifies_calls)


@dataclass(frozen=True)
class ChunkStyle:
    calls: CallStyle
    reasoning: Literal["reasoning_content", "reasoning", "reasoning_details", "both", "parts", "tags"]
    as_audio: bool
    """Text comes as the transcript of audio."""
    sources: Literal["none", "lists", "results", "annotations", "places"]
    images: Literal["images", "parts"]
    usage: Literal["none", "with finish", "own chunk", "every chunk", "x_groq"]
    finish: Literal["own chunk", "with content", "repeated"]
    nulls: bool
    """Members without a value are null; otherwise they are absent."""
    role: Literal["first", "always", "never"]
    line_end: bytes
    comments: bool
    done: bool


chunk_styles = st.builds(
    ChunkStyle,
    calls=call_styles,
    reasoning=st.sampled_from(["reasoning_content", "reasoning", "reasoning_details", "both", "parts", "tags"]),
    as_audio=st.booleans(),
    sources=st.sampled_from(["none", "lists", "results", "annotations", "places"]),
    images=st.sampled_from(["images", "parts"]),
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
class StreamedAnswer:
    """An answer as a provider streams it."""

    answer: Answer
    style: ChunkStyle
    finish: str
    deltas: list[Object] = field(default_factory=list)

    @property
    def chunks(self) -> list[Object]:
        """The chunks, the finish reason and the usage among them."""
        style = self.style
        chunks = [self._chunk(delta, first=position == 0) for position, delta in enumerate(self.deltas)]
        if style.finish != "with content" or not chunks:
            chunks.append(self._chunk({}, first=not chunks))
        chunks[-1]["choices"][0]["finish_reason"] = self.finish
        if style.finish == "repeated":
            chunks.append(self._chunk({"content": ""}, first=False))
            chunks[-1]["choices"][0]["finish_reason"] = self.finish
        if style.usage == "with finish":
            chunks[-1]["usage"] = USAGE
        elif style.usage == "x_groq":
            chunks[-1]["x_groq"] = {"id": "req_1", "usage": USAGE}
        elif style.usage == "own chunk":
            chunks.append({"id": "c", "choices": [], "usage": USAGE})
        elif style.usage == "every chunk":
            for chunk in chunks:
                chunk["usage"] = {"prompt_tokens": 11, "completion_tokens": 1, "total_tokens": None}
            chunks[-1]["usage"] = USAGE
        for chunk in chunks:
            if style.sources == "lists":
                chunk |= {"citations": SOURCES, "search_results": [{"url": url, "title": "A"} for url in SOURCES]}
            elif style.sources == "results":
                chunk["search_results"] = [{"url": url, "snippet": "…"} for url in SOURCES]
        return chunks

    def _chunk(self, delta: Object, *, first: bool) -> Object:
        if self.style.role == "always" or (first and self.style.role == "first"):
            delta = {"role": "assistant", **delta}
        if self.style.nulls:
            members = ("content", "reasoning_content", "refusal", "tool_calls", "function_call")
            delta = {**dict.fromkeys(members), **delta}
        return {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}

    @property
    def blocks(self) -> list[bytes]:
        """The chunks as blocks of an event stream, `[DONE]` too."""
        end = self.style.line_end * 2
        blocks = [b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + end for chunk in self.chunks]
        if self.style.comments:
            blocks = [part for block in blocks for part in (b": PROCESSING" + end, block)]
        return [*blocks, b"data: [DONE]" + end] if self.style.done else blocks


@st.composite
def streamed_answers(draw: st.DrawFn) -> StreamedAnswer:
    """Make up an answer and the way it is streamed."""
    answer = draw(answers)
    style = draw(chunk_styles)
    if _is_unambiguous(answer, style):
        deltas = draw(deltas_of(answer, style))
    else:
        answer = [part for part in answer if isinstance(part, TextPart)] or [TextPart("text", "Hi")]
        answer = _merge_texts(answer)
        deltas = draw(deltas_of(answer, style))
    says_something = any(not isinstance(part, TextPart) or part.kind != "reasoning" for part in answer)
    finishes = ["stop", "length", *(["tool_calls"] if says_something else [])]
    return StreamedAnswer(answer, style, draw(st.sampled_from(finishes)), deltas)


def _is_unambiguous(answer: Answer, style: ChunkStyle) -> bool:
    """Whether no two calls look like one: without index and id, only name and arguments distinguish them."""
    if style.calls.index == "counted" or style.calls.id == "always":
        return True
    group = [part for part in answer if isinstance(part, CallPart)]
    if not all(call.arguments for call in group):
        return False  # arguments that follow might be its own, or the next call's
    if style.calls.id != "none":
        return True
    return len({(call.name, repr(json.loads(call.arguments))) for call in group}) == len(group)


@st.composite
def deltas_of(draw: st.DrawFn, answer: Answer, style: ChunkStyle) -> list[Object]:
    """Return the deltas of an answer, split anywhere, with empty ones in between."""
    tags = style.reasoning == "tags" and _fits_tags(answer)
    deltas: list[Object] = []
    call_count = text_length = 0
    group: list[CallPart] = []
    for part in [*answer, None]:
        if isinstance(part, CallPart):
            group.append(part)
            continue
        if group:
            deltas += draw(_call_deltas(group, call_count, style.calls))
            call_count += len(group)
            group = []
        if part is None:
            break
        if isinstance(part, ImagePart):
            deltas.append(_image(part, style))
            continue
        text = part.text
        if tags and part.kind == "reasoning":
            text = f"<think>{text}</think>" + draw(st.sampled_from(["", "\n", "\r\n\n"]))
        for piece in draw(splits(text)):
            deltas.append(_delta(part.kind, piece, style, tags))
            if draw(st.integers(0, 9)) == 0:
                deltas.append(draw(st.sampled_from([{}, {"content": ""}, {"tool_calls": []}, {"role": "assistant"}])))
        if part.kind == "text":
            deltas += _annotations(text_length, part.text, style)
            text_length += len(part.text)
    return deltas


def _image(image: ImagePart, style: ChunkStyle) -> Object:
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image.data}"}}
    return {"content": "", "images": [part]} if style.images == "images" else {"content": [part]}


def _annotations(start: int, text: str, style: ChunkStyle) -> list[Object]:
    """Return the deltas that cite the sources of a text; `start` is its place in the whole text."""
    if style.sources not in ("annotations", "places"):
        return []
    end = start + len(text)
    place = {"start_index": start, "end_index": end} if style.sources == "places" else {}
    return [
        {"annotations": [{"type": "url_citation", "url_citation": {"url": url, "title": "A", **place}}]}
        for url in SOURCES
    ]


def _fits_tags(answer: Answer) -> bool:
    """Whether think tags can express the answer: one piece of thinking, at its start, and no tags in the text."""
    first = answer[0]
    kinds = [part.kind for part in answer if isinstance(part, TextPart)]
    return (
        isinstance(first, TextPart)
        and first.kind == "reasoning"
        and kinds.count("reasoning") == 1
        and "</" not in first.text
        and not any(isinstance(part, TextPart) and part.text[:1] in "\r\n" for part in answer[1:])
    )


def _delta(kind: str, text: str, style: ChunkStyle, tags: bool) -> Object:
    if kind == "refusal":
        return {"refusal": text}
    if kind == "text" and style.as_audio and not tags:
        return {"content": None, "audio": {"id": "audio_1", "transcript": text}}
    if kind == "text" or tags:
        return {"content": [{"type": "text", "text": text}] if style.reasoning == "parts" else text}
    details = [{"type": "reasoning.text", "text": text, "index": 0}]
    return {
        "reasoning_content": {"reasoning_content": text},
        "reasoning": {"reasoning": text},
        "reasoning_details": {"reasoning": "", "reasoning_details": details},
        "both": {"reasoning": text, "reasoning_content": text, "reasoning_details": details},
        "parts": {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]},
        "tags": {"reasoning_content": text},
    }[style.reasoning]


@st.composite
def _call_deltas(draw: st.DrawFn, group: list[CallPart], before: int, style: CallStyle) -> list[Object]:
    """Return the deltas of consecutive calls; `before` calls of the answer precede them."""
    lines = [
        _call_pieces(call, draw(splits(call.arguments)), before + position, style)
        for position, call in enumerate(group)
    ]
    if style.together and all(len(line) == 1 for line in lines):
        return [{"tool_calls": [piece for line in lines for piece in line]}]
    if style.interleaved:
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


def _call_pieces(call: CallPart, fragments: list[str], number: int, style: CallStyle) -> list[Object]:
    """Return the entries of `tool_calls` for one call."""
    parts: list[Any] = list(fragments)
    if style.arguments != "split":
        parts = [call.arguments]
    if style.arguments == "object" and call.arguments:
        parts = [json.loads(call.arguments)]
    entries: list[Object] = []
    for position, part in enumerate(parts or [""]):
        later = position > 0
        entry: Object = {"type": "function", "function": {"arguments": part}}
        if style.index != "none":
            entry["index"] = {"counted": number, "minus one": -1, "zero": 0}[style.index]
        if style.id != "none" and (not later or style.id == "always"):
            entry["id"] = f"call_{number}"
        elif style.id == "empty later":
            entry["id"] = ""
        if not later or style.name == "always":
            entry["function"]["name"] = call.name
        elif style.name != "once":
            entry["function"]["name"] = "" if style.name == "empty later" else None
        entries.append(entry)
    return entries


@st.composite
def splits(draw: st.DrawFn, text: str) -> list[str]:
    """Split a text anywhere."""
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=3)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
