"""A program of some year, run with the openai client of that year: it prints what it got as JSON.

It uses only what 1.x, 2.x and 3.x all have. Arguments: the service's base URL.
"""

import json
import sys

import openai

LOOK = {
    "type": "function", "name": "look", "description": "Look at a place.", "strict": True,
    "parameters": {
        "type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"],
        "additionalProperties": False,
    },
}  # fmt: skip


def main(url: str) -> None:
    client = openai.OpenAI(base_url=url, api_key="sk-test", max_retries=0)
    with client.responses.stream(model="m", input="Hi") as manager:
        snapshots = [event.snapshot for event in manager if event.type == "response.output_text.delta"]
        text = manager.get_final_response()
    with client.responses.stream(model="m", input="Look.", tools=[LOOK]) as manager:
        pieces = [event.delta for event in manager if event.type == "response.function_call_arguments.delta"]
        tools = manager.get_final_response()
    calls = [item for item in tools.output if item.type == "function_call"]
    outputs = [{"type": "function_call_output", "call_id": call.call_id, "output": "blue"} for call in calls]
    answer = client.responses.create(model="m", input=outputs, previous_response_id=tools.id)
    found = {
        "version": openai.__version__,
        "snapshots": snapshots,
        "text": text.output_text,
        "tokens": text.usage.total_tokens,
        "pieces": pieces,
        "calls": [[call.call_id, call.name, call.parsed_arguments] for call in calls],
        "answer": answer.output_text,
        "retrieved": client.responses.retrieve(answer.id).output_text,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
