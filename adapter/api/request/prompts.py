"""Prompts: a folder of files on this server, which requests name as `prompt: {id, version, variables}`.

A file is TOML or JSON and has members of a create request: `instructions`, `input`, and defaults for others (`model`,
`tools`, `text` …). `<id>.toml` is used when a request names no version, `<id>@<version>.toml` when it does. The
request's own members take precedence over the file's; its `input` follows the file's. `{{name}}` in the instructions
and in the messages is a slot, filled with a variable of the request. Text can go anywhere; an image or a file only into
a message, where it becomes a part. Values are not searched for slots. A file is read for each request, so that an edit
takes effect at once. Ids and versions cannot name anything outside the folder. Source: docs/prompts.md; OpenAI API
reference, Responses: create.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import to_builtins

from translators.errors import (
    ProtocolError,
    RequestError,
    invalid_parameter,
    missing_parameter,
    shorten,
    unknown_parameter,
)
from translators.responses.decoding.items import decode_items
from translators.responses.items import InputText
from translators.responses.request import PromptReference
from translators.wire import NotJSON, Raw, decode, encode

ALLOWED_MEMBERS: Final = frozenset(
    {
        "include", "input", "instructions", "max_output_tokens", "max_tool_calls", "model", "parallel_tool_calls",
        "reasoning", "temperature", "text", "tool_choice", "tools", "top_p", "truncation",
    }
)  # fmt: skip

_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}")
_SLOT: Final = re.compile(r"\{\{ *([A-Za-z_][A-Za-z0-9_-]*) *\}\}")
_MAX_FILE_BYTES: Final = 1 << 20
"""Of one prompt: more than fits into the context of most models."""
_READERS: Final[dict[str, Callable[[str], Any]]] = {".toml": tomllib.loads, ".json": decode}


class UnusablePrompt(ProtocolError):
    """A file that is not a prompt. `reason` goes to the log: it is for the operator, not for the caller."""

    def __init__(self, id: str, reason: str) -> None:
        super().__init__(
            f"The prompt '{id}' of this server cannot be used. Ask the operator of this server to fix it.", status=500,
            type="server_error", param="prompt.id", code="server_error",
        )
        self.id = id
        self.reason = reason


def fill_in_prompt(given: Mapping[str, Raw], reference: PromptReference, folder: str | None) -> dict[str, Raw]:
    """Return the members of a request together with those of the prompt that it names.

    Raises RequestError for an unknown prompt or variables that do not fit, UnusablePrompt for an invalid file.
    """
    prompt = _read(reference, folder)
    slots = _Slots(reference)
    if "instructions" in prompt:
        prompt["instructions"] = slots.text(prompt["instructions"])
    messages = [_fill_in_item(message, slots) for message in prompt.pop("input", ())]
    slots.refuse_unused()
    for message in messages:
        _check_item(message, reference.id)
    members = {name: Raw(encode(value)) for name, value in prompt.items()} | dict(given)
    members["input"] = _join_input(messages, given.get("input"))
    return members


def _read(reference: PromptReference, folder: str | None) -> dict[str, Any]:
    """Return the members in the file of a prompt, its input as a list of items."""
    path = _path(reference, folder)
    try:
        text = path.read_bytes()[: _MAX_FILE_BYTES + 1].decode()
        prompt = _READERS[path.suffix](text)
    except (*NotJSON, OSError, tomllib.TOMLDecodeError) as error:
        raise UnusablePrompt(reference.id, str(error)) from None
    if len(text) > _MAX_FILE_BYTES:
        raise UnusablePrompt(reference.id, f"it has more than {_MAX_FILE_BYTES} bytes")
    if not isinstance(prompt, dict):
        raise UnusablePrompt(reference.id, "it is not an object")
    if unknown := sorted(prompt.keys() - ALLOWED_MEMBERS):
        raise UnusablePrompt(reference.id, f"it must not have {', '.join(unknown)}")
    if isinstance(prompt.get("input"), str):
        prompt["input"] = [{"role": "user", "content": prompt["input"]}]
    messages = prompt.get("input", [])
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise UnusablePrompt(reference.id, "'input' is neither a string nor a list of items")
    if not isinstance(prompt.get("instructions", ""), str):
        raise UnusablePrompt(reference.id, "'instructions' is not a string")
    return prompt


def _path(reference: PromptReference, folder: str | None) -> Path:
    id, version = reference.id, reference.version
    if folder is not None and _NAME.fullmatch(id) and (version is None or _NAME.fullmatch(version)):
        name = id if version is None else f"{id}@{version}"
        for suffix in _READERS:
            path = Path(folder, name + suffix)
            if path.is_file():
                return path
        if version is not None and any(Path(folder, id + suffix).is_file() for suffix in _READERS):
            raise RequestError(
                f"Prompt with id '{id}' has no version '{version}'.", param="prompt.version", status=404
            )
    raise RequestError(f"Prompt with id '{shorten(id)}' not found.", param="prompt.id", status=404)


def _fill_in_item(item: dict[str, Any], slots: "_Slots") -> dict[str, Any]:
    """Return an item of a prompt with its slots filled."""
    content = item.get("content")
    if isinstance(content, str):
        return {**item, "content": slots.content(content)}
    if not isinstance(content, list):
        return item
    parts: list[Any] = []
    for part in content:
        if not isinstance(part, dict) or not isinstance(part.get("text"), str):
            parts.append(part)
            continue
        filled = slots.content(part["text"])
        parts += [{**part, "text": filled}] if isinstance(filled, str) else filled
    return {**item, "content": parts}


class _Slots:
    """The variables of one request, and which of them have filled a slot."""

    def __init__(self, reference: PromptReference) -> None:
        self._variables = reference.variables or {}
        self._unused = set(self._variables)

    def text(self, template: str) -> str:
        """Return a text with its slots filled; raise RequestError for a variable that is an image or a file."""
        filled = self.content(template)
        if isinstance(filled, str):
            return filled
        raise invalid_parameter("prompt.variables", "the instructions cannot contain an image or a file")

    def content(self, template: str) -> str | list[dict[str, Any]]:
        """Return a text with its slots filled: as text, or as content parts if a variable is an image or a file."""
        pieces = _SLOT.split(template)  # text, name, text, name, …, text
        if len(pieces) == 1:
            return template
        parts: list[str | dict[str, Any]] = [
            self._value(piece) if at % 2 else piece for at, piece in enumerate(pieces)
        ]
        content: list[dict[str, Any]] = []
        text = ""
        for part in parts:
            if isinstance(part, str):
                text += part
                continue
            content += [{"type": "input_text", "text": text}, part] if text else [part]
            text = ""
        if not content:
            return text
        return content + ([{"type": "input_text", "text": text}] if text else [])

    def _value(self, name: str) -> str | dict[str, Any]:
        if name not in self._variables:
            raise missing_parameter(f"prompt.variables.{name}")
        self._unused.discard(name)
        value = self._variables[name]
        if isinstance(value, str):
            return value
        if isinstance(value, InputText):
            return value.text
        part: dict[str, Any] = to_builtins(value)
        return part

    def refuse_unused(self) -> None:
        for name in self._variables:
            if name in self._unused:
                raise unknown_parameter(f"prompt.variables.{shorten(name)}", "The prompt has no such slot.")


def _check_item(item: dict[str, Any], prompt: str) -> None:
    """Raise UnusablePrompt for an item that would be refused alone: a prompt is no history of a client's."""
    try:
        decode_items(encode([item]))
    except RequestError as error:
        raise UnusablePrompt(prompt, error.message) from None


def _join_input(messages: list[dict[str, Any]], own: Raw | None) -> Raw:
    """Return the items of a prompt followed by the request's own `input`, as the JSON of one array."""
    own_items = b"" if own is None else bytes(own)
    if own_items[:1] == b'"':
        own_items = encode([{"role": "user", "content": decode(own_items)}] if own_items != b'""' else [])
    arrays = [array for array in (encode(messages)[1:-1], own_items[1:-1].strip()) if array]
    return Raw(b"[" + b",".join(arrays) + b"]")
