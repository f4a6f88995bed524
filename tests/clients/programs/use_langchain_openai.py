"""A program of LangChain, which does what `test_programs` tells of. Argument: the base URL."""

import json
import sys

from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

PNG = "data:image/png;base64,iVBORw0KGgo="


class Place(BaseModel):
    name: str
    deep: bool


@tool
def look(at: str) -> str:
    """Look at a place."""
    return f"{at} is blue"


def main(url: str) -> None:
    model = ChatOpenAI(model="m", base_url=url, api_key="sk-test", use_responses_api=True, max_retries=0)
    tools = model.bind_tools([look])
    text = tools.invoke("Hi").text
    pieces = [piece.text for piece in tools.stream("Hi") if piece.text]
    messages = [HumanMessage("Look.")]
    messages.append(tools.invoke(messages))
    messages += [look.invoke(call) for call in messages[-1].tool_calls]
    messages.append(tools.invoke(messages))
    looked = messages[-1].text
    again = tools.invoke([*messages, HumanMessage("Hi")]).text
    shaped = model.with_structured_output(Place, method="json_schema").invoke("Where?").model_dump()
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PNG}}]
    seen = tools.invoke([HumanMessage(parts)]).text
    print(json.dumps([text, pieces, looked, again, shaped, seen]))


main(sys.argv[1])
