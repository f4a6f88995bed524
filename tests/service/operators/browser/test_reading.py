"""Reading while something changes, by keyboard and by ear: the focus and places stay, every control has a name."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.service.operators.browser.conftest import ASKED, newest
from tests.support.client import Client
from tests.support.servers.service import Service

pytestmark = pytest.mark.browser

Open = Callable[..., Any]


def open_newest(open_page: Open, model: str) -> Any:
    page = open_page("/inspector/settings")
    page.goto(page.url.partition("/inspector")[0] + newest(page, model))
    page.wait_for_selector("body[data-ready]")
    return page


def test_new_rows_that_are_asked_for_leave_the_focus_in_the_list(open_page: Open, service: Service) -> None:
    page = open_page("/inspector")
    page.locator(".live.on").wait_for()
    page.keyboard.press("p")
    service.post({"model": "waits-1", "input": "Hello"})
    page.get_by_role("button", name="1 new").focus()
    page.keyboard.press("Enter")
    page.get_by_role("cell", name="waits-1", exact=True).wait_for()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Responses"
    assert page.get_by_role("button", name="Go on").get_attribute("aria-pressed") is None, "its name says its state"


def test_a_list_that_is_not_seen_keeps_no_connection(open_page: Open, service: Service) -> None:
    """A browser has six to a server, so the seventh list would never come."""
    turn = """isHidden => {
        Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    first = page = open_page("/inspector")
    for _ in range(7):
        page.locator(".live.on").wait_for()
        page.evaluate(turn, True)
        page = first.context.new_page()
        page.goto(first.url)
    page.close()
    service.post({"model": "unseen", "input": "Hello"})
    first.wait_for_timeout(1500)
    row = first.get_by_role("cell", name="unseen", exact=True)
    assert row.count() == 0
    first.evaluate(turn, False)
    row.wait_for()
    first.locator(".live.on").wait_for()


def test_upstreams_are_renewed_in_place(open_page: Open, service: Service) -> None:
    page = open_page("/inspector/upstreams", viewport={"width": 320, "height": 640})
    table = page.get_by_role("region", name="Upstreams")
    before = table.inner_text()
    table.focus()
    table.evaluate("one => { one.scrollLeft = 120; }")
    service.post({"model": "counted", "input": "Hello"})
    has_changed = "before => document.querySelector('[aria-label=Upstreams]').innerText !== before"
    page.wait_for_function(has_changed, arg=before)
    assert table.evaluate("one => [one.scrollLeft, document.activeElement === one]") == [120, True]


def test_every_control_has_a_name_of_its_own(open_page: Open, service: Service) -> None:
    headers = {"x-client-request-id": "mine-1", "traceparent": f"00-{'0af7' * 8}-{'b7ad' * 4}-01"}
    service.request("POST", "/v1/responses", {**ASKED, "model": "named"}, headers=headers)
    page = open_newest(open_page, "named")
    names = page.locator("main button:visible").evaluate_all(
        "all => all.map(one => one.getAttribute('aria-label') ?? one.textContent)"
    )
    assert len(names) > 10
    assert sorted(set(names)) == sorted(names)
    assert {"Copy the request", "Copy the trace id", "Copy the client's request id"} <= {*names}


def test_lessons_are_forgotten_by_keyboard(open_page: Open, service: Service) -> None:
    for model in ("learns-one", "learns-two"):
        service.post({"model": model, "input": "Hello", "stream": True})
    page = open_page("/inspector/lessons")
    page.get_by_role("button", name="Forget stream_options of learns-one").focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog", name="Forget stream_options of learns-one?").wait_for()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Forget stream_options of learns-one"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("row").filter(has_text="learns-one").wait_for(state="detached")
    assert page.locator("#announcer").inner_text() == "1 lesson forgotten"
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.get_by_role("row").filter(has_text="learns-two").count() == 1


def test_a_key_leads_past_hundreds_of_lines(open_page: Open, service: Service) -> None:
    service.post({**ASKED, "model": "far-below"})
    page = open_newest(open_page, "far-below")
    assert page.title() == "far-below, completed · inspector"
    page.keyboard.press("r")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Translate only").wait_for()


def test_a_replay_by_keyboard_says_how_it_ended(open_page: Open, service: Service) -> None:
    service.post({**ASKED, "model": "by-keys"})
    page = open_newest(open_page, "by-keys")
    page.get_by_text("Replay", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_label("Model there").focus()
    page.keyboard.type("other")
    page.keyboard.press("Enter")
    page.locator("#announcer").filter(has_text="For default, other, dialect default: not equal").wait_for()
    assert page.evaluate("document.activeElement.name") == "model"


def test_marks_and_bars_are_seen_where_colours_are_forced(open_page: Open, service: Service) -> None:
    service.post({**ASKED, "model": "contrast"})
    page = open_newest(open_page, "contrast")
    page.emulate_media(forced_colors="active")
    page.keyboard.press("n")
    assert page.locator(".marked").evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    bar, track = (page.locator(f".waterfall {name}").first for name in (".span", ".track"))
    colour = "one => getComputedStyle(one).backgroundColor"
    assert bar.evaluate(colour) != track.evaluate(colour)


@pytest.mark.parametrize("has_api", [True, False], ids=["over HTTPS or locally", "over plain HTTP"])
def test_copied_is_what_was_recorded(open_page: Open, service: Service, has_api: bool) -> None:
    service.post({**ASKED, "model": "copied"})
    page = open_newest(open_page, "copied")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    read = "navigator.clipboard.readText()"
    recorded = page.evaluate("fetch(location.pathname.replace('/r/', '/api/recordings/')).then(found => found.json())")
    page.evaluate("navigator.clipboard.writeText('before')")
    if not has_api:
        page.evaluate("window.real = navigator.clipboard")
        page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
        read = "window.real.readText()"
    button = page.get_by_role("button", name="Copy the request", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    page.locator("#announcer").filter(has_text="copied").wait_for()
    assert page.evaluate(read) == recorded["recorded"]["request"]
    assert page.evaluate("document.activeElement.textContent") == "copied"


def test_a_list_that_the_filters_leave_empty_says_so(open_page: Open, admin: Client) -> None:
    page = open_page("/inspector?model=there-is-none")
    page.get_by_text("No response is as the filters say.").wait_for()
    assert page.get_by_text("No responses yet.").count() == 0


def test_durations_and_sizes_are_rounded_to_what_is_read(open_page: Open) -> None:
    page = open_page("/inspector/settings")
    shown = page.evaluate("""() => import("/inspector/static/format.js").then(({ milliseconds, size }) => [
        [0, 9.94, 9.96, 999.4, 999.6, 59994, 59996, 119600].map(milliseconds),
        [1023, 1024, 1048575, 1048576].map(size)])""")
    assert shown == [
        ["0.0 ms", "9.9 ms", "10 ms", "999 ms", "1.00 s", "59.99 s", "1 min 0 s", "2 min 0 s"],
        ["1023 B", "1.0 KB", "1.0 MB", "1.0 MB"],
    ]
