"""Code for a model: what a command prints, its limits, and what it does not see."""

import os
import shutil
import sys
import time
from typing import Any

import pytest

from adapter.hosting.code import CodeRunner
from adapter.hosting.policy import ToolPolicy
from adapter.settings.tools.backends import CodeSettings
from adapter.settings.tools.servers import MCPServerSettings
from adapter.settings.tools.settings import ToolSettings
from tests.support.servers.scripted_mcp import Reply, Request, ScriptedMCP, as_json, raw, result, tool

PYTHON = (sys.executable, "-I", "-")


def run(code: str, **settings: Any) -> str:
    found = CodeRunner(CodeSettings(**{"command": PYTHON, "timeout": 10.0, **settings})).run(code)
    assert found.error is None
    return found.logs


def test_what_code_prints() -> None:
    assert run("import sys; print(6 * 7, flush=True); print('ä\\x1b', file=sys.stderr)") == "42\nä\n"


def test_a_traceback_is_output() -> None:
    logs = run("1 / 0")
    assert "ZeroDivisionError" in logs
    assert logs.endswith("[ended with exit code 1]")


def test_code_sees_no_variable_of_the_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADAPTER_UPSTREAM_API_KEY", "hunter2")
    assert "hunter2" not in run("import os; print(dict(os.environ))")


def test_time_is_limited(tmp_path: Any) -> None:
    began = time.monotonic()
    logs = run("import os, time; print(os.getpid(), flush=True); time.sleep(60)", timeout=0.5)
    assert time.monotonic() - began < 5
    number, _, end = logs.partition("\n")
    assert end == "\n[ended after 0.5 s]"
    with pytest.raises(ProcessLookupError):
        os.kill(int(number), 0)


def test_memory_is_limited() -> None:
    assert "MemoryError" in run("x = bytearray(1 << 30)", memory_bytes=256 * 1024 * 1024)


def test_output_is_limited() -> None:
    logs = run("while True: print('x' * 1000)")
    assert "[cut: " in logs
    assert logs.endswith("[ended after 1048576 bytes of output]")


def test_children_end_with_it() -> None:
    code = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid, flush=True)"
    number = int(run(code, timeout=0.5).split()[0])
    for _ in range(100):
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return
        with open(f"/proc/{number}/stat") as stat:
            if stat.read().split()[2] == "Z":
                return
        time.sleep(0.01)
    pytest.fail("the child still runs")


def test_a_command_that_does_not_exist() -> None:
    found = CodeRunner(CodeSettings(command=("no-such-sandbox",))).run("1")
    assert found.error == "the sandbox could not be started"


def test_the_output_of_a_command_that_reads_nothing() -> None:
    """It ends while the code is being sent, so that sending fails."""
    command = ("sh", "-c", "echo why; exit 3")
    found = CodeRunner(CodeSettings(command=command)).run("#" * 260_000)
    assert found.logs == "why\n\n[ended with exit code 3]"


def test_code_that_is_too_long() -> None:
    assert CodeRunner(CodeSettings(command=PYTHON)).run("#" * 300_000).error is not None


def test_a_server_that_runs_code(server: ScriptedMCP) -> None:
    texts = iter(["42", "Traceback: no"])

    def answer(request: Request) -> Reply:
        if request.rpc == "tools/list":
            return as_json(result(request, resultType="complete", tools=[tool("run_python")]))
        assert request.message["params"] == {**request.message["params"], "arguments": {"script": "6 * 7"}}
        text = next(texts)
        return as_json(
            result(request, resultType="complete", content=[{"type": "text", "text": text}], isError=text != "42")
        )

    server.answers = answer
    policy = ToolPolicy(ToolSettings())
    settings = CodeSettings(mcp="x", tool="run_python", argument="script")
    runner = CodeRunner(settings, lambda: policy.connect(MCPServerSettings(label="x", url=server.url)))
    assert runner.run("6 * 7").logs == "42"
    failed = runner.run("6 * 7")
    assert (failed.logs, failed.error) == ("Error: Traceback: no", None), "code that fails has run"
    server.answers = lambda _: raw(status=502)
    assert runner.run("6 * 7").error == "HTTP 502 from the tool server"
    runner.close()


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_the_documented_sandbox() -> None:
    """The command of docs/tools.md: no network, nothing of the machine but its programs."""
    from tests.docs.guides.test_tools import sandbox

    assert run("print(6 * 7)", command=sandbox()).strip() == "42"
    code = "import os, socket\nprint(os.listdir('/'))\nsocket.create_connection(('1.1.1.1', 53), 1)"
    logs = run(code, command=sandbox())
    assert "etc" not in logs
    assert "OSError" in logs
