"""Refusals of real providers: which of them teach, and what. The wordings are recorded ones.

`SENT` has everything that some provider refuses; what a lesson changes is seen in the dialect, and in the next request.
"""

import json
from typing import Any

import pytest

from translators.dialects.amendments import RULES, lessons_of, with_lessons
from translators.dialects.dialect import Dialect
from translators.dialects.presets import PRESETS
from translators.dialects.rejections import read_rejection
from translators.errors import UpstreamError
from translators.failures.classes import classify_http_error

LOOK = {"type": "function", "function": {"name": "look", "parameters": {
    "type": "object", "properties": {"title": {"type": "string", "default": ""}}, "additionalProperties": False,
}, "strict": True}}  # fmt: skip
CALL = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "original"}}
FILE = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}}
SENT: dict[str, Any] = {
    "model": "m", "stream": True, "stream_options": {"include_usage": True}, "max_tokens": 9, "temperature": 1.5,
    "top_p": 0.5, "presence_penalty": 1, "frequency_penalty": 1, "reasoning_effort": "minimal",
    "service_tier": "flex", "logprobs": True, "top_logprobs": 2, "user": "u", "safety_identifier": "s",
    "prompt_cache_key": "k", "verbosity": "low", "tools": [LOOK], "tool_choice": "required",
    "parallel_tool_calls": False, "response_format": {"type": "json_schema", "json_schema": {}}, "stop": ["x"],
    "messages": [
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}, IMAGE, FILE]},
        {"role": "assistant", "content": None, "tool_calls": [CALL], "reasoning_content": "Hm", "refusal": "No."},
        {"role": "tool", "tool_call_id": "c", "content": "1"},
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Go on."},
    ],
}  # fmt: skip
RICH = Dialect(
    developer_role=True, system_anywhere=True, refusal_field=True, file_parts=True, original_detail=True,
    strict_tools=True, parallel_tool_calls=True,
    extras=frozenset({"user", "safety_identifier", "prompt_cache_key", "verbosity"}),
    service_tiers=frozenset({"auto", "flex"}), web_search=True, no_reasoning={"thinking": {"type": "disabled"}},
)  # fmt: skip
OBJECT = {"response_format": {"type": "json_object"}}
NAMED = {"tool_choice": {"type": "function", "function": {"name": "look"}}}
PLAIN = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
UNTHOUGHT = [
    {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Well", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c", "content": "1"},
]  # fmt: skip


def refusal(error: Any, status: int = 400) -> UpstreamError:
    """Return the error for OpenAI's envelope around a text or an object, or for the whole body, given as bytes."""
    if isinstance(error, str):
        error = {"message": error, "type": "invalid_request_error"}
    body = error if isinstance(error, bytes) else json.dumps({"error": error}).encode()
    return classify_http_error(status, {}, body, own_key=True)


def taught(error: UpstreamError, dialect: Dialect = RICH, **sent: Any) -> str | None:
    """Return the likeliest lesson; `sent` are members in the place of those of SENT, None for those left out."""
    body = {name: value for name, value in (SENT | sent).items() if value is not None}
    told = read_rejection(error)
    return None if told is None else next(lessons_of(told, json.dumps(body).encode(), dialect), None)


def fastapi(*loc: Any, msg: str = "Extra inputs are not permitted", type: str = "extra_forbidden") -> bytes:
    """Return the body of a validating server, which quotes what was sent."""
    detail = {"type": type, "loc": ["body", *loc], "msg": msg, "input": {"tool_choice": "is not supported"}}
    return json.dumps({"detail": [detail]}).encode()


def parameters(schema: Any, **others: Any) -> dict[str, Any]:
    """Return the members of a request whose only tool has one argument `a` of this schema."""
    defined = {"A": {"type": "string", "minLength": 1}}
    whole = {"type": "object", "properties": {"a": schema}, "$defs": defined, **others}
    return {"tools": [{"type": "function", "function": {"name": "look", "parameters": whole}}]}


EITHER = {"type": ["string", "null"]}
UNION = parameters({}, anyOf=[{"required": ["a"]}, {"properties": {"b": {}}}])

