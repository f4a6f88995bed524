"""Chat messages: what goes out to `POST /chat/completions`.

Only what is set is written: providers reject members that they do not know, even null ones.
Source: OpenAI API reference, Chat: create.
"""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from translators.reasoning.fields import ThinkingMessage, ThinkingPart
from translators.responses.items import Sound


class ImageURL(Struct, frozen=True, gc=False, omit_defaults=True):
    url: str
    detail: str | None = None


class TextPart(Struct, frozen=True, gc=False, tag_field="type", tag="text"):
    text: str


class ImagePart(Struct, frozen=True, gc=False, tag_field="type", tag="image_url"):
    image_url: ImageURL


class FilePart(Struct, frozen=True, gc=False, tag_field="type", tag="file"):
    file: dict[str, Any]


class AudioPart(Struct, frozen=True, gc=False, tag_field="type", tag="input_audio"):
    input_audio: Sound


Part = TextPart | ImagePart | FilePart | AudioPart
Content = str | list[Part]


class SystemMessage(Struct, frozen=True, gc=False, tag_field="role", tag="system"):
    content: str


class DeveloperMessage(Struct, frozen=True, gc=False, tag_field="role", tag="developer"):
    content: str


class UserMessage(Struct, frozen=True, gc=False, tag_field="role", tag="user"):
    content: Content


class FunctionOfCall(Struct, frozen=True, gc=False):
    name: str
    arguments: str


class ToolCall(Struct, frozen=True, gc=False):
    id: str
    function: FunctionOfCall
    type: str = "function"
    extra_content: dict[str, Any] | UnsetType = UNSET
    """What the call came with: Gemini's signature."""


class AssistantMessage(ThinkingMessage, frozen=True, gc=False, tag_field="role", tag="assistant", omit_defaults=True):
    """One turn of the model: its thinking, its text and all of its calls."""

    content: str | list[ThinkingPart | TextPart] | None
    extra_content: dict[str, Any] | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None


class ToolMessage(Struct, frozen=True, gc=False, tag_field="role", tag="tool"):
    tool_call_id: str
    content: str
    name: str | UnsetType = UNSET
    """The name of the function, for providers that do not look it up by the id."""


ChatMessage = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage
