"""What a create request may say: what is accepted and what becomes of it, what is refused and in which words.

A case is the members that are put over a good request; `...` takes one out. The texts are those of responses-api
reference §2 and §6.6.
"""

import json
from typing import Any

import msgspec
import pytest

from adapter.api.request.schemas import CreateSchema, parse_create
from translators.errors import RequestError
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

MOST = 100
USER = {"role": "user", "content": "Hi"}
FUNCTION = {"type": "function", "name": "f"}
SCHEMA = {"type": "json_schema", "name": "n", "schema": {"type": "object"}}


def body(**members: Any) -> bytes:
    whole = {"model": "m", "input": "Hi", **members}
    return json.dumps({name: value for name, value in whole.items() if value is not ...}).encode()


def parse(**members: Any) -> CreateRequest:
    return parse_create(body(**members), max_items=MOST)


def refusal(sent: bytes) -> RequestError:
    with pytest.raises(RequestError) as caught:
        parse_create(sent, max_items=MOST)
    assert caught.value.status == 400
    assert caught.value.type == "invalid_request_error"
    return caught.value


REFUSED: list[tuple[dict[str, Any], str | None, str | None, str]] = [
    # presence
    ({"model": ...}, "model", "missing_required_parameter", "Missing required parameter: 'model'."),
    ({"model": ..., "input": ...}, "model", "missing_required_parameter", "Missing required parameter: 'model'."),
    ({"model": ..., "prompt": None}, "model", "missing_required_parameter",
     "Missing required parameter: 'model'."),
    ({"model": ..., "messages": [USER]}, "model", "missing_required_parameter",
     "Missing required parameter: 'model'."),
    ({"input": ..., "previous_response_id": None}, "input", "missing_required_parameter",
     "Missing required parameter: 'input'."),
    ({"input": ...}, "input", "missing_required_parameter", "Missing required parameter: 'input'."),
    ({"model": None}, "model", "invalid_type",
     "Invalid type for 'model': expected a string, but got null instead."),
    ({"input": None}, "input", "invalid_type",
     "Invalid type for 'input': expected a string, but got an object instead."),
    ({"model": ""}, "model", "model_not_found", "The requested model '' does not exist."),
    ({"input": []}, None, "missing_required_parameter",
     """One of "input" or "previous_response_id" or 'prompt' or 'conversation' must be provided."""),
    ({"input": ""}, None, "missing_required_parameter",
     """One of "input" or "previous_response_id" or 'prompt' or 'conversation' must be provided."""),
    # names
    ({"colour": 1}, "colour", "unknown_parameter", "Unknown parameter: 'colour'."),
    ({"colour": None}, "colour", "unknown_parameter", "Unknown parameter: 'colour'."),
    ({"strem": True}, "strem", "unknown_parameter", "Unknown parameter: 'strem'. Did you mean 'stream'?"),
    ({"topp": 1}, "topp", "unknown_parameter", "Unknown parameter: 'topp'. Did you mean 'top_p'?"),
    ({"tool": []}, "tool", "unknown_parameter", "Unknown parameter: 'tool'. Did you mean 'tools'?"),
    ({"generate": False}, "generate", "unknown_parameter", "Unknown parameter: 'generate'."),
    ({"input": ..., "messages": [USER]}, None, "unsupported_parameter",
     "Unsupported parameter: 'messages'. In the Responses API, this parameter has moved to 'input'."),
    ({"max_tokens": 9}, "max_tokens", "unknown_parameter",
     "Unknown parameter: 'max_tokens'. In the Responses API, this parameter has moved to 'max_output_tokens'."),
    ({"response_format": {}}, "response_format", "unknown_parameter",
     "Unknown parameter: 'response_format'. In the Responses API, this parameter has moved to 'text.format'."),
    ({"n": 2}, "n", "unknown_parameter",
     "Unknown parameter: 'n'. In the Responses API, there is no such parameter."),
    ({"seed": 2}, "seed", "unknown_parameter",
     "Unknown parameter: 'seed'. In the Responses API, there is no such parameter. The operator can let it through to "
     "the provider with the setting ADAPTER_PASSTHROUGH."),
    ({"top_k": 2}, "top_k", "unknown_parameter",
     "Unknown parameter: 'top_k'. In the Responses API, there is no such parameter. The operator "),
    ({"min_tokens": 2}, "min_tokens", "unknown_parameter",
     "Unknown parameter: 'min_tokens'. The operator can let it through to the provider with the setting "
     "ADAPTER_PASSTHROUGH."),
    # input
    ({"input": 1}, "input", "invalid_type",
     "Invalid type for 'input': expected a string or an array, but got an integer instead."),
    ({"input": USER}, "input", "invalid_type",
     "Invalid type for 'input': expected a string or an array, but got an object instead."),
    ({"input": [USER, "Hi"]}, "input[1]", "invalid_type",
     "Invalid type for 'input[1]': expected an object, but got a string instead."),
    ({"input": [{"content": "Hi"}]}, "input[0].type", "missing_required_parameter",
     "Missing required parameter: 'input[0].type'."),
    ({"input": [{"id": "fc_1", "name": "f"}]}, "input[0].type", "missing_required_parameter",
     "Missing required parameter: 'input[0].type'."),
    ({"input": [USER, {"type": "smell"}]}, "input[1]", "invalid_value",
     "Invalid value: 'smell'. Supported values are: 'message', "),
    ({"input": [{"type": 5}]}, "input[0].type", "invalid_type",
     "Invalid type for 'input[0].type': expected a string, but got an integer instead."),
    ({"input": [{"role": "tool", "content": "Hi"}]}, "input[0].role", "invalid_value",
     "Invalid value: 'tool'. Supported values are: 'user', 'assistant', 'system', and 'developer'."),
    ({"input": [{"role": "user"}]}, "input[0].content", "missing_required_parameter",
     "Missing required parameter: 'input[0].content'."),
    ({"input": [USER, {"role": "user", "content": [{"type": "input_text", "text": 5}]}]}, "input[1].content[0].text",
     "invalid_type", "Invalid type for 'input[1].content[0].text': expected a string, but got an integer instead."),
    ({"input": [{"role": "user", "content": [{"text": "Hi"}]}]}, "input[0].content[0].type",
     "missing_required_parameter", "Missing required parameter: 'input[0].content[0].type'."),
    ({"input": [{"role": "user", "content": [{"type": "smell"}]}]}, "input[0].content[0].type", "invalid_value",
     "Invalid value: 'smell'. Supported values are: 'input_text', "),
    ({"input": [{"type": "function_call", "call_id": "c" * 65, "name": "f", "arguments": ""}]}, "input[0].call_id",
     "string_above_max_length",
     "Invalid 'input[0].call_id': string too long. Expected a string with maximum length 64."),
    ({"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": {}}]}, "input[0].arguments",
     "invalid_type", "Invalid type for 'input[0].arguments': expected a string, but got an object instead."),
    ({"input": [USER] * 101}, "input", "array_above_max_length",
     "Invalid 'input': array too long. Expected an array with maximum length 100, but got an array with length 101 "
     "instead."),
    ({"input": [{"role": "x - at `$.y" + "z" * 999, "content": "Hi"}]}, "input[0].role", "invalid_value",
     "Invalid value: 'x - at `$.yzzz"),
    # tools
    ({"tools": [{"name": "f"}]}, "tools[0].type", "missing_required_parameter",
     "Missing required parameter: 'tools[0].type'."),
    ({"tools": [FUNCTION, {"type": "function", "function": {"name": "f"}}]}, "tools[1].name",
     "missing_required_parameter", "Missing required parameter: 'tools[1].name'. In the Responses API, "),
    ({"tools": [{"type": "hammer"}]}, "tools[0].type", "invalid_value",
     "Invalid value: 'hammer'. Supported values are: 'function', "),
    ({"tools": [FUNCTION, FUNCTION]}, "tools[1].name", "invalid_value", "Duplicate tool name: 'f'."),
    ({"tools": [{"type": "shell"}, {"type": "shell"}]}, "tools[1].name", "invalid_value",
     "Duplicate tool name: 'shell'."),
    ({"tools": [{**FUNCTION, "strict": "yes"}]}, "tools[0].strict", "invalid_type",
     "Invalid type for 'tools[0].strict': expected a boolean, but got a string instead."),
    ({"tools": [FUNCTION] * 1025}, "tools", "array_above_max_length", "Invalid 'tools': array too long. "),
    ({"tool_choice": "any"}, "tool_choice", "invalid_value",
     "Invalid value: 'any'. Supported values are: 'none', 'auto', and 'required'."),
    ({"tool_choice": {"name": "f"}, "tools": [FUNCTION]}, "tool_choice.type", "missing_required_parameter",
     "Missing required parameter: 'tool_choice.type'."),
    ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice.name",
     "missing_required_parameter", "Missing required parameter: 'tool_choice.name'. In the Responses API, "),
    ({"tool_choice": {"type": "function", "name": "g"}, "tools": [FUNCTION]}, "tool_choice", None,
     "Tool choice 'function' not found in 'tools' parameter."),
    ({"tool_choice": "required"}, "tool_choice", None,
     "Tool choice 'required' must be specified with 'tools' parameter."),
    # the small members
    ({"include": ["all"]}, "include[0]", "invalid_value",
     "Invalid value: 'all'. Supported values are: 'file_search_call.results', "),
    ({"include": "all"}, "include", "invalid_type",
     "Invalid type for 'include': expected an array, but got a string instead."),
    ({"metadata": []}, "metadata", "invalid_type",
     "Invalid type for 'metadata': expected an object, but got an array instead."),
    ({"metadata": {"k": 1}}, "metadata.k", "invalid_type",
     "Invalid type for 'metadata.k': expected a string, but got an integer instead."),
    ({"metadata": {str(n): "" for n in range(17)}}, "metadata", "object_above_max_properties",
     "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, but got an object "
     "with 17 properties instead."),
    ({"metadata": {"k" * 65: ""}}, "metadata", "property_name_above_max_length",
     "Invalid 'metadata': property name too long. Expected a property name with maximum length 64, but got one with "
     "length 65 instead."),
    ({"metadata": {"k": "x" * 513}}, "metadata.k", "string_above_max_length",
     "Invalid 'metadata.k': string too long. Expected a string with maximum length 512, but got a string with "
     "length 513 instead."),
    ({"metadata": {"k": "x" * 300_000}}, "metadata", "object_above_max_properties", "Invalid 'metadata': "),
    ({"text": {"format": {"type": "xml"}}}, "text.format.type", "invalid_value",
     "Invalid value: 'xml'. Supported values are: 'text', 'json_object', and 'json_schema'."),
    ({"text": {"format": {"type": "json_schema", "json_schema": SCHEMA}}}, "text.format.json_schema",
     "unknown_parameter", "Unknown parameter: 'text.format.json_schema'. In the Responses API, "),
    ({"text": {"format": {**SCHEMA, "name": "a b"}}}, "text.format.name", "invalid_value",
     "Invalid 'text.format.name': string does not match pattern. "),
    ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema", "missing_required_parameter",
     "Missing required parameter: 'text.format.schema'."),
    ({"text": {"style": "bold"}}, "text.style", "unknown_parameter", "Unknown parameter: 'text.style'."),
    ({"text": {"format": {**SCHEMA, "schema": {"x": "x" * (1 << 20)}}}}, "text", "invalid_value",
     "Invalid 'text': too large. Expected at most 1048576 bytes of JSON."),
    ({"temperature": 2.1}, "temperature", "decimal_above_max_value",
     "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 2.1 instead."),
    ({"temperature": "1"}, "temperature", "invalid_type",
     "Invalid type for 'temperature': expected a decimal number, but got a string instead."),
    ({"temperature": True}, "temperature", "invalid_type",
     "Invalid type for 'temperature': expected a decimal number, but got a boolean instead."),
    ({"top_p": -1}, "top_p", "decimal_below_min_value",
     "Invalid 'top_p': decimal below minimum value. Expected a value >= 0, but got -1 instead."),
    ({"presence_penalty": 3}, "presence_penalty", "decimal_above_max_value", "Invalid 'presence_penalty': "),
    ({"frequency_penalty": -3}, "frequency_penalty", "decimal_below_min_value", "Invalid 'frequency_penalty': "),
    ({"stream": "yes"}, "stream", "invalid_type",
     "Invalid type for 'stream': expected a boolean, but got a string instead."),
    ({"stream": 1}, "stream", "invalid_type",
     "Invalid type for 'stream': expected a boolean, but got an integer instead."),
    ({"stream_options": {"include_usage": True}}, "stream_options.include_usage", "unknown_parameter",
     "Unknown parameter: 'stream_options.include_usage'."),
    ({"access_programs": {"cyber": "purple"}}, "access_programs.cyber", "invalid_value", "Invalid value: 'purple'. "),
    ({"stream_options": {"include_obfuscation": True}}, "stream_options", None,
     "The 'stream_options' parameter is only allowed when 'stream' is enabled."),
    ({"max_output_tokens": 5}, "max_output_tokens", "integer_below_min_value",
     "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 5 instead."),
    ({"max_output_tokens": 16.0}, "max_output_tokens", "invalid_type",
     "Invalid type for 'max_output_tokens': expected an integer, but got a decimal number instead."),
    ({"max_output_tokens": 10**300}, "max_output_tokens", "integer_above_max_value",
     "Invalid 'max_output_tokens': integer above maximum value. Expected a value <= 2147483647, but got 1000"),
    ({"max_output_tokens": True}, "max_output_tokens", "invalid_type", "Invalid type for 'max_output_tokens': "),
    ({"max_tool_calls": 0}, "max_tool_calls", "integer_below_min_value", "Invalid 'max_tool_calls': "),
    ({"top_logprobs": 21}, "top_logprobs", "integer_above_max_value", "Invalid 'top_logprobs': "),
    ({"reasoning": {"effort": "huge"}}, "reasoning.effort", "invalid_value",
     "Invalid value: 'huge'. Supported values are: 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', and 'max'."),
    ({"reasoning": {"mode": "pro"}}, "reasoning.mode", "unsupported_value",
     "Unsupported value: 'pro' is not supported with this model."),
    ({"reasoning": "high"}, "reasoning", "invalid_type",
     "Invalid type for 'reasoning': expected an object, but got a string instead."),
    ({"truncation": "some"}, "truncation", "invalid_value",
     "Invalid value: 'some'. Supported values are: 'auto' and 'disabled'."),
    ({"service_tier": "gold"}, "service_tier", "invalid_value", "Invalid value: 'gold'. "),
    ({"safety_identifier": "x" * 129}, "safety_identifier", "string_above_max_length",
     "Invalid 'safety_identifier': string too long. Expected a string with maximum length 128, but got a string "
     "with length 129 instead."),
    ({"prompt_cache_key": "x" * 65}, "prompt_cache_key", "string_above_max_length", "Invalid 'prompt_cache_key': "),
    ({"previous_response_id": 5}, "previous_response_id", "invalid_type", "Invalid type for 'previous_response_id': "),
    ({"instructions": ["Be kind."]}, "instructions", "invalid_type",
     "Invalid type for 'instructions': expected a string, but got an array instead."),
    ({"store": "false"}, "store", "invalid_type", "Invalid type for 'store': "),
    # what the API has and this version has not
    ({"background": True, "store": False}, "background", "unsupported_parameter",
     "Unsupported parameter: 'background' requires 'store' to be true."),
    ({"background": "yes"}, "background", "invalid_type", "Invalid type for 'background': "),
    ({"conversation": 7}, "conversation", "invalid_type", "Invalid type for 'conversation': "),
    ({"conversation": {"id": "conv_1", "name": "x"}}, "conversation.name", "unknown_parameter",
     "Unknown parameter: 'conversation.name'."),
    ({"conversation": "conv_1", "previous_response_id": "resp_1"}, None, "mutually_exclusive_parameters",
     "Mutually exclusive parameters."),
    ({"moderation": {"model": "m"}}, "moderation", "unsupported_parameter", "Unsupported parameter: 'moderation' "),
    ({"context_management": [{"type": "shrinking"}]}, "context_management[0].type", "invalid_value",
     "Invalid value: 'shrinking'. Supported values are: 'compaction'."),
    ({"context_management": [{"type": "compaction", "compact_threshold": 999}]},
     "context_management[0].compact_threshold", "invalid_value", "Invalid value for "),
    ({"input": [{"type": "compaction_trigger"}, {"role": "user", "content": "Hi"}]}, "input", "invalid_value",
     "The 'compaction_trigger' item must be the final input item."),
    ({"prompt": "pmpt_1"}, "prompt", "invalid_type",
     "Invalid type for 'prompt': expected an object, but got a string instead."),
    ({"prompt": {"version": "1"}}, "prompt.id", "missing_required_parameter",
     "Missing required parameter: 'prompt.id'."),
    ({"prompt": {"id": "p", "variables": {"a": 1}}}, "prompt.variables[...]", "invalid_type",
     "Invalid type for 'prompt.variables[...]': expected "),
    ({"model": ..., "input": ..., "prompt": {"id": "p", "tone": "kind"}}, "prompt.tone", "unknown_parameter",
     "Unknown parameter: 'prompt.tone'."),
    ({"prompt_cache_options": {"ttl": "1h"}}, "prompt_cache_options.ttl", "invalid_value",
     "Invalid value: '1h'. Supported values are: '30m' and '12h'."),
    ({"prompt_cache_options": {"prewarm": True}}, "prompt_cache_options.prewarm", "unsupported_parameter",
     "Unsupported parameter: 'prompt_cache_options.prewarm' "),
    ({"background_options": {"completion_window": "1h"}}, "background_options.completion_window", "invalid_value",
     "Invalid value: '1h'. Supported values are: 'soonest', '2h', and '8h'."),
    ({"background_options": {"priority": 1}}, "background_options.priority", "unknown_parameter",
     "Unknown parameter: 'background_options.priority'."),
    *(({"background_options": {"completion_window": "8h"}, **without}, "background_options.completion_window", None,
       "The completion window '8h' is only allowed when 'background' is enabled and 'stream' is not, in the service "
       "tier 'default'.")
      for without in ({}, {"background": True, "stream": True}, {"background": True, "service_tier": "flex"})),
    ({"image": {"context_compression": "enabled"}}, "image.context_compression", "unsupported_parameter",
     "Unsupported parameter: 'image.context_compression' "),
    ({"multi_agent": {"enabled": True}}, "multi_agent.enabled", "unsupported_parameter",
     "Unsupported parameter: 'multi_agent.enabled' "),
    # NUL
    ({"instructions": "a\0b"}, "instructions", "invalid_value", "Invalid 'instructions': "),
    ({"input": [USER, {"role": "user", "content": [{"type": "input_text", "text": "\0"}]}]},
     "input[1].content[0].text", "invalid_value", "Invalid 'input[1].content[0].text': "),
    ({"metadata": {"k\0": "x"}}, "metadata", "invalid_value", "Invalid 'metadata': "),
]  # fmt: skip


