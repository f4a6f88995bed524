"""Log lines: one JSON object or one readable line for each event, whoever says it."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from adapter.telemetry import logs
from adapter.telemetry.logs import log, log_context


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, own = root.handlers[:], root.level, (log.lowest, log.write)
    log_context.set({})  # of a request that another test has served here
    yield
    root.handlers[:], root.level, (log.lowest, log.write) = handlers, level, own


def lines_of(file: io.BytesIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.getvalue().splitlines()]


def test_an_event_is_one_json_line_with_its_fields() -> None:
    logs.configure("info", "json", file := io.BytesIO())
    log.info("response finished", status="completed", seconds=1.5)
    (line,) = lines_of(file)
    assert list(line) == ["time", "level", "event", "status", "seconds"]
    assert (line["level"], line["event"], line["status"], line["seconds"]) == (
        "info", "response finished", "completed", 1.5,
    )  # fmt: skip
    assert line["time"].endswith("+00:00")


def test_what_is_bound_to_the_context_is_in_every_line() -> None:
    logs.configure("info", "json", file := io.BytesIO())
    log_context.set({"request_id": "req_1"})
    log.info("a", model="m")
    log_context.set({})
    log.info("b")
    one, other = lines_of(file)
    assert (one["request_id"], one["model"]) == ("req_1", "m")
    assert "request_id" not in other


@pytest.mark.parametrize("format", ["json", "console"])
def test_levels_below_the_configured_one_are_silent(format: str) -> None:
    logs.configure("warning", format, file := io.BytesIO())
    log.info("unseen")
    logging.getLogger("gunicorn.error").info("unseen")
    log.warning("seen")
    logging.getLogger("gunicorn.error").warning("seen too")
    assert b"unseen" not in file.getvalue()
    assert file.getvalue().count(b"\n") == 2


def test_other_libraries_speak_in_the_same_form() -> None:
    logs.configure("info", "json", file := io.BytesIO())
    logging.getLogger("gunicorn.error").error("Worker (pid:%s) was sent %s!", 7, "SIGKILL")
    (line,) = lines_of(file)
    assert (line["level"], line["logger"]) == ("error", "gunicorn.error")
    assert line["event"] == "Worker (pid:7) was sent SIGKILL!"


@pytest.mark.parametrize("format", ["json", "console"])
def test_a_traceback_names_places_but_no_values(format: str) -> None:
    logs.configure("info", format, file := io.BytesIO())
    prompt = "tell nobody"
    for write in (log.exception, logging.getLogger("other").exception):
        try:
            prompt.index("x")
        except ValueError:
            write("failed")
    text = file.getvalue().decode()
    assert text.count("ValueError: substring not found") == 2
    assert prompt not in text


def test_a_field_that_is_no_json_does_not_cost_the_line() -> None:
    logs.configure("info", "json", file := io.BytesIO())
    log.info("odd", thing=object, half="\ud800", key={1: 2})
    (line,) = lines_of(file)
    assert (line["thing"], line["half"], line["key"]) == ("<class 'object'>", "\ud800", {"1": 2})


def test_the_console_form_is_for_people() -> None:
    logs.configure("info", "console", file := io.BytesIO())
    log.info("response finished", status="completed")
    (line,) = file.getvalue().decode().splitlines()
    assert "response finished" in line
    assert "status=completed" in line
    assert "\x1b" not in line, "colours outside a terminal"


class Terminal(io.BytesIO):
    def isatty(self) -> bool:
        return True


def test_lines_are_for_people_on_a_terminal_and_for_machines_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for file in (terminal := Terminal(), pipe := io.BytesIO()):
        logs.configure("info", "auto", file)
        log.warning("not ready", reason="the disk\nis full", note=None)
    assert "\x1b[33mnot ready" in terminal.getvalue().decode()
    assert "reason=the disk is full" in terminal.getvalue().decode()
    assert "note" not in terminal.getvalue().decode()
    assert lines_of(pipe)[0]["reason"] == "the disk\nis full"


def test_a_response_is_one_short_line() -> None:
    logs.configure("info", "console", file := io.BytesIO())
    log.info(
        "response", response_id="resp_01a2249bf59b2c63", tenant="6d259aa47b21", transport="sse", model="qwen3:8b",
        upstream="default", status="incomplete", error=None, incomplete="max_output_tokens", input_tokens=367,
        cached_tokens=300, output_tokens=19, reasoning_tokens=0, first_token=0.085,
        seconds=0.513, notes=["tools: dropped"], request_id="req_58509afa",
    )  # fmt: skip
    (line,) = file.getvalue().decode().splitlines()
    told = " ".join(line.split())
    assert "incomplete: max_output_tokens qwen3:8b 0.51 s first 0.09 s 367 (300 cached) + 19 tokens" in told
    assert told.endswith("notes=tools: dropped req 9afa")
    assert len(line) < 200


def test_nothing_in_a_line_for_people_steers_the_terminal() -> None:
    logs.configure("info", "console", file := io.BytesIO())
    hostile = "m\x1b[2J\u202e\nx"
    log.info("response", status="completed", model=hostile, upstream="default", seconds=0.1, notes=[hostile])
    log.warning("request error", path=hostile, status=404)
    lines = file.getvalue().decode().splitlines()
    assert [line for line in lines if not line.isprintable()] == []
    assert len(lines) == 2
    assert all("m<U+001B>[2J<U+202E> x" in line for line in lines)


class Broken(io.BytesIO):
    """A file of which the disk is full, or the reader gone."""

    def write(self, _: Any) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        raise BrokenPipeError


@pytest.mark.parametrize("format", ["json", "console"])
def test_a_line_that_cannot_be_written_costs_nothing(format: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", format, Broken())
    log.info("lost")
    logging.getLogger("gunicorn").error("lost")
    logs.configure("info", format, closed := io.BytesIO())
    closed.close()
    log.info("lost")
    assert capsys.readouterr().err == ""


def test_a_process_that_configures_nothing_writes_for_people_to_standard_error(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "write", logs._write_unconfigured)
    monkeypatch.setattr(log, "lowest", logging.WARNING)
    log.info("unseen")
    log.warning("not ready", reason="store")
    out, err = capsysbinary.readouterr()
    assert out == b""
    assert b"not ready" in err
    assert b"reason=store" in err
    assert b"unseen" not in err
