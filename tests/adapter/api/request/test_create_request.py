"""Create requests that are accepted, and their members. Source: OpenAI API reference, Responses: create."""

import json
from typing import Any

import msgspec
import pytest

from adapter.api.request.schemas import CreateSchema, parse_create
from tests.adapter.api.request.create_request import FUNCTION, MOST, SCHEMA, USER, body, parse, request_error
from translators.responses.items import FunctionCall, ItemReference, Message, OutputText, Reasoning
from translators.responses.passthrough import RESERVED
from translators.responses.request import (
    AccessPrograms,
    CreateRequest,
    ImageConfig,
    JSONSchemaFormat,
    PromptCacheOptions,
    ReasoningConfig,
    StreamOptions,
    TextConfig,
)
from translators.responses.tools import FunctionChoice, FunctionTool


def test_a_minimal_request() -> None:
    assert parse() == CreateRequest(model="m", input=(Message("user", "Hi"),), raw_input=b'"Hi"')


def test_every_member() -> None:
    tool = {**FUNCTION, "description": "d", "parameters": {"type": "object"}, "strict": True}
    request = parse(
        instructions="Be kind.", previous_response_id="resp_1", tools=[tool],
        tool_choice={"type": "function", "name": "f"}, parallel_tool_calls=False, max_tool_calls=3, temperature=1,
        top_p=0.5, presence_penalty=-2, frequency_penalty=2, max_output_tokens=16, top_logprobs=20,
        reasoning={"effort": "low", "summary": "auto", "mode": "standard"}, text={"format": SCHEMA, "verbosity": "low"},
        include=["reasoning.encrypted_content"], truncation="auto", metadata={"k": "v"}, store=False, stream=True,
        stream_options={"include_obfuscation": False}, user="u", safety_identifier="s", prompt_cache_key="k",
        prompt_cache_retention="24h", service_tier="flex",
    )  # fmt: skip
    assert request == CreateRequest(
        model="m", input=(Message("user", "Hi"),), raw_input=b'"Hi"', instructions="Be kind.",
        previous_response_id="resp_1", tools=(FunctionTool("f", "d", {"type": "object"}, True),),
        raw_tools=request.raw_tools, tool_choice=FunctionChoice("f"), parallel_tool_calls=False, max_tool_calls=3,
        temperature=1.0, top_p=0.5, presence_penalty=-2.0, frequency_penalty=2.0, max_output_tokens=16, top_logprobs=20,
        reasoning=ReasoningConfig(effort="low", summary="auto", mode="standard"),
        text=TextConfig(JSONSchemaFormat("n", {"type": "object"}), "low"), include=("reasoning.encrypted_content",),
        truncation="auto", metadata={"k": "v"}, store=False, stream=True,
        stream_options=StreamOptions(include_obfuscation=False), user="u", safety_identifier="s", prompt_cache_key="k",
        prompt_cache_retention="24h", service_tier="flex",
    )  # fmt: skip
    assert isinstance(request.temperature, float)


def test_null_is_left_out() -> None:
    nothing = dict.fromkeys(
        ("instructions", "previous_response_id", "tools", "tool_choice", "parallel_tool_calls", "max_tool_calls",
         "temperature", "top_p", "presence_penalty", "frequency_penalty", "max_output_tokens", "top_logprobs",
         "reasoning", "text", "include", "truncation", "metadata", "store", "stream", "stream_options", "user",
         "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "service_tier", "background",
         "conversation", "prompt", "moderation", "context_management", "prompt_cache_options", "background_options",
         "image", "access_programs", "multi_agent", "client_metadata")
    )  # fmt: skip
    assert parse(**nothing) == parse()


@pytest.mark.parametrize(
    "members",
    [
        {"text": {}, "tools": [], "include": [], "metadata": {}, "reasoning": {}, "stream_options": {}},
        {"text": {"format": None, "verbosity": None}, "reasoning": {"effort": None, "summary": None}},
        {"background": False, "context_management": []},
        {"background_options": {}, "multi_agent": {"enabled": False}},
        {"client_metadata": {"anything": [1]}},
        {"tool_choice": "auto"},
    ],
)
def test_what_asks_for_nothing_changes_nothing(members: dict[str, Any]) -> None:
    assert msgspec.structs.replace(parse(**members), tool_choice="auto") == parse()


def test_tools_are_echoed_whole() -> None:
    request = parse(tools=[FUNCTION, {**FUNCTION, "name": "g", "strict": False, "description": "d"}])
    assert json.loads(bytes(request.raw_tools)) == [
        {"type": "function", "name": "f", "description": None, "parameters": None, "strict": None},
        {"type": "function", "name": "g", "description": "d", "parameters": None, "strict": False},
    ]


def test_items_with_and_without_a_type() -> None:
    items = [
        USER,
        {"type": None, **USER},
        {"type": "message", "role": "developer", "content": [], "id": None, "status": None, "phase": None},
        {"role": "assistant", "content": [{"type": "output_text", "text": "a", "annotations": None}], "id": "msg_1"},
        {"type": "reasoning", "summary": [], "id": None, "content": None, "encrypted_content": None, "status": None},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "", "namespace": None, "extra": 1},
        {"id": "rs_1"},
        {"type": None, "id": "rs_1"},
    ]
    request = parse(input=items)
    assert request.input == (
        Message("user", "Hi"),
        Message("user", "Hi"),
        Message("developer", [], id=None, status=None, phase=None),
        Message("assistant", [OutputText("a", None)], id="msg_1"),
        Reasoning(id=None, content=None, encrypted_content=None, status=None),
        FunctionCall("c", "f", "", namespace=None),
        ItemReference("rs_1"),
        ItemReference("rs_1"),
    )
    assert json.loads(request.raw_input) == items


@pytest.mark.parametrize("members", [{"input": ...}, {"input": []}, {"input": ""}])
def test_a_continuation_needs_no_input(members: dict[str, Any]) -> None:
    assert parse(previous_response_id="resp_1", **members).input == ()


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    assert parse(input="a\\u0000b").input == (Message("user", "a\\u0000b"),)
    assert request_error(body(input="\\\0")).param == "input"


def test_a_large_input_of_few_items() -> None:
    long = "x, " * 500_000
    assert parse(input=[{"role": "user", "content": long}]).input == (Message("user", long),)


def test_options_that_are_echoed() -> None:
    request = parse(
        prompt_cache_options={"mode": "explicit", "ttl": "12h", "comparison_response_id": "resp_1", "prewarm": False},
        image={"context_compression": "auto"}, access_programs={"cyber": "standard"},
    )
    assert request.prompt_cache_options == PromptCacheOptions("explicit", "12h", "resp_1", prewarm=False)
    assert (request.image, request.access_programs) == (ImageConfig("auto"), AccessPrograms("standard"))


def test_the_older_name_of_a_retention() -> None:
    assert parse(prompt_cache_retention="in-memory").prompt_cache_retention == "in_memory"


def test_members_that_are_passed_through() -> None:
    sent = body(top_k=5, stop=["a", {"b": 1.0}], seed=None, min_p=0)
    request = parse_create(sent, max_items=MOST, passthrough=("stop", "top_k", "seed", "min_p", "top_a"))
    assert {name: bytes(raw) for name, raw in request.passthrough.items()} == {
        "stop": b'["a", {"b": 1.0}]', "top_k": b"5", "min_p": b"0",
    }  # fmt: skip


def test_every_member_of_the_api_is_reserved() -> None:
    assert CreateSchema().fields.keys() <= RESERVED
