"""A chat-completions upstream without a model, for trying the adapter and for tests.

It has the API of a vLLM server. Its answer depends on the request only:

- a text: the last user message, and how many earlier turns came with it;
- tool calls, when `tool_choice` requires one or the last user message names a declared tool (`calls.py`);
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


def start_child() -> tuple["subprocess.Popen[str]", str]:
    """Start the demo as a child process that ends with this process, even if that is killed; return it and its URL.

    Its standard input is a pipe to which nothing is written. The system closes the pipe when the last process that
    holds its other end has ended, and the child exits at the end of its input. The first line of its standard output
    is its base URL. Raises SettingsError if there is none.
    """
    import subprocess  # imported late: a server with a provider starts no process

    from adapter.settings.settings import SettingsError  # imported late: the child needs no settings

    child = subprocess.Popen(
        [sys.executable, "-m", "adapter.demo", "--port", "0", "--until-stdin-closes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the server, which may still need its upstream to finish
    )
    assert child.stdout is not None
    url = child.stdout.readline().strip()
    if not url:
        child.communicate()  # closes its input, and waits
        raise SettingsError("ADAPTER_UPSTREAM_URL is not set, and the demo upstream could not be started.")
    return child, url
