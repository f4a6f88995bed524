"""A chat-completions upstream that needs no model, for trying the product and for tests.

It behaves like a polite vLLM with a small script for a brain, and what it answers depends on nothing but the request:

- a text: what the user said last, and how many earlier turns came with it;
- tool calls, when `tool_choice` demands one or the last user message names a declared tool;
- after tool results, a text that quotes them;
- a minimal valid instance, when `response_format` is a JSON schema;
- `reasoning_content` before all that, when `reasoning_effort` is set.

`serve` starts it as a child when no upstream is configured; `python -m adapter.demo --port N` runs it alone. It
listens on the loopback interface only and needs nothing but the standard library.
"""

import subprocess
import sys


def start_child() -> "subprocess.Popen[str]":
    """Start the demo as a process that ends with this one, however this one ends.

    Its standard input is a pipe that nobody writes to: the end of the last process that holds the other end closes
    it. The first line of its standard output is its base URL.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "adapter.demo", "--port", "0", "--until-stdin-closes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the server, which may still need its upstream to finish
    )
