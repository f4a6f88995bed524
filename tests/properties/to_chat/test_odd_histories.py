"""Whatever a member of an item of a history is, the request is served: refused, it would end the client's session."""

from collections.abc import Container, Iterator
from copy import deepcopy
from typing import Any

import pytest

from tests.translators.to_chat.test_encrypted import rendered
from translators.policy import INPUT_ITEMS
from translators.responses.decoding.items import decode_items
from translators.responses.items import AdditionalTools
from translators.tools.names import qualified_names
from translators.wire import encode

HI, BYE = {"role": "user", "content": "Hi"}, {"role": "user", "content": "Bye"}
FUNCTION = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}
NAMESPACE = {"type": "namespace", "name": "n", "description": "d", "tools": [FUNCTION]}
IMAGE = {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "low"}
PARTS = [{"type": "input_text", "text": "Look."}, IMAGE, {"type": "encrypted_content", "encrypted_content": "e"}]
TEXT = {"type": "output_text", "text": "Hello.", "annotations": [], "logprobs": []}
CALL = {"id": "x_1", "call_id": "c1", "status": "completed"}
ITEMS: list[list[dict[str, Any]]] = [
    [{"type": "message", "role": "user", "content": PARTS, "id": "msg_1", "status": "completed"}],
    [{"type": "message", "role": "assistant", "content": [TEXT], "id": "msg_1", "status": "completed", "phase": None}],
    [{"role": "developer", "content": "Be kind."}],
    [{"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}], "status": "completed",
      "content": [{"type": "reasoning_text", "text": "Hm."}], "encrypted_content": None},
     {"role": "assistant", "content": "Hello"}],
    [{"type": "function_call", **CALL, "name": "f", "arguments": "{}", "namespace": "n"},
     {"type": "function_call_output", **CALL, "output": PARTS}],
    [{"type": "custom_tool_call", **CALL, "name": "f", "input": "x"},
     {"type": "custom_tool_call_output", **CALL, "output": "y"}],
    [{"type": "local_shell_call", **CALL, "action": {"type": "exec", "command": ["ls"], "env": {"A": "b"}}},
     {"type": "local_shell_call_output", "call_id": "c1", "output": "a.py", "status": "completed"}],
    [{"type": "shell_call", **CALL, "action": {"commands": ["ls"], "timeout_ms": 5}, "environment": {"type": "local"}},
     {"type": "shell_call_output", **CALL, "max_output_length": 9,
      "output": [{"stdout": "a", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]}],
    [{"type": "apply_patch_call", **CALL, "operation": {"type": "update_file", "path": "a", "diff": "@@"}},
     {"type": "apply_patch_call_output", **CALL, "output": "done"}],
    [{"type": "tool_search_call", **CALL, "arguments": {"query": "f"}, "execution": "client"},
     {"type": "tool_search_output", **CALL, "execution": "client", "tools": [FUNCTION, NAMESPACE]}],
    [{"type": "computer_call", **CALL, "action": {"type": "wait"}, "pending_safety_checks": []},
     {"type": "computer_call_output", **CALL, "output": {"type": "computer_screenshot", "image_url": "https://a/b"}}],
    [{"type": "additional_tools", "id": "at_1", "role": "developer", "tools": [FUNCTION, NAMESPACE]}],
    [{"type": "configuration_update", "reasoning": {"effort": "low"}, "text": {"verbosity": "low"}}],
    [{"type": "agent_message", "author": "a", "recipient": "b", "content": PARTS}],
    [{"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "x"}}],
    [{"type": "file_search_call", "id": "fs_1", "status": "completed", "queries": ["x"], "results": [{"text": "y"}]}],
    [{"type": "code_interpreter_call", "id": "ci_1", "status": "completed", "code": "1", "container_id": "c",
      "outputs": [{"type": "logs", "logs": "1"}]}],
    [{"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "aGk="}],
    [{"type": "mcp_call", "id": "mcp_1", "server_label": "s", "name": "f", "arguments": "{}", "output": "y"}],
    [{"type": "mcp_list_tools", "id": "mcpl_1", "server_label": "s", "tools": [{"name": "f", "input_schema": {}}]}],
    [{"type": "mcp_approval_request", "id": "mcpr_1", "server_label": "s", "name": "f", "arguments": "{}"},
     {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": False, "reason": "no"}],
    [{"type": "program", "id": "p_1", "code": "1", "call_id": "c1", "fingerprint": "f"},
     {"type": "program_output", "id": "p_2", "call_id": "c1", "result": "1", "status": "completed"}],
]  # fmt: skip
PAIRED = frozenset({"type", "call_id"})
"""Members that make two items a pair: a call without its output is an error of its own."""
VALUES: tuple[Any, ...] = (None, "from_tomorrow", 5, True, [], {}, [5], {"type": "from_tomorrow"}, ["x"], "x" * 200)


def changed(value: Any, besides: Container[Any] = ()) -> Iterator[Any]:
    """Yield the value with one place in it left out, of another kind, or with a member more."""
    for place in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        if place in besides:
            continue
        for other in VALUES:
            yield _with(value, place, other)
        for inner in changed(value[place]):
            yield _with(value, place, inner)
        without = deepcopy(value)
        del without[place]
        yield without
    if isinstance(value, dict):
        yield {**value, "from_tomorrow": {"a": [None]}}


def _with(value: Any, place: Any, other: Any) -> Any:
    copied = deepcopy(value)
    copied[place] = other
    return copied


@pytest.mark.parametrize("items", ITEMS, ids=lambda items: str(items[0].get("type", "easy message")))
def test_no_item_of_a_history_is_refused(items: list[dict[str, Any]]) -> None:
    for at, item in enumerate(items):
        for other in changed(item, PAIRED if len(items) > 1 else ()):
            history = [*items[:at], other, *items[at + 1 :]]
            messages, _ = rendered(HI, *history, BYE)
            assert messages[-1] == BYE, other


@pytest.mark.parametrize("call_id", ["c" * 65, "c" * 2000, "a b/ü"])
def test_a_pair_stays_one_whatever_its_id(call_id: str) -> None:
    for items in ITEMS:
        renamed = [{**item, "call_id": call_id} if "call_id" in item else item for item in items]
        messages, _ = rendered(HI, *renamed, BYE)
        assert messages[-1] == BYE


def test_every_kind_of_item_is_tried() -> None:
    tried = {item.get("type", "message") for items in ITEMS for item in items}
    elsewhere = {"item_reference", "compaction", "compaction_trigger", "multi_agent_call", "multi_agent_call_output"}
    assert tried | elsewhere == set(INPUT_ITEMS)


@pytest.mark.parametrize("compaction", [{}, {"encrypted_content": None}, {"encrypted_content": 5}])
def test_a_compaction_that_holds_nothing_is_left_out_with_a_note(compaction: dict[str, Any]) -> None:
    messages, places = rendered(HI, {"type": "compaction", **compaction}, BYE)
    assert (messages, places) == ([HI, BYE], ["input[1]"])


def test_the_tools_that_can_be_loaded_stay() -> None:
    tools = [{"type": "web_search_v9"}, FUNCTION, {**NAMESPACE, "tools": [FUNCTION, {"type": "new"}]}, 5]
    item = {"type": "additional_tools", "tools": tools}
    decoded, _ = decode_items(encode([item, BYE]))
    assert isinstance(decoded, AdditionalTools)
    assert [name.name for tool in decoded.tools for name in qualified_names(tool)] == ["f", "f"]
    _, places = rendered(item, BYE)
    assert "input[0].tools" in places
