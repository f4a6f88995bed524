"""Images by the images API of an upstream."""

import base64
import email
from typing import Any

import pytest

from adapter.event_loop.client_watch import ClientWatch
from adapter.event_loop.heartbeat import Heartbeat
from adapter.files.files import Files
from adapter.hosting.images import (
    ImageGone,
    ImageMaker,
    ImageOptions,
    ImageRequest,
    ImageResult,
    PartialImage,
    SourceImage,
)
from adapter.settings.settings import Settings
from adapter.settings.tools.backends import ImageSettings
from adapter.settings.upstreams import UpstreamSettings
from adapter.upstream.client import Upstream
from tests.support.servers.scripted_mcp import Reply, ScriptedMCP, as_json, as_stream, raw
from translators.dialects.presets import PRESETS
from translators.responses.hosted.usage import ImageGenUsage, TokensOfImages
from translators.responses.items import InputImage

DATA = base64.b64encode(b"image").decode()

TOKENS = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}


def make(
    server: ScriptedMCP, prompt: str = "a die", shown: list[PartialImage] | None = None, **asked: Any
) -> ImageResult:
    show = [] if shown is None else shown
    maker = maker_at(server.url.replace("/mcp", "/v1"))
    return maker.run(ImageRequest(prompt, **asked), show.append, bearer="key", watch=ClientWatch())


def maker_at(url: str) -> ImageMaker:
    settings = UpstreamSettings(
        name="u", url=url, dialect=PRESETS["default"], callers_key=True, connect_timeout=2, timeout=5
    )
    upstream = Upstream(settings, Heartbeat())
    return ImageMaker(ImageSettings(upstream="u", model="images-1", timeout=5), upstream, Files(Settings()), "")


def test_an_image(server: ScriptedMCP) -> None:
    server.answers = lambda _: as_json(
        {
            "created": 1, "data": [{"b64_json": DATA, "revised_prompt": "A red die"}], "size": "1024x1024",
            "quality": "low", "background": "opaque", "output_format": "webp",
            "usage": {**TOKENS, "input_tokens_details": {"text_tokens": 3}},
        }
    )  # fmt: skip
    found = make(server, options=ImageOptions(size="1024x1024", output_compression=80))
    (request,) = server.requests
    assert request.path == "/v1/images/generations"
    assert request.headers["Authorization"] == "Bearer key"
    assert request.message == {
        "model": "images-1", "prompt": "a die", "n": 1, "size": "1024x1024", "output_compression": 80,
    }  # fmt: skip
    assert found == ImageResult(
        data=DATA, revised_prompt="A red die", output_format="webp", background="opaque", quality="low",
        size="1024x1024", usage=ImageGenUsage(3, TokensOfImages(0, 3), 4, 7),
    )  # fmt: skip
    assert found.text == "The image was made and is shown to the user."


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (as_json({"error": {"message": "Your request was rejected", "code": "moderation_blocked"}}, 400), "rejected"),
        (raw(b"<html>"), "not one of the images API"),
        (as_json({"data": []}), "no image"),
        (as_json({"data": [{"b64_json": "!"}]}), "not base64"),
        (as_json({"data": [{}]}), "is empty"),
        (as_json({"data": [{"url": "http://127.0.0.1/a.png"}]}), "could not be fetched"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_image(reply: Reply, error: str, server: ScriptedMCP) -> None:
    server.answers = lambda _: reply
    found = make(server)
    assert found.error is not None
    assert error in found.error
    assert (found.data, found.text) == ("", f"Error: {found.error}")


@pytest.mark.parametrize("prompt", ["", " ", "x" * 40_000])
def test_a_prompt_that_is_not_sent(prompt: str, server: ScriptedMCP) -> None:
    assert make(server, prompt).error is not None
    assert server.requests == []


@pytest.mark.parametrize("count", [1, 2])
def test_images_are_edited(count: int, server: ScriptedMCP) -> None:
    server.answers = lambda _: as_json({"data": [{"b64_json": DATA}]})
    sources = [SourceImage("image/png", b"first"), SourceImage("image/jpeg", b"second")][:count]
    mask = SourceImage("image/png", b"mask")
    found = make(
        server, sources=sources, mask=mask, options=ImageOptions(size="1024x1024", moderation="low"),
        input_fidelity="high",
    )  # fmt: skip
    (request,) = server.requests
    assert (found.data, request.path) == (DATA, "/v1/images/edits")
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    form = email.message_from_bytes(head + request.body).walk()
    parts = [(part.get_param("name", header="content-disposition"), part.get_payload(decode=True)) for part in form]
    name = "image" if count == 1 else "image[]"
    assert parts[1:] == [
        ("model", b"images-1"), ("prompt", b"a die"), ("n", b"1"), ("size", b"1024x1024"), ("input_fidelity", b"high"),
        *[(name, source.data) for source in sources], ("mask", b"mask"),
    ]  # fmt: skip


def test_an_image_to_edit() -> None:
    image = InputImage(f"data:image/jpeg;base64,{DATA}")
    assert maker_at("http://127.0.0.1:9/v1").load(image) == SourceImage("image/jpeg", b"image")


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (InputImage("data:image/png,text"), "not a data URL in base64"),
        (InputImage("data:image/png;base64,!"), "not a data URL in base64"),
        (InputImage(f"data:image/png\r\nX-Name: model;base64,{DATA}"), "not an image"),
        (InputImage(f"data:text/html;base64,{DATA}"), "not an image"),
        (InputImage("http://127.0.0.1/a.png"), "no public address"),
        (InputImage("nonsense"), "not an http or https URL"),
        (InputImage(file_id="file-1"), "needs a file store"),
    ],
    ids=str,
)
def test_an_image_that_cannot_be_edited(image: InputImage, reason: str) -> None:
    with pytest.raises(ImageGone, match=reason):
        maker_at("http://127.0.0.1:9/v1").load(image)


