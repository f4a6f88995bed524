"""What a provider complains about, named as the caller knows it."""

import pytest

from translators.failures.params import find_param, responses_param

PARAMS = {
    "messages": "input",
    "messages[3].content": "input",
    "messages.3.content": "input",
    "body.messages": "input",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
    "response_format": "text.format",
    "response_format.type": "text.format.type",
    "response_format.json_schema.schema": "text.format.schema",
    "tools": "tools",
    "tools[0]": "tools[0]",
    "tools[0].function.parameters": "tools[0].parameters",
    "tools.0.function.parameters.properties.a": "tools[0].parameters.properties.a",
    "tools[0].function_declarations[3].parameters.properties[0].value": "tools[3].parameters.properties[0].value",
    "tools[0].functions": "tools[0].functions",
    "tool_choice.function.name": "tool_choice.name",
    "function_call": "tool_choice",
    "functions[1].name": "tools[1].name",
    "logprobs": "top_logprobs",
    "temperature": "temperature",
    "something.else[1]": "something.else[1]",
    "": "",
    None: None,
}


@pytest.mark.parametrize("param", PARAMS)
def test_names(param: str | None) -> None:
    assert responses_param(param) == PARAMS[param]


MESSAGES = {
    "Unsupported parameter: 'stop' is not supported with this model.": "stop",
    "Invalid 'messages[3]'. Content blocks are expected to be text": "messages[3]",
    "missing field `messages` at line 1": "messages",
    'Unknown name "response_format": Cannot find field.': "response_format",
    "messages[0]: unknown variant `image_url`, expected `text`": "messages[0]",
    "Thinking mode does not support this tool_choice": "tool_choice",
    "Validation: Temperature must be between 0 and 2": "temperature",
    "Field 'temperature': type must be number": "temperature",
    "parallel_tool_calls is not supported": "parallel_tool_calls",
    "The user asked for the model of a store": None,
    "Unexpected role 'user' after role 'tool'": None,
    "messages[0].role is invalid: 'system', 'user' and 'tool' are known": "messages[0].role",
    "Failed to load image": None,
    "": None,
}


@pytest.mark.parametrize("message", MESSAGES)
def test_names_in_messages(message: str) -> None:
    assert find_param(message) == MESSAGES[message]
