"""What pages do while the server restarts, when the session is over, and when something that was asked for fails."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.operators.browser.conftest import ADMIN, answer, newest
from tests.service.operators.test_metrics import free_port
from tests.support import chat
from tests.support.client import Client
from tests.support.servers.service import Service
from tests.support.servers.upstream import Gate, Upstream, stream, whole

pytestmark = pytest.mark.browser

Visit = Callable[[str], Any]


@pytest.fixture
def restarts(tmp_path: Path, upstream: Upstream) -> Iterator[tuple[Service, str]]:
    """A server that can be restarted at its addresses, and that of its inspector."""
    port = free_port()
    settings = {"upstream_url": upstream.url, "admin_bind": f"127.0.0.1:{port}", "inspector": "contents"}
    with Service(tmp_path, workers=1, bind=f"127.0.0.1:{free_port()}", **settings) as service:
        yield service, f"http://127.0.0.1:{port}"


@pytest.fixture
def visit(chromium: Any) -> Iterator[Visit]:
    """Return the function that opens a page; a failed request is no fault here, but a script that breaks is."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(10_000)
    faults: list[str] = []

    def open_page(address: str) -> Any:
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: "Failed to load resource" in said.text or faults.append(said.text))
        page.goto(address)
        return page

    yield open_page
    context.close()
    assert faults == []


def sign_in(page: Any) -> None:
    page.get_by_label("Admin key").fill(ADMIN)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Responses").wait_for()


def test_the_list_goes_on_after_a_restart_without_what_has_ended(
    restarts: tuple[Service, str], visit: Visit
) -> None:
    service, address = restarts
    service.post({"model": "earlier", "input": "Hello"})
    page = visit(f"{address}/inspector")
    page.get_by_role("cell", name="earlier", exact=True).wait_for()
    page.locator(".live.on").wait_for()
    page.keyboard.press("j")
    service.stop()
    page.get_by_text("connection lost, trying again").wait_for()
    assert page.locator("#announcer").inner_text() == "The connection is lost; trying again."
    assert page.get_by_role("cell", name="earlier", exact=True).count() == 1
    service.start()
    page.get_by_role("cell", name="earlier", exact=True).wait_for(state="detached")
    assert page.locator("#announcer").inner_text() == "The server was restarted; its recordings begin anew."
    assert page.evaluate("document.activeElement.id") == "main", "the row that had the focus is gone"
    service.post({"model": "later", "input": "Hello"})
    page.get_by_role("cell", name="later", exact=True).wait_for()


def test_the_list_goes_on_when_a_proxy_has_answered_for_the_server(
    restarts: tuple[Service, str], visit: Visit
) -> None:
    service, address = restarts
    page = visit(f"{address}/inspector/settings")
    page.wait_for_selector("body[data-ready]")
    page.route(re.compile("/live"), lambda route: route.fulfill(status=502, body="Bad gateway"), times=1)
    page.goto(f"{address}/inspector")
    page.get_by_text("connection lost, trying again").wait_for()
    page.locator(".live.on").wait_for()
    service.post({"model": "later", "input": "Hello"})
    page.get_by_role("cell", name="later", exact=True).wait_for()


@pytest.mark.parametrize("view", ["", "/upstreams"])
def test_a_session_that_is_over_leads_to_the_form(served: tuple[Service, str], visit: Visit, view: str) -> None:
    address = served[1]
    page = visit(f"{address}/inspector{view}")
    sign_in(page)
    page.goto(f"{address}/inspector{view}")
    page.wait_for_selector("body[data-ready]")
    page.context.clear_cookies()
    if not view:  # the stream that is open goes on; the next one is refused
        page.evaluate("import('/inspector/static/api.js').then(({ follow }) => void follow(0, () => {}, () => {}))")
    page.wait_for_url("**/inspector/sign-in")


def test_a_response_in_progress_stays_while_the_server_is_away(
    restarts: tuple[Service, str], visit: Visit, upstream: Upstream
) -> None:
    service, address = restarts
    gate = Gate()
    upstream.plays(stream(chat.text("Hel"), gate, chat.text("lo"), chat.end()))
    with service.open_stream(model="waits") as exchange:
        exchange.read_until(b'"Hel"')
        page = visit(f"{address}/inspector")
        page.get_by_role("cell", name="waits", exact=True).wait_for()
        page.goto(address + newest(page, "waits"))
        page.get_by_role("heading", name="in progress").wait_for()
        failing = re.compile("/inspector/api/recordings/")
        page.route(failing, lambda route: route.abort())
        with page.expect_event("requestfailed"):
            pass
        assert page.get_by_role("heading", name="in progress").count() == 1
        page.unroute(failing)
        page.keyboard.press("4")
        gate.set()
        exchange.rest()
        page.get_by_role("heading", name="completed").wait_for()
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Events, contents"
        assert page.locator("#announcer").inner_text() == "The response is completed."


