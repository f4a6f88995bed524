"""The Response object and its items by themselves, wherever they stand.

`check_response` takes an unstreamed answer, what GET returns, or the snapshot in an event. It wants the
union of what OpenAI and Open Responses require, and what clients break without.
Sources: OpenAI API reference, Responses: object; Open Responses specification, Response.
"""

import re
from collections.abc import Callable
from typing import Any

from tests.support.judges.hosted import check_hosted_item, is_hosted

Object = dict[str, Any]

REQUIRED = frozenset(
    (
        "id", "object", "created_at", "completed_at", "status", "background", "error", "frequency_penalty",
        "incomplete_details", "instructions", "max_output_tokens", "max_tool_calls", "metadata", "model",
        "output", "parallel_tool_calls", "presence_penalty", "previous_response_id", "prompt_cache_key",
        "reasoning", "safety_identifier", "service_tier", "store", "temperature", "text", "tool_choice",
        "tools", "top_logprobs", "top_p", "truncation", "usage",
    )
)
REASONS = ("max_output_tokens", "content_filter")
PREFIXES = {"message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc"}
TYPED: dict[str, Object] = {
    "local_shell_call": {
        "action": {
            "type": "exec", "command": [], "env": {}, "timeout_ms": None, "user": None, "working_directory": None
        }
    },
    "shell_call": {
        "action": {"commands": [], "timeout_ms": None, "max_output_length": None}, "environment": {"type": "local"}
    },
    "apply_patch_call": {"operation": {"type": "update_file", "path": "", "diff": ""}},
    "tool_search_call": {"arguments": {}, "execution": "client"},
    "image_generation_call": {"result": None},
    "compaction": {"encrypted_content": ""},
}  # fmt: skip
"""The items whose content comes whole in their done event, each with what it has before."""
PREFIXES |= {"local_shell_call": "lsh", "shell_call": "sh", "apply_patch_call": "apc", "tool_search_call": "tsc"}
PREFIXES |= {"image_generation_call": "ig", "compaction": "cmp", "tool_search_output": "tso"}
PREFIXES |= {"web_search_call": "ws", "code_interpreter_call": "ci", "file_search_call": "fs"}
PREFIXES |= {"mcp_list_tools": "mcpl", "mcp_call": "mcp", "mcp_approval_request": "mcpr"}
ARGUMENTS = {"function_call": "arguments", "custom_tool_call": "input"}
EMPTY_PARTS: dict[str, Object] = {
    "output_text": {"type": "output_text", "text": "", "annotations": [], "logprobs": []},
    "refusal": {"type": "refusal", "refusal": ""},
    "reasoning_text": {"type": "reasoning_text", "text": ""},
    "summary_text": {"type": "summary_text", "text": ""},
}


def check_response(response: Object) -> None:
    """Raise AssertionError when a Response object contradicts itself or lacks what somebody needs."""
    lacking = REQUIRED - response.keys()
    assert not lacking, f"the response lacks {sorted(lacking)}"
    assert response["object"] == "response", "object is not 'response'"
    assert re.fullmatch(r"resp_[0-9a-f]{32,}", response["id"]), f"odd response id {response['id']!r}"
    assert type(response["created_at"]) is int, "created_at is not whole seconds"
    _CHECKS[response["status"]](response)
    for item in response["output"]:
        check_item(item)
    unfinished = [item for item in response["output"][:-1] if item.get("status") == "incomplete"]
    assert not unfinished, f"an incomplete item is not the last one: {unfinished}"


