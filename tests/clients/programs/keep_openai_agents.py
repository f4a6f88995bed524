"""A program of the OpenAI Agents SDK whose conversations the service keeps (`test_state`). Argument: the base URL."""

import asyncio
import json
import sys
from typing import Any

import agents
from openai import AsyncOpenAI


def texts(items: list[Any]) -> list[str]:
    return [item["content"] if isinstance(item["content"], str) else item["content"][0]["text"] for item in items]


async def main(url: str) -> None:
    agents.set_tracing_disabled(True)
    client = AsyncOpenAI(base_url=url, api_key="sk-test", max_retries=0)
    agents.set_default_openai_client(client, use_for_tracing=False)
    agent = agents.Agent(name="keeper", model="m")

    session = agents.OpenAIConversationsSession(openai_client=client)
    await agents.Runner.run(agent, "One", session=session)
    await agents.Runner.run(agent, "Two", session=session)
    kept = texts(await session.get_items())
    newest = texts(await session.get_items(limit=2))
    popped = texts([await session.pop_item()])
    left = texts(await session.get_items())
    await session.clear_session()
    cleared = await session.get_items()

    first = await agents.Runner.run(agent, "Three")
    await agents.Runner.run(agent, "Four", previous_response_id=first.last_response_id)

    compacting = agents.OpenAIResponsesCompactionSession(
        "s", agents.SQLiteSession("s"), client=client, model="gpt-5", should_trigger_compaction=lambda _: False
    )
    await agents.Runner.run(agent, "Five", session=compacting)
    await compacting.run_compaction({"force": True})
    kinds = [item.get("type", "message") for item in await compacting.get_items()]
    after = await agents.Runner.run(agent, "Six", session=compacting)
    print(json.dumps([kept, newest, popped, left, cleared, kinds, after.final_output]))


asyncio.run(main(sys.argv[1]))
