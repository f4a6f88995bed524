"""The computer tool, which nothing here can serve: its calls and screenshots in a history that is continued."""

from collections.abc import Sequence

from translators.items import ComputerCall, ComputerCallOutput, ContentPart, InputImage
from translators.wire import encode


def arguments(call: ComputerCall) -> str:
    actions = call.actions or [call.action or {}]
    return encode({"actions": actions}).decode()


def content(output: ComputerCallOutput) -> Sequence[ContentPart]:
    shot = output.output
    return [InputImage(image_url=shot.get("image_url"), file_id=shot.get("file_id"))]
