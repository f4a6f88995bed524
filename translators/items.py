"""Items and content parts of the Responses API, input and output side alike.

One Struct per item or part type, tagged by `type`. The same class reads what a client sends, what a response
stored, and writes what a response answers: fields that a client may leave out have defaults, and those that
must not appear in an answer unless set are UNSET. Unknown keys are ignored here (clients send `status`,
`annotations`, vendor extras on everything); unknown *types* are refused. Source: responses-api reference §3.3, §5.1.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Text = Annotated[str, Meta(max_length=10_485_760)]
CallId = Annotated[str, Meta(min_length=1, max_length=64)]
Name = Annotated[str, Meta(min_length=1, max_length=128)]
Status = Literal["in_progress", "completed", "incomplete"]


class InputText(Struct, frozen=True, gc=False, tag_field="type", tag="input_text"):
    text: Text


class InputImage(Struct, frozen=True, gc=False, tag_field="type", tag="input_image"):
    """An image by URL (http, https or data); `file_id` needs a file store, which nothing here has."""

    image_url: str | None = None
    detail: Literal["auto", "low", "high", "original"] | None = None
    file_id: str | None = None


class InputFile(Struct, frozen=True, gc=False, tag_field="type", tag="input_file"):
    file_data: str | None = None
    file_url: str | None = None
    file_id: str | None = None
    filename: str | None = None


class InputAudio(Struct, frozen=True, gc=False, tag_field="type", tag="input_audio"):
    input_audio: dict[str, Any]


class OutputText(Struct, frozen=True, gc=False, tag_field="type", tag="output_text"):
    text: Text
    annotations: list[Any] | None = []
    logprobs: list[Any] | None = []


class Refusal(Struct, frozen=True, gc=False, tag_field="type", tag="refusal"):
    refusal: Text


class SummaryText(Struct, frozen=True, gc=False, tag_field="type", tag="summary_text"):
    text: Text


class ReasoningText(Struct, frozen=True, gc=False, tag_field="type", tag="reasoning_text"):
    text: Text


class PlainText(Struct, frozen=True, gc=False, tag_field="type", tag="text"):
    text: Text


ContentPart = (
    InputText | InputImage | InputFile | InputAudio | OutputText | Refusal
    | SummaryText | ReasoningText | PlainText
)


class Message(Struct, frozen=True, gc=False, tag_field="type", tag="message"):
    """A message of any role; `content` of an answer is always a list of parts."""

    role: Literal["user", "assistant", "system", "developer"]
    content: Text | list[ContentPart]
    id: str | None | UnsetType = UNSET
    status: Status | None | UnsetType = UNSET
    phase: str | None | UnsetType = UNSET


class Reasoning(Struct, frozen=True, gc=False, tag_field="type", tag="reasoning"):
    """The model's thinking: raw as `content`, or (what we answer by default) as `summary` parts."""

    summary: list[SummaryText] = []
    id: str | None | UnsetType = UNSET
    content: list[ReasoningText | PlainText | OutputText] | None | UnsetType = UNSET
    encrypted_content: str | None | UnsetType = UNSET
    status: Status | None | UnsetType = UNSET


class FunctionCall(Struct, frozen=True, gc=False, tag_field="type", tag="function_call"):
    call_id: CallId
    name: Name
    arguments: str
    id: str | None | UnsetType = UNSET
    status: Status | None | UnsetType = UNSET
    namespace: str | None | UnsetType = UNSET


class FunctionCallOutput(Struct, frozen=True, gc=False, tag_field="type", tag="function_call_output"):
    output: Text | list[ContentPart]
    call_id: CallId
    id: str | None | UnsetType = UNSET
    status: Status | None | UnsetType = UNSET


class ItemReference(Struct, frozen=True, gc=False, tag_field="type", tag="item_reference"):
    """A stored item by id; replaced by the item before anything else looks at the input."""

    id: str


Item = Message | Reasoning | FunctionCall | FunctionCallOutput | ItemReference
Call = FunctionCall
CallOutput = FunctionCallOutput
OutputItem = Message | Reasoning | FunctionCall