LESSONS: list[tuple[str, Any, int, dict[str, Any]]] = [
    # token limits
    ("token_limit=max_completion_tokens", {"code": "unsupported_parameter", "param": "max_tokens", "message":
     "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."},
     400, {}),
    # roles
    ("developer_role", {"param": "messages[0].role", "code": "unsupported_value", "message":
     "Unsupported value: 'messages[0].role' does not support 'developer' with this model."}, 400, {}),
    ("developer_role", "Failed to deserialize the JSON body into the target type: messages[0].role: unknown variant "
     "`developer`, expected one of `system`, `user`, `assistant`, `tool` at line 1 column 35", 422, {}),
    ("developer_role", "'developer' is not one of ['system', 'assistant', 'user', 'function'] - 'messages.0.role'",
     400, {}),
    ("developer_role", "Unexpected role 'developer' at the start", 400, {}),
    ("developer_role", fastapi("messages", 0, "role", msg="Input should be 'system', 'user' or 'tool'", type="enum"),
     422, {}),
    ("developer_role", "message role is 'developer', not one of ['system', 'assistant', 'user', 'tool']", 400, {}),
    ("developer_role", "invalid parameter 'messages[0].role': invalid role 'developer', must be one of: system, user",
     400, {}),
    ("developer_role", "Error from provider: Upstream request failed: [1214] Incorrect role information", 400, {}),
    ("developer_role", "chat template rejected the request: Unexpected message role.", 400, {}),
    ("developer_role", "invalid params, role param error (2013)", 422, {}),
    ("system_role", {"param": "messages[0].role", "message":
     "Unsupported value: 'messages[0].role' does not support 'system' with this model."}, 400, {"messages": PLAIN}),
    ("system_role", "Developer instruction is not enabled for models/gemma-3-27b-it", 400, {"messages": PLAIN}),
    ("system_role", "System role not supported", 400, {"messages": PLAIN}),
    ("system_place", "System message must be at the beginning.", 400, {}),
    ("system_place", b'{"error":{"code":500,"message":"Jinja Exception: System message must be at the beginning.",'
     b'"type":"server_error"}}', 500, {}),
    ("system_place", b'{"type":"error","error":{"type":"bad_request_error","message":"invalid params, invalid chat '
     b'setting (2013)","http_code":"400"}}', 400, {}),
    ("system_place", "invalid params, invalid message role: system (2013)", 400, {}),
    ("system_place", "Unexpected role 'system' after role 'user'", 400, {}),
    ("system_place", "Only one system message is allowed", 400, {}),
    ("system_place", b'{"error":{"code":400,"message":"Unable to generate parser for this template. ... '
     b'raise_exception(\'System message must be at the beginnin...","type":"invalid_request_error"}}', 400, {}),
    # streams
    ("stream_options", "Unrecognized request argument supplied: stream_options", 400, {}),
    ("stream_options", "Malformed input request: #: extraneous key [stream_options] is not permitted", 400, {}),
    ("stream", b'{"error":["Error in `stream`: `stream` is not supported for this model"]}', 400, {}),
    ("stream_only", "parameter.enable_thinking must be set to false for non-streaming calls", 400,
     {"stream": None, "stream_options": None}),
    # tools
    ("strict", 'Invalid JSON payload received. Unknown name "strict" at \'tools[0].function\': Cannot find field.',
     400, {}),
    ("strict", fastapi("tools", 0, "function", "strict"), 422, {}),
    ("keyword=additionalProperties", 'Invalid JSON payload received. Unknown name "additionalProperties" at '
     "'tools[0].function_declarations[0].parameters': Cannot find field.", 400, {}),
    ("keyword=additionalProperties,default", 'Unknown name "default" at \'tools[0].function_declarations[0].parameters'
     '.properties[0].value\': Cannot find field. Unknown name "additionalProperties" at \'tools[0]', 400, {}),
    ("keyword=default", "tools.0.function.parameters: keyword 'default' is not supported", 400, {}),
    # schemas of tools
    ("keyword=oneOf", 'Invalid JSON payload received. Unknown name "oneOf" at \'tools[0].function_declarations[0]'
     ".parameters.properties[0].value': Cannot find field.", 400, parameters({"oneOf": [{"type": "string"}]})),
    ("keyword=$defs,$ref", 'Unknown name "$defs" at \'tools[0].function_declarations[0].parameters\': Cannot find '
     'field. Unknown name "$ref" at \'tools[0].function_declarations[0].parameters\': Cannot find.', 400,
     parameters({"$ref": "#/$defs/A"})),
    ("keyword=pattern", "JSON schema conversion failed:\nPattern must start with '^' and end with '$'", 400,
     parameters({"type": "string", "pattern": "a+"})),
    ("keyword=pattern", "JSON schema conversion failed:\nPattern must start with '^' and end with '$'", 500,
     parameters({"type": "string", "pattern": "a+"})),
    ("keyword=pattern", "Invalid regex: lookahead is not supported", 400,
     parameters({"type": "string", "pattern": "^(?=a)$"})),
    ("keyword=format", "* GenerateContentRequest.tools[0].function_declarations[0].parameters.properties[a].format: "
     "only 'enum' and 'date-time' are supported for STRING type", 400, parameters({"type": "string", "format": "uri"})),
    ("lone_refs", "tools.function.parameters is not a valid moonshot flavored json schema, details: <At path "
     "'$defs.__schema20': when using $ref, type should be defined in the referenced schema instead of the parent "
     "schema>", 400, parameters({"$ref": "#/$defs/A", "type": "string"})),
    ("lone_refs", "$ref 'A' was set alongside unsupported fields. If a schema node has $ref set, then only description "
     "and default can be set alongside it", 400, parameters({"$ref": "#/$defs/A", "title": "a"})),
    ("no_refs", "Invalid schema for function 'look': $ref is not supported", 400, parameters({"$ref": "#/$defs/A"})),
    ("typed_unions", "tools.function.parameters is not a valid moonshot flavored json schema, details: <At path "
     "'properties.a': when using anyOf, type should be defined in anyOf items instead of the parent schema>", 400,
     parameters({"type": "string", "anyOf": [{"minLength": 1}, {"pattern": "a"}]})),
    ("one_type=nullable", 'Invalid JSON payload received. Unknown name "type" at \'tools[0].function_declarations[0]'
     ".parameters.properties[0].value': Proto field is not repeating, cannot start list.", 400, parameters(EITHER)),
    ("one_type", "tools.0.function.parameters.properties.a.type: Input should be a valid string", 400,
     parameters(EITHER)),
    ("one_type", "['string', 'null'] is not valid under any of the given schemas", 400, parameters(EITHER)),
    ("string_enums", "Invalid value at 'tools[0].function_declarations[0].parameters.properties[0].value.enum[0]' "
     "(TYPE_STRING), 60", 400, parameters({"type": "integer", "enum": [60, 1440]})),
    ("string_enums", "* GenerateContentRequest.tools[0].function_declarations[0].parameters.properties[a].enum[0]: "
     "cannot be empty", 400, parameters({"type": "string", "enum": ["", "b"]})),
    ("typed_arrays", "Invalid schema for function 'look': In context=('properties', 'a'), array schema missing items.",
     400, parameters({"type": "array"})),
    ("typed_arrays", "* GenerateContentRequest.tools[0].function_declarations[0].parameters.properties[a].items: "
     "missing field.", 400, parameters({"type": "array"})),
    ("one_type", "json: cannot unmarshal array into Go struct field .tools.function.parameters.properties.type of type "
     "string", 400, parameters(EITHER)),
    ("whole_objects", "* GenerateContentRequest.tools[0].function_declarations[0].parameters.properties: should be "
     "non-empty for OBJECT type", 400, parameters({"type": "object"})),
    ("whole_objects", "* GenerateContentRequest.tools[0].function_declarations[0].parameters.required[1]: property is "
     "not defined", 400, parameters({}, required=["a", "b"])),
    ("object_root", "tools.0.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top "
     "level", 400, UNION),
    ("object_root", "Invalid schema for function 'look': schema must have type 'object' and not have "
     "'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level.", 400, UNION),
    ("parallel_tool_calls", "Unknown parameter: 'parallel_tool_calls'.", 400, {}),
    ("parallel_tool_calls", "unknown field `parallel_tool_calls`, expected one of `model`, `max_tokens`, `stop`",
     422, {}),
    ("parallel_tool_calls", "Extra inputs are not permitted, field: 'parallel_tool_calls', value: True", 400, {}),
    ("thinking_tool_choice=required", "Thinking mode does not support this tool_choice", 400, {}),
    ("thinking_tool_choice=named", "The tool_choice parameter does not support being set to required or object in "
     "thinking mode", 400, NAMED),
    ("any_tool_choice", fastapi("tool_choice", msg="Input should be 'auto', 'none' or 'any'", type="enum"), 422, {}),
    ("tool_choice=required", fastapi("tool_choice", msg="Input should be 'auto' or 'none'", type="enum"), 422, {}),
    ("tool_choice=required", {"code": 404, "message": "No endpoints found that support the provided 'tool_choice' "
                              "value. To learn more about provider routing, visit: https://openrouter.ai/docs"},
     404, {}),
    ("tool_choice=named", "Invalid tool_choice type: 'object'. Supported string values: none, auto, required", 400,
     NAMED),
    ("tool_choice=named", {"code": "Invalid input", "message": "invalid input error", "status": 422, "details":
     [{"loc": ["body", "tool_choice"], "msg": "Input should be a valid string", "type": "string_type"}]}, 422, NAMED),
    ("tool_choice=named", "json: cannot unmarshal object into Go struct field Request.tool_choice of type string",
     400, NAMED),
    # formats
    ("format_with_tools", "Function calling with a response mime type: 'application/json' is unsupported", 400, {}),
    ("format_with_tools", '"tools" is incompatible with "response_format"', 400, {}),
    ("format_with_tools", "json mode cannot be combined with tool/function calling", 400, {}),
    ("format_with_tools", "Cannot use json response type with tools", 400, {}),
    ("format_with_tools", "'response_format' and 'tools' are not supported together", 400, {}),
    ("response_format=json_schema", "This response_format type is unavailable now", 400, {}),
    ("response_format=json_schema", "This model does not support response format `json_schema`", 400, {}),
    ("response_format=json_schema", {"message": "Extra inputs are not permitted",
                                     "param": "response_format.json_schema"}, 422, {}),
    ("response_format=json_object", b'{"error":"\'response_format.type\' must be \'json_schema\' or \'text\'"}', 400,
     OBJECT),
    ("response_format=json_schema", {"param": "response_format", "message": "The parameter `response_format.type` "
     "specified in the request are not valid: invalid value: `json_schema`, supported values are: `text`."}, 400, {}),
    # reasoning
    ("reasoning_effort=low,medium,high", {"param": "reasoning_effort", "message": "Unsupported value: 'minimal' is not "
     "supported with this model. Supported values are: 'low', 'medium', and 'high'."}, 400, {}),
    ("reasoning_effort=none,low,medium,high,xhigh,max", "reasoning_effort 'minimal' is not supported", 400, {}),
    ("reasoning_effort", b'{"code":"Client specified an invalid argument","error":"Model grok-4 does not support '
     b'parameter reasoningEffort."}', 400, {}),
    ("reasoning_effort=low,medium,xhigh", "Unexpected reasoning effort minimal. Supported types are xhigh, medium, low",
     400, {}),
    ("effort_with_tools", "Function tools with reasoning_effort are not supported for gpt-5.6 in /v1/chat/completions."
     " Please use /v1/responses instead, or set reasoning_effort to 'none'", 400, {}),
    ("reasoning_switch", "Unknown name 'thinking': Cannot find field.", 400,
     {"thinking": {"type": "disabled"}}),
    ("reasoning_field", "'messages.2' : for 'role:assistant' the following must be satisfied[('messages.2' : property "
     "'reasoning_content' is unsupported)]", 400, {}),
    ("reasoning_field", b'{"message":"messages.2.assistant.reasoning_content: property is unsupported","type":'
     b'"invalid_request_error","param":"messages.2.assistant.reasoning_content","code":"wrong_api_format"}', 400, {}),
    ("reasoning_field", json.dumps({"object": "error", "message": {"detail": [
        {"type": "extra_forbidden", "loc": ["body", "messages", 2, "assistant", "reasoning_content"],
         "msg": "Extra inputs are not permitted", "input": "Hm"}]}, "raw_status_code": 422}).encode(), 422, {}),
    ("reasoning_required", "The `reasoning_content` in the thinking mode must be passed back to the API.", 400,
     {"messages": UNTHOUGHT}),
    ("reasoning_required=all", "Missing `reasoning_content` field in the assistant message at message index 1. For "
     "more information, please refer to the guide", 400, {"messages": UNTHOUGHT}),
    ("reasoning_required=all", "The `reasoning_content` in the thinking mode must be passed back to the API.", 400,
     {"messages": [*PLAIN, {"role": "assistant", "content": "Hello"}, PLAIN[1]]}),
    ("reasoning_required", "thinking is enabled but reasoning_content is missing in assistant tool call message at "
     "index 1", 400, {"messages": UNTHOUGHT}),
    # messages
    ("null_content", fastapi("messages", 2, "content", msg="Input should be a valid string", type="string_type"), 422,
     {}),
    ("null_content", "messages[2].content: invalid type: null, expected a string", 400, {}),
    ("null_content", "invalid message content type: <nil>", 400, {}),
    ("null_content", "Invalid 'content': 'content' field must be a string or an array of objects.", 400, {}),
    ("refusal", "Extra inputs are not permitted, field: 'messages[2].refusal', value: None", 400, {}),
    ("refusal", 'Unknown name \'refusal\' at \'messages[2]\': Cannot find field.', 400, {}),
    ("original_detail", {"param": "messages[1].content[1].image_url.detail", "message": "Invalid value: 'original'. "
                         "Supported values are: 'low', 'high', and 'auto'."}, 400, {}),
    ("file", "messages[1]: unknown variant `file`, expected `text` or `image_url` at line 1 column 197", 400, {}),
    ("image", "messages[1]: unknown variant `image_url`, expected `text` at line 1 column 335", 400, {}),
    ("image", "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj", 500,
     {}),
    ("short_call_ids", json.dumps({"object": "error", "code": "3280", "message": "Tool call id was call_1 but must be "
                                   "a-z, A-Z, 0-9, with a length of 9."}).encode(), 400, {}),
    ("alternating", "After the (optional) system message(s), user or tool message(s) should alternate with assistant "
     "message(s).", 400, {}),
    ("alternating", b'{"error":{"code":500,"message":"Jinja Exception: Conversation roles must alternate '
     b'user/assistant/user/assistant/...","type":"server_error"}}', 500, {}),
    ("user_needed", "No user query found in messages.", 400, {"messages": PLAIN[:1]}),
    # the order of roles
    ("alternating", 'messages: roles must alternate between "user" and "assistant", but found multiple "user" roles in '
     "a row", 400, {}),
    ("alternating", "Unexpected role 'assistant' after role 'assistant'", 400, {}),
    ("alternating", "Los roles deben alternar entre user y assistant", 400, {"messages": [PLAIN[1], PLAIN[1]]}),
    ("assistant_last", "messages: final assistant content cannot end with trailing whitespace", 400,
     {"messages": UNTHOUGHT[:2]}),
    ("alternating", "消息角色必须交替出现", 400, {"messages": [PLAIN[1], PLAIN[1]]}),
    ("user_first", "第一条消息的role必须是user", 400, {"messages": UNTHOUGHT[1:]}),
    ("assistant_last", "最后一条消息的role必须为user", 400, {"messages": UNTHOUGHT[:2]}),
    ("user_first", "Please ensure that function call turn comes immediately after a user turn or after a function "
     "response turn.", 400, {"messages": UNTHOUGHT[1:]}),
    ("user_first", "A conversation must start with a user message. Try again with a conversation that starts with a "
     "user message.", 400, {"messages": UNTHOUGHT[1:]}),
    ("user_first", 'messages: first message must use the "user" role', 400, {"messages": UNTHOUGHT[1:]}),
    ("user_first", "First content should be with role 'user', got model", 400, {"messages": UNTHOUGHT[1:]}),
    ("user_first", "Unexpected role 'assistant' after role 'system'", 400,
     {"messages": [PLAIN[0], *UNTHOUGHT[1:]]}),
    ("user_after_tool", "Unexpected role 'user' after role 'tool'", 400, {"messages": [*UNTHOUGHT, PLAIN[1]]}),
    ("user_after_tool", "A tool message must be followed by an assistant message", 400,
     {"messages": [*UNTHOUGHT, PLAIN[1]]}),
    ("assistant_last", "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant",
     400, {"messages": UNTHOUGHT[:2]}),
    ("assistant_last", "Last message must have role `user` or `tool`", 400, {"messages": UNTHOUGHT[:2]}),
    ("assistant_last", "This model does not support assistant message prefill. The conversation must end with a user "
     "message.", 400, {"messages": UNTHOUGHT[:2]}),
    # what a history of calls lacks
    ("signed_calls", "Function call is missing a thought_signature in functionCall parts. This is required for tools "
     "to work correctly. Additional data, function call `default_api:look` , position 2.", 400, {}),
    ("calls_need_tools", "litellm.UnsupportedParamsError: Bedrock doesn't support tool calling without `tools=` param "
     "specified. Pass `tools=` param OR set `litellm.modify_params = True`", 400, {"tools": None}),
    ("calls_need_tools", "The toolConfig field must be defined when using toolUse and toolResult content blocks.", 400,
     {"tools": None}),
    ("calls_need_tools", "Requests which include `tool_use` or `tool_result` blocks must define tools", 400,
     {"tools": None}),
    ("calls_need_tools", "tools cannot be empty when messages contain tool_calls", 400, {"tools": None}),
    ("stream_options", "unknown field `stream_options`", 500, {}),
    ("token_limit=max_completion_tokens", "Paramètre non pris en charge : 'max_tokens'.", 400, {}),
    ("signed_calls", "Function call `look` has no valid thought signature.", 400, {}),
    ("tool_message_name", "* GenerateContentRequest.contents[2].parts[0].function_response.name: Name cannot be empty."
     "\n", 400, {}),
    ("tool_message_name", "messages with role 'tool' must have a 'name'", 400, {}),
    ("blank_content", "The text field in the ContentBlock object at messages.1.content.0 is blank. Add text to the "
     "text field, and try again.", 400, {}),
    ("blank_content", "invalid params, chat content is empty (2013)", 400, {}),
    ("blank_content", "Each message must have at least one content element.", 400, {}),
    ("signed_calls", "Unable to submit request because function call `look` in the 2. content block is missing a "
     "`thought_signature`.", 400, {}),
    ("tool_message_name", fastapi("messages", 3, "name", msg="Field required", type="missing"), 422, {}),
    ("short_call_ids", "1 validation error detected: Value 'a:b' at 'messages.2.member.content.1.member.toolUse."
     "toolUseId' failed to satisfy constraint: Member must satisfy the expression pattern: [a-zA-Z0-9_-]+", 400, {}),
    ("image", "Invalid content type. image_url is only supported by certain models.", 400, {}),
    ("image", fastapi("messages", 0, "content", msg="Input should be a valid string", type="string_type"), 422,
     {"messages": [{"role": "user", "content": [IMAGE]}]}),
    ("image", "org/model is not a multimodal model", 400, {}),
    ("image", "At most 0 image(s) may be provided in one prompt.", 400, {}),
    ("image", {"message": "this model is missing data required for image input", "type": "api_error"}, 500, {}),
    ("short_call_ids", "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'", 400, {}),
    ("short_call_ids", {"message": "Invalid 'messages[2].tool_calls[0].id': string too long. Expected a string with "
     "maximum length 40, but got a string with length 52 instead.", "param": "messages[2].tool_calls[0].id",
     "code": "string_above_max_length"}, 400, {}),
    ("short_call_ids", "参数错误：messages[2].tool_call_id 长度超过限制", 400, {}),
    ("audio", "messages[0]: unknown variant `input_audio`, expected `text` at line 1 column 197", 400,
     {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]}),
    # in other languages than English
    ("image", {"code": "1210", "message": "messages.content.type 参数非法，取值范围 ['text']"}, 400,
     {"messages": [{"role": "user", "content": [IMAGE]}]}),
    ("image", "当前模型不支持图片输入", 400, {}),
    ("image", "当前模型不支持图片输入", 500, {}),
    ("image", "このモデルは画像入力に対応していません。", 400, {}),
    ("file", {"code": "1210", "message": "messages.content.type 参数非法，取值范围 ['text', 'image_url']"}, 400, {}),
    ("developer_role", {"code": "1214", "message": "角色信息不正确"}, 400, {}),
    ("developer_role", "messages[0].role 参数非法，取值范围 ['system','user','assistant','tool']", 400, {}),
    ("parallel_tool_calls", "未知参数 parallel_tool_calls", 400, {}),
    ("response_format=json_schema", "response_format.type 参数非法，取值范围 ['text', 'json_object']", 400, {}),
    ("tool_choice=required", "tool_choice参数有误，目前只支持auto", 400, {}),
    ("reasoning_effort=low,high", "reasoning_effort 取值非法，可选值：low、high", 400, {}),
    # formats in the words of a server that names neither the type nor the form
    ("format_with_tools", "Cannot use custom grammar constraints with tools.", 400, {}),
    ("response_format=json_schema", "<400> InternalError.Algo.InvalidParameter: 'response_format.type' specified in "
     "the request is not valid.", 400, {}),
    ("response_format=json_schema", "response_format.json_schema.strict: Input should be True", 400, {}),
    ("response_format=json_schema", "response_format.json_schema.strict: Field required", 400, {}),
    ("keyword=maximum,minimum", "output_config.format.schema: For 'integer' type, properties maximum, minimum are not "
     "supported", 400, {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {
         "type": "object", "properties": {"n": {"type": "integer", "minimum": 1, "maximum": 3}}}}}}),
    ("listed_properties", "Invalid schema for function 'look': In context=(), object schema missing properties.", 400,
     {"tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]}),
    ("presence_penalty", "Penalty is not enabled for models/gemini-2.5-flash", 400, {"frequency_penalty": None}),
    ("frequency_penalty", "Penalty is not enabled for models/gemini-2.5-flash", 400, {"presence_penalty": None}),
    # efforts without the member's name
    ("reasoning_effort", '"qwen2.5:7b" does not support thinking', 400, {}),
    ("reasoning_effort=low,medium,high,xhigh", 'level "minimal" not supported, valid levels: low, medium, high, xhigh',
     400, {}),
    ("reasoning_effort=low,medium,high", "Invalid value: 'minimal'. Supported values are: 'low', 'medium', and 'high'.",
     400, {}),
    ("stream_only", "Streaming is required for operations that may take longer than 10 minutes", 400,
     {"stream": None, "stream_options": None}),
    ("user", "user参数非法", 400, {}),
    ("null_content", "messages[2].content 不能为空", 400, {}),
    ("stream_only", "该模型仅支持流式调用", 400, {"stream": None, "stream_options": None}),
    ("presence_penalty", "presence_penalty is nicht unterstützt", 400, {}),
    ("presence_penalty", "Параметр presence_penalty не поддерживается", 400, {}),
    ("presence_penalty", "Unbekannter Parameter 'presence_penalty'", 400, {}),
    ("presence_penalty", "Parámetro no compatible: presence_penalty", 400, {}),
    ("parallel_tool_calls", "Paramètre inconnu : 'parallel_tool_calls'", 400, {}),
    ("parallel_tool_calls", "Неподдерживаемый параметр: 'parallel_tool_calls'", 400, {}),
    ("image", "このモデルは画像をサポートしていません", 400, {}),
    ("image", "Ce modèle ne prend pas en charge les images.", 400, {}),
    ("image", "El modelo no admite imágenes.", 400, {}),
    ("image", "Dieses Modell unterstützt keine Bilder.", 400, {}),
    ("image", "模型不支持image_url类型的消息", 400, {}),
    ("alternating", "Conversation roles must alternate user/assistant/user/assistant/...", 500, {}),
    # numbers and extras
    ("temperature_and_top_p", "The model returned the following errors: `temperature` and `top_p` cannot both be "
     "specified for this model. Please use only one.", 400, {}),
    ("temperature_and_top_p", "Only one of temperature or top_p may be set.", 400, {}),
    ("temperature_and_top_p", "temperature 与 top_p 不能同时设置", 400, {}),
    ("temperature", {"param": "temperature", "message": "Unsupported value: 'temperature' does not support 1.5 with "
                     "this model. Only the default (1) value is supported."}, 400, {}),
    ("temperature", "invalid temperature: only 1 is allowed for this model", 400, {}),
    ("temperature", "models of this kind don't support temperature=0.84. Only temperature=1 is supported. To drop "
     "unsupported params set `drop_params = True`", 400, {}),
    ("temperature", "`temperature` is deprecated for this model.", 400, {}),
    ("top_p", "Unsupported parameter: 'top_p' is not supported with this model.", 400, {}),
    ("presence_penalty", "Model grok-4 does not support parameter presencePenalty.", 400, {}),
    ("frequency_penalty", "Unsupported parameter: 'frequency_penalty' is not supported with this model.", 400, {}),
    ("logprobs", "logprobs is not supported with this model", 400, {}),
    ("logprobs", "Unsupported parameter: 'top_logprobs' is not supported with this model.", 400, {}),
    ("service_tier=flex", {"message": "Invalid value: 'flex'. Supported values are: 'auto' and 'default'.",
                           "param": "service_tier"}, 400, {}),
    ("service_tier", fastapi("service_tier"), 422, {}),
    ("user", "Unrecognized request argument supplied: user", 400, {}),
    ("user", fastapi("user"), 422, {}),
    ("safety_identifier", "Unknown parameter: 'safety_identifier'.", 400, {}),
    ("prompt_cache_key", 'json: unknown field \'prompt_cache_key\'', 400, {}),
    ("verbosity", "Extra inputs are not permitted: verbosity", 400, {}),
    ("web_search", "Unknown parameter: 'web_search_options'.", 400, {"web_search_options": {}}),
    # a gateway that quotes
    ("parallel_tool_calls", {"code": 400, "message": "Provider returned error", "metadata": {"provider_name": "X",
     "raw": json.dumps({"error": {"message": "Unknown parameter: 'parallel_tool_calls'."}})}}, 400, {}),
]  # fmt: skip


@pytest.mark.parametrize(("lesson", "error", "status", "sent"), LESSONS)
def test_lessons(lesson: str, error: Any, status: int, sent: dict[str, Any]) -> None:
    assert taught(refusal(error, status), **sent) == lesson


def test_each_row_has_a_refusal_that_teaches_it() -> None:
    told = {lesson.partition("=")[0] for lesson, *_ in LESSONS}
    assert {row.name for row in RULES} - told == {"prompt_cache_options", "prompt_cache_retention"}


SOUND = {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]}
NO_LESSONS: list[tuple[Any, int, dict[str, Any]]] = [
    # what was not sent
    ("This response_format type is unavailable now", 400, {"response_format": None}),
    ("Unknown parameter: 'parallel_tool_calls'.", 400, {"parallel_tool_calls": None}),
    ("System message must be at the beginning.", 400, {"messages": PLAIN}),
    # what the caller asked for by name, or nothing can stand for
    ({"message": "Unsupported parameter: 'stop' is not supported with this model, nor is 'temperature'.",
      "param": "stop", "code": "unsupported_parameter"}, 400, {}),
    ("No endpoints found that support tool use.", 404, {}),
    ("registry.ollama.ai/library/gemma:latest does not support tools", 400, {}),
    # the caller's schema, numbers, words and model
    ("Invalid schema for response_format 'n': 'oneOf' is not permitted.", 400, {}),
    ("Invalid schema for function 'look': In context=(), 'additionalProperties' is required to be supplied and to be "
     "false.", 400, {}),
    ("The provided JSON schema contains features not supported by xgrammar.", 400, {}),
    ({"message": "Failed to generate JSON.", "code": "json_validate_failed"}, 400, {}),
    ({"message": "Tool choice is required, but model did not call a tool", "code": "tool_use_failed"}, 400, {}),
    ("Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 99.0 instead.", 400, {}),
    (fastapi("temperature", msg="Input should be less than or equal to 2", type="less_than_equal"), 422, {}),
    ("Invalid parameter: temperature should be in [0, 1]", 400, {}),
    ("temperature 1.5 is greater than 1, which is not supported", 400, {}),
    ("The value 1.5 is not allowed for temperature: the range is [0, 1]", 400, {}),
    ("max_tokens is too large: 100000. This model supports at most 16384 completion tokens.", 400, {}),
    ("The content is not allowed.", 400, {}),
    ({"code": "content_filter", "message": "The response was filtered: tool_choice is not supported"}, 400, {}),
    ("The model `tool_choice` does not exist or is not supported", 404, {}),
    ('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set', 400, {}),
    ("image_url is not supported: only base64 data URLs are allowed", 400, {}),
    ("Could not process image: image input is not supported for this type", 400, {}),
    # a format of the caller's image, sound or file
    ("unsupported image content type 'image/tiff'", 400, {}),
    ("Unsupported image input: image/bmp", 400, {}),
    ("Image content is not supported in this format.", 400, {}),
    ("Unsupported image content format. Supported formats: png, jpeg.", 400, {}),
    ("The image part is not supported: MIME type image/heic", 400, {}),
    ("input_audio format 'ogg' is not supported", 400, SOUND),
    ("Unsupported file type: input_file application/zip", 400, {}),
    ({"message": "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
      "'json_object'.", "param": "messages"}, 400, OBJECT),
    ({"param": "max_tokens", "message": "The parameter `max_tokens` specified in the request are not valid: integer "
      "above maximum value, expected a value <= 12288, but got 32000 instead."}, 400, {}),
    # the same in Chinese
    ("temperature 参数非法，取值范围 [0.0, 1.0]", 400, {}),
    ("top_p参数错误，应在0到1之间", 400, {}),
    ("图片格式不支持，仅支持 png、jpeg", 400, {}),
    ("模型 tool_choice 不存在", 400, {}),
    ("系统检测到输入内容可能包含敏感内容，不支持 tool_choice", 400, {}),
    ("At most 1 image(s) may be provided in one prompt.", 400, {}),
    # one caller's account
    ({"message": "Your organization must be verified to stream this model.", "param": "stream",
      "code": "unsupported_value"}, 400, {}),
    # other statuses
    ("response_format is not supported", 500, {}),
    ("response_format is not supported", 429, {}),
    ("response_format is not supported", 401, {}),
    # only what was quoted of the request names it
    (fastapi("stop"), 422, {}),
]  # fmt: skip


