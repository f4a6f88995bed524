"""Web search, code and images that the adapter runs: their items, what the model reads, and the turn after it."""

from typing import Any

import pytest

from adapter.hosting.code import CodeResult
from adapter.hosting.images import ImageGone, ImageRequest, ImageResult, PartialImage, SourceImage
from adapter.hosting.results import Image
from adapter.hosting.web.backends import Hit
from adapter.hosting.web.pages import PageResult
from adapter.hosting.web.search import SearchResult
from tests.support.hosted import HostedApp, calls, says
from tests.support.servers.upstream import Upstream
from translators.responses.hosted.usage import ImageGenUsage, TokensOfImages
from translators.responses.items import InputImage

PIXEL = "iVBORw0KGgo="
HITS = (Hit("https://example.com/a", "A", "Some text."), Hit("https://example.com/b", "B", "Other text."))
SOURCES = "web_search_call.action.sources"
OUTPUTS = "code_interpreter_call.outputs"


class Search:
    filters_text = True

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.error: str | None = None

    def run(self, queries: Any, **options: Any) -> SearchResult:
        self.asked.append((list(queries), options))
        if self.error:
            return SearchResult(f"Error: {self.error}", queries=tuple(queries), error=self.error)
        return SearchResult("[1] A\nhttps://example.com/a\nSome text.", HITS, tuple(queries))


class Pages:
    def __init__(self) -> None:
        self.named: list[str] = []

    def name(self, urls: Any) -> None:
        self.named += urls

    def open(self, url: str) -> PageResult:
        return PageResult(f"Page {url}") if url in self.named else PageResult("Error: not named", error="not named")

    def find(self, url: str, pattern: str) -> PageResult:
        return PageResult(f"{pattern} found")


class Code:
    error: str | None = None
    images: tuple[Image, ...] = ()

    def run(self, code: str) -> CodeResult:
        return CodeResult("1\n", self.images, self.error)

    def close(self) -> None:
        pass


class Images:
    error: str | None = None

    def __init__(self) -> None:
        self.asked: list[ImageRequest] = []

    def run(self, asked: ImageRequest, show: Any, **_: Any) -> ImageResult:
        self.asked.append(asked)
        if self.error:
            return ImageResult(error=self.error)
        for index in range(asked.partial_images):
            show(PartialImage(PIXEL, index))
        usage = ImageGenUsage(3, TokensOfImages(0, 3), 4, 7)
        return ImageResult(PIXEL, "a small cat", "png", "opaque", "low", "1024x1024", usage)

    def load(self, image: InputImage) -> SourceImage:
        if image.image_url == "https://gone.example/a.png":
            raise ImageGone("its server could not be reached")
        return SourceImage("image/png", str(image.image_url or image.file_id).encode())


@pytest.fixture
def app(provider: Upstream) -> HostedApp:
    app = HostedApp(provider)
    app.policy.search, app.policy.pages, app.policy.code, app.policy.images = Search(), Pages(), Code(), Images()
    return app


def told(upstream: Upstream, at: int) -> list[Any]:
    return [message["content"] for message in upstream.requests[at].messages if message["role"] == "tool"]


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def test_a_search_and_two_looks_at_a_page(app: HostedApp, upstream: Upstream) -> None:
    page = '{"url":"https://example.com/a"}'
    upstream.plays(
        calls(("web_search", '{"query":"x"}')), calls(("web_open", page)),
        calls(("web_find", '{"url":"https://example.com/a","pattern":"x"}')), says("See [1]."),
        says("Bye."),
    )  # fmt: skip
    events = app.stream(tools=[{"type": "web_search"}], include=[SOURCES])
    assert kinds(events)[2:7] == [
        "output_item.added", "web_search_call.in_progress", "web_search_call.searching", "web_search_call.completed",
        "output_item.done",
    ]  # fmt: skip
    assert events[2]["item"]["action"] == {"type": "search", "query": "x", "queries": ["x"]}
    response = events[-1]["response"]
    assert [item.get("action") for item in response["output"][:3]] == [
        {
            "type": "search", "query": "x", "queries": ["x"],
            "sources": [{"type": "url", "url": hit.url} for hit in HITS],
        },
        {"type": "open_page", "url": "https://example.com/a"},
        {"type": "find_in_page", "url": "https://example.com/a", "pattern": "x"},
    ]  # fmt: skip
    assert response["output"][3]["content"][0]["annotations"] == [
        {"type": "url_citation", "start_index": 4, "end_index": 7, "url": "https://example.com/a", "title": "A"}
    ]
    app.services.flow.chain_cache._cache.clear()
    app.create(tools=[{"type": "web_search"}], previous_response_id=response["id"], input="Thanks")
    assert told(upstream, 4) == ["[1] A\nhttps://example.com/a\nSome text.", "Page https://example.com/a", "x found"]
    live = upstream.requests[3].messages
    assert upstream.requests[4].messages[: len(live)] == live


