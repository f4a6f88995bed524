"""A chat-completions upstream without a model, for trying the adapter and for tests.

It has the API of a vLLM server. Its answer depends on the request only:

- a text: the last user message, and how many earlier turns came with it;
- tool calls, when `tool_choice` requires one or the last user message names a declared tool;
- after tool results, a text that quotes them;
- a minimal valid instance, when `response_format` is a JSON schema;
- `reasoning_content` before all that, when `reasoning_effort` is set.

`serve` starts it as a child when no upstream is configured; `python -m adapter.demo --port N` runs it alone. It
listens on the loopback interface only and needs nothing but the standard library.
"""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess


def start_child() -> "subprocess.Popen[str]":
    """Start the demo as a child process that ends with this process, even if that is killed.

    Its standard input is a pipe to which nothing is written. The system closes the pipe when the last process that
    holds its other end has ended, and the child exits at the end of its input. The first line of its standard output
    is its base URL.
    """
    import subprocess  # imported late: a server with a provider starts no process

    return subprocess.Popen(
        [sys.executable, "-m", "adapter.demo", "--port", "0", "--until-stdin-closes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the server, which may still need its upstream to finish
    )