def test_a_recording_that_is_gone_says_so_under_its_reader(
    restarts: tuple[Service, str], visit: Visit, upstream: Upstream
) -> None:
    service, address = restarts
    gate = Gate()
    upstream.plays(stream(chat.text("Hel"), gate, chat.end()))
    with service.open_stream(model="goes") as exchange:
        exchange.read_until(b'"Hel"')
        page = visit(f"{address}/inspector")
        page.get_by_role("cell", name="goes", exact=True).wait_for()
        page.goto(address + newest(page, "goes"))
        gone = {"status": 404, "json": {"error": {"message": "There is no such recording."}}}
        page.route(re.compile("/inspector/api/recordings/"), lambda route: route.fulfill(**gone))
        page.get_by_role("alert").get_by_text("There is no such recording.").wait_for()
        assert page.get_by_role("heading", name="Waterfall").count() == 1
        gate.set()
        exchange.rest()


def test_a_lesson_that_cannot_be_forgotten_stays_with_a_word(
    restarts: tuple[Service, str], visit: Visit, upstream: Upstream
) -> None:
    service, address = restarts
    upstream.plays(whole(chat.error("Unrecognized request argument supplied: stream_options"), 400))
    service.post({"model": "learns", "input": "Hello", "stream": True})
    page = visit(f"{address}/inspector/lessons")
    row = page.get_by_role("row").filter(has_text="learns")
    row.wait_for()
    page.route(re.compile("/inspector/api/lessons"), lambda route: route.abort())
    row.get_by_role("button", name="Forget stream_options of learns").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget").click()
    page.get_by_role("alert").get_by_text("The server does not answer.").wait_for()
    assert row.count() == 1
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_new_key_is_shown_even_if_the_list_of_keys_fails(
    served: tuple[Service, str], visit: Visit, admin: Client
) -> None:
    admin.request("POST", "/keys", {"name": "once"})
    page = visit(f"{served[1]}/inspector/keys")
    sign_in(page)
    page.goto(f"{served[1]}/inspector/keys")
    page.get_by_role("button", name="Replace once").click()
    page.route(re.compile("/usage"), lambda route: route.abort())
    page.get_by_role("dialog").get_by_role("button", name="Replace").click()
    assert page.locator(".made code").inner_text().startswith("ra-")
    page.get_by_role("alert").get_by_text("The server does not answer.").wait_for()


def test_replay_is_tried_again_after_a_failure(restarts: tuple[Service, str], visit: Visit, upstream: Upstream) -> None:
    service, address = restarts
    upstream.otherwise = answer
    service.post({"model": "again", "input": "Hello"})
    page = visit(f"{address}/inspector")
    page.get_by_role("cell", name="again", exact=True).wait_for()
    page.goto(address + newest(page, "again"))
    path = re.compile("/inspector/api/(upstreams|replay)")
    page.route(path, lambda route: route.abort())
    page.get_by_text("Replay", exact=True).click()
    result = page.locator(".replay-result")
    result.get_by_text("The server does not answer.").wait_for()
    page.get_by_role("button", name="Translate only").click()
    result.get_by_text("The server does not answer.").wait_for()
    page.unroute(path)
    page.get_by_text("Replay", exact=True).click()
    page.get_by_text("Replay", exact=True).click()
    page.get_by_label("Dialect").select_option("mistral")
    page.get_by_role("button", name="Translate only").click()
    result.get_by_text("For default, again, dialect mistral").wait_for()


def test_a_request_is_sent_once_however_often_it_is_asked_for(
    restarts: tuple[Service, str], visit: Visit, upstream: Upstream
) -> None:
    service, address = restarts
    service.post({"model": "paid", "input": "Hello"})
    page = visit(f"{address}/inspector")
    page.get_by_role("cell", name="paid", exact=True).wait_for()
    page.goto(address + newest(page, "paid"))
    page.get_by_text("Replay", exact=True).click()
    gate, before = Gate(), len(upstream.requests)
    upstream.plays([gate, *whole(chat.completion("Hi"))])
    page.evaluate("""() => {
        const send = [...document.querySelectorAll("button")].find(one => one.textContent === "Send");
        for (let times = 0; times < 3; times++) send.click();
    }""")
    upstream.received(before + 1)
    gate.set()
    page.locator(".replay-result").get_by_text("It is completed.").wait_for()
    assert len(upstream.requests) == before + 1
