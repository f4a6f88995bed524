"""The page at `/` in a real browser: it sends a request, and says why it cannot list the models."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.operators.browser.conftest import TEAM
from tests.support.servers.service import Service

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


def test_it_has_no_barrier(chromium: Any, service: Service, scheme: str, axe: str) -> None:
    context = chromium.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(service.url.removesuffix("v1"))
    page.get_by_text("The models cannot be listed.").wait_for()
    page.evaluate(axe)
    found = page.evaluate("axe.run()")["violations"]
    context.close()
    assert [one["id"] for one in found] == []
