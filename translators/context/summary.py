"""The request that has the model summarise its own conversation, for a compaction item.

The conversation and the tools stay as they were, so that the provider's prompt cache serves the whole prefix; one
message at the end asks for the summary.
"""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from translators.responses.items import Item, Message
from translators.responses.request import CreateRequest, TextConfig

MAX_SUMMARY_TOKENS: Final = 8192
"""Tokens that a summary may take, with the thinking before it: room for thinking, and far less than any context."""

_INSTRUCTION: Final = (
    "Write a summary of this conversation, to hand it over. Whoever goes on with it will read your summary instead of "
    "everything above, so nothing that is needed may be missing. Say what the goal is and what limits were set; what "
    "was decided, and why; what was done and found, and the state of files, tools and data; what is still open; and "
    "what the next step is. Repeat names, paths, identifiers, numbers and error messages exactly. Do not call a tool, "
    "do not answer what was asked above, and begin nothing new. Write in the language of the conversation, and write "
    "only the summary."
)


def summary_request(request: CreateRequest, items: Sequence[Item]) -> CreateRequest:
    """Return a request that asks for a summary of `items`, without the answer format and limits of `request`."""
    return replace(
        request,
        input=(*items, Message("user", _INSTRUCTION)),
        tool_choice="none",
        max_output_tokens=MAX_SUMMARY_TOKENS,
        max_tool_calls=None,
        text=TextConfig(verbosity=request.text.verbosity),
        top_logprobs=None,
        include=(),
    )
