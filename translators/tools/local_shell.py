"""The local_shell tool: one command, as a list of words, on the client's machine."""

from typing import Any, Final

import msgspec

from translators.responses.items import ExecAction, LocalShellCall, OutputItem
from translators.tools.typed import OpenTypedCall
from translators.wire import encode

PARAMETERS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "command": {
            "type": "array", "items": {"type": "string"}, "description": "The program and its arguments, one by one.",
        },
        "working_directory": {"type": "string"},
        "env": {"type": "object", "additionalProperties": {"type": "string"}},
        "timeout_ms": {"type": "integer"},
        "user": {"type": "string"},
    },
    "required": ["command"],
}  # fmt: skip
DESCRIPTION: Final = "Runs one command on the user's machine and gives back what it printed."


def arguments(call: LocalShellCall) -> str:
    action: dict[str, Any] = msgspec.to_builtins(call.action)
    given = {name: value for name, value in action.items() if name != "type" and value not in (None, {})}
    return encode(given).decode()


class OpenLocalShellCall(OpenTypedCall):
    def _build_item(self, arguments: dict[str, Any] | None, status: Any) -> OutputItem:
        if arguments is not None and isinstance(command := arguments.get("command"), str):
            arguments = {**arguments, "command": ["bash", "-lc", command]}
        action = ExecAction([]) if arguments is None else self._convert(ExecAction, arguments)
        return LocalShellCall(self._call_id, action, id=self._id, status=status)
