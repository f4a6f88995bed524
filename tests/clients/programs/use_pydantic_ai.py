"""A program of pydantic-ai: an answer, a streamed one, and one that takes a tool. Argument: the base URL."""

import asyncio
import json
import sys

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider


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
    print(json.dumps([text.output, pieces, looked.output, again.output]))


asyncio.run(main(sys.argv[1]))
