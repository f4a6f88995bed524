"""A program of the OpenAI Agents SDK, which does what `test_programs` tells of. Argument: the base URL."""

import asyncio
import json
import sys

import agents
from openai import AsyncOpenAI
from pydantic import BaseModel

PNG = "data:image/png;base64,iVBORw0KGgo="


class Place(BaseModel):
    name: str
    deep: bool


@agents.function_tool
def look(at: str) -> str:
    """Look at a place."""
    return f"{at} is blue"


async def main(url: str) -> None:
    agents.set_tracing_disabled(True)
    agents.set_default_openai_client(AsyncOpenAI(base_url=url, api_key="sk-test", max_retries=0), use_for_tracing=False)
    agent = agents.Agent(name="looker", instructions="Be brief.", model="m", tools=[look])
    text = await agents.Runner.run(agent, "Hi")
    streamed = agents.Runner.run_streamed(agent, "Hi")
    pieces = [
        event.data.delta
        async for event in streamed.stream_events()
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta"
    ]
    looked = await agents.Runner.run(agent, "Look.")
    again = await agents.Runner.run(agent, [*looked.to_input_list(), {"role": "user", "content": "Hi"}])
    shaped = await agents.Runner.run(agents.Agent(name="shaper", model="m", output_type=Place), "Where?")
    image = {"type": "input_image", "image_url": PNG, "detail": "auto"}
    parts = [{"type": "input_text", "text": "What is this?"}, image]
    seen = await agents.Runner.run(agent, [{"role": "user", "content": parts}])
    outputs = [text.final_output, pieces, looked.final_output, again.final_output]
    print(json.dumps([*outputs, shaped.final_output.model_dump(), seen.final_output]))


asyncio.run(main(sys.argv[1]))
