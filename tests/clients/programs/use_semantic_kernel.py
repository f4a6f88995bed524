"""A program of Semantic Kernel: an answer, a streamed one, and one that takes a tool. Argument: the base URL."""

import asyncio
import json
import sys

from openai import AsyncOpenAI
from semantic_kernel.agents import OpenAIResponsesAgent
from semantic_kernel.functions import kernel_function


class Eyes:
    @kernel_function(description="Look at a place.")
    def look(self, at: str) -> str:
        return f"{at} is blue"


async def main(url: str) -> None:
    client = AsyncOpenAI(base_url=url, api_key="sk-test", max_retries=0)
    agent = OpenAIResponsesAgent(
        ai_model_id="m", client=client, name="looker", instructions="Be brief.", plugins=[Eyes()]
    )
    text = await agent.get_response("Hi")
    pieces = [str(piece.message) async for piece in agent.invoke_stream("Hi") if str(piece.message)]
    looked = await agent.get_response("Look.")
    again = await agent.get_response("Hi", thread=looked.thread)
    print(json.dumps([str(text.message), pieces, str(looked.message), str(again.message)]))


asyncio.run(main(sys.argv[1]))
