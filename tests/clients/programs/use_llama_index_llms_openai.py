"""A program of LlamaIndex: an answer, a streamed one, and one that takes a tool. Argument: the base URL."""

import json
import sys

from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAIResponses


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
    print(json.dumps([text, pieces, looked, again]))


main(sys.argv[1])
