"""What an answer must be, where the provider does not see to it: JSON of a format, a call of a tool.

`Demands` says what is judged, and whether the client may see anything before. It may not where the provider was only
asked in words, or where nothing has to be shown early. A stream in a form that the provider honours goes out as it
comes and is judged at its end. Fences and prose around JSON are cut off. Of an answer that was cut short, a refusal and
a turn that calls tools no format is asked. Sources: responses-api reference §2 (text.format), §4.3.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from msgspec import Struct

from translators.chat.messages import AssistantMessage, UserMessage
from translators.errors import UpstreamError
from translators.notes import Notes
from translators.responses.items import (
    ApplyPatchCall,
    CustomToolCall,
    FunctionCall,
    LocalShellCall,
    Message,
    OutputItem,
    OutputText,
    Refusal,
    ShellCall,
    ToolSearchCall,
)
from translators.responses.request import CreateRequest, JSONObjectFormat, JSONSchemaFormat
from translators.responses.response import Response
from translators.tools.names import Called, Kind
from translators.wire import NotJSON, decode, encode

_FENCED: Final = re.compile(r"```[a-zA-Z]*[ \t]*\n(.*?)```", re.DOTALL)
_KIND_OF: Final[dict[type, Kind]] = {
    LocalShellCall: "local_shell", ShellCall: "shell", ApplyPatchCall: "apply_patch", ToolSearchCall: "tool_search",
}  # fmt: skip
_MOST_STARTS: Final = 20
"""Places in an answer where its JSON is looked for."""


class Judged(Struct, frozen=True, gc=False):
    """What was found: `problem` is what to tell the model, `text` the answer where it had to be cut out of more."""

    problem: UpstreamError | None = None
    param: str = ""
    """The demand that is not met."""
    text: str | None = None


class Demands(Struct, frozen=True, gc=False):
    """What one answer must be."""

    format: JSONObjectFormat | JSONSchemaFormat | None = None
    """The one to be judged."""
    call: bool = False
    """Some tool must be called."""
    tool: Called | None = None
    """This tool must be called."""
    held: bool = False
    """Nothing may be shown before the answer was judged."""

    def judge(self, response: Response, notes: Notes) -> Judged:
        """Judge a response that has ended."""
        if (self.format is None and not self.call) or response.status != "completed" or _refuses(response.output):
            return Judged()
        calls = _calls_of(response.output)
        if self.call and (not calls if self.tool is None else self.tool not in calls):
            tool = "a tool" if self.tool is None else f"the tool '{self.tool.name}'"
            message = f"The model did not call {tool}, which tool_choice requires."
            return Judged(_unmet(message), "tool_choice")
        if self.format is None or calls:
            return Judged()
        return self._judge_text(_text_of(response.output), notes)

    def _judge_text(self, text: str, notes: Notes) -> Judged:
        problem: str | None = "it is not valid JSON"
        for candidate in _candidates(text):
            try:
                value = decode(candidate.encode())
            except NotJSON:
                continue
            problem = self._misfit(value, notes)
            if candidate != text.strip() and not self.held:
                problem = "more than JSON was written"  # and has been seen
            if problem is None:
                return Judged(text=None if candidate == text.strip() else candidate)
            break
        message = f"The model's answer does not fit text.format: {problem}."
        return Judged(_unmet(message), "text.format")

    def _misfit(self, value: Any, notes: Notes) -> str | None:
        if not isinstance(self.format, JSONSchemaFormat):
            return None if isinstance(value, dict) else "it is not a JSON object"
        from translators.constraints.json_schema import NotJudged, misfit  # see formats.py

        try:
            return misfit(value, self.format.schema)
        except NotJudged as reason:
            notes.add("text.format", "approximated", f"the answer was not checked: {reason}")
            return None


def demands_of(request: CreateRequest, form_is_honoured: bool, call_is_honoured: bool, tool: Called | None) -> Demands:
    """Return what is to be judged of the answer to a request.

    `form_is_honoured` and `call_is_honoured`: the provider was asked for the format, the call, in a form it honours.
    """
    format = request.text.format
    if isinstance(format, JSONSchemaFormat):
        judged = bool(format.strict) or not form_is_honoured
    else:
        judged = isinstance(format, JSONObjectFormat) and not form_is_honoured
    return Demands(
        format=format if judged and isinstance(format, (JSONObjectFormat, JSONSchemaFormat)) else None,
        call=not call_is_honoured,
        tool=None if call_is_honoured else tool,
        held=not call_is_honoured or (judged and not (form_is_honoured and request.stream)),
    )


def asked_again(body: bytes, response: Response, problem: UpstreamError) -> bytes:
    """Return a chat request with the answer it got and what is wrong with it; its messages stand last."""
    text = _text_of(response.output)
    correction = UserMessage(f"{problem.message} Answer again, correctly, and do not mention this.")
    messages = [AssistantMessage(text), correction] if text else [correction]
    return b"%b,%b]}" % (body.removesuffix(b"]}"), b",".join(map(encode, messages)))


def _candidates(text: str) -> Iterator[str]:
    """Yield what may be the JSON of an answer, likeliest first: all of it, what is fenced, from a bracket on."""
    text = text.strip()
    yield text
    for fenced in _FENCED.finditer(text):
        yield fenced[1].strip()
    for start in islice(re.finditer(r"[\[{]", text), _MOST_STARTS):
        end = text.rfind("}" if start[0] == "{" else "]")
        if end > start.start():
            yield text[start.start() : end + 1]


def _text_of(output: Sequence[OutputItem]) -> str:
    messages = [item for item in output if isinstance(item, Message) and not isinstance(item.content, str)]
    return "".join(part.text for item in messages for part in item.content if isinstance(part, OutputText))


def _refuses(output: Sequence[OutputItem]) -> bool:
    messages = [item for item in output if isinstance(item, Message)]
    return any(isinstance(part, Refusal) for item in messages for part in item.content)


def _calls_of(output: Sequence[OutputItem]) -> list[Called]:
    calls = []
    for item in output:
        if isinstance(item, (FunctionCall, CustomToolCall)):
            kind: Kind = "function" if isinstance(item, FunctionCall) else "custom"
            calls.append(Called(item.name, item.namespace or None, kind))
        elif (called := _KIND_OF.get(type(item))) is not None:
            calls.append(Called(called, None, called))
    return calls


def _unmet(message: str) -> UpstreamError:
    """Return the failure of an answer that is not what it must be.

    Its code is the one that clients' types know (openai-python 3.54, ResponseError.code); the message tells it apart.
    It was asked for twice already, so clients are told not to.
    """
    return UpstreamError(message, status=502, retry=False)
