"""The part of `check` about `[tools]`: list each MCP server's tools, search the web once, run a line of code, embed a
query.

All that may cost a little; an image is not made, since it costs more.
"""

import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Final

from adapter.commands.check.probes import Outcome
from adapter.commands.check.results import Result
from adapter.event_loop.heartbeat import Heartbeat
from adapter.hosting.mcp.errors import MCPError
from adapter.hosting.policy import ToolPolicy
from adapter.settings.settings import Settings
from adapter.settings.tools.backends import FileSearchSettings
from adapter.settings.tools.servers import MCPServerSettings
from adapter.upstream.client import Upstream
from translators.errors import UpstreamError
from translators.wire import NotJSON

_QUERY: Final = "weather today"
_CODE: Final = "print(6 * 7)"
_MAX_SHOWN_TOOLS: Final = 5


def run_tool_probes(settings: Settings) -> Iterator[Result]:
    """Yield the result of each probe as soon as it is known; none if no tool is configured."""
    policy = ToolPolicy(settings.tools)
    with closing(policy):
        for name, probe in _list_probes(settings, policy):
            start = time.monotonic()
            verdict, detail = probe()
            yield Result(name, verdict, time.monotonic() - start, detail, basic=True)


def _list_probes(settings: Settings, policy: ToolPolicy) -> list[tuple[str, Callable[[], Outcome]]]:
    tools = settings.tools
    found: list[tuple[str, Callable[[], Outcome]]] = [
        (f"mcp {label}", partial(_list, policy, server, _needed(settings, label)))
        for label, server in tools.mcp.items()
    ]
    if tools.web_search is not None:
        found.append(("web_search", partial(_search, policy, tools.web_search.backend)))
    if tools.code_interpreter is not None:
        found.append(("code_interpreter", partial(_run_code, policy)))
    if tools.file_search is not None:
        found.append(("file_search", partial(_embed, policy, settings, tools.file_search)))
    return found


def _needed(settings: Settings, label: str) -> set[str]:
    """Return the tools of a server that the settings name."""
    backends = (settings.tools.web_search, settings.tools.code_interpreter)
    return {one.tool for one in backends if one is not None and one.mcp == label}


def _list(policy: ToolPolicy, server: MCPServerSettings, needed: set[str]) -> Outcome:
    client = policy.connect(server)
    try:
        names = [tool.name for tool in client.list_tools()]
        about = ", ".join(filter(None, (client.revision, client.identity)))
    except MCPError as error:
        return "error", f"{error.message}."
    finally:
        client.close()
    missing = sorted((needed | (server.allowed_tools or frozenset())) - set(names))
    if missing:
        return "no", f"{about}: it has no tool {', '.join(missing)}."
    more = ", …" if len(names) > _MAX_SHOWN_TOOLS else ""
    return "ok", f"{about}: {len(names)} tools, {', '.join(names[:_MAX_SHOWN_TOOLS])}{more}"


def _search(policy: ToolPolicy, backend: str) -> Outcome:
    search = policy.create_search()
    assert search is not None
    result = search.run([_QUERY])
    if result.error is not None:
        return "error", f"{backend}: {result.error}."
    if not result.hits:
        return "no", f'{backend}: "{_QUERY}" found nothing.'
    return "ok", f'{backend}: "{_QUERY}" found {len(result.hits)} pages, the first is {result.hits[0].url}'


def _run_code(policy: ToolPolicy) -> Outcome:
    runner = policy.create_code_runner()
    assert runner is not None
    try:
        result = runner.run(_CODE)
    finally:
        runner.close()
    if result.error is not None:
        return "error", f"{result.error}."
    return ("ok" if "42" in result.logs else "no"), f'{_CODE} printed "{" ".join(result.logs.split())[:60]}"'


def _embed(policy: ToolPolicy, settings: Settings, search: FileSearchSettings) -> Outcome:
    upstream = next(one for one in settings.all_upstreams() if one.name == search.upstream)
    embedder = policy.create_embedder({upstream.name: Upstream(upstream, Heartbeat())})
    assert embedder is not None
    try:
        embedder.ask([_QUERY])
        began = time.monotonic()
        (vector,) = embedder.ask([_QUERY])  # over a connection that is open, as a search mostly has one
    except UpstreamError as error:
        return "error", f"{search.model}: {error}"
    except (*NotJSON, ValueError) as error:
        return "error", f"{search.model}: what came has no embedding: {error}."
    seconds = time.monotonic() - began
    came = f"{search.model}: {len(array('f', vector))} dimensions in {seconds:.2f} s"
    if seconds > search.query_timeout:
        return "no", f"{came}. A search waits {search.query_timeout:g} s for it (query_timeout), then uses words alone."
    return "ok", came
