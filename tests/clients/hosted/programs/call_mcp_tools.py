"""List the tools of an MCP server and call each, as the official conformance tests expect of a client.

The server's URL is the last argument. A tool that requires arguments gets those of the scenario, where the tests give
some, else a value of each parameter's type; one tool gets the schema of another, to see whether it is unchanged.
"""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402

from adapter.hosting.policy import ToolPolicy  # noqa: E402
from adapter.settings.tools.servers import MCPServerSettings  # noqa: E402
from adapter.settings.tools.settings import ToolSettings  # noqa: E402

VALUES = {"string": "x", "integer": 1, "number": 2, "boolean": True, "array": [], "object": {}, "null": None}
context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")


def make_arguments(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a value for each parameter."""
    properties = schema.get("properties", {})
    return {name: VALUES.get(one.get("type", "string"), "x") for name, one in properties.items()}


server = ToolPolicy(ToolSettings()).connect(MCPServerSettings(label="x", url=sys.argv[-1]))
tools = server.list_tools()
schemas = {tool.name: tool.input_schema for tool in tools}
given = [(call["name"], call.get("arguments", {})) for call in context.get("toolCalls", [])]
if "json_schema_echo" in schemas:
    given.append(("json_schema_echo", {"schema": schemas["json_schema_2020_12_tool"]}))
for tool in tools:
    calls = [arguments for name, arguments in given if name == tool.name] or [make_arguments(tool.input_schema)]
    for arguments in calls:
        print(tool.name, arguments, server.call(tool.name, arguments))
server.close()
gevent.sleep(0.2)
