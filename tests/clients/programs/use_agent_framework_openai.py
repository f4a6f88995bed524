"""A program of the Agent Framework, which does what `test_programs` tells of. Argument: the base URL."""

import asyncio
import json
import sys

from agent_framework import Agent, Content, Message
from agent_framework.openai import OpenAIChatClient
from pydantic import BaseModel

PNG = "data:image/png;base64,iVBORw0KGgo="


class Place(BaseModel):
    name: str
    deep: bool


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
    shaped = await agent.run("Where?", options={"response_format": Place})
    parts = [Content.from_text("What is this?"), Content.from_uri(PNG, media_type="image/png")]
    seen = await agent.run(Message("user", parts))
    print(json.dumps([text.text, pieces, looked.text, again.text, shaped.value.model_dump(), seen.text]))


asyncio.run(main(sys.argv[1]))
