"""FileSearchTool of the OpenAI Agents SDK. Arguments: the base URL, a vector store."""

import asyncio
import json
import sys

import agents
from openai import AsyncOpenAI


async def main(url: str, store: str) -> None:
    agents.set_tracing_disabled(True)
    agents.set_default_openai_client(AsyncOpenAI(base_url=url, api_key="sk-test", max_retries=0), use_for_tracing=False)
    tool = agents.FileSearchTool(vector_store_ids=[store], max_num_results=3, include_search_results=True)
    agent = agents.Agent(name="clerk", model="m", tools=[tool])
    whole = await agents.Runner.run(agent, "Leave?")
    streamed = agents.Runner.run_streamed(agent, "Leave?")
    async for _ in streamed.stream_events():
        pass
    assert streamed.final_output == whole.final_output
    output = whole.raw_responses[-1].output
    cited, found = output[-1].content[0].annotations[0], output[0].results[0]
    again = await agents.Runner.run(agent, [*whole.to_input_list(), {"role": "user", "content": "Leave?"}])
    assert again.final_output == whole.final_output
    print(json.dumps({"text": whole.final_output, "cited": cited.filename, "found": found.filename}))


asyncio.run(main(*sys.argv[1:]))
