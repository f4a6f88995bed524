"""Members of a request that may go to the provider as they are: which may not.

The operator names members that the Responses API does not have (`stop`, `seed`, `top_k` …). A name that it has would
have two meanings, and one that the adapter writes itself would be written twice; both are reserved.
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
        # chat completions, written here or without meaning beside what is written here
        "audio", "function_call", "functions", "logprobs", "max_completion_tokens", "max_tokens", "messages",
        "modalities", "n", "reasoning_effort", "response_format", "verbosity",
    }
)  # fmt: skip
