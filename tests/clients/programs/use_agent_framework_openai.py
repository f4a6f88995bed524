"""A program of Microsoft's Agent Framework: an answer, a streamed one, and one that takes a tool. Argument: the base
URL.
"""

import asyncio
import json
import sys

from agent_framework import Agent
from agent_framework.openai import OpenAIChatClient


def look(at: str) -> str:
    """Look at a place."""
    return f"{at} is blue"


async def main(url: str) -> None:
    client = OpenAIChatClient(model="m", base_url=url, api_key="sk-test")
    agent = Agent(client=client, instructions="Be brief.", tools=[look])
    text = await agent.run("Hi")
    pieces = [
        content.text
        async for update in agent.run("Hi", stream=True)
        for content in update.contents
        if content.text and content.merge_mode == "append"
    ]
    session = agent.create_session()
    looked = await agent.run("Look.", session=session)
    again = await agent.run("Hi", session=session)
    print(json.dumps([text.text, pieces, looked.text, again.text]))


asyncio.run(main(sys.argv[1]))
