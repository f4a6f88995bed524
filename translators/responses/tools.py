"""Tools and `tool_choice` as clients declare them.

One Struct per type of tool that can be served, tagged by `type`; the Response echoes them as they are here, so a member
that clients leave out is null where OpenAI shows null and UNSET where it shows nothing. What becomes of each: `tools/`.
Types that cannot be served have no Struct: `policy/` says why. Source: OpenAI API reference, Responses: create.
"""

import re
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

Name = Annotated[str, Meta(min_length=1, max_length=128)]
ToolsetName = Annotated[str, Meta(min_length=1, max_length=64)]
Grammar = Annotated[str, Meta(max_length=1 << 20)]


class FunctionTool(
    Struct, frozen=True, gc=False, tag_field="type", tag="function", rename={"asynchronous": "async"}
):
    """A function the client runs."""

    name: Name
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    output_schema: dict[str, Any] | None | UnsetType = UNSET
    asynchronous: bool | None | UnsetType = UNSET
    defer_loading: bool | None | UnsetType = UNSET
    allowed_callers: list[str] | None | UnsetType = UNSET


class TextInput(Struct, frozen=True, gc=False, tag_field="type", tag="text"):
    """Any text."""


class GrammarInput(Struct, frozen=True, gc=False, tag_field="type", tag="grammar"):
    """Text of a language."""

    syntax: Literal["lark", "regex"]
    definition: Grammar


class CustomTool(Struct, frozen=True, gc=False, tag_field="type", tag="custom", rename={"asynchronous": "async"}):
    """A tool of the client's that takes text instead of JSON."""

    name: Name
    description: str | None = None
    format: TextInput | GrammarInput = TextInput()
    asynchronous: bool | None | UnsetType = UNSET
    defer_loading: bool | None | UnsetType = UNSET
    allowed_callers: list[str] | None | UnsetType = UNSET


class NamespaceTool(Struct, frozen=True, gc=False, tag_field="type", tag="namespace"):
    """Tools under a common name; Codex groups its own this way."""

    name: ToolsetName
    tools: list[FunctionTool | CustomTool]
    description: str | None = ""
    """Never left out by OpenAI's clients, whose types have no null here."""


class ToolSearchTool(Struct, frozen=True, gc=False, tag_field="type", tag="tool_search"):
    """A search for tools that are not declared yet."""

    execution: Literal["server", "client"] | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None


class LocalShellTool(Struct, frozen=True, gc=False, tag_field="type", tag="local_shell"):
    """Commands on the client's machine, one at a time."""


class Skill(Struct, frozen=True, gc=False, omit_defaults=True):
    """Instructions in a directory of the client's machine."""

    name: str
    description: str | None = None
    path: str | None = None


class ShellEnvironment(Struct, frozen=True, gc=False, omit_defaults=True):
    type: str
    skills: Annotated[list[Skill], Meta(max_length=200)] | None = None


class ShellTool(Struct, frozen=True, gc=False, tag_field="type", tag="shell"):
    """Commands on the client's machine. An environment of OpenAI's (a container) is refused."""

    environment: ShellEnvironment | None = None
    allowed_callers: list[str] | None | UnsetType = UNSET


class ApplyPatchTool(Struct, frozen=True, gc=False, tag_field="type", tag="apply_patch"):
    """Changes to the client's files, one file a call."""

    allowed_callers: list[str] | None | UnsetType = UNSET


class WebSearch(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="type"):
    """OpenAI's own search, under any of its names. Codex always declares it."""

    filters: Any = None
    search_context_size: Literal["low", "medium", "high"] | None = None
    user_location: Any = None
    external_web_access: bool | None = None
    search_content_types: Any = None


class WebSearchTool(WebSearch, frozen=True, gc=False, omit_defaults=True, tag="web_search"):
    pass


class WebSearchTool20250826(WebSearch, frozen=True, gc=False, omit_defaults=True, tag="web_search_2025_08_26"):
    pass


class WebSearchPreview(WebSearch, frozen=True, gc=False, omit_defaults=True, tag="web_search_preview"):
    pass


