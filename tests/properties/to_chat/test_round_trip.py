"""Items → messages → items is the identity, for conversations that chat messages can express.

`read_back` is the inverse, written for these tests alone. Items are compared by their meaning: a text is the same as a
string and as a part, and ids of items are the adapter's own.
"""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.clients.judge import complaints_of
from tests.properties.strategies.conversations import PROVIDERS, conversations
from tests.properties.strategies.well_formed import WellFormed, well_formed
from translators.dialects.dialect import Dialect
from translators.dialects.presets import PRESETS
from translators.errors import RequestError
from translators.notes import Notes
from translators.responses.items import Item
from translators.responses.request import CreateRequest, ReasoningConfig
from translators.responses.tools import CustomTool, FunctionTool, NamespaceTool, ShellTool
from translators.to_chat.history import History
from translators.to_chat.request import ChatRequest, chat_request
from translators.tools.names import ToolNames
from translators.wire import decode, encode

OPEN = Dialect(name="open", developer_role=True, system_anywhere=True, refusal_field=True)
"""A provider that takes all that chat can say."""
dialects = st.sampled_from([*PROVIDERS, OPEN])
TOOLS = (
    FunctionTool("f"), CustomTool("g"), FunctionTool("x" * 128), ShellTool(),
    NamespaceTool("n.m", [FunctionTool("f"), CustomTool("g"), FunctionTool("a.b")]),
)  # fmt: skip

Object = dict[str, Any]


def body_of(items: list[Item], dialect: Dialect, history: History | None = None) -> ChatRequest:
    request = CreateRequest(
        model="m",
        input=tuple(items),
        raw_input=b"",
        instructions="Be brief.",
        tools=TOOLS,
        reasoning=ReasoningConfig("low"),
        parallel_tool_calls=True,
    )
    return chat_request(request, history or History(), dialect, Notes(), model="m", stream=True)


@given(well_formed())
def test_the_messages_hold_what_the_items_said(conversation: WellFormed) -> None:
    body = body_of(conversation.items, OPEN)
    messages = decode(body.json)["messages"]
    assert messages[0] == {"role": "developer", "content": "Be brief."}
    assert list(read_back(messages[1:], body.names)) == [meaning(item) for item in conversation.items]


@given(well_formed(), dialects)
def test_requests_of_a_growing_conversation_share_their_beginning(conversation: WellFormed, dialect: Dialect) -> None:
    """The bytes are the same whether the client sends everything again or names the previous response."""
    before = b""
    history = History()
    items: list[Item] = []
    for input, output in conversation.requests:
        items += input
        body = body_of(input, dialect, history)
        assert body.json == body_of(items, dialect).json
        assert dialect.alternating or body.json.startswith(before.removesuffix(b"]}"))
        before = body.json
        history = body.history.with_output(output)
        items += output


@given(
    well_formed().map(lambda conversation: conversation.items) | conversations(),
    st.sampled_from([*PRESETS.values(), OPEN]),
)
def test_a_strict_provider_takes_every_conversation(items: list[Item], dialect: Dialect) -> None:
    try:
        body = body_of(items, dialect)
    except RequestError as error:
        assume("takes no image" not in error.message)  # the last question has an image, and the provider no images
        raise
    assert complaints_of(dialect, body) == []


# --- messages → items -------------------------------------------------------------------------------------------------


def read_back(messages: list[Object], names: ToolNames) -> Iterator[Object]:
    """Yield the meaning of the items that messages were made from, in the form of `meaning`."""
    kinds: dict[str, str] = {}
    for message in messages:
        match message:
            case {"role": "tool", "tool_call_id": id, "content": output}:
                yield _output(kinds[id], id, output)
                continue
            case {"role": "assistant"}:
                pass
            case {"role": role, "content": content}:
                yield {"type": "message", "role": role, "content": _parts(content)}
                continue
        if "reasoning_content" in message:
            yield {"type": "reasoning", "text": message["reasoning_content"]}
        for member in ("content", "refusal"):
            if message.get(member):
                kind = {"content": "text", "refusal": "refusal"}[member]
                yield {"type": "message", "role": "assistant", "content": [[kind, message[member]]]}
        for call in message.get("tool_calls", ()):
            name, namespace, kind = names.restore(call["function"]["name"])
            kinds[call["id"]] = kind
            yield _call(call["id"], name, namespace, kind, call["function"]["arguments"])


def _parts(content: Any) -> list[list[str]]:
    if isinstance(content, str):
        return [["text", content]]
    return [["image", part["image_url"]["url"]] if "image_url" in part else ["text", part["text"]] for part in content]


def _call(id: str, name: str, namespace: str | None, kind: str, arguments: str) -> Object:
    given: Object = json.loads(arguments)
    match kind:
        case "function":
            return {"type": "function_call", "call_id": id, "name": [namespace, name], "given": arguments}
        case "custom":
            return {"type": "custom_tool_call", "call_id": id, "name": [namespace, name], "given": given["input"]}
    return {"type": f"{kind}_call", "call_id": id, "given": given}


def _output(kind: str, id: str, output: str) -> Object:
    head = {"type": "tool_search_output" if kind == "tool_search" else f"{kind}_call_output", "call_id": id}
    match kind:
        case "custom":
            return {**head, "type": "custom_tool_call_output", "output": output}
        case "apply_patch":
            status, _, text = output.partition(": ")
            return {**head, "output": [status, text]}
        case "shell":
            return {**head, "output": json.loads(output)}
        case "tool_search":
            return head
    return {**head, "output": output}


def meaning(item: Item) -> Object:
    """Return what an item means, without the adapter's own ids and with one form for equivalent ones."""
    members: Object = decode(encode(item))
    head: Object = {"type": members["type"]} | ({"call_id": members["call_id"]} if "call_id" in members else {})
    match members:
        case {"type": "message", "role": role, "content": content}:
            return {**head, "role": role, "content": _content(content)}
        case {"type": "reasoning"}:
            return {**head, "text": "\n".join(part["text"] for part in members.get("content") or members["summary"])}
        case {"type": "function_call" | "custom_tool_call", "name": name}:
            given = members["arguments"] if "arguments" in members else members["input"]
            return {**head, "name": [members.get("namespace"), name], "given": given}
        case {"type": "local_shell_call", "action": action}:
            return {**head, "given": {name: value for name, value in action.items() if value and name != "type"}}
        case {"type": "shell_call", "action": action}:
            return {**head, "given": action}
        case {"type": "apply_patch_call", "operation": operation}:
            return {**head, "given": operation}
        case {"type": "tool_search_call", "arguments": arguments}:
            return {**head, "given": arguments}
        case {"type": "apply_patch_call_output", "status": status}:
            return {**head, "output": [status, members["output"] or ""]}
        case {"type": "shell_call_output", "output": output}:
            return {**head, "output": output}
        case {"type": "tool_search_output"}:
            return head
    output = members["output"]
    return {**head, "output": output if isinstance(output, str) else "".join(part["text"] for part in output)}


def _content(content: Any) -> list[list[str]]:
    if isinstance(content, str):
        return [["text", content]]
    kinds = {"input_image": "image", "refusal": "refusal"}
    return [
        [kinds.get(part["type"], "text"), part.get("text") or part.get("refusal") or part["image_url"]]
        for part in content
    ]
