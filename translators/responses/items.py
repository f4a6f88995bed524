"""Items and content parts of the Responses API, input and output side alike.

One Struct per item or part type, tagged by `type`. The same class reads what a client sends, what a response
stored, and writes what a response answers: fields that a client may leave out have defaults, and those that
must not appear in an answer unless set are UNSET. Unknown keys are ignored here (clients send `status`,
`annotations`, vendor extras on everything); an item of a history whose type is unknown has all its members
(`decoding/items.py`).
Source: OpenAI API reference, Responses: create; OpenAI OpenAPI specification, limits of lengths.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from translators.responses.hosted.items import Hosted, HostedOutput
from translators.responses.tools import Name, Tool
from translators.responses.unknown_item import UNKNOWN_TOOLS, UnknownCall, UnknownItem, UnknownOutput, UnknownPart

Text = Annotated[str, Meta(max_length=10_485_760)]
CallId = Annotated[str, Meta(min_length=1, max_length=64)]
Status = Literal["in_progress", "completed", "incomplete"]


class InputText(Struct, frozen=True, gc=False, tag_field="type", tag="input_text"):
    text: Text


class InputImage(Struct, frozen=True, gc=False, tag_field="type", tag="input_image"):
    """An image by URL (http, https or data), or an uploaded one by its id."""

    image_url: str | None = None
    detail: Literal["auto", "low", "high", "original"] | None = None
    file_id: str | None = None


class InputFile(Struct, frozen=True, gc=False, tag_field="type", tag="input_file"):
    """A file as base64 or a data URL, by http(s) URL, or an uploaded one by its id."""

    file_data: Annotated[str, Meta(max_length=73_400_320)] | None = None
    file_url: str | None = None
    file_id: str | None = None
    filename: str | None = None
    detail: Literal["auto", "low", "high"] | None = None


class Sound(Struct, frozen=True, gc=False):
    data: str
    """Base64."""
    format: Literal["mp3", "wav"]


class InputAudio(Struct, frozen=True, gc=False, tag_field="type", tag="input_audio"):
    input_audio: Sound | None = None
    audio_url: str | None = None  # Codex: a data URL


class UrlCitation(Struct, frozen=True, gc=False, tag_field="type", tag="url_citation"):
    """A source of an answer, and where in the text it is cited, in characters."""

    start_index: int
    end_index: int
    url: str
    title: str


class FileCitation(Struct, frozen=True, gc=False, tag_field="type", tag="file_citation"):
    """A file that an answer cites, and the position in the text where it does."""

    file_id: str
    filename: str
    index: int


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


class EncryptedContent(Struct, frozen=True, gc=False, tag_field="type", tag="encrypted_content"):
    """What an agent wrote for another one: sealed by OpenAI, or plain where a chat model wrote it."""

    encrypted_content: Text | None = None


ContentPart = (
    InputText | InputImage | InputFile | InputAudio | OutputText | Refusal
    | SummaryText | ReasoningText | PlainText | EncryptedContent | UnknownPart
)


class Message(Struct, frozen=True, gc=False, tag_field="type", tag="message"):
    """A message of any role; `content` of an answer is always a list of parts."""

    role: Literal["user", "assistant", "system", "developer"]
    content: Text | list[ContentPart]
    id: str | None | UnsetType = UNSET
    status: Status | None | UnsetType = UNSET
    phase: str | None | UnsetType = UNSET


class Reasoning(Struct, frozen=True, gc=False, tag_field="type", tag="reasoning"):
    """The model's thinking: raw as `content`, or as `summary` parts, the default of answers here."""

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
    encrypted_function_args: list[Any] | None | UnsetType = UNSET
    """Which arguments are encrypted; an empty list says that none is, though the function asks for it."""


