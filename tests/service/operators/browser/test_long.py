"""What is long or deep costs a page little: whatever is recorded, it opens at once and stays small."""

import json
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest

from tests.service.operators.browser.conftest import newest
from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream, stream

pytestmark = pytest.mark.browser

Open = Callable[..., Any]
MAX_NODES = 20_000
IN_PAGE = """async ([request, members]) => {
    const { Columns } = await import("/inspector/static/columns.js");
    const recorded = { request, chats: [], chunks: [], events: [], response: null, ...members };
    const one = { contents: "recorded", notes: members.notes ?? [], attempts: [], recorded };
    const columns = window.columns = new Columns(one);
    document.getElementById("main").replaceChildren(columns.element);
}"""
"""Shows the columns of a recording."""


def count_nodes(page: Any) -> int:
    return int(page.evaluate("document.querySelectorAll('*').length"))


def test_a_note_at_the_end_of_a_long_array_shows_what_is_around_it(open_page: Open) -> None:
    items: list[dict[str, Any]] = [{"role": "user", "content": f"Line {at}"} for at in range(50_000)]
    note = {"param": "input[49990].content", "action": "dropped", "reason": "one of many"}
    page = open_page("/inspector/settings")
    began = monotonic()
    page.evaluate(IN_PAGE, [json.dumps({"input": items}), {"notes": [note]}])
    said = page.evaluate("note => window.columns.mark(note)", note)
    assert said == "At input[49990].content of the request."
    assert page.locator(".marked .string").inner_text() == "Line 49990"
    assert count_nodes(page) < MAX_NODES
    assert monotonic() - began < 3
    assert page.get_by_role("button", name="more").all_inner_texts() == ["49,800 more"]


def test_gaps_are_filled_from_their_beginning(open_page: Open) -> None:
    page = open_page("/inspector/settings")
    found = page.evaluate("""() => import("/inspector/static/portions.js").then(({ Portions }) => {
        const parent = document.createElement("div");
        document.getElementById("main").append(parent);
        const portions = new Portions(parent, 1000, 100, (at) => {
            const made = document.createElement("p");
            made.textContent = String(at);
            return made;
        });
        const shown = () => [...parent.children].map(one => one.textContent);
        portions.reveal(555);
        const first = shown();
        portions.reveal(150);
        const buttons = [...parent.querySelectorAll("button")].map(one => one.textContent);
        parent.querySelector("button").click();
        for (let button; (button = parent.querySelector("button"));) button.click();
        return [first.length, first[100], first[101], buttons, shown()];
    })""")
    assert found[:4] == [202, "400 more", "500", ["300 more", "400 more"]]
    assert found[4] == [str(at) for at in range(1000)]


def test_the_focus_goes_to_what_is_shown_in_the_place_of_a_button(open_page: Open) -> None:
    page = open_page("/inspector/settings")
    text = "Words, " * 1000
    page.evaluate(IN_PAGE, [json.dumps({"input": [{"content": "x"}] * 150, "instructions": text}), {}])
    page.locator("summary", has_text="input: ").click()
    page.get_by_role("button", name="50 more", exact=True).focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent").startswith("100: ")
    page.get_by_role("button", name="more characters").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == text


def test_a_long_text_is_shown_in_parts(open_page: Open) -> None:
    page = open_page("/inspector/settings")
    text = "x" * 399 + "\N{GRINNING FACE}" + "y" * 2_000_000
    page.evaluate(IN_PAGE, [json.dumps({"input": text}), {}])
    more = page.get_by_role("button", name="more characters")
    assert more.inner_text() == "… 2,000,000 more characters", "a character is never halved"
    began = monotonic()
    more.click()
    assert more.inner_text() == "… 1,980,000 more characters"
    assert monotonic() - began < 2


def test_ten_thousand_chunks_and_events(open_page: Open, service: Service, upstream: Upstream) -> None:
    words = b"".join(chat.text(f"word {at} ") for at in range(10_000))
    upstream.plays(stream(words, chat.end()))
    service.post({"model": "talks", "input": "Hello", "stream": True})
    page = open_page("/inspector/settings")
    path = newest(page, "talks")
    began = monotonic()
    page.goto(page.url.partition("/inspector")[0] + path)
    page.wait_for_selector("body[data-ready]")
    assert monotonic() - began < 3
    events = page.get_by_role("group", name="Events, contents")
    assert events.get_by_role("button", name="more").inner_text().endswith(" more")
    assert count_nodes(page) < MAX_NODES


