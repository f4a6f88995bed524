"""Well-formed conversations, as a careful client sends them: each call is answered directly after the model's turn.

Chat messages can express all of such a conversation, so nothing of it may be lost or moved.
"""

from dataclasses import dataclass
from itertools import count

from hypothesis import strategies as st

from translators.responses.items import (
    ApplyPatchCall,
    ApplyPatchCallOutput,
    Call,
    CallOutput,
    CreateFile,
    CustomToolCall,
    CustomToolCallOutput,
    DeleteFile,
    ExecAction,
    FunctionCall,
    FunctionCallOutput,
    InputImage,
    InputText,
    Item,
    LocalShellCall,
    LocalShellCallOutput,
    Message,
    OutputText,
    Reasoning,
    ReasoningText,
    Refusal,
    ShellAction,
    ShellCall,
    ShellCallOutput,
    SummaryText,
    ToolSearchCall,
    ToolSearchOutput,
    UpdateFile,
)

PNG = "data:image/png;base64,iVBORw0KGgo="
names = st.sampled_from(["f", "a.b", "x" * 128])
custom_names = st.sampled_from(["g", "c.d", "y" * 128])
spaces = st.sampled_from([None, "n", "n.m"])
texts = st.text(min_size=1, max_size=12).filter(lambda text: not text.isspace())
"""Not blank: blank texts are sent to no provider."""


@dataclass(frozen=True)
class WellFormed:
    """A conversation, one (input, output) a request; the last request has no output yet."""

    requests: list[tuple[list[Item], list[Item]]]

    @property
    def items(self) -> list[Item]:
        return [item for input, output in self.requests for item in (*input, *output)]


@st.composite
def well_formed(draw: st.DrawFn) -> WellFormed:
    """Make up a conversation that begins with the user and ends with a request."""
    ids = (f"call_{number}" for number in count())
    requests: list[tuple[list[Item], list[Item]]] = []
    input: list[Item] = [Message("user", "Begin.")]
    for number in range(draw(st.integers(0, 5))):
        calls = [draw(_calls(next(ids))) for _ in range(draw(st.integers(0, 3)))]
        output = [*draw(_thinking), *draw(_messages(required=not calls)), *(call for call, _ in calls)]
        requests.append((input, output))
        input = [result for _, result in calls] or draw(_questions(number))
    return WellFormed([*requests, (input, [])])


def _questions(number: int) -> st.SearchStrategy[list[Item]]:
    text = f"Question {number}."
    question: list[Message] = [
        Message("user", text), Message("user", [InputText(text)]),
        Message("user", [InputImage(PNG), InputText(text)]), Message("user", [InputText(text), InputImage(PNG)]),
    ]  # fmt: skip
    instructions: list[list[Item]] = [[], [Message("developer", "Mind.")], [Message("system", [InputText("Mind.")])]]
    return st.builds(lambda before, last: [*before, last], st.sampled_from(instructions), st.sampled_from(question))


_thinking: st.SearchStrategy[list[Item]] = st.sampled_from(
    [[], [Reasoning([SummaryText("Hm.")])], [Reasoning(content=[ReasoningText("Hm.")])]]
)


@st.composite
def _messages(draw: st.DrawFn, required: bool) -> list[Item]:
    if not required and draw(st.booleans()):
        return []
    text = draw(texts)
    messages: list[Message] = [
        Message("assistant", text), Message("assistant", [OutputText(text)]), Message("assistant", [Refusal(text)])
    ]  # fmt: skip
    return [draw(st.sampled_from(messages))]


@st.composite
def _calls(draw: st.DrawFn, id: str) -> tuple[Call, CallOutput]:
    """Make up a call of any kind, and its output."""
    text, out = draw(texts), draw(texts)
    return draw(
        st.sampled_from(
            [
                (FunctionCall(id, draw(names), '{"a": 1.0}', namespace=draw(spaces)), FunctionCallOutput(out, id)),
                (FunctionCall(id, draw(names), "{}"), FunctionCallOutput([InputText(out)], id)),
                (CustomToolCall(id, draw(custom_names), text, namespace=draw(spaces)), CustomToolCallOutput(out, id)),
                (LocalShellCall(id, ExecAction([text], {"A": text}, 9)), LocalShellCallOutput(out, call_id=id)),
                (ShellCall(id, ShellAction([text], 9, 8)), ShellCallOutput([{"stdout": out}], id)),
                (ApplyPatchCall(id, CreateFile(text, out)), ApplyPatchCallOutput(id, "completed", out)),
                (ApplyPatchCall(id, UpdateFile(text, out)), ApplyPatchCallOutput(id, "failed")),
                (ApplyPatchCall(id, DeleteFile(text)), ApplyPatchCallOutput(id, "completed")),
                (ToolSearchCall({"q": text}, id, execution="client"), ToolSearchOutput((), id, execution="client")),
            ]
        )
    )