class FunctionCallOutput(Struct, frozen=True, gc=False, tag_field="type", tag="function_call_output"):
    """What a function returned. Without a `call_id` it answers no call, and `name` is its source."""

    output: Text | list[ContentPart]
    call_id: CallId | None = None
    id: str | None | UnsetType = UNSET
    status: Status | None | UnsetType = UNSET
    name: Name | None | UnsetType = UNSET
    namespace: str | None | UnsetType = UNSET


class CustomToolCall(Struct, frozen=True, gc=False, tag_field="type", tag="custom_tool_call"):
    """A call whose input is free text."""

    call_id: CallId
    name: Name
    input: str
    id: str | None | UnsetType = UNSET
    status: Status | None | UnsetType = UNSET
    namespace: str | None | UnsetType = UNSET


class CustomToolCallOutput(Struct, frozen=True, gc=False, tag_field="type", tag="custom_tool_call_output"):
    output: Text | list[ContentPart]
    call_id: CallId
    id: str | None | UnsetType = UNSET
    status: Status | None | UnsetType = UNSET


class ExecAction(Struct, frozen=True, gc=False, tag_field="type", tag="exec"):
    command: list[str]
    env: dict[str, str] = {}
    timeout_ms: int | None = None
    user: str | None = None
    working_directory: str | None = None


class LocalShellCall(Struct, frozen=True, gc=False, tag_field="type", tag="local_shell_call"):
    call_id: CallId
    action: ExecAction
    id: str | None | UnsetType = UNSET
    status: Status | None | UnsetType = UNSET


class LocalShellCallOutput(Struct, frozen=True, gc=False, tag_field="type", tag="local_shell_call_output"):
    """Its `id` is the call's by the types; older clients send a `call_id` as well."""

    output: Text
    id: str = ""
    call_id: CallId | None = None
    status: Status | None | UnsetType = UNSET


class ShellAction(Struct, frozen=True, gc=False):
    commands: list[str]
    timeout_ms: int | None = None
    max_output_length: int | None = None


class ShellCall(Struct, frozen=True, gc=False, tag_field="type", tag="shell_call"):
    call_id: CallId
    action: ShellAction
    id: str | None | UnsetType = UNSET
    status: Status | None | UnsetType = UNSET
    environment: dict[str, Any] | None | UnsetType = UNSET


class ShellCallOutput(Struct, frozen=True, gc=False, tag_field="type", tag="shell_call_output"):
    output: list[dict[str, Any]]
    call_id: CallId
    id: str | None | UnsetType = UNSET
    status: Status | None | UnsetType = UNSET
    max_output_length: int | None | UnsetType = UNSET


class CreateFile(Struct, frozen=True, gc=False, tag_field="type", tag="create_file"):
    path: str
    diff: str


class UpdateFile(Struct, frozen=True, gc=False, tag_field="type", tag="update_file"):
    path: str
    diff: str


class DeleteFile(Struct, frozen=True, gc=False, tag_field="type", tag="delete_file"):
    path: str


class ApplyPatchCall(Struct, frozen=True, gc=False, tag_field="type", tag="apply_patch_call"):
    call_id: CallId
    operation: CreateFile | UpdateFile | DeleteFile
    id: str | None | UnsetType = UNSET
    status: Status | None | UnsetType = UNSET


class ApplyPatchCallOutput(Struct, frozen=True, gc=False, tag_field="type", tag="apply_patch_call_output"):
    call_id: CallId
    status: Literal["completed", "failed"]
    output: Text | None = None
    id: str | None | UnsetType = UNSET


class ToolSearchCall(Struct, frozen=True, gc=False, tag_field="type", tag="tool_search_call"):
    """A search for tools that were not declared; the client runs it, or the server (OpenAI, this adapter)."""

    arguments: Any = None
    call_id: CallId | None = None
    id: str | None | UnsetType = UNSET
    execution: Literal["server", "client"] = "server"
    status: Status | None | UnsetType = UNSET
    hidden: dict[str, Any] | UnsetType = UNSET
    """What the model has read, if the adapter ran it."""


