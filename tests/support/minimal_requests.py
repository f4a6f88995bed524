"""The least that a create request can say to ask for one thing of the policy, by table and name."""

from typing import Any

JSON = dict[str, Any]

FUNCTION: JSON = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
CALL: JSON = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
ASKED: JSON = {"role": "user", "content": "Hi"}
IMAGE = "data:image/png;base64,aGk="
SCHEMA: JSON = {"type": "json_schema", "name": "n", "schema": {"type": "object"}}

FIELDS: dict[str, JSON] = {
    "model": {"model": "other"},
    "input": {"input": "Hello"},
    "instructions": {"instructions": "Be brief."},
    "previous_response_id": {"previous_response_id": "resp_1"},
    "conversation": {"conversation": "conv_1"},
    "conversation.id": {"conversation": {"id": "conv_1"}},
    "prompt": {"prompt": {"id": "greeter", "variables": {"name": "Ada"}}},
    "prompt.id": {"prompt": {"id": "greeter", "variables": {"name": "Ada"}}},
    "prompt.version": {"prompt": {"id": "greeter", "version": "2", "variables": {"name": "Ada"}}},
    "prompt.variables": {"prompt": {"id": "greeter", "variables": {"name": {"type": "input_text", "text": "Ada"}}}},
    "store": {"store": False},
    "stream": {"stream": True},
    "stream_options": {"stream": True, "stream_options": {}},
    "stream_options.include_obfuscation": {"stream": True, "stream_options": {"include_obfuscation": True}},
    "background": {"background": True},
    "background_options": {"background_options": {}},
    "background_options.completion_window": {"background": True, "background_options": {"completion_window": "8h"}},
    "background_options.continuation_id": {"background_options": {"continuation_id": "c"}},
    "context_management": {"context_management": [{"type": "compaction"}]},
    "context_management.compact_threshold": {
        "context_management": [{"type": "compaction", "compact_threshold": 1000}]
    },
    "max_output_tokens": {"max_output_tokens": 16},
    "max_tool_calls": {"max_tool_calls": 1},
    "parallel_tool_calls": {"parallel_tool_calls": False, "tools": [FUNCTION]},
    "tools": {"tools": [FUNCTION]},
    "tool_choice": {"tool_choice": "auto"},
    "temperature": {"temperature": 0.5},
    "top_p": {"top_p": 0.5},
    "presence_penalty": {"presence_penalty": 0.5},
    "frequency_penalty": {"frequency_penalty": 0.5},
    "top_logprobs": {"top_logprobs": 2},
    "text": {"text": {}},
    "text.format": {"text": {"format": {"type": "text"}}},
    "text.format.name": {"text": {"format": SCHEMA}},
    "text.format.description": {"text": {"format": SCHEMA | {"description": "A thing."}}},
    "text.format.schema": {"text": {"format": SCHEMA}},
    "text.format.strict": {"text": {"format": SCHEMA | {"strict": False}}},
    "text.verbosity": {"text": {"verbosity": "low"}},
    "reasoning": {"reasoning": {}},
    "reasoning.effort": {"reasoning": {"effort": "high"}},
    "reasoning.summary": {"reasoning": {"summary": "auto"}},
    "reasoning.generate_summary": {"reasoning": {"generate_summary": "auto"}},
    "reasoning.context": {"reasoning": {"context": "all_turns"}},
    "reasoning.mode": {"reasoning": {"mode": "standard"}},
    "include": {"include": []},
    "truncation": {"truncation": "auto"},
    "metadata": {"metadata": {"k": "v"}},
    "user": {"user": "u"},
    "safety_identifier": {"safety_identifier": "s"},
    "prompt_cache_key": {"prompt_cache_key": "k"},
    "prompt_cache_retention": {"prompt_cache_retention": "24h"},
    "prompt_cache_options": {"prompt_cache_options": {"mode": "implicit"}},
    "prompt_cache_options.mode": {"prompt_cache_options": {"mode": "explicit"}},
    "prompt_cache_options.ttl": {"prompt_cache_options": {"ttl": "12h"}},
    "prompt_cache_options.comparison_response_id": {"prompt_cache_options": {"comparison_response_id": "resp_1"}},
    "prompt_cache_options.prewarm": {"prompt_cache_options": {"prewarm": True}},
    "service_tier": {"service_tier": "flex"},
    "moderation": {"moderation": {}},
    "moderation.model": {"moderation": {"model": "m"}},
    "moderation.policy": {"moderation": {"model": "m", "policy": {}}},
    "moderation.policy.input": {"moderation": {"model": "m", "policy": {"input": {}}}},
    "moderation.policy.input.mode": {"moderation": {"model": "m", "policy": {"input": {"mode": "score"}}}},
    "moderation.policy.output": {"moderation": {"model": "m", "policy": {"output": {}}}},
    "moderation.policy.output.mode": {"moderation": {"model": "m", "policy": {"output": {"mode": "score"}}}},
    "access_programs": {"access_programs": {}},
    "access_programs.cyber": {"access_programs": {"cyber": "standard"}},
    "image": {"image": {}},
    "image.context_compression": {"image": {"context_compression": "auto"}},
    "multi_agent": {"multi_agent": {"enabled": True}},
    "generate": {"generate": False},
    "stream_id": {"stream_id": "main"},
    "client_metadata": {"client_metadata": {"any": ["thing"]}},
}

