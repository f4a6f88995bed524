"""docs/recordings.md: what was recorded of each provider, and how much of it comes out exactly.

`python -m tests.recordings.report` writes it anew from the recordings; nothing on the page is written by hand.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.recordings.comparison import EXCEPTIONS, failure, misses, told
from tests.recordings.errors import Expected, expected
from tests.recordings.recording import Recording, recordings

PAGE = Path(__file__).parents[2] / "docs" / "recordings.md"

ABOUT = """\
# What providers send, and what comes out

*For people who want proof: how the recorded answers of {providers} providers come out.*

Recorded answers of {providers} providers and gateways, played through this adapter as upstream. A recording counts as
exact if the text, thinking, refusal, calls with their ids and arguments, sources, ending and token counts of the
response are those of the recording, and the stream is grammatical. What a recording says is read by a reader that
shares no code with the adapter. Of {raw} recordings that hold what the provider sent byte by byte, each also comes out
event for event the same when it arrives in its packets and when it arrives byte by byte. An error counts as mapped if
status, type, code and param are the ones that were decided by reading it.

The recordings are not part of this project; where they lie beside it, `make test` plays them and checks this page.
Written by `python -m tests.recordings.report`.

| | exact | of |
|---|---|---|
"""

FORMS = """
## Provider by provider

Streamed, whole and errors are numbers of recordings; exact is the share of all three that come out as they should. The
forms are those that were seen in at least one recording, those of streams in one that is as sent; OpenAI's own form is
not named (no thinking, token counts in a chunk of their own, one `data:` line and a blank line per event, `[DONE]`).

| provider | streamed | whole | errors | exact | thinking in | token counts in | stream |
|---|---|---|---|---|---|---|---|
"""

NAMED = """
## Recordings that do not come out exactly

"""

READING = """
## How answers are read

- **Endings.** Finish reasons of every provider are read in any case and behind prefixes (`FinishReason.MAX_TOKENS`,
  `function_call_filter: MALFORMED_FUNCTION_CALL`): completed, incomplete, or failed. A full context window without
  output fails with `context_length_exceeded`; with output, the response is incomplete. An unknown word is judged by its
  stem, with a note. If that says nothing, the response is completed if it has output, otherwise failed.
- **Framing.** Keep-alives behind `data:` are skipped. Several chunks in one event, and a chunk or completion in an
  envelope (`{"data": {…}, "success": true}`), are read. An answer with status 200 that is none of this is a 502, or
  `response.failed` in a stream, with its first words.
- **Calls written as text.** If the server in front of a model does not read its calls, their marks arrive as content.
  The marks of Kimi, Hermes, Qwen, Qwen3-Coder, GLM, DeepSeek (DSML too), MiniMax, Mistral, Llama, Gemma, Command A,
  Granite, gpt-oss and others (the rows of `translators/to_responses/content/forms.py`) become calls, with a note, where
  they name a declared function; other text between marks stays text, with a note. Calls with which thinking ends become
  calls, too, if the model wrote nothing else. A call that also came as a call is dropped.
- **JSON in the thinking.** If a JSON format is requested, the content is empty and the thinking ends with JSON that
  fits, that is the answer, with a note.
- **Token counts** are read under every name seen so far. As in OpenAI's API, cached tokens are part of the input and
  thinking is part of the output: counts that a provider keeps apart (xAI, Anthropic) are added. No part is larger than
  its whole, and no total smaller than its parts.
"""

THINKING = {
    "reasoning_content": r"\+(delta|msg)\.reasoning_content$",
    "reasoning": r"\+(delta|msg)\.reasoning$",
    "reasoning_details": r"\+(delta|msg)\.reasoning_details$",
    "content parts": r"content-part=thinking",
    "think tags": r"think-tags",
    "extra_content": r"\+(msg|delta)\.extra_content",
}
COUNTS = {
    "the last choice's chunk": r"usage-with-finish",
    "every chunk": r"usage-every-chunk",
    "more than one chunk": r"usage-twice",
    "x_groq": r"usage-in-x_groq",
}
STREAM = {
    "no [DONE]": r"no-DONE",
    "CRLF": r"crlf",
    "no space behind data:": r"data-nospace",
    "comments": r"comment:",
    "event lines": r"event:",
    "errors inside": r"in-stream-error|error-in-200",
    "finish repeated": r"finish-repeated",
    "chunks behind the finish": r"chunk-after-finish",
    "calls whole": r"tc-args-whole",
    "calls without index": r"tc-index-missing",
    "calls without id": r"tc-first-no-id|tc-no-id",
    "no choices first": r"choices-empty-first",
    "ids change": r"id-changes",
}
"""The forms that a recording's features tell of, each by the pattern of the feature."""


def page() -> str:
    """Return the page as the recordings have it."""
    every = recordings("stream", "json", "error")
    wrong = [recording for recording in every if not is_exact(recording)]
    providers = sorted({recording.provider for recording in every})
    raw = sum(recording.is_raw and recording.kind != "error" for recording in every)
    return "".join(
        [
            ABOUT.format(providers=len(providers), raw=raw),
            *_totals(every, wrong),
            FORMS,
            *(_row(provider, [one for one in every if one.provider == provider], wrong) for provider in providers),
            NAMED,
            *(f"- {recording.provider}, {_case(recording)}: {EXCEPTIONS[recording.file]}\n" for recording in wrong),
            READING,
        ]
    )


def is_exact(recording: Recording) -> bool:
    """Whether a recording comes out as it should."""
    if recording.kind != "error":
        return not misses(told(recording), [recording.body()])
    error = failure(recording)
    return error is not None and Expected(error.status, error.type, error.code, error.param) == expected(recording)


def _totals(every: list[Recording], wrong: list[Recording]) -> Iterator[str]:
    kinds = {"streams": ("stream",), "whole answers": ("json",), "errors": ("error",)}
    for title, kind in kinds.items():
        for what, is_raw in (("as sent", True), ("written down again", False)):
            of = [recording for recording in every if recording.kind in kind and recording.is_raw == is_raw]
            yield f"| {title}, {what} | {len(of) - sum(one in wrong for one in of)} | {len(of)} |\n"


def _row(provider: str, every: list[Recording], wrong: list[Recording]) -> str:
    counts = [str(sum(one.kind == kind for one in every) or "") for kind in ("stream", "json", "error")]
    exact = sum(one not in wrong for one in every) / len(every)
    as_sent = [recording for recording in every if recording.is_raw]
    forms = [_forms(every, THINKING), _forms(as_sent, COUNTS), _forms(as_sent, STREAM)]
    return f"| {' | '.join([provider, *counts, f'{100 * exact:.4g} %', *forms])} |\n"


def _forms(every: Iterable[Recording], table: dict[str, str]) -> str:
    seen = Counter(
        form
        for recording in every
        for form, feature in table.items()
        if any(re.match(feature, one) for one in recording.features)
    )
    return ", ".join(form for form in table if seen[form])


def _case(recording: Recording) -> str:
    return f"`{recording.file.rpartition('__')[2]}`"


if __name__ == "__main__":
    PAGE.write_text(page())
