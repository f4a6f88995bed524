"""The inspector's pages in a real browser: what they show, by keyboard, on narrow screens, for assistive technology."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from tests.service.operators.browser.conftest import ASKED, newest
from tests.support import chat
from tests.support.client import Client
from tests.support.servers.service import Service
from tests.support.servers.upstream import Gate, Upstream, stream

pytestmark = pytest.mark.browser

Open = Callable[..., Any]
VIEWS = ("", "/", "/conversations", "/upstreams", "/lessons", "/keys", "/settings", "/nothing", "/r/", "/c")
WIRE = Path(__file__).parents[3] / "wire"
HOSTILE = {
    "script": "</script><script>alert(1)</script>",
    "element": "<img src=x onerror=alert(1)>",
    "attribute": "\" onmouseover=\"alert(1)",
    "template": "${alert(1)}{{alert(1)}}",
    "address": "javascript:alert(1)",
    "direction": "abc\u202edef",
    "hidden": "abc\U000e0041\u00ad\u2060\u0085def",
}


def first_response(page: Any) -> str:
    """Return the path of the newest response of a list."""
    return str(page.locator("tbody a").first.get_attribute("href"))


def scheme_and_views(open_page: Open, scheme: str) -> list[Any]:
    page = open_page("/inspector", color_scheme=scheme)
    paths = [f"/inspector{view}" for view in VIEWS]
    rows = page.locator("tbody a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    chain = page.evaluate("fetch('/inspector/api/recordings').then(found => found.json())")
    paths += [rows[0], *(f"/inspector/c/{one['response_id']}" for one in chain["data"][-1:])]
    paths += [newest(page, "fails"), newest(page, "learns")]
    conversations = page.evaluate("fetch('/inspector/api/conversations').then(found => found.json())")
    return [page, [*paths, f"/inspector/conversations/{conversations['data'][0]['id']}"]]


def test_no_view_has_a_barrier(open_page: Open, scheme: str, axe: str) -> None:
    page, paths = scheme_and_views(open_page, scheme)
    found = []
    for path in paths:
        page.goto(page.url.partition("/inspector")[0] + path)
        page.wait_for_selector("body[data-ready]")
        for summary in page.locator("main details:not([open]) > summary").all()[:12]:
            if summary.is_visible():
                summary.click()
        page.evaluate(axe)
        result = page.evaluate("axe.run()")
        found += [
            f"{path}: {one['id']}: {one['help']}: {node['html'][:200]} {node['failureSummary'][:300]}"
            for one in result["violations"]
            for node in one["nodes"][:1]
        ]
    assert found == []


def test_the_scheme_is_the_systems(open_page: Open, scheme: str) -> None:
    page = open_page("/inspector", color_scheme=scheme)
    red, green, blue = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)")
    assert (red + green + blue > 3 * 128) == (scheme == "light")


@pytest.mark.parametrize(("motion", "behavior"), [("reduce", "auto"), ("no-preference", "smooth")])
def test_nothing_moves_where_motion_is_reduced(
    open_page: Open, service: Service, motion: str, behavior: str
) -> None:
    service.post(ASKED)
    page = open_page("/inspector?model=gpt-4o&notes=1", reduced_motion=motion)
    page.goto(page.url.partition("/inspector")[0] + first_response(page))
    page.wait_for_selector("body[data-ready]")
    page.evaluate("""() => {
        window.scrolls = [];
        Element.prototype.scrollIntoView = options => window.scrolls.push(options.behavior);
    }""")
    page.keyboard.press("n")
    page.locator(".marked").wait_for()
    assert set(page.evaluate("window.scrolls")) == {behavior}
    moving = page.evaluate("""() => [...document.querySelectorAll("*")].filter(one => {
        const { animationName, scrollBehavior, transitionDuration } = getComputedStyle(one);
        return animationName !== "none" || scrollBehavior !== "auto" || transitionDuration !== "0s";
    }).map(one => one.className)""")
    assert moving == [], "all motion is in scripts, which ask"


def test_nothing_is_cut_off_in_print(open_page: Open, service: Service) -> None:
    service.post({**ASKED, "input": [{"role": "user", "content": f"Line {number}"} for number in range(200)]})
    page = open_page("/inspector")
    page.goto(page.url.partition("/inspector")[0] + first_response(page))
    page.wait_for_selector("body[data-ready]")
    find_cut = """() => [...document.querySelectorAll(".column-body, pre")]
        .filter(one => one.scrollHeight > one.clientHeight).map(one => one.getAttribute("aria-label"))"""
    assert page.evaluate(find_cut), "on the screen it scrolls"
    page.emulate_media(media="print")
    assert page.evaluate(find_cut) == []
    assert not page.locator("nav").is_visible()


def test_the_form_for_the_key_has_no_barrier(
    chromium: Any, served: tuple[Service, str], scheme: str, axe: str
) -> None:
    page, said = chromium.new_page(color_scheme=scheme), []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{served[1]}/inspector/sign-in?wrong")
    page.evaluate(axe)
    assert page.evaluate("axe.run()")["violations"] == []
    assert said == []
    page.close()


def test_no_view_scrolls_sideways_on_a_narrow_screen(open_page: Open) -> None:
    page, paths = scheme_and_views(open_page, "light")
    page.set_viewport_size({"width": 320, "height": 640})
    for path in paths:
        page.goto(page.url.partition("/inspector")[0] + path)
        page.wait_for_selector("body[data-ready]")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path


def test_everything_is_done_by_keyboard(open_page: Open, service: Service) -> None:
    service.post(ASKED)
    page = open_page("/inspector?model=gpt-4o&notes=1")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Waterfall").wait_for()
    page.keyboard.press("n")
    marked = page.locator(".marked")
    marked.wait_for()
    assert "web_search_call" in marked.inner_text()
    page.keyboard.press("n")
    assert "service_tier" in page.locator(".marked").inner_text()
    for number, column in (("2", "Chat request"), ("3", "Provider's chunks"), ("4", "Events")):
        page.keyboard.press(number)
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == f"{column}, contents"
    page.keyboard.press("u")
    page.get_by_role("heading", name="Responses").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("Where am I")
    page.keyboard.press("Enter")
    page.wait_for_url("**text=Where+am+I*")
    page.wait_for_selector("body[data-ready]")
    assert page.locator("tbody tr").count() >= 1


def test_new_rows_come_by_themselves_and_wait_while_the_list_has_the_focus(open_page: Open, service: Service) -> None:
    page = open_page("/inspector")
    page.locator(".live.on").wait_for()
    began = monotonic()
    service.post({"model": "live-1", "input": "Hello"})
    page.get_by_role("cell", name="live-1", exact=True).wait_for(timeout=4000)
    assert monotonic() - began < 2.5
    page.keyboard.press("j")
    focused = page.evaluate("document.activeElement.getAttribute('href')")
    service.post({"model": "live-2", "input": "Hello"})
    news = page.get_by_role("button", name="1 new")
    news.wait_for(timeout=4000)
    assert page.get_by_role("cell", name="live-2", exact=True).count() == 0
    assert page.evaluate("document.activeElement.getAttribute('href')") == focused
    news.click()
    page.get_by_role("cell", name="live-2", exact=True).wait_for(timeout=1000)


def test_a_row_that_the_filters_no_longer_choose_goes(
    open_page: Open, service: Service, upstream: Upstream
) -> None:
    gate = Gate()
    upstream.plays(stream(chat.text("Hel"), gate, chat.end()))
    with service.open_stream(model="ends") as answer:
        answer.read_until(b'"Hel"')
        page = open_page("/inspector?status=in_progress&model=ends")
        row = page.get_by_role("cell", name="ends", exact=True)
        row.wait_for()
        gate.set()
        answer.rest()
        row.wait_for(state="detached")


def test_what_is_older_is_a_page_away(open_page: Open, service: Service) -> None:
    for _ in range(5):
        service.post({"model": "aged", "input": "Hello"})
    page = open_page("/inspector?model=aged&limit=2")
    for rows, text in ((2, "2 responses of 5."), (2, "2 responses of 3 older ones."), (1, "1 response of 1")):
        page.locator(".pages").filter(has_text=text).wait_for()
        assert page.locator("tbody tr").count() == rows
        if rows == 2:
            page.get_by_role("link", name="Older").click()
            page.get_by_text("not live: these are older ones").wait_for()
    assert page.get_by_role("link", name="Older").count() == 0
    page.get_by_role("link", name="Newest").click()
    page.locator(".live.on").wait_for()


def test_a_long_name_stays_in_its_column(open_page: Open, service: Service) -> None:
    service.post({"model": "long-" + "name-" * 40, "input": "Hello"})
    page = open_page("/inspector?text=long-name")
    cells = page.locator("tbody tr").first.locator("th, td")
    assert cells.nth(2).evaluate("one => getComputedStyle(one).overflow") == "hidden"
    assert cells.nth(2).bounding_box()["width"] < 400
    assert cells.nth(2).locator("span").get_attribute("title").startswith("long-name-")


def test_a_copied_request_does_not_steer_the_terminal(open_page: Open) -> None:
    page = open_page("/inspector/settings")
    quote = "async (text) => (await import('/inspector/static/response.js')).quote(text)"
    for text in ("it's {\n}", "\x1b[201~; ls 'x' \\ \r\n"):
        word = page.evaluate(quote, text)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", word)
        assert subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True).stdout.decode() == text


def test_the_list_has_a_bound(open_page: Open, service: Service) -> None:
    page = open_page("/inspector")
    rows = page.evaluate("""async () => {
        const { showList } = await import("/inspector/static/list.js");
        const main = document.getElementById("main");
        const found = await (await fetch("/inspector/api/recordings?limit=1")).json();
        const one = found.data[0];
        const real = window.fetch;
        const data = Array.from({ length: 1200 }, (_, at) => ({ ...one, id: `x_${at}` }));
        window.fetch = async () => new Response(JSON.stringify({ ...found, data }));
        try { await showList(main); } finally { window.fetch = real; }
        return document.querySelectorAll("tbody tr").length;
    }""")
    assert rows == 500


@pytest.mark.parametrize("kind", HOSTILE)
def test_whatever_is_written_is_shown_as_text(open_page: Open, service: Service, kind: str) -> None:
    text = HOSTILE[kind]
    tool = {"type": "function", "name": "f", "description": text, "parameters": {"type": "object"}, "strict": False}
    service.post({"model": f"{kind}{text}", "input": text, "instructions": text, "tools": [tool],
                  "metadata": {text[:60]: text}, "safety_identifier": text})  # fmt: skip
    page = open_page(f"/inspector?text={kind}")
    row = page.locator("tbody tr").first
    row.wait_for()
    shown = re.sub("[^ -~]", lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)
    assert shown in row.inner_text()
    page.goto(page.url.partition("/inspector")[0] + first_response(page))
    page.wait_for_selector("body[data-ready]")
    assert shown in page.locator("h1").inner_text()
    assert shown in page.get_by_role("group", name="Request", exact=True).inner_text()
    assert page.locator("script, img, iframe").count() == 1, "the page's own script, and nothing else"


def test_an_error_is_there_as_sent_and_as_the_provider_wrote_it(open_page: Open, service: Service) -> None:
    page = open_page("/inspector")
    page.goto(page.url.partition("/inspector")[0] + newest(page, "fails"))
    page.get_by_role("heading", name="As the client got it: HTTP 429").wait_for()
    page.get_by_role("heading", name="As default said it, attempt 1: HTTP 429").wait_for()
    assert page.get_by_text("<b>Too fast</b> for ⟨U+202E⟩you").count() >= 2


def test_a_large_request_opens_quickly(open_page: Open, service: Service) -> None:
    items = [{"role": "user", "content": f"{number} " + "x y " * 250} for number in range(2000)]
    assert service.post({"model": "large", "input": items}).status == 200
    page = open_page("/inspector")
    path = page.url.partition("/inspector")[0] + newest(page, "large")
    took = []
    for _ in range(3):  # by the page's own clock; the best, since the machine may have other work
        page.goto(path)
        page.wait_for_selector("body[data-ready]")
        took.append(page.evaluate("performance.now()"))
    assert min(took) < 1000, took
    assert page.evaluate("document.querySelectorAll('*').length") < 20_000
    assert page.evaluate("document.querySelector('.column .tools').textContent").startswith("2.0 MB")
    placed = page.evaluate("""async () => {
        const { Tree } = await import("/inspector/static/tree.js");
        const value = { input: Array.from({ length: 2000 }, (_, at) => ({ content: [{ text: String(at) }] })) };
        const row = new Tree(value, "", []).reveal("input[1234].content[0].text");
        return [row.path, row.value];
    }""")
    assert placed == ["input[1234].content[0].text", "1234"]


def test_a_live_list_that_is_full_does_not_grow(open_page: Open, service: Service) -> None:
    page = open_page("/inspector")
    page.locator(".live.on").wait_for()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    session.send("HeapProfiler.enable")

    def measure(number: int) -> dict[str, float]:
        """Return what the page uses after so many more responses."""
        for _ in range(number):
            service.post({"model": f"steady-{number}", "input": "Hello", "stream": True})
        last = page.locator("tbody tr").first
        last.filter(has_text=f"steady-{number}").filter(has_text="completed").wait_for()
        page.locator("tbody tr").nth(499).wait_for(timeout=15_000)  # the others come later on a busy machine
        session.send("HeapProfiler.collectGarbage")
        return {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}

    measure(520)
    full, later = measure(150), measure(450)
    assert page.locator("tbody tr").count() == 500
    assert later["JSHeapUsedSize"] < full["JSHeapUsedSize"] * 1.2
    assert later["Nodes"] < full["Nodes"] * 1.2


def test_the_notes_of_all_cases_have_a_place(open_page: Open) -> None:
    cases = []
    for notes in sorted(WIRE.glob("*/*/notes.json")):
        found = json.loads(notes.read_text())
        if found:
            texts = {file.name: file.read_text() for file in notes.parent.iterdir()}
            chunks = [{"text": texts.get("chunks.sse", texts.get("completion.json", ""))}]
            request, response = (json.loads(texts.get(name, "{}")) for name in ("request.json", "response.json"))
            cases.append([notes.parent.name, request, response, chunks, found])
    assert len(cases) > 10
    page = open_page("/inspector/settings")
    lost = page.evaluate("""async (cases) => {
        const { findPlace } = await import("/inspector/static/columns.js");
        const { Tree } = await import("/inspector/static/tree.js");
        const lost = [];
        for (const [name, request, response, chunks, notes] of cases) {
            for (const { param } of notes) {
                const place = findPlace(param, request, response, chunks);
                const tree = { request: new Tree(request, "", notes), response: new Tree(response, "", notes) };
                const isThere = place && (place[0] === "chunk" || tree[place[0]].reveal(place[1])?.path === place[1]);
                if (!isThere) lost.push(`${name}: ${param}`);
            }
        }
        return lost;
    }""", cases)
    assert lost == []


def test_a_replay_is_compared_with_what_was_sent(open_page: Open, service: Service) -> None:
    service.post(ASKED)
    page = open_page("/inspector?model=gpt-4o&notes=1")
    page.goto(page.url.partition("/inspector")[0] + first_response(page))
    page.wait_for_selector("body[data-ready]")
    page.get_by_text("Replay", exact=True).click()
    result = page.locator(".replay-result")
    page.get_by_role("button", name="Translate only").click()
    result.get_by_text("equal to the recorded chat request, byte for byte").wait_for()
    page.get_by_label("Dialect").select_option("openai")
    page.get_by_role("button", name="Translate only").click()
    result.get_by_text("not equal to the recorded chat request").wait_for()
    page.get_by_label("Dialect").select_option("")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("link", name="Its own recording").wait_for()
    page.locator("[name=upstream]").select_option("second")
    page.get_by_label("Model there").fill("other")
    page.get_by_role("button", name="Translate only").click()
    result.get_by_text("For second, other, dialect mistral: not equal to the recorded chat request").wait_for()
    page.get_by_role("button", name="Send").click()
    result.get_by_text("It is completed.").wait_for()
    page.get_by_role("link", name="Its own recording").click()
    page.get_by_text("second, other").wait_for()
    page.get_by_role("link", name="x_").wait_for()


def test_a_forwarded_request_is_shown_as_it_went(open_page: Open, service: Service, axe: str) -> None:
    body = {"model": "moves", "messages": [{"role": "user", "content": "Still chat"}], "stream": True}
    assert service.request("POST", "/v1/chat/completions", body).status == 200
    page = open_page("/inspector?model=moves")
    assert "forwarded" in page.locator("tbody tr").inner_text()
    page.goto(page.url.partition("/inspector")[0] + first_response(page))
    page.get_by_role("heading", name="From request to answer").wait_for()
    for column in ("Request, contents", "As forwarded, contents"):
        assert "Still chat" in page.get_by_role("group", name=column, exact=True).inner_text()
    chunks = page.get_by_role("group", name="Provider's chunks, contents").inner_text()
    assert re.search(r"Hel\s*(?:[0-9.]+ ms\s+)?lo", chunks), "one read or two"
    page.get_by_text("Replay", exact=True).click()
    page.get_by_text("It was forwarded, not translated.").wait_for()
    page.evaluate(axe)
    assert page.evaluate("axe.run()")["violations"] == []


def test_a_circuit_breaker_that_has_opened_is_shown(open_page: Open, service: Service) -> None:
    for _ in range(8):  # each of the two workers has its own
        service.post({"model": "breaks", "input": "Hello"})
    page = open_page("/inspector/upstreams")
    row = page.get_by_role("region", name="Failures that no success has followed").get_by_role("row")
    row.filter(has_text="breaks").first.wait_for(timeout=15_000)
    assert row.filter(has_text=re.compile(r"default.*breaks.*\d s")).count() >= 1
    assert page.get_by_text(re.compile("cooldown in [12] of 2 workers")).count() >= 1


def test_a_lesson_is_forgotten(open_page: Open, service: Service) -> None:
    service.post({"model": "learns-more", "input": "Hello", "stream": True})
    page = open_page("/inspector/lessons")
    row = page.get_by_role("row").filter(has_text="learns-more")
    row.get_by_role("button", name="Forget").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").wait_for(state="detached")
    assert row.count() == 1
    row.get_by_role("button", name="Forget").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget").click()
    row.wait_for(state="detached")


def test_a_key_is_replaced_and_revoked_by_keyboard(open_page: Open, service: Service, admin: Client, axe: str) -> None:
    def status(key: str) -> int:
        headers = {"Authorization": f"Bearer {key}"}
        return service.request("GET", "/v1/responses/resp_0", headers=headers).status

    def become(status_: int, key: str) -> None:
        until = monotonic() + 5
        while {status(key) for _ in range(6)} != {status_}:
            assert monotonic() < until
            sleep(0.1)

    old = admin.request("POST", "/keys", {"name": "search", "tokens_per_month": 500}).json["key"]
    become(404, old)
    page = open_page("/inspector/keys")
    row = page.get_by_role("row").filter(has_text="search")
    assert "0 of 500 tokens" in row.inner_text()
    row.get_by_role("button", name="Replace search").focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    page.evaluate(axe)
    assert page.evaluate("axe.run()")["violations"] == []
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    assert page.evaluate("document.activeElement.textContent") == "Replace", "the focus is back where it was"
    page.keyboard.press("Enter")
    page.get_by_label("The old one is accepted for").select_option("no longer")
    assert page.evaluate("document.activeElement.textContent") == "Cancel"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    new = page.locator(".made code").inner_text()
    assert new.startswith("ra-")
    assert page.locator("#announcer").inner_text() == "The new key of search"
    become(401, old)
    become(404, new)
    row.get_by_role("button", name="Revoke search").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    row.wait_for(state="detached")
    become(401, new)
    assert "configuration" in page.get_by_role("row").filter(has_text="team").first.inner_text()


def test_what_keys_have_used(open_page: Open, service: Service) -> None:
    service.post({"model": "used-1", "input": "Hello"})
    page = open_page("/inspector/keys")
    row = page.get_by_role("region", name="Usage of named keys").get_by_role("row").filter(has_text="used-1")
    for _ in range(50):  # by the other worker
        if row.count():
            break
        page.wait_for_timeout(100)
        page.reload()
        page.wait_for_selector("body[data-ready]")
    assert row.inner_text().split()[:4] == ["team", "default", "used-1", "1"]


def test_a_conversation_that_is_in_use_is_locked(open_page: Open, service: Service, upstream: Upstream) -> None:
    gate = Gate()
    id = service.request("POST", "/v1/conversations", {}).json["id"]
    upstream.plays(stream(chat.text("Hel"), gate, chat.end()))
    with service.open_stream(model="holds", conversation=id) as answer:
        answer.read_until(b'"Hel"')
        page = open_page("/inspector/conversations")
        for _ in range(50):
            if "in use" in page.locator("main").inner_text():
                break
            page.wait_for_timeout(100)
            page.reload()
            page.wait_for_selector("body[data-ready]")
        page.get_by_role("link", name=id).click()
        page.get_by_text("Locked").wait_for()
        page.get_by_role("link", name="holds").wait_for()
        gate.set()
        answer.rest()
    page.reload()
    page.get_by_text("Free: the next request can continue it.").wait_for()
    assert page.get_by_text("added by holds").count() == 2


def test_an_event_points_to_its_chunk(open_page: Open, service: Service) -> None:
    service.post(ASKED)
    page = open_page("/inspector?model=gpt-4o&notes=1")
    page.goto(page.url.partition("/inspector")[0] + first_response(page))
    page.wait_for_selector("body[data-ready]")
    page.locator(".events summary").filter(has_text="output_text.delta").first.focus()
    assert page.locator(".chunks .same-time").count() == 1


def test_the_chunks_of_attempts_are_told_apart(open_page: Open) -> None:
    page = open_page("/inspector/settings")
    lines = page.evaluate("""async () => {
        const { Columns } = await import("/inspector/static/columns.js");
        const chunks = [0, 0, 1].map((attempt, at) => ({ attempt, at, text: `data: {"n": ${at}}` }));
        const recorded = { request: "{}", chats: [], chunks, events: [], response: null };
        const attempts = [{ upstream: "one", reason: "first" }, { upstream: "two", reason: "failover" }];
        const { element } = new Columns({ contents: "recorded", notes: [], attempts, recorded });
        return [...element.querySelectorAll(".chunks > li")].map(one => one.textContent);
    }""")
    assert [line[:11] for line in lines] == ["0.0 msdata:", "1.0 msdata:", "Attempt 2: "]
    assert lines[2].startswith("Attempt 2: two, failover2.0 msdata:")


def test_an_answer_that_is_not_streamed_is_a_tree(open_page: Open) -> None:
    answer = json.dumps({"choices": [{"message": {"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}}]})
    page = open_page("/inspector/settings")
    gist, tree = page.evaluate("""async (text) => {
        const { Columns } = await import("/inspector/static/columns.js");
        const chunks = [{ attempt: 0, at: 1, text }];
        const recorded = { request: "{}", chats: [], chunks, events: [], response: null };
        const { element } = new Columns({ contents: "recorded", notes: [], attempts: [], recorded });
        document.body.append(element);
        const line = element.querySelector(".chunks details");
        const opened = new Promise((resolve) => line.addEventListener("toggle", resolve));
        line.open = true;
        await opened;
        return [line.querySelector(".gist").textContent, line.querySelector(".tree").textContent];
    }""", answer)
    assert gist.startswith('{"choices"')
    assert "choices" in tree