def test_previews_are_shown_as_they_come(server: ScriptedMCP) -> None:
    server.answers = lambda _: as_stream(
        {"type": "image_generation.partial_image", "b64_json": DATA, "partial_image_index": 0},
        {"type": "image_generation.partial_image", "b64_json": "!", "partial_image_index": 1},
        {"type": "image_generation.completed", "b64_json": DATA, "size": "1024x1024"},
    )
    shown: list[PartialImage] = []
    found = make(server, shown=shown, partial_images=2)
    assert server.requests[0].message["stream"] is True
    assert server.requests[0].message["partial_images"] == 2
    assert shown == [PartialImage(DATA, 0)]
    assert (found.data, found.size) == (DATA, "1024x1024")


@pytest.mark.parametrize(
    ("reply", "requests"),
    [
        (as_json({"data": [{"b64_json": DATA}]}), 1),
        (as_json({"error": {"message": "Unknown parameter: 'stream'.", "param": "stream"}}, 400), 2),
    ],
    ids=["one that does not stream", "one that refuses to"],
)
def test_a_provider_without_previews(reply: Reply, requests: int, server: ScriptedMCP) -> None:
    server.answers = lambda request: reply if "stream" in request.message else as_json({"data": [{"b64_json": DATA}]})
    assert make(server, partial_images=1).data == DATA
    assert len(server.requests) == requests


def test_an_error_in_a_streamed_answer(server: ScriptedMCP) -> None:
    server.answers = lambda _: as_stream({"type": "error", "error": {"message": "No more for key", "code": "x"}})
    found = make(server, partial_images=1)
    assert "No more for" in str(found.error)
    assert "key" not in str(found.error)


def test_unset_options_are_not_sent() -> None:
    import msgspec

    assert msgspec.to_builtins(ImageOptions(quality="low")) == {"quality": "low"}
    given: dict[str, Any] = {"size": "auto"}
    assert msgspec.to_builtins(ImageOptions(**given)) == given
