"""A program of LlamaIndex, which does what `test_programs` tells of. Argument: the base URL."""

import json
import sys

from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAIResponses
from pydantic import BaseModel

PNG = "data:image/png;base64,iVBORw0KGgo="


class Place(BaseModel):
    name: str
    deep: bool


def look(at: str) -> str:
    """Look at a place."""
    return f"{at} is blue"


def main(url: str) -> None:
    model = OpenAIResponses(model="gpt-4o-mini", api_base=url, api_key="sk-test", max_retries=0)
    tool = FunctionTool.from_defaults(look)
    text = model.chat([ChatMessage("Hi")]).message.content
    pieces = [piece.delta for piece in model.stream_chat([ChatMessage("Hi")]) if piece.delta]
    messages = [ChatMessage("Look.")]
    answer = model.chat_with_tools([tool], chat_history=messages)
    messages.append(answer.message)
    messages += [
        ChatMessage(str(tool(**call.tool_kwargs)), role="tool", additional_kwargs={"call_id": call.tool_id})
        for call in model.get_tool_calls_from_response(answer)
    ]
    answer = model.chat_with_tools([tool], chat_history=messages)
    looked = answer.message.content
    again = model.chat([*messages, answer.message, ChatMessage("Hi")]).message.content
    shaped = model.as_structured_llm(Place).chat([ChatMessage("Where?")]).raw.model_dump()
    seen = model.chat([ChatMessage(blocks=[TextBlock(text="What is this?"), ImageBlock(url=PNG)])]).message.content
    print(json.dumps([text, pieces, looked, again, shaped, seen]))


main(sys.argv[1])
