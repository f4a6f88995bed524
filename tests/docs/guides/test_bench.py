"""bench/README.md lists each scenario with its target; `heads` and `contents` are computed as it says."""

import asyncio
import os
import re
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bench.client import Run
from bench.load import CHAT, SLOT, Load, Outcome
from bench.measure import read_threads
from bench.recording import DECLINED, RECORDED, RecordingCost, Window
from bench.report import all_met, cost_rows, make_notes, to_json
from bench.results import Results
from bench.scenarios import NAMES, RECORDINGS, TIMED

TEXT = (Path(__file__).parents[3] / "bench/README.md").read_text()


def windows(*milliseconds: float) -> tuple[Window, ...]:
    """Return windows of ten requests of so many milliseconds each; the first is declined, the next recorded."""
    return tuple(Window(bool(at % 2), each / 100, 10) for at, each in enumerate(milliseconds))


def measured(*milliseconds: float, others: float = 0.0, rounds: int = 1) -> RecordingCost:
    return RecordingCost(windows(*milliseconds), others, Outcome(completed=100), rounds)


def test_every_scenario_is_in_the_table_with_its_target() -> None:
    targets = dict(re.findall(r"^\| `(\w+(?: \w+)?)` \|.*\| ([^|]*)\|$", TEXT, re.M))
    assert targets.keys() - {"hosted call", "idle alone"} == set(NAMES)
    for scenario in (*TIMED, *RECORDINGS):
        assert scenario.target is None or f"≤ {scenario.target:g} ×" in targets[scenario.name]


def test_a_recorded_window_is_compared_with_the_mean_of_those_beside_it() -> None:
    cost = measured(1.0, 1.65, 2.0, 3.3, 4.0)
    assert cost.pairs() == pytest.approx([1.1, 1.1])
    assert cost.ratio() == pytest.approx(1.1)


def test_the_median_of_the_pairs_counts() -> None:
    assert measured(1, 1.02, 1, 9, 1, 1.04, 1).ratio() == pytest.approx(1.04)


def test_the_time_of_other_threads_is_divided_among_the_recorded_requests() -> None:
    cost = measured(2, 2.2, 2, 2.2, 2, others=0.004)
    assert cost.others_cost() == pytest.approx(0.0002)  # 4 ms of 20 requests
    assert cost.ratio() == pytest.approx(1.1 + 0.2 / 2)
    assert cost.recorded_ms() == pytest.approx(2.4)


def test_a_recorded_window_without_one_on_either_side_has_its_thread_but_no_pair() -> None:
    cost = measured(2, 2.2, 2, 7, others=0.004)
    assert cost.ratio() == pytest.approx(1.1 + 0.2 / 2)


def test_a_window_in_which_no_request_ended_has_no_pair() -> None:
    cost = measured(1, 1.1, 1, 1.1, 1, 1.3, 1)
    stalled = replace(cost.windows[2], completed=0)
    assert replace(cost, windows=(*cost.windows[:2], stalled, *cost.windows[3:])).pairs() == pytest.approx([1.3])


def test_each_round_is_a_part_of_the_load() -> None:
    cost = measured(1, 1.1, 1, 1.2, 1, 1.3, 1, 1.5, 1, others=0.004, rounds=2)
    assert cost.ratios_of_rounds() == pytest.approx([1.25, 1.5])
    assert replace(cost, rounds=9).ratios_of_rounds() == pytest.approx([1.2, 1.3, 1.4, 1.6])


@pytest.mark.parametrize(("recorded", "verdict"), [(1.03, "ok"), (1.031, "OVER")])
def test_the_report_judges_the_ratio(recorded: float, verdict: str) -> None:
    results = Results(["nginx", "adapter"], recordings={"heads": measured(1, recorded, 1, recorded, 1, rounds=2)})
    figures = ("", "", f"{recorded:.2f}", f"{recorded:.3f}×", "", f"{recorded:.3f}–{recorded:.3f}")
    assert cost_rows(results) == [("heads", "CPU ms/request", *figures, "≤ 1.03× short", verdict)]
    assert all_met(results) is (verdict == "ok")
    json = to_json(results)["recording"]
    assert isinstance(json, dict)
    assert (json["heads"]["ratio"], json["heads"]["verdict"]) == (recorded, verdict)


@pytest.mark.parametrize(
    "cost", [measured(), replace(measured(1, 1, 1), outcome=Outcome(completed=98, errors=2, first_error="status 500"))]
)
def test_a_load_that_did_not_work_has_failed(cost: RecordingCost) -> None:
    results = Results(["adapter"], recordings={"contents": replace(cost, lost=1)})
    assert cost_rows(results)[0][-1] == "failed"
    assert "contents: 1 processes of the server ended meanwhile" in make_notes(results)
    assert any("contents: 2 of 100 failed: status 500" in note for note in make_notes(results)) is bool(cost.windows)


def test_requests_that_decline_are_as_long_as_others() -> None:
    assert len(DECLINED) == len(RECORDED)


def test_a_load_changes_the_head_of_its_requests_while_it_runs() -> None:
    async def ask() -> list[bytes]:
        run = Run(80, CHAT, Load(b'{"a": "' + SLOT + b'"}', False, 1))
        requests = [run.next_request()]
        for fields in (DECLINED, ""):
            run.ask_with(fields)
            requests.append(run.next_request())
        return requests

    heads, bodies = zip(*(request.split(b"\r\n\r\n") for request in asyncio.run(ask())), strict=True)
    assert heads[1] == heads[0] + b"\r\n" + DECLINED.encode().rstrip()
    assert heads[2] == heads[0]
    assert len(set(bodies)) == 3, "the number in the slot"
    assert f"content-length: {len(bodies[0])}".encode() in heads[1]


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="the kernel has no clock of each thread")
def test_the_main_thread_and_the_others_are_told_apart() -> None:
    spent, go = threading.Event(), threading.Event()

    def spend() -> None:
        until = time.thread_time() + 0.1
        while time.thread_time() < until:
            pass

    def spend_and_wait() -> None:
        spend()
        spent.set()
        go.wait()

    main_thread = threading.main_thread()
    assert threading.current_thread() is main_thread
    first = read_threads([os.getpid()])
    thread = threading.Thread(target=spend_and_wait)
    thread.start()
    spent.wait()
    second = read_threads([os.getpid()])
    spend()
    third = read_threads([os.getpid()])
    go.set()
    thread.join()
    assert second.others - first.others > 0.08
    assert third.main - second.main > 0.08
    assert third.others - second.others < 0.05