@pytest.mark.parametrize(("error", "status", "sent"), NO_LESSONS)
def test_what_teaches_nothing(error: Any, status: int, sent: dict[str, Any]) -> None:
    assert taught(refusal(error, status), **sent) is None


def test_an_error_without_an_answer_teaches_nothing() -> None:
    assert taught(UpstreamError("tool_choice is not supported", status=400)) is None


def test_the_same_is_not_learned_twice() -> None:
    error = refusal("This response_format type is unavailable now")
    assert taught(error, with_lessons(RICH, ["response_format=json_schema"])) is None
    assert taught(error, Dialect(formats=frozenset())) is None


def test_a_list_that_was_printed_into_a_message() -> None:
    message = "[{'type': 'extra_forbidden', 'loc': ('body', 'max_tokens'), 'msg': 'Extra inputs are not permitted'}]"
    assert taught(refusal(json.dumps({"object": "error", "message": message}).encode())) == (
        "token_limit=max_completion_tokens"
    )


def test_thinking_under_another_name() -> None:
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Well", "reasoning": "Hm"}]
    error = refusal("Error from provider: Extra inputs are not permitted, field: 'messages[1].reasoning'")
    assert taught(error, Dialect(reasoning_field="reasoning"), messages=messages) == "reasoning_field"


