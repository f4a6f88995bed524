"""Images by the images API of an upstream."""

import base64
from typing import Any

import pytest

from adapter.event_loop.client_watch import ClientWatch
from adapter.event_loop.heartbeat import Heartbeat
from adapter.files.files import Files
from adapter.hosting.images import ImageMaker, ImageOptions, ImageResult
from adapter.settings.settings import Settings
from adapter.settings.tool_backends import ImageSettings
from adapter.settings.upstreams import UpstreamSettings
from adapter.upstream.client import Upstream
from tests.support.servers.scripted_mcp import Reply, ScriptedMCP, as_json, raw
from translators.dialects.presets import PRESETS

DATA = base64.b64encode(b"image").decode()


def make(server: ScriptedMCP, prompt: str = "a die", options: ImageOptions | None = None) -> ImageResult:
    url = server.url.replace("/mcp", "/v1")
    settings = UpstreamSettings(
        name="u", url=url, dialect=PRESETS["default"], callers_key=True, connect_timeout=2, timeout=5
    )
    upstream = Upstream(settings, Heartbeat())
    maker = ImageMaker(ImageSettings(upstream="u", model="images-1", timeout=5), upstream, Files(Settings()), "")
    return maker.run(prompt, options or ImageOptions(), bearer="key", watch=ClientWatch({}))


def test_an_image(server: ScriptedMCP) -> None:
    server.answers = lambda _: as_json(
        {
            "created": 1, "data": [{"b64_json": DATA, "revised_prompt": "A red die"}], "size": "1024x1024",
            "quality": "low", "background": "opaque", "output_format": "webp", "usage": {"total_tokens": 7},
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
        size="1024x1024", usage={"total_tokens": 7},
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


def test_unset_options_are_not_sent() -> None:
    import msgspec

    assert msgspec.to_builtins(ImageOptions(quality="low")) == {"quality": "low"}
    given: dict[str, Any] = {"size": "auto"}
    assert msgspec.to_builtins(ImageOptions(**given)) == given
