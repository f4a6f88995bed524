"""The items of hosted tools: their members, and the events between their first one and their last.

A member that OpenAI leaves out must not be null, because the schemas of some clients refuse null in its place. Sources:
OpenAI API reference, Streaming events; AI SDK, schema of the Responses provider.
"""

from typing import Any

Object = dict[str, Any]

HOSTED: dict[str, frozenset[str]] = {
    "mcp_list_tools": frozenset(("id", "type", "server_label", "tools")),
    "mcp_call": frozenset(
        ("id", "type", "status", "approval_request_id", "arguments", "error", "name", "output", "server_label")
    ),
    "mcp_approval_request": frozenset(("id", "type", "arguments", "name", "server_label")),
    "web_search_call": frozenset(("id", "type", "status", "action")),
    "file_search_call": frozenset(("id", "type", "status", "queries", "results")),
    "code_interpreter_call": frozenset(("id", "type", "status", "code", "container_id", "outputs")),
    "tool_search_call": frozenset(("id", "type", "status", "call_id", "execution", "arguments")),
    "tool_search_output": frozenset(("id", "type", "status", "call_id", "execution", "tools")),
}
"""The members that an item always has."""
OPTIONAL: dict[str, frozenset[str]] = {
    "mcp_list_tools": frozenset(("error",)), "mcp_call": frozenset(("hidden",)),
    "web_search_call": frozenset(("hidden",)), "tool_search_call": frozenset(("hidden",)),
    "code_interpreter_call": frozenset(("hidden",)), "file_search_call": frozenset(("hidden",)),
}  # fmt: skip
"""Those that it has only with a value; `hidden` is ours, for clients that keep the history."""
ERRORS = {
    "mcp_tool_execution_error": {"type", "content"}, "mcp_protocol_error": {"type", "code", "message"},
    "http_error": {"type", "code", "message"},
}  # fmt: skip
STAGES: dict[str, tuple[str, ...]] = {
    "mcp_list_tools": ("mcp_list_tools.in_progress", "mcp_list_tools.completed"),
    "mcp_call": ("mcp_call.in_progress", "mcp_call_arguments.delta", "mcp_call_arguments.done", "mcp_call.completed"),
    "mcp_approval_request": (),
    "tool_search_call": (),
    "tool_search_output": (),
    "web_search_call": ("web_search_call.in_progress", "web_search_call.searching", "web_search_call.completed"),
    "file_search_call": ("file_search_call.in_progress", "file_search_call.searching", "file_search_call.completed"),
    "code_interpreter_call": (
        "code_interpreter_call.in_progress", "code_interpreter_call_code.delta", "code_interpreter_call_code.done",
        "code_interpreter_call.interpreting", "code_interpreter_call.completed",
    ),
}
"""The events of an item, without `response.`; `failed` may stand for `completed`."""


def is_hosted(item: Object) -> bool:
    """Whether an item is one of a tool that the adapter ran; a search for tools may be the client's."""
    return item["type"] in HOSTED and not (item["type"] == "tool_search_call" and item.get("execution") == "client")


def check_hosted_item(item: Object) -> None:
    """Raise AssertionError for an item that has a member too many or too few."""
    kind = item["type"]
    optional = OPTIONAL.get(kind, frozenset())
    assert HOSTED[kind] <= item.keys() <= HOSTED[kind] | optional, f"members {sorted(item)}"
    assert all(item[name] is not None for name in optional & item.keys()), "null where OpenAI has nothing"
    if kind == "mcp_list_tools":
        for tool in item["tools"]:
            assert tool.keys() == {"name", "description", "input_schema", "annotations"}, f"a tool has {sorted(tool)}"
            assert isinstance(tool["annotations"]["read_only"], bool)
    if kind == "mcp_call":
        _check_call(item)
    if kind.startswith("tool_search"):
        assert (item["execution"], item["call_id"]) == ("server", None), "the call_id is the client's"


def _check_call(item: Object) -> None:
    output, error = item["output"], item["error"]
    match item["status"]:
        case "completed":
            assert isinstance(output, str), "a completed call has an output"
            assert error is None, "a completed call has no error"
        case "failed":
            assert output is None, "a failed call has no output"
            assert error.keys() == ERRORS[error["type"]], f"error {error}"
        case status:
            assert status in ("in_progress", "incomplete"), status
            assert (output, error) == (None, None), "a call without a result has neither output nor error"


class HostedItem:
    """An item of a hosted tool between its `added` and its `done`."""

    def __init__(self, added: Object) -> None:
        self._added = added
        self._seen: list[str] = []
        self._arguments = ""

    def read(self, event: Object) -> None:
        kind = event["type"].removeprefix("response.")
        if kind in ("mcp_call_arguments.delta", "code_interpreter_call_code.delta"):
            self._arguments += event["delta"]
        if kind == "mcp_call_arguments.done":
            assert event["arguments"] == self._arguments, f"the deltas say {self._arguments!r}"
        self._seen.append(kind)
        stages = STAGES[self._added["type"]]
        expected = stages[: len(self._seen)]
        assert tuple(one.replace(".failed", ".completed") for one in self._seen) == expected, f"seen {self._seen}"

    def check(self, done: Object) -> None:
        """Raise AssertionError unless the item is what its events said."""
        kind, status = self._added["type"], done.get("status")
        changing = {"status", "output", "error", "arguments", "tools", "action", "code", "outputs", "queries"}
        changing.add("results")
        same = [name for name in self._added if name not in changing]
        assert [done[name] for name in same] == [self._added[name] for name in same], "another item"
        if "arguments" in done and kind == "mcp_call":
            assert done["arguments"] == self._arguments, f"its events add up to {self._arguments!r}"
        if kind == "code_interpreter_call":
            assert done["code"] == self._arguments, f"its events add up to {self._arguments!r}"
        if kind == "web_search_call":
            assert done["action"].items() >= self._added["action"].items(), "another action"
        built_in = ("web_search_call", "file_search_call", "code_interpreter_call")
        if status == "incomplete" or (status == "failed" and kind in built_in):
            return
        failed = status == "failed" or (kind == "mcp_list_tools" and "error" in done)
        assert len(self._seen) == len(STAGES[kind]), f"its events are {self._seen}"
        assert not self._seen or self._seen[-1].endswith(".failed" if failed else ".completed"), "the other end"
