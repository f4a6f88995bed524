"""The marks between which each family of models writes its calls, as rows of data.

A model that calls a tool writes text in the form that it was trained on; the server in front of it should turn that
into `tool_calls`. If the server does not know the form, or its parser stumbles, the text arrives as content. To add a
form, add a row to `CALL_FORMS`, and its reader to `bodies.py` if no other has the same.
Source: vLLM docs, Tool calling; vllm-project/vllm#50768; cline/cline#12979; jundot/omlx#844.
"""

import re
from typing import Final, NamedTuple

from translators.to_responses.content.bodies import (
    Reader,
    read_arguments_of,
    read_bare,
    read_gemma,
    read_json_calls,
    read_mistral,
    read_named_json,
    read_python,
    read_tags,
)
from translators.to_responses.content.functions import DeclaredFunctions

_WORD: Final = re.compile(r"[\s<>(\[{]")
"""What ends a name."""


_DSML_BARS: Final = ("｜", "|", "｜｜", "||", "‖")
"""Bars in the marks of DeepSeek V3.2 and V4; the models also write others than they were trained on.
Source: Wei-Shaw/sub2api#7285; lsdefine/GenericAgent#804."""


class CallForm(NamedTuple):
    """A form of calls: the mark that begins one, those that end it, and how to read what is between them.

    Without a closing mark it goes on to the end of the content.
    """

    opening: str
    closings: tuple[str, ...]
    read: Reader
    keeps_opening: bool = False
    """The opening mark is a part of what `read` gets."""
    begins: str | None = None
    """Characters of which one must follow, unless a function's name does; None: the mark alone is unmistakable."""

    def may_begin(self, body: str, functions: DeclaredFunctions) -> bool:
        """Whether the beginning of what follows the opening mark may be a call."""
        start = body.lstrip()
        if not start or self.begins is None or start[0] in self.begins:
            return True
        word = _WORD.split(start.lstrip("\"'"), maxsplit=1)[0].rstrip("\"'")
        return bool(word) and functions.may_begin(word)


CALL_FORMS: Final = (
    # Hermes, Qwen 2.5 and 3, Granite: JSON. Qwen3-Coder: <function=…>. GLM 4.5: <arg_key>. MiniMax M1: JSON.
    CallForm("<tool_call>", ("</tool_call>",), read_tags, begins="{[<"),
    CallForm("<tool_calls>", ("</tool_calls>",), read_tags, begins="{[<"),  # Hunyuan, Jamba, MiniMax M1
    CallForm("<function_call>", ("</function_call>",), read_tags, begins="{[<"),  # models trained on older templates
    CallForm("<tools>", ("</tools>",), read_tags, begins="{[<"),  # Qwen 2.5, which copies the tag of its prompt
    CallForm("<tool_use>", ("</tool_use>",), read_tags, begins="{[<"),  # prompts of chat clients
    CallForm('<function name="', ("</function>",), read_tags, keeps_opening=True, begins=""),
    CallForm("<function=", ("</function>",), read_tags, keeps_opening=True, begins=""),  # Qwen3-Coder, Seed-OSS, Llama
    CallForm('<invoke name="', ("</invoke>",), read_tags, keeps_opening=True, begins=""),  # MiniMax M2
    *(
        CallForm(f"<{bars}DSML{bars}invoke ", (f"</{bars}DSML{bars}invoke>",), read_tags, keeps_opening=True)
        for bars in _DSML_BARS
    ),
    CallForm('<steptml:invoke name="', ("</steptml:invoke>",), read_tags, keeps_opening=True),  # Step 3
    CallForm("]<]minimax[>[<invoke ", ("]<]minimax[>[</invoke>",), read_tags, keeps_opening=True),  # MiniMax M3
    # The same behind a "]" that has gone out: see `ContentReader`.
    CallForm("<]minimax[>[<invoke ", ("]<]minimax[>[</invoke>",), read_tags, keeps_opening=True),
    CallForm("<|tool_call_begin|>", ("<|tool_call_end|>",), read_named_json("<|tool_call_argument_begin|>")),  # Kimi K2
    CallForm("<｜tool▁call▁begin｜>", ("<｜tool▁call▁end｜>",), read_named_json("<｜tool▁sep｜>")),  # DeepSeek V3, R1
    CallForm("[TOOL_CALLS]", (), read_mistral),
    CallForm("<|python_tag|>", ("<|eom_id|>", "<|eot_id|>"), read_bare),  # Llama 3
    CallForm("<|python_start|>", ("<|python_end|>",), read_python),  # Llama 4
    CallForm("<|tool_call_start|>", ("<|tool_call_end|>",), read_python),  # LFM2
    CallForm("<|tool_call|>", ("<|/tool_call|>",), read_json_calls),  # Granite 3, Phi 4 mini
    CallForm("<|tool_call>", ("<tool_call|>",), read_gemma),  # Gemma 4
    CallForm("<|START_ACTION|>", ("<|END_ACTION|>",), read_json_calls),  # Command A
    CallForm("<|action_start|><|plugin|>", ("<|action_end|>",), read_json_calls),  # InternLM
    CallForm("<|tools_prefix|>", ("<|tools_suffix|>",), read_json_calls),  # Apertus
    CallForm("<TOOLCALL>", ("</TOOLCALL>",), read_json_calls),  # Nemotron
    CallForm("<longcat_tool_call>", ("</longcat_tool_call>",), read_tags),
)

AROUND_CALLS: Final = (
    "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>", "<|tool_call_section_begin|>",
    "<|tool_call_section_end|>", "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>",
    *(f"<{slash}{bars}DSML{bars}{word}>"
      for bars in _DSML_BARS for word in ("tool_calls", "function_calls") for slash in ("", "/")),
    "<｜tool_calls_begin｜>", "<｜tool_calls_end｜>", "<｜tool_call_begin｜>function<｜tool_sep｜>",
    "<｜tool_call_end｜>", "<function_calls>", "</function_calls>", "<minimax:tool_call>", "</minimax:tool_call>",
    "<seed:tool_call>", "</seed:tool_call>",
    "]<]minimax[>[<tool_call>", "]<]minimax[>[</tool_call>", "<]minimax[>[<tool_call>", "<|im_end|>", "<|eom_id|>",
    "<|eot_id|>", "<｜end▁of▁sentence｜>",
)  # fmt: skip
"""Marks that stand around calls and say nothing more; they are dropped next to a call that was read."""

BARE_CALL: Final = CallForm("", ("<|eom_id|>", "<|eot_id|>"), read_bare)
"""One that begins the content. Source: Llama docs, Prompt formats; vLLM docs, Tool calling."""
BARE_PREFIXES: Final = ("functools", "```tool_code", "```tool_call", "```json")
"""What some models write before one: FireFunction and Phi 4 mini, Gemma 3, Qwen 2.5, models without a template."""

HARMONY_OPENINGS: Final = ("<|start|>assistant", "<|channel|>")
HARMONY_MESSAGE: Final = "<|message|>"
HARMONY_ENDS: Final = ("<|end|>", "<|return|>", "<|call|>")
"""gpt-oss writes a header with the channel and the recipient of a call, `<|message|>`, and a body.
Source: OpenAI guide, Harmony response format."""


def harmony_call(header: str, recipient: str) -> CallForm:
    """Return the form of a call whose header is given, to be shown if it is no call."""
    return CallForm(header, HARMONY_ENDS, read_arguments_of(recipient))
