"""What becomes of declared tools and of `tool_choice`. Source: OpenAI API reference, Responses: create."""

from typing import Final

from translators.policy.row import Row, approximated, own, refused, same

_COMPUTER: Final = "Chat-completions providers know no such tool. Declare functions for what the computer can do."
_SEARCH: Final = "Run by `[tools.web_search]`, else by providers that search on request, else dropped with a note."
_NOT_RUN: Final = "A tool of this type cannot be declared here, so it cannot be chosen."
_CHOSEN: Final = "The function that stands for the tool is chosen, where the tool is configured; else a 400."

TOOLS: Final[dict[str, Row]] = {
    "function": same("A chat function; `strict` where the provider knows it. Loading is not deferred."),
    "custom": own("A function with one text, `input`; a grammar is in its description."),
    "namespace": own("Its members as functions with flat names, restored in calls."),
    "tool_search": own("A function; run here over the tools with `defer_loading`, or by the client (`execution`)."),
    "local_shell": own("The function `local_shell`; calls become items of their own type."),
    "shell": own("The function `shell`; calls become items of their own type. Containers are a 400."),
    "apply_patch": own("The function `apply_patch`; calls become items of their own type."),
    "web_search": approximated(_SEARCH),
    "web_search_2025_08_26": approximated(_SEARCH),
    "web_search_preview": approximated(_SEARCH),
    "web_search_preview_2025_03_11": approximated(_SEARCH),
    "mcp": own("Its tools as functions that the adapter calls, where the settings allow the server; else a 400."),
    "file_search": own("Run here, in the vector stores of the caller; without a file store a 400."),
    "code_interpreter": own("Run by the sandbox of `[tools.code_interpreter]`; without it a 400."),
    "image_generation": own("Made by the upstream of `[tools.image_generation]`; without it a 400."),
    "computer": refused(_COMPUTER),
    "computer_use": refused(_COMPUTER),
    "computer_use_preview": refused(
        "Chat-completions providers know no such tool. Declare functions for what it can do."
    ),
    "programmatic_tool_calling": refused(
        "No program is run here. Leave it out, and the model calls the tools directly."
    ),
}

TOOL_CHOICES: Final[dict[str, Row]] = {
    "auto": same("The default; nothing is sent."),
    "none": own("Sent where the provider honours it, else no tools are shown; no call reaches the client."),
    "required": own("Sent where the provider honours it, else requested in the instructions and checked."),
    "allowed_tools": own("Only these tools are shown, with its mode; no other call reaches the client."),
    "function": own("Sent where the provider honours it, else requested in the instructions and checked."),
    "custom": own("The function that stands for the tool is chosen."),
    "local_shell": own("The function `local_shell` is chosen."),
    "shell": own("The function `shell` is chosen."),
    "apply_patch": own("The function `apply_patch` is chosen."),
    "web_search": own(_CHOSEN),
    "web_search_preview": own(_CHOSEN),
    "web_search_preview_2025_03_11": own(_CHOSEN),
    "mcp": own("The function that stands for the tool is chosen, or any of the server's; only in the first round."),
    "file_search": own(_CHOSEN),
    "code_interpreter": own(_CHOSEN),
    "image_generation": own(_CHOSEN),
    "computer": refused(_NOT_RUN),
    "computer_use": refused(_NOT_RUN),
    "computer_use_preview": refused(_NOT_RUN),
    "programmatic_tool_calling": refused(_NOT_RUN),
}