FORMATS: dict[str, JSON] = {"text": {"type": "text"}, "json_object": {"type": "json_object"}, "json_schema": SCHEMA}

ITEMS: dict[str, list[JSON]] = {
    "message": [ASKED | {"type": "message"}],
    "reasoning": [{"type": "reasoning", "id": "rs_1", "summary": []}, {"role": "assistant", "content": "Hello"}, ASKED],
    "function_call": [CALL, {"type": "function_call_output", "call_id": "call_1", "output": "4"}],
    "function_call_output": [CALL, {"type": "function_call_output", "call_id": "call_1", "output": "4"}],
    "custom_tool_call": [
        {"type": "custom_tool_call", "call_id": "call_1", "name": "c", "input": "x"},
        {"type": "custom_tool_call_output", "call_id": "call_1", "output": "y"},
    ],
    "custom_tool_call_output": [
        {"type": "custom_tool_call", "call_id": "call_1", "name": "c", "input": "x"},
        {"type": "custom_tool_call_output", "call_id": "call_1", "output": "y"},
    ],
    "local_shell_call": [
        {"type": "local_shell_call", "id": "lsh_1", "call_id": "call_1", "status": "completed",
         "action": {"type": "exec", "command": ["ls"], "env": {}}},
        {"type": "local_shell_call_output", "id": "call_1", "output": "a.py"},
    ],
    "shell_call": [
        {"type": "shell_call", "call_id": "call_1", "action": {"commands": ["ls"]}},
        {"type": "shell_call_output", "call_id": "call_1", "output": [
            {"stdout": "a.py", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]},
    ],
    "apply_patch_call": [
        {"type": "apply_patch_call", "call_id": "call_1", "status": "completed",
         "operation": {"type": "create_file", "path": "a.py", "diff": "+x"}},
        {"type": "apply_patch_call_output", "call_id": "call_1", "status": "completed"},
    ],
    "tool_search_call": [
        {"type": "tool_search_call", "call_id": "call_1", "execution": "client", "arguments": {"query": "f"}},
        {"type": "tool_search_output", "call_id": "call_1", "execution": "client", "tools": [FUNCTION]},
    ],
    "additional_tools": [{"type": "additional_tools", "role": "developer", "tools": [FUNCTION]}, ASKED],
    "configuration_update": [{"type": "configuration_update", "reasoning": {"effort": "low"}}, ASKED],
    "item_reference": [{"type": "item_reference", "id": "msg_1"}],
    "compaction": [{"type": "compaction", "encrypted_content": "sealed"}, ASKED],
    "compaction_trigger": [ASKED, {"type": "compaction_trigger"}],
    "computer_call": [
        {"type": "computer_call", "id": "cu_1", "call_id": "call_1", "status": "completed",
         "pending_safety_checks": [], "actions": [{"type": "screenshot"}]},
        {"type": "computer_call_output", "call_id": "call_1",
         "output": {"type": "computer_screenshot", "image_url": IMAGE}},
    ],
    "mcp_call": [
        {"type": "mcp_call", "id": "mcp_1", "name": "roll", "arguments": "{}", "server_label": "dice", "output": "4"}
    ],
    "mcp_list_tools": [{"type": "mcp_list_tools", "id": "mcpl_1", "server_label": "dice", "tools": []}, ASKED],
    "mcp_approval_request": [
        {"type": "mcp_approval_request", "id": "mcpr_1", "name": "roll", "arguments": "{}", "server_label": "dice"},
        ASKED,
    ],
    "mcp_approval_response": [
        {"type": "mcp_approval_request", "id": "mcpr_1", "name": "roll", "arguments": "{}", "server_label": "dice"},
        {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": False},
    ],
    "code_interpreter_call": [
        {"type": "code_interpreter_call", "id": "ci_1", "status": "completed", "container_id": "c", "code": "1",
         "outputs": []}
    ],
    "file_search_call": [{"type": "file_search_call", "id": "fs_1", "status": "completed", "queries": ["q"]}, ASKED],
    "image_generation_call": [{"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "aGk="}],
    "web_search_call": [
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
        ASKED,
    ],
    "program": [{"type": "program", "id": "prog_1", "call_id": "call_1", "code": "1", "fingerprint": "f"}, ASKED],
    "program_output": [
        {"type": "program_output", "id": "progout_1", "call_id": "call_1", "result": "1", "status": "completed"}
    ],
    "agent_message": [{"type": "agent_message", "author": "a", "recipient": "b", "content": []}],
    "multi_agent_call": [{"type": "multi_agent_call", "call_id": "call_1", "action": "list_agents", "arguments": "{}"}],
    "multi_agent_call_output": [{"type": "multi_agent_call_output", "call_id": "call_1", "output": []}, ASKED],
}  # fmt: skip
ITEMS |= {  # an output needs its call
    f"{call}_output": ITEMS[call] for call in ("local_shell_call", "shell_call", "apply_patch_call", "computer_call")
}
ITEMS["tool_search_output"] = ITEMS["tool_search_call"]

PARTS: dict[str, list[JSON]] = {
    "input_text": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
    "input_image": [{"role": "user", "content": [{"type": "input_image", "detail": "auto", "image_url": IMAGE}]}],
    "input_file": [
        {"role": "user", "content": [{"type": "input_file", "filename": "a.txt", "file_data": "aGk="}]}
    ],
    "input_audio": [
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}]}
    ],
    "output_text": [
        {"role": "assistant", "content": [{"type": "output_text", "text": "Hello", "annotations": []}]}, ASKED
    ],
    "refusal": [{"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}, ASKED],
    "encrypted_content": [{"role": "user", "content": [{"type": "encrypted_content", "encrypted_content": "Hi"}]}],
    "reasoning_text": [
        {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]},
        {"role": "assistant", "content": "Hello"}, ASKED,
    ],
    "summary_text": [
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"role": "assistant", "content": "Hello"}, ASKED,
    ],
    "text": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
    "computer_screenshot": ITEMS["computer_call_output"],
}  # fmt: skip

TOOLS: dict[str, JSON] = {
    "function": FUNCTION,
    "custom": {"type": "custom", "name": "c"},
    "namespace": {"type": "namespace", "name": "n", "description": "Some.", "tools": [FUNCTION]},
    "tool_search": {"type": "tool_search"},
    "mcp": {"type": "mcp", "server_label": "dice", "server_url": "https://dice.example"},
    "file_search": {"type": "file_search", "vector_store_ids": ["vs_1"]},
    "code_interpreter": {"type": "code_interpreter", "container": {"type": "auto"}},
    "computer_use_preview": {
        "type": "computer_use_preview", "display_width": 800, "display_height": 600, "environment": "linux",
    },
}  # fmt: skip


def field(name: str) -> JSON:
    """Return a request that uses a field."""
    return {"model": "m", "input": "Hi"} | FIELDS[name]


def format(name: str) -> JSON:
    return {"model": "m", "input": "Hi", "text": {"format": FORMATS[name]}}


def include(name: str) -> JSON:
    return {"model": "m", "input": "Hi", "include": [name]}


def item(name: str) -> JSON:
    return {"model": "m", "input": ITEMS[name]}


def part(name: str) -> JSON:
    return {"model": "m", "input": PARTS[name]}


def tool(name: str) -> JSON:
    return {"model": "m", "input": "Hi", "tools": [TOOLS.get(name, {"type": name})]}


HOSTED = frozenset(
    ("mcp", "web_search", "web_search_preview", "web_search_preview_2025_03_11", "file_search", "code_interpreter",
     "image_generation")
)


def tool_choice(name: str) -> JSON:
    """Return a request that declares the tool that it chooses, if there is one."""
    choices: dict[str, Any] = {
        "auto": "auto", "none": "none", "required": "required",
        "allowed_tools": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
        "function": {"type": "function", "name": "f"},
        "custom": {"type": "custom", "name": "c"},
        "mcp": {"type": "mcp", "server_label": "dice"},
    }  # fmt: skip
    shells = [{"type": "local_shell"}, {"type": "shell"}, {"type": "apply_patch"}]
    tools = [FUNCTION, TOOLS["custom"], *shells, *([TOOLS.get(name, {"type": name})] if name in HOSTED else [])]
    return {"model": "m", "input": "Hi", "tools": tools, "tool_choice": choices.get(name, {"type": name})}
