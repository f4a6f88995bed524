"""How the model shall answer → chat fields: values that a provider does not know, and what goes out as it is."""

from typing import Any

import msgspec
import pytest

from translators.dialects.dialect import Dialect
from translators.dialects.presets import PRESETS
from translators.dialects.rendering import Rendering
from translators.notes import Notes
from translators.responses.passthrough import RESERVED
from translators.responses.request import CreateRequest
from translators.to_chat.parameters import chat_parameters
from translators.wire import Raw, decode, encode

OPENAI, GROQ, MISTRAL, DEEPSEEK, OLLAMA = (
    PRESETS[name] for name in ("openai", "groq", "mistral", "deepseek", "ollama")
)
SWITCH = Dialect(efforts=frozenset(), some_reasoning={"thinks": True}, no_reasoning={"thinks": False})
BOTH = Dialect(some_reasoning={"thinks": True})
NOTHING: list[tuple[str, str]] = []


def sent(dialect: Dialect, **members: Any) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    request = msgspec.convert({"model": "m", "input": [], "raw_input": b"", **members}, CreateRequest)
    notes = Notes()
    body = decode(encode(chat_parameters(request, Rendering(dialect, notes))))
    return body, [(note.param, note.action) for note in notes]


EFFORTS = [
    (Dialect(), "xhigh", "xhigh"), (OPENAI, "minimal", "minimal"),
    (GROQ, "minimal", "low"), (GROQ, "xhigh", "high"), (GROQ, "max", "high"), (GROQ, "none", "none"),
    (MISTRAL, "minimal", "high"), (MISTRAL, "low", "high"), (MISTRAL, "none", "none"),
    (OLLAMA, "minimal", "low"), (OLLAMA, "xhigh", "high"), (OLLAMA, "max", "max"),
    (DEEPSEEK, "minimal", "low"), (DEEPSEEK, "medium", "medium"),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "wanted", "known"), EFFORTS, ids=lambda value: getattr(value, "name", value))
def test_efforts(dialect: Dialect, wanted: str, known: str) -> None:
    noted = NOTHING if wanted == known else [("reasoning.effort", "approximated")]
    assert sent(dialect, reasoning={"effort": wanted}) == ({"reasoning_effort": known}, noted)


TIERS = [
    (Dialect(), "auto", {}, NOTHING),
    (Dialect(), "default", {}, NOTHING),
    (Dialect(), "flex", {}, [("service_tier", "dropped")]),
    (OPENAI, "auto", {"service_tier": "auto"}, NOTHING),
    (OPENAI, "fast", {"service_tier": "fast"}, NOTHING),
    (OPENAI, "ultrafast", {}, [("service_tier", "dropped")]),
    (GROQ, "flex", {"service_tier": "flex"}, NOTHING),
    (GROQ, "priority", {}, [("service_tier", "dropped")]),
]


@pytest.mark.parametrize(("dialect", "tier", "body", "notes"), TIERS)
def test_service_tiers(dialect: Dialect, tier: str, body: dict[str, Any], notes: list[tuple[str, str]]) -> None:
    assert sent(dialect, service_tier=tier) == (body, notes)


CASES: list[tuple[Dialect, dict[str, Any], dict[str, Any], list[tuple[str, str]]]] = [
    (Dialect(), {"include": ["message.output_text.logprobs"], "top_logprobs": 3},
     {"logprobs": True, "top_logprobs": 3}, NOTHING),
    (GROQ, {"include": ["message.output_text.logprobs"]}, {}, [("include", "dropped")]),
    (MISTRAL, {"top_logprobs": 3}, {}, [("top_logprobs", "dropped")]),
    (OPENAI, {"prompt_cache_options": {"mode": "explicit", "ttl": "30m", "comparison_response_id": "resp_1"}},
     {"prompt_cache_options": {"mode": "explicit", "ttl": "30m"}}, NOTHING),
    (OPENAI, {"prompt_cache_options": {"ttl": "12h"}}, {"prompt_cache_options": {"ttl": "30m"}},
     [("prompt_cache_options.ttl", "approximated")]),
    (OPENAI, {"prompt_cache_options": {"prewarm": False}}, {}, NOTHING),
    (Dialect(), {"prompt_cache_options": {"mode": "explicit"}}, {}, [("prompt_cache_options", "dropped")]),
    (DEEPSEEK, {"reasoning": {"effort": "none"}}, {"thinking": {"type": "disabled"}}, NOTHING),
    (Dialect(efforts=frozenset({"low"})), {"reasoning": {"effort": "none"}}, {"reasoning_effort": "low"},
     [("reasoning.effort", "approximated")]),
    (SWITCH, {"reasoning": {"effort": "high"}}, {"thinks": True}, [("reasoning.effort", "approximated")]),
    (SWITCH, {"reasoning": {"effort": "none"}}, {"thinks": False}, NOTHING),
    (BOTH, {"reasoning": {"effort": "low"}}, {"reasoning_effort": "low", "thinks": True}, NOTHING),
    (BOTH, {"reasoning": {"effort": "none"}}, {"reasoning_effort": "none"}, NOTHING),
    (Dialect(effort_form="reasoning"), {"reasoning": {"effort": "low"}}, {"reasoning": {"effort": "low"}}, NOTHING),
    (Dialect(efforts=frozenset()), {"reasoning": {"effort": "low"}}, {}, [("reasoning.effort", "dropped")]),
    (Dialect(), {"max_tool_calls": 3}, {}, [("max_tool_calls", "dropped")]),
    (Dialect(), {"reasoning": {"context": "auto"}}, {}, NOTHING),
    (Dialect(), {"reasoning": {"context": "all_turns"}}, {}, NOTHING),
    (Dialect(reasoning_field=None), {"reasoning": {"context": "all_turns"}}, {}, [("reasoning.context", "dropped")]),
    (Dialect(), {"reasoning": {"context": "current_turn"}}, {}, NOTHING),
    (Dialect(), {"text": {"verbosity": "low"}}, {}, [("text.verbosity", "dropped")]),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "members", "body", "notes"), CASES)
def test_members(
    dialect: Dialect, members: dict[str, Any], body: dict[str, Any], notes: list[tuple[str, str]]
) -> None:
    assert sent(dialect, **members) == (body, notes)


def test_what_is_passed_through_goes_out_byte_by_byte() -> None:
    request = CreateRequest(
        model="m", input=(), raw_input=b"", temperature=1.0, passthrough={"stop": Raw(b'["\\u00e9", 1.0]')}
    )
    sent = chat_parameters(request, Rendering(Dialect(), Notes()))
    assert encode(sent) == b'{"temperature":1.0,"stop":["\\u00e9", 1.0]}'


def test_every_field_that_is_written_is_reserved() -> None:
    everything: dict[str, Any] = {
        "temperature": 1.0, "top_p": 1.0, "presence_penalty": 1.0, "frequency_penalty": 1.0, "max_output_tokens": 16,
        "reasoning": {"effort": "low"}, "service_tier": "auto", "top_logprobs": 1, "user": "u",
        "safety_identifier": "s", "prompt_cache_key": "k", "prompt_cache_retention": "24h",
        "prompt_cache_options": {"mode": "implicit"}, "text": {"verbosity": "low"},
    }  # fmt: skip
    body, notes = sent(OPENAI, **everything)
    assert notes == NOTHING
    assert len(body) == len(everything) + 1, "each becomes a field; the logprobs two"
    assert body.keys() <= RESERVED