@pytest.mark.parametrize(
    ("members", "param", "code", "message"), REFUSED, ids=[f"{n}-{case[1]}" for n, case in enumerate(REFUSED)]
)
def test_a_refused_request(members: dict[str, Any], param: str | None, code: str | None, message: str) -> None:
    error = refusal(body(**members))
    assert (error.param, error.code) == (param, code)
    assert error.message.startswith(message)
    assert error.message[-1] in ".?"
    assert len(error.message) < 700


NOT_JSON: dict[str, bytes] = {
    "nothing": b"",
    "a cut object": b'{"model":"m"',
    "single quotes": b"{'model':'m'}",
    "a byte order mark": b"\xef\xbb\xbf" + body(),
    "text behind it": body() + b"x",
    "a number beyond floats": b'{"model":"m","input":"Hi","temperature":NaN}',
    "half a surrogate pair": b'{"model":"m","input":"\\ud83d"}',
    "the other half": b'{"model":"m","input":"\\ude00"}',
    "Latin-1": '{"model":"m","input":"é"}'.encode("latin-1"),
    "Latin-1 where nobody looks": '{"model":"m","input":"Hi","client_metadata":{"a":"é"}}'.encode("latin-1"),
    "nesting without end": b'{"model":"m","input":' + b"[" * 100_000,
    "deep nesting": b'{"model":"m","input":' + b"[" * 5000 + b"]" * 5000 + b"}",
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_a_body_that_is_no_json(name: str) -> None:
    assert refusal(NOT_JSON[name]).message.startswith("We could not parse the JSON body of your request. ")


@pytest.mark.parametrize("sent", [b"[]", b'"Hi"', b"null", b"5"])
def test_a_body_that_is_no_object(sent: bytes) -> None:
    error = refusal(sent)
    assert (error.message, error.code) == ("The request body must be a JSON object.", "invalid_type")


def test_a_member_that_stands_twice() -> None:
    error = refusal(b'{"model":"m","input":"Hi","model":"n"}')
    assert (error.message, error.param) == ("Duplicate parameter: 'model'.", "model")


def test_members_without_end() -> None:
    assert refusal(body(**{f"m{n}": 1 for n in range(300)})).code == "object_above_max_properties"


ORDER: list[tuple[dict[str, Any], str]] = [
    ({"model": ..., "colour": 1}, "model"),
    ({"input": ..., "colour": 1}, "input"),
    ({"colour": 1, "temperature": 9}, "colour"),
    ({"temperature": 9, "input": 5}, "input"),
    ({"temperature": 9, "metadata": 5}, "metadata"),
    ({"tools": 5, "include": 5}, "include"),
    ({"tool_choice": 5, "tools": 5}, "tools"),
    ({"top_logprobs": 99, "stream": 5}, "stream"),
    ({"store": 5, "instructions": 5}, "instructions"),
    ({"input": [], "store": 5}, "store"),
]


@pytest.mark.parametrize(("members", "first"), ORDER)
def test_the_first_thing_wrong_is_the_answer(members: dict[str, Any], first: str) -> None:
    assert refusal(body(**members)).param == first
    assert refusal(body(**dict(reversed(members.items())))).param == first


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
    assert refusal(body(input="\\\0")).param == "input"


def test_a_nul_in_a_large_input_is_named_by_its_parameter() -> None:
    assert refusal(body(input=[{"role": "user", "content": "x" * (1 << 20) + "\0"}])).param == "input"


@pytest.mark.parametrize("item", [USER, {"type": "message", **USER}, {}], ids=["easy", "typed", "empty"])
def test_a_large_array_is_counted_before_it_is_decoded(item: dict[str, Any]) -> None:
    error = refusal(body(input=[item] * 600_000))
    assert (error.param, error.code) == ("input", "array_above_max_length")


def test_a_large_input_of_few_items() -> None:
    long = "x, " * 500_000
    assert parse(input=[{"role": "user", "content": long}]).input == (Message("user", long),)


def test_an_access_program_is_forbidden() -> None:
    with pytest.raises(RequestError) as caught:
        parse(access_programs={"cyber": "daybreak_red"})
    assert (caught.value.status, caught.value.param) == (403, "access_programs.cyber")


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


def test_one_that_is_not_among_them_is_still_unknown() -> None:
    with pytest.raises(RequestError, match="Unknown parameter: 'top_k'"):
        parse_create(body(stop="a", top_k=5), max_items=MOST, passthrough=("stop",))


def test_what_is_passed_through_has_a_size() -> None:
    with pytest.raises(RequestError, match=r"Invalid 'stop': too large\.") as caught:
        parse_create(body(stop="x" * 65536), max_items=MOST, passthrough=("stop",))
    assert caught.value.param == "stop"


def test_every_member_of_the_api_is_reserved() -> None:
    assert CreateSchema(max_items=1).fields.keys() <= RESERVED
