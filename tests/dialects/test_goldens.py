"""Every preset makes of the requests what its golden file says, and nothing of them gets lost in silence."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.dialects.case import REQUESTS, ROOT, golden, read
from tests.support.judges.provider_rules import OWN_MEMBERS, RULES, refusals
from translators.dialects.presets import PRESETS

Object = dict[str, Any]

CASES = [(name, case) for name in PRESETS for case in REQUESTS]
GOLDENS = {name: read(name) for name in PRESETS}


@pytest.mark.parametrize("name", PRESETS)
def test_the_golden_file_is_what_the_code_makes(name: str) -> None:
    assert golden(PRESETS[name]) == GOLDENS[name], "read what python -m tests.dialects.accept changes"


def test_there_is_no_other_golden_file() -> None:
    assert {file.stem for file in (ROOT / "goldens").iterdir()} == set(PRESETS)


# --- held against the rules, without the code -----------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_a_strict_server_takes_it(name: str) -> None:
    for case, became in sent(name).items():
        assert refusals(name, became["chat"]) == [], case


@pytest.mark.parametrize("name", PRESETS)
def test_every_rule_can_fail(name: str) -> None:
    """On what some other provider is sent."""
    chats = [became["chat"] for other in PRESETS for became in sent(other).values()]
    never = [number for number, rule in enumerate(RULES[name]) if not any(list(rule(chat)) for chat in chats)]
    assert never == []


def test_every_preset_has_rules() -> None:
    assert RULES.keys() == PRESETS.keys()
    assert OWN_MEMBERS.keys() <= PRESETS.keys()


def sent(name: str) -> dict[str, Object]:
    """Return the cases that were not refused."""
    return {case: became for case, became in GOLDENS[name].items() if "chat" in became}


# --- nothing silent ---------------------------------------------------------------------------------------------------

SAYS_NOT_TO = ("thinking", "reasoning", "enable_thinking", "chat_template_kwargs")


def by_name(choice: Any) -> Any:
    """Return a choice as a word or the name of a tool, in whichever API."""
    return choice.get("function", choice)["name"] if isinstance(choice, dict) else choice


def effort(chat: Object) -> Any:
    return chat.get("reasoning_effort", chat.get("reasoning", {}).get("effort"))


ASKED: dict[str, tuple[Callable[[Object], Any], Callable[[Object], Any]]] = {
    **{
        name: (lambda request, name=name: request.get(name), lambda chat, name=name: chat.get(name))
        for name in ("temperature", "top_p", "presence_penalty", "frequency_penalty", "user", "safety_identifier",
                     "prompt_cache_key", "service_tier")
    },
    "tool_choice": (lambda request: by_name(request.get("tool_choice")), lambda chat: by_name(chat.get("tool_choice"))),
    "max_output_tokens": (
        lambda request: request.get("max_output_tokens"),
        lambda chat: chat.get("max_tokens", chat.get("max_completion_tokens")),
    ),
    "include": (lambda request: request.get("top_logprobs"), lambda chat: chat.get("top_logprobs")),
    "text.verbosity": (lambda request: request.get("text", {}).get("verbosity"), lambda chat: chat.get("verbosity")),
    "text.format": (
        lambda request: request.get("text", {}).get("format", {"type": "text"})["type"],
        lambda chat: chat.get("response_format", {"type": "text"})["type"],
    ),
    "reasoning.effort": (lambda request: request.get("reasoning", {}).get("effort"), effort),
    "tools.strict": (
        lambda request: any(tool.get("strict") for tool in request.get("tools", ())) or None,
        lambda chat: "tools" not in chat or any(tool["function"].get("strict") for tool in chat["tools"]),
    ),
}  # fmt: skip
"""What a request may ask: under which name it is noted, what is asked, what leaves."""
THE_SAME = {
    ("service_tier", "default", None), ("tool_choice", "required", "any"), ("tool_choice", "none", None),
}  # fmt: skip
"""What says the same: the default left out, Mistral's word, no tools shown."""


@pytest.mark.parametrize(("name", "case"), CASES)
def test_what_does_not_leave_is_noted(name: str, case: str) -> None:
    became = GOLDENS[name][case]
    if "refused" in became:
        assert became["refused"]["param"]
        return
    request, chat = json.loads(REQUESTS[case]), became["chat"]
    noted = {note.split(" ")[0] for note in became["notes"]}
    for param, (asked, left) in ASKED.items():
        wanted, sent = asked(request), left(chat)
        if wanted is None or sent == wanted or (param, wanted, sent) in THE_SAME:
            continue
        if param == "reasoning.effort" and wanted == "none" and chat.keys() & set(SAYS_NOT_TO):
            continue
        assert param in noted, f"{wanted} became {sent}"
