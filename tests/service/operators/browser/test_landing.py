"""The page at `/` in a real browser: it sends a request, and says why it cannot list the models."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.operators.browser.conftest import TEAM
from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import CLOSE, Gate, Upstream, stream

pytestmark = pytest.mark.browser


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 320, "height": 640})
    context.set_default_timeout(5000)
    yield context.new_page()
    context.close()


def test_a_request_is_sent_once_the_key_is_written(page: Any, service: Service) -> None:
    page.goto(service.url.removesuffix("v1"))
    page.get_by_text("The models cannot be listed. Write your key").wait_for()
    page.get_by_label("Key").fill(TEAM)
    page.get_by_label("Key").blur()
    page.get_by_text("The models cannot be listed.").wait_for(state="hidden")
    page.get_by_label("Model").fill("gpt-4o")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("completed, ").wait_for()
    assert page.locator("#thinking").inner_text() == "Let me think."
    assert page.locator("#text").inner_text().startswith("Hello")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_it_says_why_the_models_cannot_be_listed(page: Any, tmp_path: Path) -> None:
    with Service(tmp_path, upstream_url="http://127.0.0.1:9/v1") as service:
        page.goto(service.url.removesuffix("v1"))
        page.get_by_text("The models cannot be listed. The provider could not be reached.").wait_for()
        page.get_by_label("Model").fill("any")
        page.get_by_role("button", name="Send").click()
        page.get_by_text("The provider could not be reached.", exact=True).wait_for()


@pytest.fixture
def start(page: Any, upstream: Upstream, tmp_path: Path) -> Iterator[Any]:
    """The page of a server without keys."""
    with Service(tmp_path, upstream_url=upstream.url) as service:
        page.goto(service.url.removesuffix("v1"))
        yield page


def test_the_first_model_is_asked_unless_another_is_chosen(start: Any, upstream: Upstream) -> None:
    start.get_by_placeholder("m", exact=True).wait_for()
    assert start.locator("#model").input_value() == ""  # else a browser lists only models that begin with it
    assert '"model": "m"' in start.locator("pre", has_text="curl").inner_text()
    start.get_by_label("Input").press("Control+Enter")
    start.get_by_text("completed, ").wait_for()
    assert upstream.requests[-1].json["model"] == "m"


def test_a_slow_answer_shows_the_seconds_and_is_stopped_by_keyboard(start: Any, upstream: Upstream) -> None:
    gate = Gate()
    upstream.otherwise = lambda received: stream(gate, chat.text("late"), chat.end())
    start.get_by_label("Model").fill("slow")
    start.get_by_role("button", name="Send").press("Enter")
    start.get_by_text("waiting for the model, 1 s").wait_for()
    assert start.evaluate("document.activeElement.id") == "stop"
    start.keyboard.press("Enter")
    start.get_by_text("stopped").wait_for()
    assert start.evaluate("document.activeElement.textContent") == "Send"
    gate.set()


def test_an_answer_that_breaks_off_has_a_reason(start: Any, upstream: Upstream) -> None:
    upstream.otherwise = lambda received: stream(chat.text("Hel"), CLOSE)
    start.get_by_label("Model").fill("broken")
    start.get_by_role("button", name="Send").click()
    start.locator("#end", has_text="failed").wait_for()
    assert start.locator("#failure").inner_text() != ""


def test_a_provider_without_models_is_said_to_have_none(
    page: Any, upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "models", {"object": "list", "data": []})
    with Service(tmp_path, upstream_url=upstream.url) as service:
        page.goto(service.url.removesuffix("v1"))
        page.get_by_text("The provider lists no models.").wait_for()
        page.get_by_role("button", name="Send").click()
        page.get_by_text("Write the name of a model.").wait_for()


def test_a_server_that_has_ended_is_named(page: Any, upstream: Upstream, tmp_path: Path) -> None:
    with Service(tmp_path, upstream_url=upstream.url) as service:
        page.goto(service.url.removesuffix("v1"))
        page.get_by_placeholder("m", exact=True).wait_for()
    page.get_by_role("button", name="Send").click()
    page.get_by_text("This server cannot be reached. Does it still run?").wait_for()


def test_it_has_no_barrier(chromium: Any, service: Service, scheme: str, axe: str) -> None:
    context = chromium.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(service.url.removesuffix("v1"))
    page.get_by_text("The models cannot be listed.").wait_for()
    page.evaluate(axe)
    found = page.evaluate("axe.run()")["violations"]
    context.close()
    assert [one["id"] for one in found] == []
