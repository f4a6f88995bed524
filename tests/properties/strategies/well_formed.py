"""Conversations as a careful client keeps them: each message in its place, each call answered right behind its turn.

Of such a conversation the chat side can say everything, so nothing of it may be lost or moved. `Orderly` keeps the
requests apart that brought it about: what the client sent, what the model said, in turn.
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
texts = st.text(min_size=1, max_size=12)


@dataclass(frozen=True)
class Orderly:
    """The turns of a conversation: what a request brought, and what was said to it (nothing yet, to the last)."""

    turns: list[tuple[list[Item], list[Item]]]

    @property
    def items(self) -> list[Item]:
        return [item for brought, said in self.turns for item in (*brought, *said)]


@st.composite
def orderly(draw: st.DrawFn) -> Orderly:
    """Make up a conversation that begins with the user and ends with a request."""
    ids = (f"call_{number}" for number in count())
    turns: list[tuple[list[Item], list[Item]]] = []
    brought: list[Item] = [Message("user", "Begin.")]
    for number in range(draw(st.integers(0, 5))):
        calls = [draw(_calls(next(ids))) for _ in range(draw(st.integers(0, 3)))]
        said = [*draw(_thinking), *draw(_words(must=not calls)), *(call for call, _ in calls)]
        turns.append((brought, said))
        brought = [output for _, output in calls] or draw(_asked(number))
    return Orderly([*turns, (brought, [])])


def _asked(number: int) -> st.SearchStrategy[list[Item]]:
    text = f"Question {number}."
    question: list[Message] = [
        Message("user", text), Message("user", [InputText(text)]),
        Message("user", [InputImage(PNG), InputText(text)]), Message("user", [InputText(text), InputImage(PNG)]),
    ]  # fmt: skip
    told: list[list[Item]] = [[], [Message("developer", "Mind.")], [Message("system", [InputText("Mind.")])]]
    return st.builds(lambda before, last: [*before, last], st.sampled_from(told), st.sampled_from(question))


_thinking: st.SearchStrategy[list[Item]] = st.sampled_from(
    [[], [Reasoning([SummaryText("Hm.")])], [Reasoning(content=[ReasoningText("Hm.")])]]
)


@st.composite
def _words(draw: st.DrawFn, must: bool) -> list[Item]:
    if not must and draw(st.booleans()):
        return []
    text = draw(texts)
    said: list[Message] = [
        Message("assistant", text), Message("assistant", [OutputText(text)]), Message("assistant", [Refusal(text)])
    ]  # fmt: skip
    return [draw(st.sampled_from(said))]


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