def test_what_is_hidden_is_never_shown(app: HostedApp, upstream: Upstream) -> None:
    tools = [{"type": "web_search"}, {"type": "code_interpreter", "container": {"type": "auto"}}]
    upstream.plays(calls(("web_search", '{"query":"x"}'), ("code_interpreter", '{"code":"print(1)"}')), says("Yes."))
    conversation = app.client.post("/v1/conversations", json={}).json["id"]
    answer = app.post(tools=tools, conversation=conversation)
    id = answer.json["id"]
    texts = [answer.text, app.client.get(f"/v1/responses/{id}").text]
    items = app.client.get(f"/v1/conversations/{conversation}/items")
    texts += [items.text, *(
        app.client.get(f"/v1/conversations/{conversation}/items/{item['id']}").text for item in items.json["data"]
    )]  # fmt: skip
    assert answer.json["output"][1]["outputs"] is None
    upstream.plays(says("Bye."))
    app.create(tools=tools, conversation=conversation, input="And?")
    assert told(upstream, 2) == ["[1] A\nhttps://example.com/a\nSome text.", "1\n"]
    texts.append(app.client.get(f"/v1/responses/{id}/input_items").text)
    for text in texts:
        assert "hidden" not in text
        assert "Some text." not in text


def test_a_search_that_fails(app: HostedApp, upstream: Upstream) -> None:
    app.policy.search.error = "the service is down"
    upstream.plays(calls(("web_search", '{"query":"x"}')), says("The search failed."))
    response = app.create(tools=[{"type": "web_search"}])
    assert response["output"][0]["status"] == "failed"
    assert response["tool_usage"]["web_search"] == {"num_requests": 1}
    assert told(upstream, 1) == ["Error: the service is down"]


def test_filters_place_and_size(app: HostedApp, upstream: Upstream) -> None:
    filters = {"allowed_domains": ["https://Example.com/x"], "blocked_domains": None}
    tool = {"type": "web_search", "filters": filters, "search_context_size": "high", "user_location": {"country": "DE"}}
    upstream.plays(calls(("web_search", '{"query":"x","queries":["y","x"]}')), says("Yes."))
    app.create(tools=[tool])
    [(queries, options)] = app.policy.search.asked
    assert queries == ["x", "y"]
    assert (options["size"], options["country"], options["domains"].allowed) == ("high", "DE", ("example.com",))


def test_the_model_reads_where_the_user_is(app: HostedApp, upstream: Upstream) -> None:
    place = {"type": "approximate", "city": "Bonn\nBeuel", "country": "DE", "region": None, "timezone": "Europe/Berlin"}
    upstream.plays(says("Yes."))
    app.create(tools=[{"type": "web_search", "user_location": place}])
    search = upstream.requests[0].json["tools"][0]["function"]
    assert search["description"].endswith("The user is in Bonn Beuel, DE, Europe/Berlin.")


def test_a_search_without_access_to_the_web_opens_no_pages(app: HostedApp, upstream: Upstream) -> None:
    upstream.plays(says("Hi."), says("Hi."))
    app.create(tools=[{"type": "web_search", "external_web_access": False}])
    app.policy.refuses_cached_search = True
    app.create(tools=[{"type": "web_search", "external_web_access": False}])
    names = [[tool["function"]["name"] for tool in sent.json.get("tools", [])] for sent in upstream.requests]
    assert names == [["web_search"], []]


def test_urls_of_the_user_may_be_opened(app: HostedApp, upstream: Upstream) -> None:
    upstream.plays(calls(("web_open", '{"url":"https://example.org/x"}')), says("Yes."))
    app.create(tools=[{"type": "web_search"}], input="Read https://example.org/x.")
    assert told(upstream, 1) == ["Page https://example.org/x"]


