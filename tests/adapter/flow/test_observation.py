"""The log line of a response that has ended."""

from typing import Any

import pytest

from adapter.event_loop.client_watch import ClientWatch
from adapter.flow.caller import Caller
from adapter.flow.observation import log_end
from adapter.telemetry.logs import log
from translators.notes import Notes
from translators.responses.echo import first_snapshot
from translators.responses.request import CreateRequest


def logged_notes(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    events: list[dict[str, Any]] = []
    monkeypatch.setattr(log, "write", lambda level, event: events.append(event))
    response = first_snapshot(CreateRequest(model="m", input=(), raw_input=b"[]"), "resp_1", 1)
    log_end(Caller("t", None, None, ClientWatch()), response, "default", "websocket", None, 1.0, None, notes)
    found: list[str] = events[0]["notes"]
    return found


def test_a_note_is_logged_once_whatever_its_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = Notes()
    notes.add("tools", "dropped", "the provider has no 'web_search'")
    notes.add("tools", "dropped", "the provider has no 'file_search'")
    notes.add("tools", "approximated", "as functions")
    assert logged_notes(notes, monkeypatch) == ["tools: dropped", "tools: approximated"]


def test_only_some_of_many_notes_are_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = Notes()
    for number in range(25):
        notes.add(f"input[{number}]", "dropped", "its type is unknown")
    logged = logged_notes(notes, monkeypatch)
    assert (len(logged), logged[-1]) == (21, "and 5 more")
