"""`code_interpreter`: code that runs in the operator's sandbox.

Source: OpenAI guide, Code interpreter.
"""

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from adapter.flow.tools.built_in.base import BuiltIn, Opening
from adapter.hosting.runs import BROKE, REPEATED, ToolRun, bounded_urls
from translators.errors import unsupported_value
from translators.open_items.code import OpenCode
from translators.open_items.hosted import OpenHostedItem
from translators.responses.tools import CodeInterpreterTool
from translators.tools.built_in import RUN_CODE, read_arguments

if TYPE_CHECKING:
    from adapter.hosting.code import CodeRunner

_NOT_CONFIGURED: Final = (
    "is not supported: no code is run here. The operator can configure a sandbox as "
    "[tools.code_interpreter]; or declare a function, 'shell' or 'local_shell' and run it in the client."
)


def open_code_interpreter(tool: CodeInterpreterTool, opening: Opening) -> BuiltIn:
    """Return what runs code; raise RequestError if nothing is configured."""
    runner = opening.policy.create_code_runner()
    if runner is None:
        raise unsupported_value(f"{opening.path}.type", "code_interpreter", _NOT_CONFIGURED)
    shows_outputs = "code_interpreter_call.outputs" in opening.source.request.include
    return BuiltIn(tool, (RUN_CODE,), partial(CodeRun, runner, shows_outputs), runner.close)


class CodeRun(ToolRun):
    """Code that is run."""

    def __init__(self, runner: "CodeRunner", shows_outputs: bool, function: str, arguments: str) -> None:
        self._runner = runner
        self._code = read_arguments(arguments).get("code", "")
        self._shows_outputs = shows_outputs
        self._logs, self._failed = BROKE, True
        self._images: list[str] = []

    def open_item(self, output_index: int, digits: str) -> OpenHostedItem:
        container = f"cntr_{digits[:24]}00000000"
        self._item = OpenCode(output_index, f"ci_{digits}", code=self._code, container_id=container)
        return self._item

    def _run(self) -> None:
        result = self._runner.run(self._code)
        self._logs, self._failed = result.logs, result.error is not None
        self._images = bounded_urls(result.images)

    def repeat(self, earlier: "CodeRun") -> None:
        self._logs = f"{earlier._logs}\n{REPEATED}".lstrip()
        self._images, self._failed = earlier._images, earlier._failed

    def settle(self) -> None:
        self.outcome = self._logs
        self._item.settle(self._logs, self._images, failed=self._failed, shows_outputs=self._shows_outputs)

    def log_fields(self) -> dict[str, Any]:
        return {"kind": "code_interpreter", "bytes": len(self._logs), "outcome": "failed" if self._failed else "ok"}