@pytest.mark.parametrize("included", [True, False])
def test_code(app: HostedApp, included: bool, upstream: Upstream) -> None:
    tool = {"type": "code_interpreter", "container": {"type": "auto"}}
    upstream.plays(calls(("code_interpreter", '{"code":"print(1)"}')), says("1"))
    events = app.stream(tools=[tool], include=[OUTPUTS] if included else [])
    assert kinds(events)[2:9] == [
        "output_item.added", "code_interpreter_call.in_progress", "code_interpreter_call_code.delta",
        "code_interpreter_call_code.done", "code_interpreter_call.interpreting", "code_interpreter_call.completed",
        "output_item.done",
    ]  # fmt: skip
    added, done = events[2]["item"], events[8]["item"]
    assert (added["code"], added["outputs"]) == ("", [])
    assert done["outputs"] == ([{"type": "logs", "logs": "1\n"}] if included else None)
    assert done["container_id"] == added["container_id"]
    assert told(upstream, 1) == ["1\n"]


@pytest.mark.parametrize("fails", [True, False])
def test_an_image(app: HostedApp, fails: bool, upstream: Upstream) -> None:
    app.policy.images.error = "no image" if fails else None
    upstream.plays(calls(("image_generation", '{"prompt":"a cat"}')), says("Here it is."), says("Bye."))
    events = app.stream(tools=[{"type": "image_generation", "size": "1024x1024"}])
    assert "result" not in events[2]["item"]
    response = events[-1]["response"]
    item = {**response["output"][0], "id": ""}
    if fails:
        assert item == {"id": "", "type": "image_generation_call", "status": "failed", "result": ""}
    else:
        assert item == {
            "id": "", "type": "image_generation_call", "status": "completed", "background": "opaque", "quality": "low",
            "output_format": "png", "result": PIXEL, "revised_prompt": "a small cat", "size": "1024x1024",
        }  # fmt: skip
    assert app.policy.images.asked[0].options.size == "1024x1024"
    assert response.get("tool_usage") == (
        None if fails else {
            "image_gen": {
                "input_tokens": 3, "input_tokens_details": {"image_tokens": 0, "text_tokens": 3}, "output_tokens": 4,
                "total_tokens": 7,
            },
            "web_search": {"num_requests": 0},
        }
    )  # fmt: skip
    app.create(tools=[{"type": "image_generation"}], previous_response_id=response["id"])
    assert upstream.requests[2].messages[:3] == upstream.requests[1].messages


def test_previews_of_an_image(app: HostedApp, upstream: Upstream) -> None:
    two = [calls(("image_generation", '{"prompt":"a cat"}')), says("Here it is.")]
    upstream.plays(*two, *two)
    tools = [{"type": "image_generation", "partial_images": 2}]
    events = app.stream(tools=tools)
    shown = [(event.get("partial_image_index"), event.get("partial_image_b64")) for event in events]
    assert [one for one in shown if one[1]] == [(0, PIXEL), (1, PIXEL)]
    app.create(tools=tools)
    assert [asked.partial_images for asked in app.policy.images.asked] == [2, 0]


SEEN = {"type": "input_image", "image_url": "data:image/png;base64,QUJD"}
EDIT = ("image_generation", '{"prompt":"a hat","edit":true}')


def test_the_latest_images_are_edited(app: HostedApp, upstream: Upstream) -> None:
    upstream.plays(calls(EDIT), calls(EDIT), says("Here it is."), calls(EDIT), says("Here."), says("Bye."))
    seen = [{"role": "user", "content": [SEEN, SEEN]}, {"role": "user", "content": "Add a hat."}]
    tools = [{"type": "image_generation", "input_image_mask": {"image_url": "data:image/png;base64,TQ=="}}]
    first = app.create(tools=tools, input=seen)
    second = app.create(tools=tools, previous_response_id=first["id"], input="Another.")
    made = f"data:image/png;base64,{PIXEL}".encode()
    sources = [[source.data for source in asked.sources] for asked in app.policy.images.asked]
    assert sources == [[SEEN["image_url"].encode()] * 2, [made], [made]]
    assert [asked.mask.data for asked in app.policy.images.asked] == [b"data:image/png;base64,TQ=="] * 3
    app.services.flow.chain_cache._cache.clear()
    app.create(tools=tools, previous_response_id=second["id"], input="Thanks")
    live = upstream.requests[4].messages
    assert upstream.requests[5].messages[: len(live)] == live


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("Add a hat.", "has no image"),
        ([{**SEEN, "image_url": "https://gone.example/a.png"}], "its server could not be reached"),
    ],
    ids=["none", "gone"],
)
def test_no_image_that_can_be_edited(content: Any, error: str, app: HostedApp, upstream: Upstream) -> None:
    upstream.plays(calls(EDIT), says("No."))
    response = app.create(tools=[{"type": "image_generation"}], input=[{"role": "user", "content": content}])
    assert response["output"][0]["status"] == "failed"
    assert error in told(upstream, 1)[0]
    assert app.policy.images.asked == []


