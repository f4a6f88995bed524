"""The apply_patch tool: changes to files on the client's machine, one file a call."""

from typing import Any, Final

from msgspec import Struct

from translators.responses.items import (
    ApplyPatchCall,
    ApplyPatchCallOutput,
    CreateFile,
    DeleteFile,
    OutputItem,
    UpdateFile,
)
from translators.tools.typed import OpenTypedCall
from translators.wire import encode

PARAMETERS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "enum": ["create_file", "update_file", "delete_file"]},
        "path": {"type": "string"},
        "diff": {"type": "string", "description": "What to write; left out to delete a file."},
    },
    "required": ["type", "path"],
}
DESCRIPTION: Final = """\
Changes one file of the user's. For several files, call it several times.
`diff` of create_file: the file's lines, each with + in front.
`diff` of update_file: one or more hunks. A hunk begins with a line of @@, or @@ and a line of the file above the \
change (a function or class, say) to tell where it lies. Then come lines with one character in front: a space for a \
line that stays, - for one that goes, + for one that comes. Give three lines that stay before and after a change. A \
hunk at the end of the file may end with the line *** End of File.
Write no other envelope around it: no *** Begin Patch, no file headers, no line numbers."""


class _Operation(Struct):
    type: str
    path: str
    diff: str = ""


_OPERATIONS: Final[dict[str, type[CreateFile] | type[UpdateFile]]] = {
    "create_file": CreateFile,
    "update_file": UpdateFile,
}


def arguments(call: ApplyPatchCall) -> str:
    return encode(call.operation).decode()


def content(output: ApplyPatchCallOutput) -> str:
    return f"{output.status}: {output.output}" if output.output else output.status


class OpenApplyPatchCall(OpenTypedCall):
    def _build_item(self, arguments: dict[str, Any] | None, status: Any) -> OutputItem:
        if arguments is not None and isinstance(nested := arguments.get("operation"), dict):
            arguments = nested
        wanted = _Operation("update_file", "") if arguments is None else self._convert(_Operation, arguments)
        operation: CreateFile | UpdateFile | DeleteFile
        if wanted.type == "delete_file":
            operation = DeleteFile(wanted.path)
        elif (kind := _OPERATIONS.get(wanted.type)) is not None:
            operation = kind(wanted.path, wanted.diff)
        else:
            raise self._invalid_arguments(f"there is no operation '{wanted.type[:40]}'")
        if status == "incomplete":
            status = "in_progress"  # the type has only this and "completed". Source: openai-python 3.54.
        return ApplyPatchCall(self._call_id, operation, id=self._id, status=status)
