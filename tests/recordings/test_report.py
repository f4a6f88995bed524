"""docs/recordings.md tells of the recordings as they are."""

from tests.recordings.recording import needed
from tests.recordings.report import PAGE, page

pytestmark = needed


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "stale: run python -m tests.recordings.report"
