"""A program of pydantic-ai, which does what `test_programs` tells of. Argument: the base URL."""

import asyncio
import json
import sys

from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, NativeOutput
from pydantic_ai.models.openai import OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider


class Place(BaseModel):
    name: str
    deep: bool


def look(at: str) -> str:
    """Look at a place."""
    return f"{at} is blue"


async def main(url: str) -> None:
    model = OpenAIResponsesModel("m", provider=OpenAIProvider(base_url=url, api_key="sk-test"))
    agent = Agent(model, instructions="Be brief.", tools=[look])
    text = await agent.run("Hi")
    async with agent.run_stream("Hi") as streamed:
        pieces = [piece async for piece in streamed.stream_text(delta=True, debounce_by=None)]
    looked = await agent.run("Look.")
    again = await agent.run("Hi", message_history=looked.all_messages())
    shaped = await Agent(model, output_type=NativeOutput(Place)).run("Where?")
    seen = await agent.run(["What is this?", BinaryContent(b"\x89PNG\r\n", media_type="image/png")])
    outputs = [text.output, pieces, looked.output, again.output]
    print(json.dumps([*outputs, shaped.output.model_dump(), seen.output]))


asyncio.run(main(sys.argv[1]))
