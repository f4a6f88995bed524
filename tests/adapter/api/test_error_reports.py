"""The ladder from exceptions to errors and log lines, which HTTP and WebSocket share."""

from datetime import UTC, datetime
from typing import Any

import pytest

from adapter.api.error_reports import report_error
from adapter.api.request.prompts import UnusablePrompt
from adapter.event_loop.client_watch import ClientDisconnected
from adapter.settings.caller_keys import CallerKey
from adapter.sharing.admission import BudgetExceeded
from adapter.store.base import NotFound, StoreDown
from translators.errors import RequestError, UpstreamError

LADDER = [
    (RequestError("No.", param="input", code="invalid_value"), 400, "info", "request error"),
    (RequestError("No.", status=401), 401, "info", "request error"),
    (UnusablePrompt("p", "it is no object"), 500, "error", "prompt cannot be used"),
    (UpstreamError("Busy.", status=429), 429, "warning", "upstream failed"),
    (NotFound("resp_1"), 404, "info", "request error"),
    (StoreDown("disk I/O error"), 503, "error", "store down"),
    (ClientDisconnected(), 499, "info", "client disconnected"),
    (RecursionError(), 400, "info", "request error"),
    (ZeroDivisionError("secret"), 500, "error", "unhandled exception"),
]


@pytest.mark.parametrize(("raised", "status", "level", "event"), LADDER)
def test_each_rung(raised: Exception, status: int, level: str, event: str, log_lines: list[dict[str, Any]]) -> None:
    report = report_error(raised)
    assert (report.error.status, report.level, report.event) == (status, level, event)
    report.write_log(path="/v1/responses")
    assert [(line["event"], line["level"], line["path"]) for line in log_lines] == [(event, level, "/v1/responses")]


def test_a_limit_is_logged_with_the_name_of_its_key(log_lines: list[dict[str, Any]]) -> None:
    key = CallerKey(name="search", digests=frozenset({"0" * 64}), tenant="team", tokens_per_day=1000)
    report_error(BudgetExceeded(key, "day", datetime(2026, 11, 30, tzinfo=UTC))).write_log()
    (line,) = log_lines
    assert (line["event"], line["caller_key"], line["limit"]) == ("limit reached", "search", "tokens_per_day")


def test_a_bug_is_told_to_the_log_alone() -> None:
    report = report_error(ZeroDivisionError("secret"))
    assert "secret" not in report.error.message
    assert isinstance(report.fields["exc_info"], ZeroDivisionError)


def test_what_is_not_found_has_a_name() -> None:
    assert report_error(NotFound("conv_1"), "Conversation").error.message == "Conversation with id 'conv_1' not found."
