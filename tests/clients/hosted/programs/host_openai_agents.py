"""Hosted tools in the OpenAI Agents SDK. Argument: the base URL."""

import asyncio
import json
import sys

import agents
from openai import AsyncOpenAI


def agent(approval: str = "never") -> agents.Agent:
    server = {"type": "mcp", "server_label": "dice", "require_approval": approval}
    tools = [agents.HostedMCPTool(tool_config=server), agents.WebSearchTool()]
    return agents.Agent(name="roller", model="m", tools=tools)


async def main(url: str) -> None:
    agents.set_tracing_disabled(True)
    agents.set_default_openai_client(AsyncOpenAI(base_url=url, api_key="sk-test", max_retries=0), use_for_tracing=False)
    rolled = await agents.Runner.run(agent(), "Roll.")
    streamed = agents.Runner.run_streamed(agent(), "Roll.")
    async for _ in streamed.stream_events():
        pass
    searched = await agents.Runner.run(agent(), "Search.")
    asked = await agents.Runner.run(agent("always"), "Wipe.")
    state = asked.to_state()
    state.approve(asked.interruptions[0])
    approved = await agents.Runner.run(agent("always"), state)
    outputs = {"rolled": rolled, "streamed": streamed, "searched": searched, "approved": approved}
    print(json.dumps({name: result.final_output for name, result in outputs.items()}))


asyncio.run(main(sys.argv[1]))
