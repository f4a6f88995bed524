"""The rules against recorded requests that providers accepted: where a rule would refuse one, it does so on purpose.

What was accepted was not always honoured, and what one model takes another refuses; `CAREFUL` says which rules are
narrower than what was recorded, and why. A rule that nobody ever kept would show here.
"""

import json
from typing import Any

import pytest

from tests.support.beside import RECORDED_PROVIDERS
from tests.support.judges.provider_rules import RULES, broken_rules

pytestmark = pytest.mark.skipif(not RECORDED_PROVIDERS.is_dir(), reason=f"no providers in {RECORDED_PROVIDERS}")

PRESET_OF = {
    "alibaba": "qwen", "bedrock-openai": "bedrock", "gemini-openai": "gemini", "llamacpp": "llama_cpp",
    "ollama-cloud": "ollama", "tgi-hf-inference": "tgi", "vercel-gateway": "vercel",
}  # fmt: skip
CAREFUL = {
    "max_tokens is not known": "models of OpenAI's that reason refuse it",
    "max_completion_tokens is not known": "gateways take both; behind them max_tokens is safest",
    "strict is not known": "it was recorded as false, or is not read",
    "parallel_tool_calls is not known": "Ollama does not read it",
    "tool_choice cannot be": "Ollama does not read it, Z.AI documents auto alone",
    "reasoning_content of a message is not known": "Ollama does not read it",
    "reasoning_content is missing": "from before DeepSeek wanted it, or of models that did not think",
    "the role developer is not known": "it depends on the model's template",
    "extra inputs are not permitted": "Mistral's own members, which nobody sends here",
    "is not nine letters and digits": "ids that the source of the recording replaced",
}
NEVER_SENT = (
    "n is", "stop is", "store is", "seed is", "logit_bias is", "modalities is", "functions is", "name of a message",
    "content blocks",
)  # fmt: skip
"""What the Responses API cannot ask for, or is sent in another form. Source: docs/decisions/0007-safe-dialect.md."""


def accepted() -> list[tuple[str, str, Any]]:
    """Return the accepted requests: preset, file, body."""
    found = []
    for file in sorted(RECORDED_PROVIDERS.glob("*/*.request.json")):
        preset = PRESET_OF.get(file.parent.name, file.parent.name)
        meta = file.with_name(file.name.replace(".request.json", ".meta.json"))
        if preset in RULES and meta.exists() and json.loads(meta.read_bytes()).get("status", 200) < 300:
            found.append((preset, file.name, json.loads(file.read_bytes())))
    return found


def test_rules_refuse_what_was_accepted_only_on_purpose() -> None:
    requests = [(preset, name, body) for preset, name, body in accepted() if is_chat(body)]
    assert len(requests) > 700
    assert len({preset for preset, _, _ in requests}) > 20
    needed = set()
    for preset, name, body in requests:
        for wrong in broken_rules(preset, body):
            if not wrong.startswith(NEVER_SENT):
                reason = next((reason for reason in CAREFUL if reason in wrong), None)
                assert reason is not None, f"{preset}, {name}: {wrong}"
                needed.add(reason)
    assert needed == CAREFUL.keys(), "some reason is needed no more"


def is_chat(body: Any) -> bool:
    """Whether a body is a chat request as the Responses API could have led to one."""
    if not isinstance(body, dict) or not isinstance(body.get("messages"), list):
        return False
    lists = [body.get("tools", []), *(message.get("tool_calls", []) for message in body["messages"])]
    return "type" in body.get("response_format", {"type": "text"}) and None not in lists
