"""Paths in a chat request → the `param` of the Responses request that led to them.

An error has to name what the caller sent: `messages[3].content` becomes `input`, because messages are made from several
parts of a request, and `tools[0].function.parameters` becomes `tools[0].parameters`.
"""

import re
from typing import Final

_RENAMED: Final = {
    "messages": "input",
    "prompt": "input",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning.effort",
    "thinking": "reasoning",
    "verbosity": "text.verbosity",
    "response_format": "text.format",
    "logprobs": "top_logprobs",
    "functions": "tools",
    "function_call": "tool_choice",
}
_KNOWN: Final = (
    *_RENAMED, "tools", "tool_choice", "parallel_tool_calls", "temperature", "top_p", "top_logprobs", "stream_options",
    "stream", "frequency_penalty", "presence_penalty", "reasoning", "metadata", "store", "user", "service_tier",
    "safety_identifier", "prompt_cache_key", "seed", "stop", "n", "model",
)  # fmt: skip
_QUOTED: Final = re.compile(
    rf"""['"`]((?:{"|".join(sorted(_KNOWN, key=len, reverse=True))})(?:[.\[][\w.\[\]]{{0,200}})?)['"`]"""
)
_PATH: Final = re.compile(r"\b(?:messages|tools)(?:\[\d+\]|\.\d+\b)")
_NAMED: Final = re.compile(
    r"\b(?:messages|tools)(?:\[\d+\]|\.\d+\b)[\w.\[\]]{0,200}"
    rf"|\b({'|'.join(name for name in _KNOWN if '_' in name)})\b"
    rf"|\b({'|'.join(name for name in _KNOWN if '_' not in name)})(?= (?:is|does|must|should|not)\b|:| ?参数)",
    re.I | re.ASCII,
)
"""Unquoted names; ordinary English words count only before a verb or a colon."""
_BODY: Final = re.compile(r"^(body|request)\.")
_FUNCTION: Final = re.compile(r"\.function(?=[.\[]|$)")
_GOOGLE_FUNCTION: Final = re.compile(r"tools\[0\]\.function_?declarations\[(\d+)\]", re.I)
"""Google has one tool, which declares all functions."""
_ROLES: Final = re.compile(r"""\brole\b\W{0,4}['"`]\w+['"`]""", re.I)
"""The roles of messages, which are no members."""
_NUMBERED: Final = re.compile(r"\.(\d+)(?=\.|$)")


def responses_param(param: str | None) -> str | None:
    """Return the `param` of the Responses API for a path in the chat request; None: no path."""
    if param is None:
        return None
    param = _NUMBERED.sub(r"[\1]", _BODY.sub("", param))
    head = re.split(r"[.\[]", param, maxsplit=1)[0]
    rest = param.removeprefix(head)
    ours = _RENAMED.get(head, head)
    if head in ("messages", "prompt", "reasoning_effort", "logprobs"):
        return ours
    if head == "response_format":
        return ours + rest.replace(".json_schema", "", 1)
    if (declared := _GOOGLE_FUNCTION.match(param)) is not None:
        return f"{ours}[{declared[1]}]{param[declared.end() :]}"
    return ours + _FUNCTION.sub("", rest, count=1)


def find_param(message: str) -> str | None:
    """Return the member of a chat request that a message names; None: it names none."""
    message = _ROLES.sub("role", message)
    quoted, path = _QUOTED.search(message), _PATH.search(message)
    if quoted and not (path and path.start() < quoted.start()):
        return quoted[1]
    named = _NAMED.search(message)
    return named[0].lower() if named else None