class WebSearchPreview20250311(
    WebSearch, frozen=True, gc=False, omit_defaults=True, tag="web_search_preview_2025_03_11"
):
    pass


class ToolFilter(Struct, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """Some of an MCP server's tools: those with these names, and those that only read (its own hint)."""

    tool_names: list[str] | None = None
    read_only: bool | None = None


class ApprovalRules(Struct, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """Which calls need approval; one that neither filter names does."""

    always: ToolFilter | None = None
    never: ToolFilter | None = None


class MCPTool(Struct, frozen=True, gc=False, tag_field="type", tag="mcp"):
    """The tools of an MCP server, which the adapter calls. `authorization` and `headers` are secrets of the caller."""

    server_label: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    server_url: Annotated[str, Meta(max_length=2048)] | None | UnsetType = UNSET
    connector_id: Annotated[str, Meta(max_length=128)] | None | UnsetType = UNSET
    tunnel_id: str | None | UnsetType = UNSET
    authorization: Annotated[str, Meta(max_length=8192)] | None | UnsetType = UNSET
    headers: dict[str, str] | None = None
    allowed_tools: list[str] | ToolFilter | None = None
    require_approval: Literal["always", "never"] | ApprovalRules | None = "always"
    server_description: str | None = None
    defer_loading: bool | None | UnsetType = UNSET
    allowed_callers: list[str] | None | UnsetType = UNSET


class AutomaticContainer(Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """Where code runs; what asks for more than the operator's sandbox is refused."""

    type: Literal["auto"]
    file_ids: list[str] | None = None
    memory_limit: str | None = None
    network_policy: dict[str, Any] | None = None


class CodeInterpreterTool(Struct, frozen=True, gc=False, tag_field="type", tag="code_interpreter"):
    """Code that the adapter runs in the operator's sandbox."""

    container: str | AutomaticContainer
    allowed_callers: list[str] | None | UnsetType = UNSET


class ImageMask(Struct, frozen=True, gc=False, omit_defaults=True):
    """Where images are edited, as an image: by its URL, or an uploaded one by its id."""

    image_url: str | None = None
    file_id: str | None = None


class ImageGenerationTool(Struct, frozen=True, gc=False, tag_field="type", tag="image_generation"):
    """Images that the adapter makes by the images API of an upstream, which has its own model."""

    background: Literal["transparent", "opaque", "auto"] | None = "auto"
    moderation: Literal["auto", "low"] | None = "auto"
    n: int = 1
    output_compression: Annotated[int, Meta(ge=0, le=100)] | None = 100
    output_format: Literal["png", "webp", "jpeg"] | None = "png"
    quality: str | None = "auto"
    size: str | None = "auto"
    action: Literal["generate", "edit", "auto"] | None | UnsetType = UNSET
    model: str | None | UnsetType = UNSET
    input_fidelity: str | None | UnsetType = UNSET
    input_image_mask: ImageMask | None | UnsetType = UNSET
    partial_images: Annotated[int, Meta(ge=0, le=3)] | None | UnsetType = UNSET


class FileSearchWeights(Struct, frozen=True, gc=False):
    """How much meanings and words count in the order of results."""

    embedding_weight: Annotated[float, Meta(ge=0)] = 1.0
    text_weight: Annotated[float, Meta(ge=0)] = 1.0


class FileRanking(Struct, frozen=True, gc=False):
    """Which results of a file search count."""

    ranker: Literal["none", "auto", "default-2024-11-15"] = "auto"
    score_threshold: Annotated[float, Meta(ge=0, le=1)] = 0
    hybrid_search: FileSearchWeights | None | UnsetType = UNSET


class FileSearchTool(Struct, frozen=True, gc=False, tag_field="type", tag="file_search"):
    """A search in vector stores, which the adapter runs."""

    vector_store_ids: Annotated[list[str], Meta(min_length=1, max_length=32)]
    filters: dict[str, Any] | None = None
    max_num_results: Annotated[int, Meta(ge=1, le=50)] | None = 20
    ranking_options: FileRanking | None = FileRanking()


WEB_SEARCH_TOOLS: Final = frozenset(
    {WebSearchTool, WebSearchTool20250826, WebSearchPreview, WebSearchPreview20250311}
)
HOSTED_TOOLS: Final = frozenset({MCPTool, FileSearchTool, CodeInterpreterTool, ImageGenerationTool})
"""Declarations of tools that the adapter runs itself, or refuses."""

Tool = (
    FunctionTool | CustomTool | NamespaceTool | ToolSearchTool | LocalShellTool | ShellTool | ApplyPatchTool
    | WebSearchTool | WebSearchTool20250826 | WebSearchPreview | WebSearchPreview20250311 | MCPTool
    | FileSearchTool | CodeInterpreterTool | ImageGenerationTool
)


def is_hosted_search(tool: Tool) -> bool:
    """Whether a tool is a search for tools that the server runs."""
    return isinstance(tool, ToolSearchTool) and tool.execution != "client"


def without_secrets(tool: Tool) -> Tool:
    """Return a declaration as it may be shown and stored: without credentials, and without those in its URL."""
    if not isinstance(tool, MCPTool):
        return tool
    url = tool.server_url
    if isinstance(url, str):
        url = re.sub(r"(?<=//)[^/?#]*@", "", re.split(r"[?#]", url, maxsplit=1)[0])
    return replace(
        tool, server_url=url or UNSET, authorization=UNSET, headers=None,
        require_approval="always" if tool.require_approval is None else tool.require_approval,
    )  # fmt: skip


class FunctionChoice(Struct, frozen=True, gc=False, tag_field="type", tag="function"):
    name: Name
    namespace: ToolsetName | None | UnsetType = UNSET


class CustomChoice(Struct, frozen=True, gc=False, tag_field="type", tag="custom"):
    name: Name
    namespace: ToolsetName | None | UnsetType = UNSET


class LocalShellChoice(Struct, frozen=True, gc=False, tag_field="type", tag="local_shell"):
    pass


class ShellChoice(Struct, frozen=True, gc=False, tag_field="type", tag="shell"):
    pass


class ApplyPatchChoice(Struct, frozen=True, gc=False, tag_field="type", tag="apply_patch"):
    pass


class MCPChoice(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="type", tag="mcp"):
    """A tool of an MCP server, or any of them."""

    server_label: str
    name: Name | None = None


class HostedChoice(Struct, frozen=True, gc=False, tag_field="type"):
    """A hosted tool that is the only one of its type."""


class WebSearchChoice(HostedChoice, frozen=True, gc=False, tag="web_search"):
    pass


class WebSearchPreviewChoice(HostedChoice, frozen=True, gc=False, tag="web_search_preview"):
    pass


class WebSearchPreview20250311Choice(HostedChoice, frozen=True, gc=False, tag="web_search_preview_2025_03_11"):
    pass


class FileSearchChoice(HostedChoice, frozen=True, gc=False, tag="file_search"):
    pass


class CodeInterpreterChoice(HostedChoice, frozen=True, gc=False, tag="code_interpreter"):
    pass


class ImageGenerationChoice(HostedChoice, frozen=True, gc=False, tag="image_generation"):
    pass


class AllowedTool(Struct, frozen=True, gc=False, omit_defaults=True):
    """A tool by its type and, where its type has one, its name."""

    type: str
    name: Name | None = None
    namespace: ToolsetName | None = None
    server_label: str | None = None


class AllowedTools(Struct, frozen=True, gc=False, tag_field="type", tag="allowed_tools"):
    """Only these of the declared tools may be called, or (`required`) one of them must be."""

    mode: Literal["auto", "required"]
    tools: Annotated[list[AllowedTool], Meta(min_length=1, max_length=1024)]


OneTool = FunctionChoice | CustomChoice | LocalShellChoice | ShellChoice | ApplyPatchChoice
FunctionToolChoice = Literal["none", "auto", "required"] | OneTool | AllowedTools
"""A choice among functions, which chat has, and tools that functions stand for."""
ToolChoice = (
    FunctionToolChoice | MCPChoice | WebSearchChoice | WebSearchPreviewChoice | WebSearchPreview20250311Choice
    | FileSearchChoice | CodeInterpreterChoice | ImageGenerationChoice
)
