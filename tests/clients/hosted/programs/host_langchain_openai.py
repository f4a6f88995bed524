"""Hosted tools in LangChain. Argument: the base URL."""

import json
import sys

from langchain_openai import ChatOpenAI

DICE = {"type": "mcp", "server_label": "dice", "require_approval": "never"}
model = ChatOpenAI(model="m", base_url=sys.argv[1], api_key="sk-test", use_responses_api=True, max_retries=0)
bound = model.bind_tools([DICE, {"type": "web_search"}])
whole = None
for piece in bound.stream("Roll."):
    whole = piece if whole is None else whole + piece
first = bound.invoke("Roll.")
again = bound.invoke([("user", "Roll."), first, ("user", "Roll.")])
assert again.text == first.text
print(json.dumps({"rolled": first.text, "streamed": whole.text, "searched": bound.invoke("Search.").text}))
