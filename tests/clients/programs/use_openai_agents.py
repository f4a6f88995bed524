"""A program of the OpenAI Agents SDK: an answer, a streamed one, and one that takes a tool. Argument: the base URL."""

import asyncio
import json
import sys

import agents
from openai import AsyncOpenAI


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
    print(json.dumps([text.final_output, pieces, looked.final_output, again.final_output]))


asyncio.run(main(sys.argv[1]))
