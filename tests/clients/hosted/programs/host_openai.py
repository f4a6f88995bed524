"""Hosted tools in openai-python, which validates what it gets here. Argument: the base URL."""

import json
import sys
from typing import Any

from openai import OpenAI

client = OpenAI(base_url=sys.argv[1], api_key="sk-test", max_retries=0, _strict_response_validation=True)
WEATHER = {"type": "function", "name": "weather", "parameters": None, "strict": None, "defer_loading": True}


def dice(approval: str) -> dict[str, Any]:
    return {"type": "mcp", "server_label": "dice", "require_approval": approval}


def create(text: Any, *tools: Any, **members: Any) -> Any:
    return client.responses.create(model="m", input=text, tools=list(tools), **members)


tools: list[Any] = [dice("never"), {"type": "web_search"}]
rolled, searched = create("Roll.", *tools), create("Search.", *tools)
with client.responses.stream(model="m", input="Roll.", tools=tools) as stream:
    streamed = stream.get_final_response()
asked = create("Wipe.", dice("always"))
request = next(item for item in asked.output if item.type == "mcp_approval_request")
answer = {"type": "mcp_approval_response", "approval_request_id": request.id, "approve": True}
approved = create([answer], dice("always"), previous_response_id=asked.id)
found = create("Find.", {"type": "tool_search"}, WEATHER)
texts = {"rolled": rolled, "streamed": streamed, "searched": searched, "approved": approved, "found": found}
print(json.dumps({name: response.output_text for name, response in texts.items()}))
