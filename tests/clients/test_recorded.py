"""Every request that a real client was recorded to send is understood, and what leaves is valid for a strict provider.

`REFUSED` are those that the documentation refuses, with the parameter that the refusal names.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from adapter.files import pdf
from tests.clients.judge import complaints_of
from tests.clients.recorded import TranslatedRequest, runs, translate_run
from tests.support.beside import RECORDED_CLIENTS
from translators.dialects.dialect import Dialect
from translators.dialects.presets import PRESETS
from translators.errors import RequestError

pytestmark = pytest.mark.skipif(not RECORDED_CLIENTS.is_dir(), reason=f"no recorded clients in {RECORDED_CLIENTS}")

REFUSED = {
    "openai-py/image_and_file[1]": "input[0].content[1]",  # a PDF of nine bytes, which nothing can read
}
TAKES_FILES = {"openai", "openrouter"}
"""Providers to which a file goes unread."""
LACKS = {"deepseek": re.compile(r"input\[\d+\]\.content\[\d+\]"), "perplexity": re.compile("tool_choice")}
"""What a provider cannot be asked at all: for a look at an image, to call a tool."""

Object = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def pdf_is_read_once() -> Iterator[None]:
    """The same file is sent to every preset, and each reading of a PDF starts a process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pdf, "_read", cache(pdf._read))
        yield


@pytest.mark.parametrize("run", runs())
def test_what_leaves_is_valid_for_every_provider(run: str) -> None:
    for dialect in PRESETS.values():
        for translated in translate_run(run, dialect):
            judge(translated, dialect)


def judge(translated: TranslatedRequest, dialect: Dialect) -> None:
    """Assert that the chat request is valid for its provider, or that the request ends in the expected error."""
    place = f"{translated.place} for {dialect.name}"
    if isinstance(translated.result, RequestError):
        param = translated.result.param or ""
        lacks = dialect.name in LACKS and LACKS[dialect.name].fullmatch(param)
        assert lacks or param == REFUSED.get(translated.place), f"{place}: {translated.result}"
        return
    assert translated.place not in REFUSED or dialect.name in TAKES_FILES, place
    found = complaints_of(dialect, translated.result)
    assert found == [], place


@pytest.mark.parametrize("name", [name for name, dialect in PRESETS.items() if not dialect.alternating])
def test_a_conversation_that_grows_keeps_its_beginning(name: str) -> None:
    """Byte by byte, so that the provider's prompt cache stays warm; where turns alternate, the last one may grow."""
    grown = 0
    for run in runs():
        before: TranslatedRequest | None = None
        for translated in translate_run(run, PRESETS[name]):
            if isinstance(translated.result, RequestError):
                before = None
                continue
            if before is not None and continues(before.body, translated.body):
                assert not isinstance(before.result, RequestError)
                assert translated.result.json.startswith(before.result.json[: -len("]}")]), translated.place
                grown += 1
            before = translated
    assert grown >= 75


def continues(before: Object, body: Object) -> bool:
    """Whether a request says the same as the one before it, and more."""
    if settings(before) != settings(body):
        return False
    if body.get("previous_response_id") or body.get("conversation"):
        return True
    earlier = before["input"]
    return isinstance(earlier, list) and bool(body["input"][: len(earlier)] == earlier)


def settings(body: Object) -> Object:
    apart = ("input", "previous_response_id", "client_metadata")
    return {name: value for name, value in body.items() if name not in apart}


REPEATED = {
    "semantic-kernel/stateless[0]": ["user: one"],
    "semantic-kernel/stateless[1]": ["user: one", "assistant", "user: two"],
    "semantic-kernel/threads[1]": ["user: one", "assistant", "user: two"],
    "semantic-kernel/tools[1]": ["user", "assistant", "tool"],
    "semantic-kernel/tools_stream[1]": ["user", "assistant", "tool"],
    "semantic-kernel/tools_two_rounds[1]": ["user", "assistant", "tool"],
    "semantic-kernel/tools_two_rounds[2]": ["user", "assistant", "tool", "assistant", "tool"],
}
"""Semantic Kernel sends again what was said and answered: the user's message twice, and with every round all outputs
of earlier rounds. What must be left, without the instructions; short texts in full."""


@pytest.mark.parametrize("place", REPEATED)
def test_what_is_repeated_is_said_once(place: str) -> None:
    run = place.partition("[")[0]
    requests = translate_run(run, PRESETS["default"])
    found = next(translated.chat["messages"] for translated in requests if translated.place == place)
    told = [
        f"user: {message['content']}" if message["content"] in ("one", "two") else message["role"] for message in found
    ]
    assert told == ["system", *REPEATED[place]]


def test_the_recordings_hold_what_is_told_of_them() -> None:
    assert sum(len(list(translate_run(run, PRESETS["default"]))) for run in runs()) == 292