class ToolSearchOutput(
    Struct, frozen=True, gc=False, tag_field="type", tag="tool_search_output", rename=UNKNOWN_TOOLS
):
    """The tools that a search found; from here on they can be called."""

    tools: tuple[Tool, ...]
    call_id: CallId | None = None
    id: str | None | UnsetType = UNSET
    execution: Literal["server", "client"] = "server"
    status: Status | None | UnsetType = UNSET
    unknown_tools: list[Any] | UnsetType = UNSET


class AdditionalTools(
    Struct, frozen=True, gc=False, tag_field="type", tag="additional_tools", rename=UNKNOWN_TOOLS
):
    """Tools that can be called from here on, as if they had been declared."""

    tools: tuple[Tool, ...]
    role: Literal["developer"] = "developer"
    id: str | None | UnsetType = UNSET
    unknown_tools: list[Any] | UnsetType = UNSET


class ConfigurationUpdate(Struct, frozen=True, gc=False, tag_field="type", tag="configuration_update"):
    """Parameters that change within a conversation; the last update counts."""

    reasoning: dict[str, Any] | None = None
    text: dict[str, Any] | None = None
    id: str | None | UnsetType = UNSET


class Compaction(Struct, frozen=True, gc=False, tag_field="type", tag="compaction"):
    """The summary of the conversation before it, sealed; replaced by its window before the translation."""

    encrypted_content: Annotated[str, Meta(max_length=20_971_520)]
    id: str | None | UnsetType = UNSET


class CompactionTrigger(Struct, frozen=True, gc=False, tag_field="type", tag="compaction_trigger"):
    """As a request's last item: compact the conversation instead of continuing it."""

    id: str | None | UnsetType = UNSET


class AgentMessage(Struct, frozen=True, gc=False, tag_field="type", tag="agent_message"):
    """What one agent of a client tells another: a task, an answer."""

    content: Text | list[ContentPart] | None = None
    author: str | None = None
    recipient: str | None = None
    id: str | None | UnsetType = UNSET


class ItemReference(Struct, frozen=True, gc=False, tag_field="type", tag="item_reference"):
    """A stored item by id; replaced by that item before anything else reads the input."""

    id: str


class ComputerCall(Struct, frozen=True, gc=False, tag_field="type", tag="computer_call"):
    call_id: CallId
    id: str | None | UnsetType = UNSET
    status: str | None | UnsetType = UNSET
    action: dict[str, Any] | None | UnsetType = UNSET
    actions: list[dict[str, Any]] | None | UnsetType = UNSET
    pending_safety_checks: list[Any] = []


class Screenshot(Struct, frozen=True, gc=False, omit_defaults=True):
    type: str = "computer_screenshot"
    image_url: str | None = None
    file_id: str | None = None


class ComputerCallOutput(Struct, frozen=True, gc=False, tag_field="type", tag="computer_call_output"):
    call_id: CallId
    output: Screenshot
    id: str | None | UnsetType = UNSET
    status: str | None | UnsetType = UNSET


Call = FunctionCall | CustomToolCall | LocalShellCall | ShellCall | ApplyPatchCall | ToolSearchCall | ComputerCall
CallOutput = (
    FunctionCallOutput | CustomToolCallOutput | LocalShellCallOutput | ShellCallOutput | ApplyPatchCallOutput
    | ToolSearchOutput | ComputerCallOutput
)
KnownItem = (
    Message | Reasoning | Call | CallOutput | Hosted | AdditionalTools | ConfigurationUpdate | Compaction
    | CompactionTrigger | AgentMessage | ItemReference
)
Item = KnownItem | UnknownItem | UnknownCall | UnknownOutput
OutputItem = (
    Message | Reasoning | FunctionCall | CustomToolCall | LocalShellCall | ShellCall | ApplyPatchCall | ToolSearchCall
    | ToolSearchOutput | HostedOutput | Compaction
)
