"""The requests of the scenarios, in both dialects, so that the upstream gets about the same prompt from both.

The big one is what a coding agent sends late in its day: the whole history, hundreds of tool calls and their outputs,
and a dozen tools. The text is the same in every run. The fresh one is the big one, but its first item differs in every
request, so that no request begins as an earlier one did.
"""

from __future__ import annotations

import json
import random
from typing import Any

from bench.load import SLOT, Dialect

Body = dict[str, Any]
VOCABULARY = """
the worker reads each record from the queue and writes it to disk before it answers so a crash loses
nothing that was promised while slow peers wait in line without holding the others back
"""
QUESTION = "How does the queue survive a crash of the worker?"
CALLS, CALL_BYTES, OUTPUT_BYTES = 199, 60, 985
TOOLS = 12
RECORD: dict[str, Any] = {
    "name": "record",
    "description": "Record a text.",
    "parameters": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    "strict": False,
}


def plain_body(dialect: Dialect, script: str, streamed: bool) -> Body:
    """Return a request of one short question, with the tool if the script calls it."""
    offered = [RECORD] if script.endswith("t") else []
    if dialect.name == "chat":
        members = chat_members(script, streamed) | {"messages": [{"role": "user", "content": QUESTION}]}
        tools = [{"type": "function", "function": tool} for tool in offered]
    else:
        members = {"model": script, "stream": streamed, "input": QUESTION}
        tools = [{"type": "function", **tool} for tool in offered]
        if script.endswith("h"):
            tools = [{"type": "mcp", "server_label": "bench", "require_approval": "never"}]
    return members | {"tools": tools} if tools else members


def chat_members(script: str, streamed: bool) -> Body:
    members: Body = {"model": script, "stream": streamed}
    return members | {"stream_options": {"include_usage": True}} if streamed else members


def turn_body(script: str, number: int, previous: str | None) -> bytes:
    """Return one turn of a chain, in the Responses dialect."""
    turn = {"model": script, "input": f"Turn {number}. {QUESTION}"}
    return encode(turn | {"previous_response_id": previous} if previous else turn)


def fresh_body(dialect: Dialect, script: str, streamed: bool) -> Body:
    """Return the big request with a slot in front of its task."""
    return big_body(dialect, script, streamed, opening=f"{SLOT.decode()} ")


def big_body(dialect: Dialect, script: str, streamed: bool, opening: str = "") -> Body:
    """Return a request of some 280 KB: instructions, a task, 199 tool calls with their outputs, tools."""
    words = random.Random(280)
    system, task, last = prose(words, 9000), opening + prose(words, 800), "Go on."
    calls = [call(words, number) for number in range(CALLS)]
    tools = [tool(words, number) for number in range(TOOLS)]
    if dialect.name == "chat":
        messages = [{"role": "system", "content": system}, {"role": "user", "content": task}]
        messages += [part for made in calls for part in call_messages(*made)]
        messages.append({"role": "user", "content": last})
        offered = [{"type": "function", "function": function} for function in tools]
        return chat_members(script, streamed) | {"messages": messages, "tools": offered}
    items = [message(task), *(item for made in calls for item in call_items(*made)), message(last)]
    offered = [{"type": "function", **function} for function in tools]
    members = {"model": script, "stream": streamed, "instructions": system}
    return members | {"input": items, "tools": offered}


def call(words: random.Random, number: int) -> tuple[str, str, str]:
    """Return call id, arguments and output of one tool call."""
    arguments = encode({"command": prose(words, CALL_BYTES)}).decode()
    return f"call_{number:04}", arguments, prose(words, OUTPUT_BYTES)


def call_messages(call_id: str, arguments: str, output: str) -> list[dict[str, Any]]:
    """Return a tool call and its output as chat messages."""
    made = {"id": call_id, "type": "function", "function": {"name": "tool_3", "arguments": arguments}}
    return [
        {"role": "assistant", "content": None, "tool_calls": [made]},
        {"role": "tool", "tool_call_id": call_id, "content": output},
    ]


def call_items(call_id: str, arguments: str, output: str) -> list[dict[str, Any]]:
    """Return a tool call and its output as Responses items."""
    return [
        {"type": "function_call", "call_id": call_id, "name": "tool_3", "arguments": arguments},
        {"type": "function_call_output", "call_id": call_id, "output": output},
    ]


def message(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def tool(words: random.Random, number: int) -> dict[str, Any]:
    """Return the description of one tool, some 2 KB of schema."""
    properties = {
        f"field_{name}": {"type": "string", "description": prose(words, 250)} for name in ("a", "b", "c", "d")
    }
    return {
        "name": f"tool_{number}",
        "description": prose(words, 700),
        "parameters": {"type": "object", "properties": properties, "additionalProperties": False},
        "strict": False,
    }


def prose(words: random.Random, length: int) -> str:
    """Return text of about the given length, with the line ends that make JSON escape."""
    text, vocabulary = [], VOCABULARY.split()
    while length > 0:
        word = words.choice(vocabulary) + ("\n" if words.random() < 0.1 else " ")
        text.append(word)
        length -= len(word)
    return "".join(text).strip()


def encode(value: Any) -> bytes:
    """Return compact JSON, as clients send it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