def test_the_token_limit_has_two_names_and_may_have_none() -> None:
    error, sent = refusal(fastapi("max_completion_tokens"), 422), {"max_tokens": None, "max_completion_tokens": 9}
    configured = Dialect(token_limit="max_completion_tokens")
    assert taught(error, configured, **sent) == "token_limit=max_tokens"
    learned = with_lessons(RICH, ["token_limit=max_completion_tokens"])
    assert learned.token_limit == "max_completion_tokens"
    assert taught(error, learned, **sent) == "token_limit=none"
    assert with_lessons(learned, ["token_limit=none"]).token_limit is None


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_lessons_may_come_in_any_order(preset: Dialect) -> None:
    lessons = [lesson for lesson, *_ in LESSONS]
    dialect = with_lessons(preset, lessons)
    assert with_lessons(preset, reversed(lessons)) == dialect
    assert list(dialect.lessons) == sorted(set(dialect.lessons) & set(lessons))
    assert dialect.name == preset.name


def test_lessons_that_nobody_knows_change_nothing() -> None:
    assert with_lessons(RICH, ["telepathy", "", "=x"]) == RICH


def test_two_refusals_say_the_same_wherever_they_say_it() -> None:
    said = [read_rejection(refusal(f"messages[{at}] has no role (request 7f3a9c1e-{at}00a)")) for at in (1, 22)]
    other = read_rejection(refusal("messages[1] has no content"))
    assert [None if one is None or other is None else one.repeats(other) for one in said] == [False, False]
    assert said[0] is not None
    assert said[1] is not None
    assert said[0].repeats(said[1])
