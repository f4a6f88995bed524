"""Create requests that are rejected: status 400, with the parameter, the code and the wording of OpenAI's API.

A case is the members that are put over a valid request; `...` removes one.
Source: OpenAI API reference, Responses: create.
"""

from typing import Any

import pytest

from adapter.api.request.schemas import parse_create
from tests.adapter.api.request.create_request import FUNCTION, MOST, SCHEMA, USER, body, parse, request_error
from translators.errors import RequestError

ERRORS: list[tuple[dict[str, Any], str | None, str | None, str]] = [
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
    ({"tools": [{"type": "custom", "custom": {"name": "f"}}]}, "tools[0].name", "missing_required_parameter",
     "Missing required parameter: 'tools[0].name'. In the Responses API, "),
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
    ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}}, "tool_choice.mode",
     "missing_required_parameter", "Missing required parameter: 'tool_choice.mode'. In the Responses API, "),
    ({"tool_choice": {"type": "function", "name": "g"}, "tools": [FUNCTION]}, "tool_choice", None,
     "Tool choice 'function' not found in 'tools' parameter."),
    ({"tool_choice": "required"}, "tool_choice", None,
     "Tool choice 'required' must be specified with 'tools' parameter."),
    # the small members
    ({"stream": True, "stream_options": {"include_usage": True}}, "stream_options.include_usage", "unknown_parameter",
     "Unknown parameter: 'stream_options.include_usage'. In the Responses API, "),
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
    # members of the API that are supported in part
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
    ("members", "param", "code", "message"), ERRORS, ids=[f"{n}-{case[1]}" for n, case in enumerate(ERRORS)]
)
def test_a_request_error(members: dict[str, Any], param: str | None, code: str | None, message: str) -> None:
    error = request_error(body(**members))
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
    "Latin-1 in a member that is not read": '{"model":"m","input":"Hi","client_metadata":{"a":"é"}}'.encode("latin-1"),
    "nesting without end": b'{"model":"m","input":' + b"[" * 100_000,
    "deep nesting": b'{"model":"m","input":' + b"[" * 5000 + b"]" * 5000 + b"}",
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_a_body_that_is_no_json(name: str) -> None:
    assert request_error(NOT_JSON[name]).message.startswith("We could not parse the JSON body of your request. ")


@pytest.mark.parametrize("sent", [b"[]", b'"Hi"', b"null", b"5"])
def test_a_body_that_is_no_object(sent: bytes) -> None:
    error = request_error(sent)
    assert (error.message, error.code) == ("The request body must be a JSON object.", "invalid_type")


def test_a_duplicate_member() -> None:
    error = request_error(b'{"model":"m","input":"Hi","model":"n"}')
    assert (error.message, error.param) == ("Duplicate parameter: 'model'.", "model")


def test_too_many_members() -> None:
    assert request_error(body(**{f"m{n}": 1 for n in range(300)})).code == "object_above_max_properties"


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
    assert request_error(body(**members)).param == first
    assert request_error(body(**dict(reversed(members.items())))).param == first


def test_a_nul_in_a_large_input_is_named_by_its_parameter() -> None:
    assert request_error(body(input=[{"role": "user", "content": "x" * (1 << 20) + "\0"}])).param == "input"


@pytest.mark.parametrize("item", [USER, {"type": "message", **USER}, {}], ids=["easy", "typed", "empty"])
def test_a_large_array_is_counted_before_it_is_decoded(item: dict[str, Any]) -> None:
    error = request_error(body(input=[item] * 600_000))
    assert (error.param, error.code) == ("input", "array_above_max_length")


def test_an_access_program_is_forbidden() -> None:
    with pytest.raises(RequestError) as caught:
        parse(access_programs={"cyber": "daybreak_red"})
    assert (caught.value.status, caught.value.param) == (403, "access_programs.cyber")


def test_members_that_are_not_passed_through_are_unknown() -> None:
    with pytest.raises(RequestError, match="Unknown parameter: 'top_k'"):
        parse_create(body(stop="a", top_k=5), max_items=MOST, passthrough=("stop",))


def test_the_size_of_members_that_are_passed_through() -> None:
    with pytest.raises(RequestError, match=r"Invalid 'stop': too large\.") as caught:
        parse_create(body(stop="x" * 65536), max_items=MOST, passthrough=("stop",))
    assert caught.value.param == "stop"
