"""A program of LiteLLM, which does what `test_programs` tells of. Argument: the base URL."""

import json
import os
import sys

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it fetches one from the internet

import litellm
from pydantic import BaseModel

PNG = "data:image/png;base64,iVBORw0KGgo="

LOOK = {
    "type": "function", "name": "look", "description": "Look at a place.",
    "parameters": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]},
}  # fmt: skip


class Place(BaseModel):
    name: str
    deep: bool


def text_of(response):
    return "".join(part.text for item in response.output if item.type == "message" for part in item.content)


def main(url: str) -> None:
    known = {"model": "openai/m", "api_base": url, "api_key": "sk-test", "tools": [LOOK]}

    def ask(input, **members):
        return litellm.responses(input=input, **known, **members)

    text = text_of(ask("Hi"))
    pieces = [event.delta for event in ask("Hi", stream=True) if event.type == "response.output_text.delta"]
    first = ask("Look.")
    outputs = [
        {"type": "function_call_output", "call_id": item.call_id, "output": "blue"}
        for item in first.output
        if item.type == "function_call"
    ]
    looked = ask(outputs, previous_response_id=first.id)
    again = ask("Hi", previous_response_id=looked.id)
    shaped = json.loads(text_of(ask("Where?", text_format=Place)))
    parts = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": PNG}]
    seen = text_of(ask([{"role": "user", "content": parts}]))
    print(json.dumps([text, pieces, text_of(looked), text_of(again), shaped, seen]))


main(sys.argv[1])