def test_hundreds_of_attempts_and_calls(open_page: Open) -> None:
    page = open_page("/inspector/settings")
    page.evaluate("""async () => {
        const { stepsOf, waterfall } = await import("/inspector/static/waterfall.js");
        const error = { cause: "status", reason: "r", message: "m", provider: { message: "busy" } };
        const attempts = Array.from({ length: 500 }, (_, at) => ({
            upstream: "u", reason: "retry", delay: 1, began: at * 9, answered: at * 9 + 2, first: at * 9 + 5,
            ended: at * 9 + 6, status: 503, error,
        }));
        const tool = { kind: "mcp", name: "f", outcome: "ok" };
        const tools = Array.from({ length: 500 }, (_, at) => ({ ...tool, began: at, ended: at }));
        const one = { marks: { closed: 4500 }, attempts, tools };
        window.steps = stepsOf(one).length;
        document.getElementById("main").replaceChildren(waterfall(one));
    }""")
    assert page.evaluate("window.steps") == 2500
    assert page.locator(".waterfall > li").count() == 201
    assert page.get_by_role("button", name="more").inner_text() == "2,300 more"


def test_numbers_are_shown_as_they_were_written(open_page: Open) -> None:
    page = open_page("/inspector/settings")
    text = '{"a":12345678901234567890,"b":1.0,"c":0.10,"d":-1E5,"e":7,"f":"1.0"}'
    page.evaluate(IN_PAGE, [text, {"chats": [{"attempt": 0, "text": text.replace("0.10", "0.1")}]}])
    shown = page.locator(".column").first.inner_text()
    for line in ("a: 12345678901234567890", "b: 1.0", "c: 0.10", "d: -1E5", "e: 7"):
        assert line in shown
    assert page.locator(".column").first.locator(".number").count() == 5
    page.get_by_text("What the chat request adds and lacks").click()
    page.locator(".comparison tbody tr").first.wait_for()
    rows = page.locator(".comparison tbody tr").all_inner_texts()
    assert [row.split("\t")[1] for row in rows] == ["equal", "equal", "changed", "equal", "equal", "equal"]


@pytest.mark.parametrize(
    "text", ['{"input": %s}' % ("[" * 100_000 + "]" * 100_000), '{"a":' * 50_000 + "1.0" + "}" * 50_000]
)
def test_what_is_nested_deeply_is_opened_level_by_level(open_page: Open, text: str) -> None:
    page = open_page("/inspector/settings")
    page.evaluate(IN_PAGE, [text, {"chats": [{"attempt": 0, "text": text}]}])
    page.get_by_text("What the chat request adds and lacks").click()
    page.locator(".comparison tbody tr").first.wait_for()
    assert count_nodes(page) < 1000


def test_members_that_are_named_like_a_method_are_members(open_page: Open) -> None:
    page = open_page("/inspector/settings")
    chats = [{"attempt": 0, "text": '{"input": []}'}]
    page.evaluate(IN_PAGE, ['{"constructor": {"x": 1}, "__proto__": 2}', {"chats": chats}])
    mark = "param => window.columns.mark({ param })"
    assert page.evaluate(mark, "constructor.x") == "At constructor.x of the request."
    assert page.evaluate(mark, "__proto__") == "At __proto__ of the request."
    assert page.evaluate(mark, "toString.x") == "Marked is the whole request, the nearest to toString.x."
    page.get_by_text("What the chat request adds and lacks").click()
    page.locator(".comparison tbody tr").first.wait_for()
    rows = page.locator(".comparison tbody tr").all_inner_texts()
    assert [row.split("\t")[1] for row in rows] == ["not there", "not there", "added"]


def test_a_note_on_the_items_of_a_conversation_is_at_its_id(open_page: Open) -> None:
    page = open_page("/inspector/settings")
    page.evaluate(IN_PAGE, ['{"conversation": "conv_1", "input": "Hello"}', {}])
    said = page.evaluate("window.columns.mark({ param: 'previous_response_id' })")
    assert said == "Marked is conversation, the nearest to previous_response_id."
