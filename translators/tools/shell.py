"""The shell tool: command lines on the client's machine, several a call."""

from typing import Any, Final

import msgspec

from translators.responses.events import Event, ShellCallCommandAdded, ShellCallCommandDelta, ShellCallCommandDone
from translators.responses.items import OutputItem, ShellAction, ShellCall, ShellCallOutput
from translators.responses.tools import ShellTool
from translators.tools.typed import OpenTypedCall
from translators.wire import encode

PARAMETERS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "commands": {
            "type": "array", "items": {"type": "string"}, "description": "Command lines, run one after the other.",
        },
        "timeout_ms": {"type": "integer", "description": "Longest time for all of them."},
        "max_output_length": {"type": "integer", "description": "Most characters of output to give back."},
    },
    "required": ["commands"],
}  # fmt: skip
DESCRIPTION: Final = (
    "Runs command lines in a shell on the user's machine; gives back what they printed and how they ended."
)


def description(tool: ShellTool) -> str:
    """Return what the tool does, and the skills that the client's machine has."""
    skills = (tool.environment.skills if tool.environment is not None else None) or ()
    listed = [f"- {skill.name} ({skill.path}): {skill.description}" for skill in skills]
    if not listed:
        return DESCRIPTION
    return "\n".join([DESCRIPTION, "Skills, each a directory with a SKILL.md to read first:", *listed])


def arguments(call: ShellCall) -> str:
    action: dict[str, Any] = msgspec.to_builtins(call.action)
    return encode({name: value for name, value in action.items() if value is not None}).decode()


def content(output: ShellCallOutput) -> str:
    return encode(output.output).decode()


class OpenShellCall(OpenTypedCall):
    def _build_item(self, arguments: dict[str, Any] | None, status: Any) -> OutputItem:
        if arguments is not None and isinstance(commands := arguments.get("commands"), str):
            arguments = {**arguments, "commands": [commands]}
        action = ShellAction([]) if arguments is None else self._convert(ShellAction, arguments)
        return ShellCall(self._call_id, action, id=self._id, status=status, environment={"type": "local"})

    def _details(self) -> list[Event]:
        assert isinstance(self.item, ShellCall)
        events: list[Event] = []
        index = self._output_index
        for at, command in enumerate(self.item.action.commands):
            events += [
                ShellCallCommandAdded(output_index=index, command_index=at, command=""),
                ShellCallCommandDelta(output_index=index, command_index=at, delta=command),
                ShellCallCommandDone(output_index=index, command_index=at, command=command),
            ]
        return events
