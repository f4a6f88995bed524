"""What callers, models and providers write, in every place where a page shows it: text, and nothing that hides.

`test_inspector.py` has the texts one by one; here all are in every member of requests, answers and errors at once, and
whole pages are searched, attributes included.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import chat
from tests.support.client import Client
from tests.support.servers.service import Service
from tests.support.servers.upstream import ReceivedRequest, Script, Upstream, stream, whole

pytestmark = pytest.mark.browser

Open = Callable[..., Any]
TEXT = "</script><img src=x onerror=alert(1)>\u202eabc\u2066\x1b[31m\u0085\u200b\ufeff\U000e0041"
ODD = """() => {
    const odd =
        /(?![\\t\\n\\r])[\\p{Cc}\\u00ad\\u200b\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069\\ufeff\\u{e0000}-\\u{e01ef}]/u;
    const found = [];
    for (const one of document.querySelectorAll("*")) {
        if (one.matches("img, iframe, object, embed, base, script:not([src]), [onerror]")) found.push(one.outerHTML);
        for (const { name, value } of one.attributes) {
            if (odd.test(value)) found.push(`${one.tagName} ${name}=${value}`);
            const isSafe = /^(#main$|data:,$|[/]inspector[^<>"]*$)/.test(value);
            if (name === "href" && !isSafe) found.push(`leads to ${value}`);
        }
    }
    const texts = document.createTreeWalker(document, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) if (odd.test(texts.currentNode.nodeValue)) found.push(texts.currentNode.nodeValue);
    return found;
}"""
"""Finds what is no text, and characters that cannot be seen, in a whole page."""


def reply(received: ReceivedRequest) -> Script:
    """Return an answer or an error that is hostile in each of its members."""
    if received.json["model"].startswith("fails"):
        return whole({"error": {"message": TEXT, "code": TEXT, "type": TEXT, "param": TEXT, TEXT: TEXT}}, 429)
    if received.json["model"].startswith("html"):
        return whole(f"<html>{TEXT}".encode(), 502, type="text/html")
    if received.json["model"].startswith("learns") and "stream_options" in received.json:
        return whole(chat.error("Unrecognized request argument supplied: stream_options"), 400)
    if not received.json.get("stream"):
        return whole({**chat.completion(TEXT), "id": TEXT, "model": TEXT, "system_fingerprint": TEXT, TEXT: TEXT})
    call = chat.call(0, f"call_{TEXT}", "get_weather", '{"city":', json.dumps(TEXT), "}")
    return stream(
        chat.chunk({"content": TEXT}, id=TEXT, model=TEXT), chat.thinking(TEXT), call, chat.chunk({TEXT: TEXT}),
        chat.end("tool_calls"),
    )  # fmt: skip


TOOLS = [{"type": "function", "name": "get_weather", "description": TEXT, "strict": False,
          "parameters": {"type": "object", "properties": {TEXT: {"type": "string", "description": TEXT}}}}]  # fmt: skip
INPUT = [
    {"role": "user", "content": [
        {"type": "input_text", "text": TEXT},
        {"type": "input_file", "filename": TEXT, "file_data": "data:text/plain;base64,aGVsbG8="}]},
    {"type": "function_call", "call_id": TEXT, "name": "get_weather", "arguments": json.dumps({TEXT: TEXT})},
    {"type": "function_call_output", "call_id": TEXT, "output": TEXT},
    {"type": "web_search_call", "id": TEXT, "status": "completed", "action": {"type": "search", "query": TEXT}},
]  # fmt: skip
BODIES: dict[str, dict[str, Any]] = {
    "stream": {"stream": True, "input": INPUT[:1], "tools": TOOLS, "instructions": TEXT},
    "turns": {"input": INPUT, "tools": TOOLS, "metadata": {TEXT[:60]: TEXT}, "safety_identifier": TEXT[:60]},
    "unknown": {TEXT: TEXT},
    "item": {"input": [{"type": TEXT, TEXT: TEXT}]},
    "tool": {"tools": [{"type": "function", "name": TEXT, "parameters": {"type": "object"}}]},
    "server": {"tools": [{"type": "mcp", "server_label": TEXT, "server_url": f"https://tools.example/{TEXT}"}]},
    "previous": {"previous_response_id": TEXT},
    "conversation": {"conversation": TEXT},
    "prompt": {"prompt": {"id": TEXT, "variables": {TEXT: TEXT}}},
    "fails": {}, "html": {}, "learns": {"stream": True},
}  # fmt: skip


def test_nothing_that_is_written_hides_or_turns_a_page(
    open_page: Open, service: Service, admin: Client, upstream: Upstream
) -> None:
    upstream.otherwise = reply
    id = service.request("POST", "/v1/conversations", {"items": [{"role": "user", "content": TEXT}]}).json["id"]
    headers = {"x-client-request-id": "</script><img src=x onerror=alert(1)>"}
    for name, body in {**BODIES, "kept": {"conversation": id}}.items():
        service.request("POST", "/v1/responses", {"model": name + TEXT, "input": TEXT, **body}, headers=headers)
    messages = [{"role": "user", "content": TEXT}]
    service.request("POST", "/v1/chat/completions", {"model": f"sent{TEXT}", "messages": messages}, headers=headers)
    page = open_page("/inspector/settings")
    listed = admin.get("/inspector/api/recordings?limit=500").json["data"]
    found = [one for one in listed if TEXT in one.get("model", "")]
    assert len(found) == len(BODIES) + 2
    views = ["", "/conversations", f"/conversations/{id}", "/upstreams", "/lessons", "/keys"]
    views += [f"/r/{one['id']}" for one in found]
    views += [f"/c/{one['response_id']}" for one in found if "response_id" in one]
    for view in views:
        page.goto(page.url.partition("/inspector")[0] + "/inspector" + view)
        page.wait_for_selector("body[data-ready]")
        for _ in range(3):  # what is opened has more to open
            page.evaluate("document.querySelectorAll('main details:not([open])').forEach(one => { one.open = true; })")
            page.wait_for_timeout(30)
        assert page.evaluate(ODD) == [], view


def test_a_conversation_that_does_not_exist_leads_nowhere_else(
    open_page: Open, service: Service, upstream: Upstream
) -> None:
    upstream.otherwise = reply
    service.post({"model": "astray", "input": "Hello", "conversation": "../../metrics?x#y"})
    page = open_page("/inspector/conversations")
    link = page.get_by_role("link", name="../../metrics?x#y")
    assert link.get_attribute("href") == "/inspector/conversations/..%2F..%2Fmetrics%3Fx%23y"


def test_a_replay_shows_text_only(open_page: Open, service: Service, upstream: Upstream) -> None:
    upstream.otherwise = reply
    service.post({"model": f"again{TEXT}", "input": TEXT, "safety_identifier": TEXT[:60]})
    page = open_page("/inspector")
    page.locator("tbody a").first.click()
    page.get_by_text("Replay", exact=True).click()
    result = page.locator(".replay-result")
    for action, text in (("Translate only", "byte for byte"), ("Send", "It is completed.")):
        page.get_by_role("button", name=action, exact=True).click()
        result.get_by_text(text).wait_for()
        assert page.evaluate(ODD) == []
