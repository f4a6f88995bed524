"""URLs of images, and the items that images become."""

import pytest
from msgspec import UNSET

from translators.open_items.image import OpenImage, is_image
from translators.responses.hosted.items import ImageGenerationCall

IMAGES = {
    "data:image/png;base64,QUJD": ("QUJD", "png"),
    "DATA:IMAGE/JPG;BASE64,QUJD": ("QUJD", "jpeg"),
    "data:image/svg+xml;utf8,%3Csvg/%3E": ("PHN2Zy8+", "svg"),
    "data:image/webp;charset=x;base64,QUJD": ("QUJD", "webp"),
    "data:image/x-odd;base64,QUJD": ("QUJD", UNSET),
}


@pytest.mark.parametrize("url", IMAGES)
def test_an_image(url: str) -> None:
    assert is_image(url)
    item = OpenImage(3, "ig_1")
    events = item.open()
    item.append("image", url, [], events)
    events += item.close("completed")
    data, format = IMAGES[url]
    assert item.item == ImageGenerationCall(data, id="ig_1", status="completed", output_format=format)
    assert [event.__struct_config__.tag for event in events] == [
        "response.output_item.added",
        "response.image_generation_call.in_progress",
        "response.image_generation_call.generating",
        "response.image_generation_call.completed",
        "response.output_item.done",
    ]


@pytest.mark.parametrize(
    "url", ["", "https://a.example/b.png", "data:text/plain,a", "data:image/png;base64,", "data:image/png", "QUJD"]
)
def test_no_image(url: str) -> None:
    assert not is_image(url)