@pytest.mark.parametrize(
    ("action", "members", "edits"),
    [("generate", ["prompt"], False), ("edit", ["prompt"], True), ("auto", ["prompt", "edit"], False)],
)
def test_what_the_tool_does(action: str, members: list[str], edits: bool, app: HostedApp, upstream: Upstream) -> None:
    upstream.plays(calls(("image_generation", '{"prompt":"a cat"}')), says("Here it is."))
    app.create(
        tools=[{"type": "image_generation", "action": action}], input=[{"role": "user", "content": [SEEN]}]
    )
    function = upstream.requests[0].json["tools"][0]["function"]
    assert list(function["parameters"]["properties"]) == members
    assert bool(app.policy.images.asked[0].sources) == edits


@pytest.mark.parametrize("included", [True, False])
def test_images_of_code(app: HostedApp, included: bool, upstream: Upstream) -> None:
    app.policy.code.images = (Image("image/png", PIXEL),)
    upstream.plays(calls(("code_interpreter", '{"code":"plot()"}')), says("See."), says("Bye."))
    tools = [{"type": "code_interpreter", "container": {"type": "auto"}}]
    response = app.create(tools=tools, include=[OUTPUTS] if included else [])
    url = f"data:image/png;base64,{PIXEL}"
    outputs = [{"type": "logs", "logs": "1\n"}, {"type": "image", "url": url}]
    assert response["output"][0]["outputs"] == (outputs if included else None)
    app.services.flow.chain_cache._cache.clear()
    app.create(tools=tools, previous_response_id=response["id"], input="And?")
    for sent in upstream.requests[1:]:
        assert url in str(sent.messages)
    live = upstream.requests[1].messages
    assert upstream.requests[2].messages[: len(live)] == live


@pytest.mark.parametrize(
    ("kind", "member", "value", "place"),
    [
        ("code_interpreter", "container", "cntr_1", ""),
        ("code_interpreter", "container", {"type": "auto", "memory_limit": "4g"}, ".memory_limit"),
        ("code_interpreter", "container", {"type": "auto", "file_ids": ["f"]}, ".file_ids"),
        ("image_generation", "input_image_mask", {}, ".image_url"),
        ("image_generation", "output_format", "gif", ""),
    ],
)
def test_what_no_backend_does(app: HostedApp, kind: str, member: str, value: Any, place: str) -> None:
    answer = app.post(tools=[{"type": kind, member: value}])
    assert (answer.status_code, answer.json["error"]["param"]) == (400, f"tools[0].{member}{place}")


@pytest.mark.parametrize(
    "tool", [{"type": "code_interpreter", "container": {"type": "auto"}}, {"type": "image_generation"}]
)
def test_what_is_not_configured(app: HostedApp, tool: dict[str, Any]) -> None:
    app.policy.code = app.policy.images = None
    answer = app.post(tools=[tool])
    assert (answer.status_code, answer.json["error"]["param"]) == (400, "tools[0].type")
    assert f"[tools.{tool['type']}]" in answer.json["error"]["message"]


def test_a_chosen_tool(app: HostedApp, upstream: Upstream) -> None:
    upstream.plays(calls(("web_search", '{"query":"x"}')), says("Yes."))
    app.create(tools=[{"type": "web_search"}], tool_choice={"type": "web_search_preview"})
    chosen = [sent.json.get("tool_choice") for sent in upstream.requests]
    assert chosen == [{"type": "function", "function": {"name": "web_search"}}, None]


def test_a_function_of_the_same_name_is_refused(app: HostedApp) -> None:
    answer = app.post(tools=[{"type": "web_search"}, {"type": "function", "name": "web_search"}])
    assert answer.status_code == 400


def test_a_client_that_keeps_its_own_history_gets_what_the_model_has_read(app: HostedApp, upstream: Upstream) -> None:
    tools = [{"type": "web_search"}, {"type": "code_interpreter", "container": {"type": "auto"}}]
    upstream.plays(
        calls(("web_search", '{"query":"x"}'), ("code_interpreter", '{"code":"print(1)"}')), says("Yes."), says("Bye."),
    )  # fmt: skip
    first = app.create(tools=tools, store=False)
    history = [{"role": "user", "content": "Hi"}, *first["output"], {"role": "user", "content": "And?"}]
    app.create(tools=tools, store=False, input=history)
    live = upstream.requests[1].messages
    assert upstream.requests[2].messages[: len(live)] == live