def check_item(item: Object) -> None:
    """Check what an output item carries, open or done."""
    kind = item["type"]
    assert kind in PREFIXES, f"unknown item type {kind!r}"
    assert re.fullmatch(PREFIXES[kind] + r"_[0-9a-f]{32,}", item["id"]), f"odd item id {item['id']!r}"
    if kind == "reasoning":
        assert isinstance(item["summary"], list), "reasoning without summary"
        nulls = [key for key in ("content", "encrypted_content") if key in item and item[key] is None]
        assert not nulls, f"null does not validate as {nulls} of reasoning"
        return
    if kind == "compaction":
        assert isinstance(item["encrypted_content"], str), "compaction without encrypted_content"
        return
    if is_hosted(item):
        check_hosted_item(item)
        return
    statuses = ("in_progress", "completed", "incomplete")[: 2 if kind == "apply_patch_call" else 3]
    if kind == "image_generation_call":
        statuses = ("in_progress", "completed", "failed")
    assert item["status"] in statuses, f"odd status {item['status']!r}"
    if kind == "message":
        assert item["role"] == "assistant", "an answer's role is assistant"
        for part in item["content"]:
            assert part.keys() >= EMPTY_PARTS[part["type"]].keys(), f"a part lacks a member: {part}"
        return
    if kind == "image_generation_call":
        assert bool(item.get("result")) == (item["status"] == "completed"), "an image that is done, and only that"
        assert item["status"] != "failed" or item["result"] == "", "null breaks the AI SDK"
        return
    assert 1 <= len(item["call_id"]) <= 64, f"odd call_id {item['call_id']!r}"
    if kind in TYPED:
        assert item.keys() >= TYPED[kind].keys(), f"a {kind} lacks a member"
        return
    assert item["name"], "a call without a name"
    assert isinstance(item[ARGUMENTS[kind]], str), "arguments are text"
    if kind == "function_call" and item["status"] == "completed":
        assert item["arguments"], "a completed call has arguments, at least {}"


def _check_running(response: Object) -> None:
    for member in ("usage", "completed_at", "error", "incomplete_details"):
        assert response[member] is None, f"{member} is set before the end"


def _check_completed(response: Object) -> None:
    assert type(response["completed_at"]) is int, "completed_at is not whole seconds"
    assert response["completed_at"] >= response["created_at"], "completed before it was created"
    assert response["error"] is None, "completed, with an error"
    assert response["incomplete_details"] is None, "completed, with incomplete_details"
    unfinished = [item for item in response["output"] if item.get("status") == "incomplete"]
    assert not unfinished, f"completed, with incomplete items {unfinished}"
    _check_usage(response["usage"])


def _check_incomplete(response: Object) -> None:
    assert response["completed_at"] is None, "incomplete, with completed_at"
    assert response["error"] is None, "incomplete, with an error"
    assert response["incomplete_details"]["reason"] in REASONS, "an unknown reason"
    _check_usage(response["usage"])


def _check_failed(response: Object) -> None:
    assert response["completed_at"] is None, "failed, with completed_at"
    assert response["incomplete_details"] is None, "failed, with incomplete_details"
    for member in ("code", "message"):
        assert response["error"][member], f"the error has no {member}"
    if response["usage"] is not None:
        _check_usage(response["usage"])


def _check_cancelled(response: Object) -> None:
    assert response["completed_at"] is None, "cancelled, with completed_at"
    assert response["error"] is None, "cancelled, with an error"


_CHECKS: dict[str, Callable[[Object], None]] = {
    "queued": _check_running,
    "in_progress": _check_running,
    "completed": _check_completed,
    "incomplete": _check_incomplete,
    "failed": _check_failed,
    "cancelled": _check_cancelled,
}


def _check_usage(usage: Object) -> None:
    counts = [usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]]
    counts.append(usage["input_tokens_details"]["cached_tokens"])
    counts.append(usage["output_tokens_details"]["reasoning_tokens"])
    assert all(type(count) is int and count >= 0 for count in counts), f"odd usage {usage}"
    sent, made, total, cached, reasoning = counts
    parts_of_wholes = [(cached, sent), (reasoning, made), (sent + made, total)]
    assert all(part <= whole for part, whole in parts_of_wholes), f"a part above its whole in {usage}"
