"""file_search in LangChain. Arguments: the base URL, a vector store."""

import json
import sys

from langchain_openai import ChatOpenAI

model = ChatOpenAI(model="m", base_url=sys.argv[1], api_key="sk-test", use_responses_api=True, max_retries=0)
tool = {"type": "file_search", "vector_store_ids": [sys.argv[2]]}
bound = model.bind_tools([tool], include=["file_search_call.results"])
whole = None
for piece in bound.stream("Leave?"):
    whole = piece if whole is None else whole + piece
answer = bound.invoke("Leave?")
assert whole.text == answer.text
(text,) = [block for block in answer.content if block["type"] == "text"]
found = [block for block in answer.content if block["type"] == "file_search_call"]
print(json.dumps({
    "text": answer.text, "cited": text["annotations"][0]["filename"], "found": found[0]["results"][0]["filename"],
}))  # fmt: skip
