"""Requests without hosted tools cost nothing for them: no module is imported."""

import subprocess
import sys

PROGRAM = """
import sys
from adapter import create_app
from adapter.settings.settings import Settings

app = create_app(Settings(store="memory:", workers=1, upstream_url="http://127.0.0.1:9/v1"))
search = {"type": "tool_search", "execution": "client"}
tools = [{"type": "function", "name": "f"}, {"type": "web_search"}, search]
body = {"model": "m", "input": "Hi", "tools": tools}
assert app.test_client().post("/v1/responses", json=body).status_code == 503
print([name for name in sys.modules if name.startswith(("adapter.hosting.", "adapter.flow.tools.", "mcp"))])
"""


def test_nothing_of_hosted_tools_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"
