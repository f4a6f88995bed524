"""Hosted tools in pydantic-ai. Argument: the base URL."""

import asyncio
import json
import sys

from pydantic_ai import Agent, MCPServerTool, WebSearchTool
from pydantic_ai.capabilities import NativeTool
from pydantic_ai.models.openai import OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider


async def main(url: str) -> None:
    model = OpenAIResponsesModel("m", provider=OpenAIProvider(base_url=url, api_key="sk-test"))
    tools = [MCPServerTool(id="dice", url="adapter:"), WebSearchTool()]
    agent = Agent(model, capabilities=[NativeTool(tool) for tool in tools])
    rolled = await agent.run("Roll.")
    async with agent.run_stream("Roll.") as result:
        streamed = await result.get_output()
    searched = await agent.run("Search.", message_history=rolled.all_messages())
    print(json.dumps({"rolled": rolled.output, "streamed": streamed, "searched": searched.output}))


asyncio.run(main(sys.argv[1]))
