"""The events of a Responses stream and their SSE frames.

Only the API's own events exist here, each a Struct tagged by its name. `sequence_number` is set by the stream machine
(`to_responses/stream.py`) when the event leaves it, nowhere else. A frame is an `event:` line, one `data:` line and a
blank line, with LF only, in one piece of bytes. `KEEP_ALIVE` is the comment that fills silence.
Source: OpenAI API reference, Streaming events; Open Responses specification, Streaming.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

from translators.responses.items import OutputItem, OutputText, ReasoningText, Refusal, SummaryText, UrlCitation
from translators.responses.response import Response
from translators.wire import encode, encode_into


class Event(Struct, gc=False, kw_only=True, tag_field="type"):
    """The member that all events have."""

    sequence_number: int = -1


class ResponseCreated(Event, tag="response.created"):
    response: Response


class ResponseQueued(Event, tag="response.queued"):
    response: Response


class ResponseInProgress(Event, tag="response.in_progress"):
    response: Response


class ResponseCompleted(Event, tag="response.completed"):
    response: Response


class ResponseIncomplete(Event, tag="response.incomplete"):
    response: Response


class ResponseFailed(Event, tag="response.failed"):
    response: Response


class OutputItemAdded(Event, tag="response.output_item.added"):
    output_index: int
    item: OutputItem


class OutputItemDone(Event, tag="response.output_item.done"):
    output_index: int
    item: OutputItem


class ContentPartAdded(Event, tag="response.content_part.added"):
    item_id: str
    output_index: int
    content_index: int
    part: OutputText | Refusal | ReasoningText


class ContentPartDone(Event, tag="response.content_part.done"):
    item_id: str
    output_index: int
    content_index: int
    part: OutputText | Refusal | ReasoningText


class OutputTextDelta(Event, tag="response.output_text.delta"):
    item_id: str
    output_index: int
    content_index: int
    delta: str
    logprobs: list[Any]


class OutputTextDone(Event, tag="response.output_text.done"):
    item_id: str
    output_index: int
    content_index: int
    text: str
    logprobs: list[Any]


class AnnotationAdded(Event, tag="response.output_text.annotation.added"):
    item_id: str
    output_index: int
    content_index: int
    annotation_index: int
    annotation: UrlCitation


class RefusalDelta(Event, tag="response.refusal.delta"):
    item_id: str
    output_index: int
    content_index: int
    delta: str


class RefusalDone(Event, tag="response.refusal.done"):
    item_id: str
    output_index: int
    content_index: int
    refusal: str


class ReasoningSummaryPartAdded(Event, tag="response.reasoning_summary_part.added"):
    item_id: str
    output_index: int
    summary_index: int
    part: SummaryText


class ReasoningSummaryPartDone(Event, tag="response.reasoning_summary_part.done"):
    item_id: str
    output_index: int
    summary_index: int
    part: SummaryText


class ReasoningSummaryTextDelta(Event, tag="response.reasoning_summary_text.delta"):
    item_id: str
    output_index: int
    summary_index: int
    delta: str


class ReasoningSummaryTextDone(Event, tag="response.reasoning_summary_text.done"):
    item_id: str
    output_index: int
    summary_index: int
    text: str


class ReasoningTextDelta(Event, tag="response.reasoning_text.delta"):
    item_id: str
    output_index: int
    content_index: int
    delta: str


class ReasoningTextDone(Event, tag="response.reasoning_text.done"):
    item_id: str
    output_index: int
    content_index: int
    text: str


class FunctionCallArgumentsDelta(Event, tag="response.function_call_arguments.delta"):
    item_id: str
    output_index: int
    delta: str


class FunctionCallArgumentsDone(Event, tag="response.function_call_arguments.done"):
    item_id: str
    output_index: int
    name: str
    arguments: str


class CustomToolCallInputDelta(Event, tag="response.custom_tool_call_input.delta"):
    item_id: str
    output_index: int
    delta: str


class CustomToolCallInputDone(Event, tag="response.custom_tool_call_input.done"):
    item_id: str
    output_index: int
    input: str


class ShellCallCommandAdded(Event, tag="response.shell_call_command.added"):
    output_index: int
    command_index: int
    command: str


class ShellCallCommandDelta(Event, tag="response.shell_call_command.delta"):
    output_index: int
    command_index: int
    delta: str


class ShellCallCommandDone(Event, tag="response.shell_call_command.done"):
    output_index: int
    command_index: int
    command: str


class ImageGenerationInProgress(Event, tag="response.image_generation_call.in_progress"):
    item_id: str
    output_index: int


class ImageGenerationGenerating(Event, tag="response.image_generation_call.generating"):
    item_id: str
    output_index: int


class ImageGenerationPartialImage(Event, tag="response.image_generation_call.partial_image"):
    item_id: str
    output_index: int
    partial_image_b64: str
    partial_image_index: int
    output_format: str | UnsetType = UNSET
    size: str | UnsetType = UNSET
    quality: str | UnsetType = UNSET
    background: str | UnsetType = UNSET


class ImageGenerationCompleted(Event, tag="response.image_generation_call.completed"):
    item_id: str
    output_index: int


class MCPListToolsInProgress(Event, tag="response.mcp_list_tools.in_progress"):
    item_id: str
    output_index: int


class MCPListToolsCompleted(Event, tag="response.mcp_list_tools.completed"):
    item_id: str
    output_index: int


class MCPListToolsFailed(Event, tag="response.mcp_list_tools.failed"):
    item_id: str
    output_index: int


class MCPCallInProgress(Event, tag="response.mcp_call.in_progress"):
    item_id: str
    output_index: int


class MCPCallArgumentsDelta(Event, tag="response.mcp_call_arguments.delta"):
    item_id: str
    output_index: int
    delta: str


class MCPCallArgumentsDone(Event, tag="response.mcp_call_arguments.done"):
    item_id: str
    output_index: int
    arguments: str


class MCPCallCompleted(Event, tag="response.mcp_call.completed"):
    item_id: str
    output_index: int


class MCPCallFailed(Event, tag="response.mcp_call.failed"):
    item_id: str
    output_index: int


class WebSearchInProgress(Event, tag="response.web_search_call.in_progress"):
    item_id: str
    output_index: int


class WebSearchSearching(Event, tag="response.web_search_call.searching"):
    item_id: str
    output_index: int


class WebSearchCompleted(Event, tag="response.web_search_call.completed"):
    item_id: str
    output_index: int


class FileSearchInProgress(Event, tag="response.file_search_call.in_progress"):
    item_id: str
    output_index: int


class FileSearchSearching(Event, tag="response.file_search_call.searching"):
    item_id: str
    output_index: int


class FileSearchCompleted(Event, tag="response.file_search_call.completed"):
    item_id: str
    output_index: int


class CodeInProgress(Event, tag="response.code_interpreter_call.in_progress"):
    item_id: str
    output_index: int


class CodeInterpreting(Event, tag="response.code_interpreter_call.interpreting"):
    item_id: str
    output_index: int


class CodeCompleted(Event, tag="response.code_interpreter_call.completed"):
    item_id: str
    output_index: int


class CodeDelta(Event, tag="response.code_interpreter_call_code.delta"):
    item_id: str
    output_index: int
    delta: str


class CodeDone(Event, tag="response.code_interpreter_call_code.done"):
    item_id: str
    output_index: int
    code: str


class CompactionCompacting(Event, tag="response.compaction.compacting"):
    item_id: str
    output_index: int


TERMINAL: Final = (ResponseCompleted, ResponseIncomplete, ResponseFailed)
"""Terminal events: the last event of a stream is one of them, and no other is."""

KEEP_ALIVE: Final = b": keep-alive\n\n"
DONE: Final = b"data: [DONE]\n\n"

_HEADS: Final[dict[type, bytes]] = {
    kind: f"event: {kind.__struct_config__.tag}\ndata: ".encode() for kind in Event.__subclasses__()
}


def sse_frame(event: Event) -> bytes:
    """Return an event as one SSE frame."""
    return b"%b%b\n\n" % (_HEADS[event.__class__], encode(event))


def sse_frames(events: Sequence[Event]) -> bytes:
    """Return events as one SSE frame each, one behind the other."""
    if len(events) == 1:
        event = events[0]
        return b"%b%b\n\n" % (_HEADS[event.__class__], encode(event))
    buffer = bytearray()
    for event in events:
        buffer += _HEADS[event.__class__]
        encode_into(event, buffer, -1)
        buffer += b"\n\n"
    return bytes(buffer)
