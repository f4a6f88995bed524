"""Numbers in the text of the pages are those of the code."""

import re

import pytest

from adapter.api.admin.session import SECONDS as SESSION_SECONDS
from adapter.api.websocket.connection import MAX_CONNECTION_SECONDS, MAX_EMPTY_FRAMES
from adapter.api.websocket.session import MAX_CONCURRENT_RESPONSES, MAX_STREAM_IDS
from adapter.flow.tools.tool_rounds import MAX_CONCURRENT_CALLS
from adapter.hosting.mcp.results import MAX_RESULT_BYTES
from adapter.hosting.mcp.tools import MAX_LIST_BYTES
from adapter.hosting.results import MAX_TEXT_BYTES
from adapter.server.client_sockets import HEAD_SECONDS, MAX_HEAD_BYTES
from adapter.server.troubles import FILES
from adapter.settings.settings import Settings
from adapter.telemetry.inspector.spool import MAX_AGE, MAX_RECORDINGS
from adapter.upstream.lessons import LIFETIME
from adapter.upstream.routing.health import COOLDOWN, LONGEST_COOLDOWN
from adapter.upstream.routing.retries import LONGEST_DELAY
from tests.docs.pages.blocks import DOCS
from translators.context.summary import MAX_SUMMARY_TOKENS

KB, MB = 1024, 1024 * 1024
WORDS = {5: "five", 6: "six", 8: "eight", 10: "ten"}
DEFAULT = Settings()

NUMBERS: list[tuple[str, str, float]] = [
    ("limits.md", "A WebSocket lasts {} minutes", MAX_CONNECTION_SECONDS / 60),
    ("limits.md", "has {} stream ids", MAX_STREAM_IDS),
    ("limits.md", "and {} responses at a time", MAX_CONCURRENT_RESPONSES),
    ("limits.md", "{} control frames or empty pieces", MAX_EMPTY_FRAMES),
    ("limits.md", "head {} KB", MAX_HEAD_BYTES / KB),
    ("limits.md", "has at most {} tokens with its thinking", MAX_SUMMARY_TOKENS),
    ("limits.md", "is left out for {} hours", LIFETIME / 3600),
    ("troubleshooting.md", "is left out for {} hours", LIFETIME / 3600),
    ("troubleshooting.md", "`ADAPTER_UPSTREAM_TIMEOUT` ({} s)", DEFAULT.upstream_timeout),
    ("troubleshooting.md", "It ends after {} minutes of silence", DEFAULT.upstream_timeout / 60),
    ("providers/openrouter.md", "is left out for {} hours", LIFETIME / 3600),
    ("inspector.md", "there are at most {}, of at most a day", MAX_RECORDINGS),
    ("inspector.md", "`ADAPTER_INSPECTOR_BYTES` ({} MiB", DEFAULT.inspector_bytes / MB),
    ("inspector.md", "a cookie for {} hours", SESSION_SECONDS / 3600),
    ("deployment.md", "raises its limit of open files to {} if", FILES),
    ("deployment.md", "({} seconds for a request head)", HEAD_SECONDS),
    ("deployment.md", "`ADAPTER_SHUTDOWN_GRACE` ({} s)", DEFAULT.shutdown_grace),
    ("routing.md", "gets a cooldown of {} seconds", COOLDOWN),
    ("routing.md", "each further one after twice the time, up to {} seconds", LONGEST_DELAY),
    ("routing.md", "`ADAPTER_RETRIES` ({})", DEFAULT.retries),
    ("tools.md", "`timeout` for a call; {} MiB and 50 pages of list", MAX_LIST_BYTES / MB),
    ("tools.md", "256 KiB of arguments, {} MiB of answer", MAX_RESULT_BYTES / MB),
    ("tools.md", "The model reads at most {} KB of a result", MAX_TEXT_BYTES / KB),
    ("tools.md", "they run at the same time, at most {};", MAX_CONCURRENT_CALLS),
    ("files.md", "`ADAPTER_MAX_FILE_BYTES` ({} MB)", DEFAULT.max_file_bytes / MB),
]


@pytest.mark.parametrize(("page", "phrase", "number"), NUMBERS, ids=lambda value: str(value)[:50])
def test_a_number(page: str, phrase: str, number: float) -> None:
    text = " ".join((DOCS / page).read_text().split())
    before, _, after = phrase.partition("{}")
    shown = re.findall(re.escape(before) + r"([\w,.]+)" + re.escape(after), text)
    assert set(shown) & {f"{number:,g}", f"{number:g}", WORDS.get(int(number), "")}, shown


def test_periods_that_have_a_word() -> None:
    assert MAX_AGE == 24 * 3600, "inspector.md: of at most a day"
    assert LONGEST_COOLDOWN == 60, "routing.md: up to a minute"
