"""Items that do not fit their type, changed until they do: what is not known in them is left out, or becomes a part or
a member that has it whole.

Each function changes one thing in the JSON of an item: what msgspec has complained of. A null in place of an optional
member counts as left out, as do a status and a detail of images that are not known. An output that is neither text nor
parts is what a tool returned: its JSON is the text. Pictures come in the forms of chat completions, MCP and Anthropic,
too. Source: OpenAI API reference, Responses: create; QuantumNous/new-api#7498; openai/openai-agents-python#3310.
"""

import re
from typing import Any, Final

from translators.responses.decoding.tools import can_be_loaded
from translators.responses.unknown_item import UnknownPart
from translators.wire import NotJSON, Raw, decode, encode

_UNKNOWN_PART: Final = str(UnknownPart.__struct_config__.tag)
_NULL_AT: Final = re.compile(r"Expected `[^`]*`, got `null` - at `\$(?P<path>(?:\.\w+|\[\d+\])*\.\w+)`")
_PART_AT: Final = re.compile(r"(?:.*) - at `\$(?P<path>\.(?:content|summary|output)\[\d+\])[^`]*`", re.DOTALL)
_LABEL_AT: Final = re.compile(
    r"Invalid enum value '.*' - at `\$(?P<path>(?:\.\w+|\[\d+\])*\.(?:status|detail))`", re.DOTALL
)
_OUTPUT_AT: Final = re.compile(r"Expected `[^`]*str[^`]*`, got `\w+` - at `\$\.output`")
_STEP: Final = re.compile(r"\.(\w+)|\[(\d+)\]")


def with_unknown_tools(raw: Raw) -> bytes | Raw:
    """Return an item that loads tools with those apart that cannot be loaded; members of namespaces one by one."""
    try:
        item = decode(bytes(raw))
    except NotJSON:
        return raw
    tools, known, unknown = item.get("tools"), [], []
    for tool in tools if isinstance(tools, list) else ():
        if can_be_loaded(tool):
            known.append(tool)
            continue
        unknown.append(tool)
        if isinstance(tool, dict) and tool.get("type") == "namespace" and isinstance(tool.get("tools"), list):
            members = [one for one in tool["tools"] if can_be_loaded(one)]
            left = {**tool, "tools": members}
            if members and can_be_loaded(left):
                known.append(left)
                unknown[-1] = {**tool, "tools": [one for one in tool["tools"] if one not in members]}
    return encode({**item, "tools": known, "_unknown_tools": unknown}) if unknown else raw


def without_null(raw: bytes | Raw, problem: str) -> bytes | None:
    """Return an item without the null that msgspec complains of; None if it complains of something else."""
    found = _NULL_AT.fullmatch(problem)
    if found is None:
        return None
    try:
        whole, place, last = _place(raw, found["path"])
        if place[last] is not None:
            return None
        del place[last]
    except (KeyError, IndexError, TypeError, *NotJSON):
        return None
    return encode(whole)


def without_label(raw: bytes | Raw, problem: str) -> bytes | None:
    """Return an item without the status or detail that msgspec does not know; None if it complains of another thing."""
    found = _LABEL_AT.fullmatch(problem)
    if found is None:
        return None
    whole, place, last = _place(raw, found["path"])
    del place[last]
    return encode(whole)


def with_written_output(raw: bytes | Raw, problem: str) -> bytes | None:
    """Return an item whose output msgspec complains of with its parts or its JSON; None: it is about something else."""
    if _OUTPUT_AT.fullmatch(problem) is None:
        return None
    item = decode(bytes(raw))
    output = item["output"]
    if isinstance(output, dict) and isinstance(output.get("content"), (str, list)):
        output = output["content"]  # a result of MCP, or of an older Codex
    elif isinstance(output, dict) and isinstance(output.get("type"), str):
        output = [output]
    else:
        output = encode(output).decode()
    return encode({**item, "output": output})


def with_unknown_part(raw: bytes | Raw, problem: str) -> bytes | None:
    """Return an item with the part that msgspec complains of as an `UnknownPart`; None if it complains of another."""
    found = _PART_AT.fullmatch(problem)
    if found is None:
        return None
    try:
        whole, place, last = _place(raw, found["path"])
        part = place[last]
        if not found["path"].startswith(".summary") and (written := _written_part(part)) is not None:
            place[last] = written
            return encode(whole)
        part = part if isinstance(part, dict) else {"text": part}
        kind = part.get("type")
        in_summary = found["path"].startswith(".summary")
        if in_summary or kind == _UNKNOWN_PART:  # thinking, which has nothing but text
            text = part.get("members", part).get("text")
            type = "summary_text" if in_summary else "reasoning_text"
            place[last] = {"type": type, "text": text if isinstance(text, str) else ""}
        else:
            members = {"kind": kind if isinstance(kind, str) else "part", "members": part}
            place[last] = {"type": _UNKNOWN_PART, **members}
    except (KeyError, IndexError, TypeError, AttributeError, *NotJSON):
        return None
    return encode(whole)


def _written_part(part: Any) -> dict[str, Any] | None:
    """Return as a known part one that is a bare value, or a picture in another API's form; None: it is neither."""
    if not isinstance(part, dict):
        return {"type": "input_text", "text": part if isinstance(part, str) else encode(part).decode()}
    if "type" not in part and "text" not in part:
        return {"type": "input_text", "text": encode(part).decode()}
    url: Any = None
    if part.get("type") in ("image_url", "input_image") and isinstance(part.get("image_url"), dict):
        url = part["image_url"].get("url")
    elif part.get("type") == "image_url":
        url = part.get("image_url")
    elif part.get("type") == "image":
        source = part["source"] if isinstance(part.get("source"), dict) else part
        type, data = source.get("mimeType") or source.get("media_type"), source.get("data")
        url = f"data:{type};base64,{data}" if isinstance(type, str) and isinstance(data, str) else source.get("url")
    return {"type": "input_image", "image_url": url} if isinstance(url, str) else None


def _place(raw: bytes | Raw, path: str) -> tuple[Any, Any, Any]:
    """Return decoded JSON, the container in it that a path leads to, and the last step of the path."""
    *way, last = [int(index) if index else name for name, index in _STEP.findall(path)]
    whole = place = decode(bytes(raw))
    for step in way:
        place = place[step]
    return whole, place, last
