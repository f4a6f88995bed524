"""What becomes of declared tools and of `tool_choice`. Source: OpenAI API reference, Responses: create."""

from typing import Final

from translators.policy.row import Row, approximated, own, refused, same

_COMPUTER: Final = "Chat-completions providers know no such tool. Declare functions for what the computer can do."
_SEARCH: Final = "Dropped with a note, except for providers that search on request (`web_search_options`)."
_NOT_RUN: Final = "A tool of this type cannot be declared here, so it cannot be chosen."
_NOT_CHOSEN: Final = "The tool is dropped, so it cannot be chosen."

TOOLS: Final[dict[str, Row]] = {
    "function": same("A chat function; `strict` where the provider knows it. Loading is not deferred."),
    "custom": own("A function with one text, `input`; a grammar is in its description."),
    "namespace": own("Its members as functions with flat names, restored in calls."),
    "tool_search": approximated("A function; a search that OpenAI would run is the client's: all tools are shown."),
    "local_shell": own("The function `local_shell`; calls become items of their own type."),
    "shell": own("The function `shell`; calls become items of their own type. Containers are a 400."),
    "apply_patch": own("The function `apply_patch`; calls become items of their own type."),
    "web_search": approximated(_SEARCH),
    "web_search_2025_08_26": approximated(_SEARCH),
    "web_search_preview": approximated(_SEARCH),
    "web_search_preview_2025_03_11": approximated(_SEARCH),
    "mcp": own("Its tools as functions that the adapter calls, where the settings allow the server; else a 400."),
    "file_search": refused("There are no vector stores here. Declare a function that searches."),
    "code_interpreter": refused(
        "No code is run here. Declare a function, 'shell' or 'local_shell' and run it in the client."
    ),
    "image_generation": refused(
        "Chat-completions providers do not make images on request. Declare a function that does."
    ),
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
    "none": own("Sent where the provider honours it, else no tools are shown."),
    "required": own("Sent where the provider honours it, else requested in the instructions and checked."),
    "allowed_tools": own("Only these tools are shown, with its mode."),
    "function": own("Sent where the provider honours it, else requested in the instructions and checked."),
    "custom": own("The function that stands for the tool is chosen."),
    "local_shell": own("The function `local_shell` is chosen."),
    "shell": own("The function `shell` is chosen."),
    "apply_patch": own("The function `apply_patch` is chosen."),
    "web_search": refused(_NOT_CHOSEN),
    "web_search_preview": refused(_NOT_CHOSEN),
    "web_search_preview_2025_03_11": refused(_NOT_CHOSEN),
    "mcp": own("The function that stands for the tool is chosen, or any of the server's; only in the first round."),
    "file_search": refused(_NOT_RUN),
    "code_interpreter": refused(_NOT_RUN),
    "image_generation": refused(_NOT_RUN),
    "computer": refused(_NOT_RUN),
    "computer_use": refused(_NOT_RUN),
    "computer_use_preview": refused(_NOT_RUN),
    "programmatic_tool_calling": refused(_NOT_RUN),
}
