"""The computer tool. It cannot be declared here; its calls and screenshots in a history are rendered."""

from collections.abc import Sequence

from translators.responses.items import ComputerCall, ComputerCallOutput, ContentPart, InputImage
from translators.wire import encode


def arguments(call: ComputerCall) -> str:
    actions = call.actions or [call.action or {}]
    return encode({"actions": actions}).decode()


def content(output: ComputerCallOutput) -> Sequence[ContentPart]:
    return [InputImage(image_url=output.output.image_url, file_id=output.output.file_id)]
