"""Names that cannot be passed through to the provider.

The operator may name request members that the Responses API lacks (`stop`, `seed`, `top_k` …), to be sent unchanged. A
name of the API would have two meanings, and one that the adapter writes itself would be sent twice; both are reserved.
"""

from typing import Final

RESERVED: Final = frozenset(
    {
        # the Responses API
        "access_programs", "background", "background_options", "client_metadata", "context_management", "conversation",
        "frequency_penalty", "generate", "image", "include", "input", "instructions", "max_output_tokens",
        "max_tool_calls", "metadata", "model", "moderation", "multi_agent", "parallel_tool_calls", "presence_penalty",
        "previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
        "reasoning", "safety_identifier", "service_tier", "store", "stream", "stream_id", "stream_options",
        "temperature", "text", "tool_choice", "tools", "top_logprobs", "top_p", "truncation", "user",
        # chat completions: written by the adapter, or in conflict with what it writes
        "audio", "function_call", "functions", "logprobs", "max_completion_tokens", "max_tokens", "messages",
        "modalities", "n", "reasoning_effort", "response_format", "verbosity",
    }
)  # fmt: skip
