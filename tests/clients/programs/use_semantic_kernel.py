"""A program of Semantic Kernel, which does what `test_programs` tells of. Argument: the base URL."""

import asyncio
import json
import sys

from openai import AsyncOpenAI
from pydantic import BaseModel
from semantic_kernel.agents import OpenAIResponsesAgent
from semantic_kernel.contents import ChatMessageContent, ImageContent, TextContent
from semantic_kernel.functions import kernel_function

PNG = "data:image/png;base64,iVBORw0KGgo="


class Place(BaseModel):
    name: str
    deep: bool


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
    form = OpenAIResponsesAgent.configure_response_format(Place)
    shaper = OpenAIResponsesAgent(ai_model_id="m", client=client, name="shaper", text=form)
    shaped = json.loads(str((await shaper.get_response("Where?")).message))
    parts = [TextContent(text="What is this?"), ImageContent(data_uri=PNG)]
    seen = await agent.get_response(ChatMessageContent(role="user", items=parts))
    print(json.dumps([str(text.message), pieces, str(looked.message), str(again.message), shaped, str(seen.message)]))


asyncio.run(main(sys.argv[1]))
