"""Check an answer against its request, where the provider does not: the JSON of a format, the call of a tool.

`AnswerRules` says what is checked, and whether the answer is buffered until then. It is buffered if the provider was
only instructed, or if the client does not stream anyway; a stream in a format that the provider enforces goes out as it
comes and is judged at its end. Fences and prose around JSON are removed from a buffered answer. The format of an
incomplete answer, of a refusal and of a turn that calls tools is not checked.
Source: OpenAI guide, Structured outputs; OpenAI API reference, Responses: create.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from msgspec import Struct

from translators.chat.messages import AssistantMessage, UserMessage
from translators.constraints.formats import RenderedFormat
from translators.constraints.tool_choice import RenderedToolChoice
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
from translators.responses.request import CreateRequest, JSONObjectFormat, JSONSchemaFormat, TextFormat
from translators.responses.response import Response
from translators.tools.names import Kind, QualifiedName
from translators.wire import NotJSON, decode, encode

_NO_TEXT: Final = "[I wrote nothing that fits.]"
"""In place of a wrong answer without text: many providers refuse two messages of the user in a row."""
_FENCED: Final = re.compile(r"```[a-zA-Z]*[ \t]*\n(.*?)```", re.DOTALL)
_KIND_OF: Final[dict[type, Kind]] = {
    LocalShellCall: "local_shell", ShellCall: "shell", ApplyPatchCall: "apply_patch", ToolSearchCall: "tool_search",
}  # fmt: skip
_MAX_BRACKETS: Final = 20
"""Opening brackets from which JSON is tried: each try decodes up to the whole answer, so their number is bounded."""


class Judgement(Struct, frozen=True, gc=False):
    """The result of the check of an answer."""

    problem: UpstreamError | None = None
    """The failure; its message can be shown to the model."""
    param: str = ""
    """The parameter of the request that the answer does not meet."""
    text: str | None = None
    """The JSON of the answer, if other text was around it."""


class AnswerRules(Struct, frozen=True, gc=False):
    """What the adapter itself must check in one answer."""

    format: JSONObjectFormat | JSONSchemaFormat | None = None
    """The format that the answer must fit."""
    only_trimmed: bool = False
    """The provider enforces the format: an answer that does not fit stands, but what is around its JSON is removed."""
    call: bool = False
    """Some tool must be called."""
    tool: QualifiedName | None = None
    """This tool must be called."""
    buffered: bool = False
    """The client gets nothing of the answer before it is judged."""

    def judge(self, response: Response, notes: Notes) -> Judgement:
        """Judge a response that has ended."""
        if response.status != "completed" or _refuses(response.output):
            return Judgement()
        calls = _calls_of(response.output)
        if self.call and (not calls if self.tool is None else self.tool not in calls):
            tool = "a tool" if self.tool is None else f"the tool '{self.tool.name}'"
            message = f"The model did not call {tool}, which tool_choice requires."
            return Judgement(_failure(message), "tool_choice")
        if self.format is None or calls:
            return Judgement()
        text = _text_of(response.output)
        return Judgement(text=_json_within(text)) if self.only_trimmed else self._judge_text(text, notes)

    def _judge_text(self, text: str, notes: Notes) -> Judgement:
        problem: str | None = "it is not valid JSON"
        for excerpt in _json_excerpts(text):
            try:
                value = decode(excerpt.encode())
            except NotJSON:
                continue
            problem = self._first_error(value, notes)
            if excerpt != text.strip() and not self.buffered:
                problem = "more than JSON was written"  # and the client has it already
            if problem is None:
                return Judgement(text=None if excerpt == text.strip() else excerpt)
            break
        message = f"The model's answer does not fit text.format: {problem}."
        return Judgement(_failure(message), "text.format")

    def _first_error(self, value: Any, notes: Notes) -> str | None:
        if not isinstance(self.format, JSONSchemaFormat):
            return None if isinstance(value, dict) else "it is not a JSON object"
        from translators.constraints.json_schema import NotJudged, first_error  # imported late, see formats.py

        try:
            return first_error(value, self.format.schema)
        except NotJudged as reason:
            notes.add("text.format", "approximated", f"the answer was not checked: {reason}")
            return None


def answer_finder(
    wanted: TextFormat | JSONObjectFormat | JSONSchemaFormat | None,
) -> Callable[[str], str | None] | None:
    """Return what finds the JSON of a format at the end of thinking; None if the answer may be any text.

    A grammar makes some servers take all that a model writes as its thinking. Source: vllm-project/vllm#48863.
    """
    if not isinstance(wanted, (JSONObjectFormat, JSONSchemaFormat)):
        return None
    rules = AnswerRules(format=wanted, buffered=True)

    def find(thinking: str) -> str | None:
        for excerpt in _json_excerpts(thinking):
            if thinking.rstrip().removesuffix("```").rstrip().endswith(excerpt):
                judged = rules._judge_text(excerpt, Notes())
                if judged.problem is None:
                    return excerpt
        return None

    return find


def answer_rules(request: CreateRequest, format: RenderedFormat, choice: RenderedToolChoice) -> AnswerRules:
    """Return the rules for the answer to a request; `format` and `choice`: their forms in the chat request."""
    wanted = request.text.format
    json = wanted if isinstance(wanted, (JSONObjectFormat, JSONSchemaFormat)) else None
    is_strict = isinstance(json, JSONSchemaFormat) and bool(json.strict)
    judged = json is not None and (is_strict or not format.is_enforced)
    only_trimmed = json is not None and not judged and not request.stream
    return AnswerRules(
        format=json if judged or only_trimmed else None,
        only_trimmed=only_trimmed,
        call=not choice.is_enforced,
        tool=None if choice.is_enforced else choice.required,
        buffered=not choice.is_enforced or only_trimmed or (judged and not (format.is_enforced and request.stream)),
    )


def correction_request(chat_request: bytes, response: Response, problem: UpstreamError) -> bytes:
    """Return a chat request with the wrong answer and a correction added to its messages, its last member."""
    text = _text_of(response.output)
    correction = UserMessage(f"{problem.message} Answer again, correctly, and do not mention this.")
    messages = [AssistantMessage(text or _NO_TEXT), correction]
    return b"%b,%b]}" % (chat_request.removesuffix(b"]}"), b",".join(map(encode, messages)))


def _json_excerpts(text: str) -> Iterator[str]:
    """Yield what may be the JSON of an answer, likeliest first: all of it, a fenced block, from a bracket on."""
    text = text.strip()
    yield text
    for fenced in _FENCED.finditer(text):
        yield fenced[1].strip()
    for start in islice(re.finditer(r"[\[{]", text), _MAX_BRACKETS):
        end = text.rfind("}" if start[0] == "{" else "]")
        if end > start.start():
            yield text[start.start() : end + 1]


def _json_within(text: str) -> str | None:
    """Return the JSON of an answer that has other text around it; None: it has none, or there is no JSON."""
    for excerpt in _json_excerpts(text):
        try:
            decode(excerpt.encode())
        except NotJSON:
            continue
        return None if excerpt == text.strip() else excerpt
    return None


def _text_of(output: Sequence[OutputItem]) -> str:
    messages = [item for item in output if isinstance(item, Message) and not isinstance(item.content, str)]
    return "".join(part.text for item in messages for part in item.content if isinstance(part, OutputText))


def _refuses(output: Sequence[OutputItem]) -> bool:
    messages = [item for item in output if isinstance(item, Message)]
    return any(isinstance(part, Refusal) for item in messages for part in item.content)


def _calls_of(output: Sequence[OutputItem]) -> list[QualifiedName]:
    calls = []
    for item in output:
        if isinstance(item, (FunctionCall, CustomToolCall)):
            kind: Kind = "function" if isinstance(item, FunctionCall) else "custom"
            calls.append(QualifiedName(item.name, item.namespace or None, kind))
        elif (only := _KIND_OF.get(type(item))) is not None:
            calls.append(QualifiedName(only, None, only))
    return calls


def _failure(message: str) -> UpstreamError:
    """Return the failure of an answer that breaks a rule.

    Its code is `server_error`, since clients validate codes against an enum. Clients should not retry: a buffered
    answer is the second already, and of a streamed one the client has the whole. Source: openai-python 3.54,
    ResponseError.code.
    """
    return UpstreamError(message, status=502, retry=False)
