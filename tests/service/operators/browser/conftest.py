"""A headless Chromium, signed in to the inspector of a server with a scripted provider.

What a page must never do fails each test at its end: write to the console, break its policy, throw, or ask anything
outside.
"""

import shutil
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from tests.service.operators.test_metrics import free_port
from tests.support import chat
from tests.support.client import Client
from tests.support.servers.service import Service
from tests.support.servers.upstream import ReceivedRequest, Script, Upstream, stream, whole

ADMIN = "test-admin-key-0123456789"
TEAM = "ra-team-of-the-pages-0123456789"
TOML = f"""
[keys.team]
hash = "sha256:{sha256(TEAM.encode()).hexdigest()}"
tokens_per_day = 1000000
[models]
"*" = "default"
breaks = ["default", "second"]
[upstreams.second]
url = "{{url}}"
dialect = "mistral"
"""
LOOK = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}, "strict": False}
ASKED: dict[str, Any] = {
    "model": "gpt-4o", "stream": True, "instructions": "Be brief.", "tools": [LOOK], "service_tier": "flex",
    "safety_identifier": "someone", "prompt_cache_retention": "24h", "reasoning": {"effort": "high"},
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "Where am I?"}]},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "here"}},
        {"role": "user", "content": "And now?"},
    ],
}  # fmt: skip
"""A request of which the provider takes only a part."""


def answer(received: ReceivedRequest) -> Script:
    """Return what the provider answers: an error to a model that says so, else thoughts, words and a call."""
    if "fails" in str(received.json["model"]):
        return whole(chat.error("<b>Too fast</b> for \u202eyou", code="slow_down"), 429)
    if "breaks" in str(received.json["model"]):
        return whole(chat.error("out of order"), 503)
    if "learns" in str(received.json["model"]) and "stream_options" in received.json:
        return whole(chat.error("Unrecognized request argument supplied: stream_options"), 400)
    if not received.json.get("stream"):
        return whole(chat.completion("Hello"))
    call = chat.call(0, "call_1", "get_weather", '{"city":', '"Paris"}')
    return stream(chat.thinking("Let me think."), chat.text("Hel"), chat.text("lo"), call, chat.end("tool_calls"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser: Debian's package, else what `playwright install chromium` has downloaded."""
    api = pytest.importorskip("playwright.sync_api", reason="not installed: pip install -e .[browser]")
    with api.sync_playwright() as playwright:
        path = shutil.which("chromium")
        try:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except api.Error as error:
            pytest.skip(f"there is no Chromium (apt-get install chromium, or playwright install chromium): {error}")
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def served(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, str]]:
    """A server with recordings of every kind, and the address of its inspector."""
    port = free_port()
    with Service(
        tmp_path_factory.mktemp("pages"), TOML.format(url=provider.url), upstream_url=provider.url, workers=2,
        admin_bind=f"127.0.0.1:{port}", admin_key=ADMIN, inspector="contents", stored_keys="1", retries=0,
    ) as service:  # fmt: skip
        provider.otherwise = answer
        service.key = TEAM
        first = service.post({"model": "gpt-4o", "input": "Hello"}).json["id"]
        conversation = service.request("POST", "/v1/conversations", {}).json["id"]
        for members in (
            {"previous_response_id": first}, {"previous_response_id": first}, {"conversation": conversation},
            {"model": "fails"}, {"model": "learns", "stream": True}, {"input": [{"type": "bogus"}]}, {"store": False},
            ASKED,
        ):  # fmt: skip
            service.post({"model": "gpt-4o", "input": "Hello", **members})
        yield service, f"http://127.0.0.1:{port}"
    provider.reset()


@pytest.fixture
def upstream(provider: Upstream) -> Upstream:
    provider.otherwise = answer
    return provider


@pytest.fixture
def service(served: tuple[Service, str], upstream: Upstream) -> Service:
    return served[0]


@pytest.fixture
def admin(served: tuple[Service, str]) -> Client:
    """The admin address, for its key."""
    return Client("127.0.0.1", int(served[1].rpartition(":")[2]), ADMIN)


@pytest.fixture(scope="module")
def cookies(chromium: Any, served: tuple[Service, str]) -> list[Any]:
    """The cookies of an operator who has entered the key."""
    context = chromium.new_context()
    context.set_default_timeout(5000)
    page = context.new_page()
    page.goto(f"{served[1]}/inspector/upstreams")
    page.get_by_label("Admin key").fill("wrong-key")
    page.keyboard.press("Enter")
    page.get_by_text("That is not the admin key.").wait_for()
    page.get_by_label("Admin key").fill(ADMIN)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Responses").wait_for()
    found: list[Any] = context.cookies()
    context.close()
    return found


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_page(chromium: Any, served: tuple[Service, str], cookies: list[Any]) -> Iterator[Callable[..., Any]]:
    """Return the function that opens a view: by its path, with options of the browser's context."""
    faults: list[str] = []
    contexts: list[Any] = []

    def watch(page: Any) -> None:
        page.on("console", lambda message: faults.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on("request", lambda request: request.url.startswith((served[1], "data:")) or faults.append(request.url))

    def open_view(path: str, **options: Any) -> Any:
        sleep(1.2)  # a worker writes once a second what another one reads
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        context.set_default_timeout(5000)
        context.add_cookies(cookies)
        page = context.new_page()
        watch(page)
        page.goto(served[1] + path)
        page.wait_for_selector("body[data-ready]")
        return page

    yield open_view
    for context in contexts:
        context.close()
    assert faults == []


def newest(page: Any, model: str) -> str:
    """Return the path of the newest response of a model."""
    ask = "model => fetch(`/inspector/api/recordings?model=${model}`).then(found => found.json())"
    return f"/inspector/r/{page.evaluate(ask, model)['data'][0]['id']}"


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core."""
    package = pytest.importorskip("axe_playwright_python", reason="not installed: pip install -e .[browser]")
    return (Path(package.__file__).parent / "axe.min.js").read_text()
