"""The providers' failures by their words, and what the caller sees of them.

Source: OpenAI guide, Error codes.

Bodies, waits and names of parameters have tables of their own: test_error_bodies, test_retry_after, test_params.
"""

import json
from typing import Any

import pytest

from translators.errors import UpstreamError
from translators.failures.classes import classify_error_object, classify_http_error

OPENAI = {"error": {"message": "Bad thing.", "type": "invalid_request_error", "param": None, "code": "bad"}}


def http(status: int, body: object, headers: dict[str, str] | None = None, *, own_key: bool = False) -> UpstreamError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return classify_http_error(status, headers or {}, raw, own_key=own_key)


STATUSES = {
    400: (400, "invalid_request_error", "bad", None),
    401: (401, "invalid_request_error", "bad", None),
    402: (429, "insufficient_quota", "insufficient_quota", None),
    403: (403, "invalid_request_error", "bad", None),
    404: (400, "invalid_request_error", "model_not_found", "model"),
    405: (400, "invalid_request_error", "bad", None),
    408: (500, "server_error", "server_error", None),
    409: (400, "invalid_request_error", "bad", None),
    413: (413, "invalid_request_error", "bad", None),
    421: (500, "server_error", "server_error", None),
    422: (400, "invalid_request_error", "bad", None),
    429: (429, "rate_limit_error", "rate_limit_exceeded", None),
    451: (400, "invalid_request_error", "bad", None),
    500: (500, "server_error", "server_error", None),
    502: (503, "server_error", "server_is_overloaded", None),
    503: (503, "server_error", "server_is_overloaded", None),
    504: (500, "server_error", "server_error", None),
    520: (500, "server_error", "server_error", None),
    529: (503, "server_error", "server_is_overloaded", None),
}


@pytest.mark.parametrize("status", STATUSES)
def test_what_words_do_not_tell_the_status_does(status: int) -> None:
    error = http(status, OPENAI)
    assert (error.status, error.type, error.code, error.param) == STATUSES[status]


@pytest.mark.parametrize("status", [400, 429, 500, 503])
@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"<html>", b"\xff", b"null"])
def test_every_body_has_an_envelope(body: bytes, status: int) -> None:
    envelope = http(status, body).envelope()["error"]
    assert list(envelope) == ["message", "type", "param", "code"]
    assert envelope["message"]


OVERFLOWS = {
    "OpenAI": "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
    "OpenAI, newer": "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in more.",
    "Anthropic": "prompt is too long: 210000 tokens > 200000 maximum",
    "Anthropic, with room": "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
    "Bedrock": "Input is too long for requested model.",
    "Cerebras": "Please reduce the length of the messages or completion. Current length is 8500 while limit is 8192",
    "Cloudflare": "The estimated number of tokens (9000) exceeded this model context window limit (7968).",
    "Cohere": "too many tokens: total number of tokens in the prompt cannot exceed 128000",
    "Copilot": "prompt token count of 130000 exceeds the limit of 128000",
    "DashScope": "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 98304]",
    "Fireworks": "The prompt is too long: 140000, model maximum context length: 131071",
    "Gemini": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    "LM Studio": "The number of tokens to keep from the initial prompt is greater than the context length.",
    "LiteLLM": "litellm.ContextWindowExceededError: litellm.BadRequestError: something",
    "MiniMax": "invalid params, context window exceeds limit (2013)",
    "in German": "Die maximale Kontextlänge wurde überschritten.",
    "in Spanish": "Se superó la longitud máxima de contexto.",
    "Mistral": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
    "Moonshot": "Invalid request: Your request exceeded model token limit: 262144",
    "Ollama": "the input length exceeds the context length",
    "OpenRouter": "This endpoint's maximum context length is 131072 tokens. However, you requested about 200000.",
    "SGLang": "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
    "Snowflake": "max tokens of 131072 exceeded",
    "TGI": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens",
    "Vertex": "Unable to submit request because the input token count is 2000000 but model only supports up to 1000000",
    "Z.AI": "Prompt exceeds max length",
    "Z.AI in Chinese": "Prompt 超长，请缩短后重试",
    "a gateway in Chinese": "输入内容长度超过模型最大上下文限制",
    "another gateway in Chinese": "请求的tokens数量超过上限",
    "a gateway in French": "L'entrée dépasse la longueur maximale du contexte",
    "a gateway in Japanese": "プロンプトが長すぎます。",
    "a gateway in Korean": "입력이 너무 깁니다.",
    "llama.cpp": "request (2009 tokens) exceeds the available context size (512 tokens), try increasing it",
    "vLLM": "The decoder prompt (length 5000) is longer than the maximum model length of 4096.",
    "watsonx": "the number of input tokens 5000 cannot exceed the total tokens limit 4096 for this model",
    "xAI": "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
}  # fmt: skip


@pytest.mark.parametrize("provider", OVERFLOWS)
@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_context_overflow_is_known_in_any_wording(provider: str, status: int) -> None:
    message = OVERFLOWS[provider]
    for body in ({"error": {"message": message}}, {"error": message}, {"message": message}, {"detail": message}):
        for error in (http(status, body), classify_error_object(body.get("error", body))):
            assert (error.status, error.code, error.param) == (400, "context_length_exceeded", "input")
            assert error.message.startswith("Your input exceeds the context window of this model.")


@pytest.mark.parametrize("status", [400, 413, 500])
def test_context_overflow_is_known_by_its_code(status: int) -> None:
    for said in ({"code": "context_length_exceeded"}, {"type": "exceed_context_size_error"}):
        assert http(status, {"error": {"message": "x", **said}}).code == "context_length_exceeded"


NO_OVERFLOWS = [
    "max_tokens is too large: 200000. This model supports at most 16384 completion tokens.",
    "'max_tokens' or 'max_completion_tokens' is too large: 5000. This model's maximum context length is 4096 tokens "
    "and your request has 30 input tokens",
    "Invalid 'tools[0].function.description': string too long. Expected a string with maximum length 1024.",
    "The number of images exceeds the model limit of 10.",
    "max_tokens 参数非法，取值范围 [1, 8192]",
    "messages[2].tool_call_id 长度超过限制",
]


@pytest.mark.parametrize("message", NO_OVERFLOWS)
def test_other_things_may_be_too_long(message: str) -> None:
    assert http(400, {"error": {"message": message}}).code is None


MONEY = [
    (429, {"message": "You exceeded your current quota, please check your plan and billing details."}),
    (429, {"message": "x", "code": "insufficient_quota"}),
    (429, {"message": "Weekly/Monthly Limit Exhausted. Your limit will reset at 2026-12-01", "code": "1310"}),
    (429, {"message": "Insufficient balance or no resource package. Please recharge.", "code": "1113"}),
    (402, {"message": "Insufficient Balance"}),
    (402, {"message": "This request requires more credits, or fewer max_tokens."}),
    (403, {"message": "Your team has no remaining credits."}),
    (400, {"message": "Your credit balance is too low to access the API."}),
    (400, {"message": "x", "code": "billing_hard_limit_reached"}),
    (403, {"message": "Sorry, your account balance is insufficient", "code": 30001}),
    (403, {"message": "The request failed: your account has an overdue balance.", "code": "AccountOverdueError"}),
    (403, {"message": "免费额度已用完"}),
    (403, {"message": "The free tier of the model has been exhausted.", "code": "AllocationQuota.FreeTierOnly"}),
    *((status, {"message": message}) for status in (400, 401, 403, 429, 500) for message in (
        "余额不足或无可用资源包,请充值。", "您的账户已欠费，请充值后重试", "用户额度不足, 剩余额度: ¥-0.10",
        "アカウントの残高が不足しています。", "잔액이 부족합니다.", "Недостаточно средств на счёте.",
    )),
]


@pytest.mark.parametrize(("status", "body"), MONEY)
def test_no_money_left(status: int, body: dict[str, Any]) -> None:
    for error in (http(status, {"error": body}), classify_error_object(body)):
        assert (error.status, error.type, error.code) == (429, "insufficient_quota", "insufficient_quota")
        assert error.retry_after is not None
        assert not error.retry


LIMITS = [
    (429, {"message": "Rate limit reached for x on requests per min (RPM): Limit 3. Please try again in 20s. You can "
                      "add a payment method to your account at https://platform.openai.com/account/billing."}, 20.0),
    (429, {"message": "Rate limit reached. Please try again in 1.2s. Need more? Upgrade at /settings/billing",
           "code": "rate_limit_exceeded"}, 1.2),
    (429, {"message": "You exceeded your current quota. Please retry in 34.07s.", "code": 429}, 34.07),
    (429, {"message": "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock more",
           "code": "rate_limit_exceeded"}, 1.0),
    (429, {"message": "Service tier capacity exceeded for this model.", "type": "service_tier_capacity_exceeded"}, 1.0),
    (429, "Too Many Requests", 1.0),
    (400, {"message": "x", "code": "RateLimitReached"}, 1.0),
    (500, {"message": "ThrottlingException: Too many tokens, please wait before trying again."}, 1.0),
    (429, {"message": "您当前使用该API的并发数过高，请降低并发，或联系客服增加限额。", "code": "1302"}, 1.0),
    *((status, {"message": "您的请求过于频繁，请稍后再试"}, 1.0) for status in (400, 403, 500)),
    (403, {"message": "您的账户已达到速率限制"}, 1.0),
    (429, {"message": "已达到 5 小时的使用上限。您的限额将重置。", "code": "1308"}, 1.0),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "wait"), LIMITS)
def test_a_limit_that_passes(status: int, body: object, wait: float) -> None:
    for error in (http(status, {"error": body}), classify_error_object(body)):
        assert (error.status, error.type, error.code) == (429, "rate_limit_error", "rate_limit_exceeded")
        assert error.retry_after == wait
        assert error.retry


def test_whose_limit_it_is() -> None:
    assert http(429, {"error": {"message": "x", "type": "tokens"}}).type == "tokens"
    assert http(429, {"error": {"message": "x", "type": "requests"}}).type == "requests"


@pytest.mark.parametrize("status", [413, 429])
def test_a_request_that_no_minute_is_enough_for(status: int) -> None:
    message = (
        "Request too large for model `x` in organization `y` on tokens per minute (TPM): Limit 6000, Requested 8000, "
        "please reduce your message size and try again."
    )
    error = http(status, {"error": {"message": message, "type": "tokens", "code": "rate_limit_exceeded"}})
    assert (error.status, error.type, error.code, error.retry) == (429, "tokens", "rate_limit_exceeded", False)


def test_a_wait_that_only_headers_tell_is_told_in_the_message() -> None:
    """Codex reads it there when the stream has begun."""
    error = http(429, {"error": {"message": "Slow down."}}, {"Retry-After": "7"})
    assert error.message == "Slow down. Please try again in 7s."
    assert http(429, {"error": {"message": "Please try again in 2s."}}).message == "Please try again in 2s."
    assert http(429, {"error": {"message": "Slow down."}}).message == "Slow down."


@pytest.mark.parametrize("status", [401, 403])
def test_the_adapters_own_key_is_not_the_callers_fault(status: int) -> None:
    error = http(status, {"error": "sk-secret is wrong"}, own_key=True)
    assert (error.status, error.code, error.retry) == (500, "server_error", False)
    assert "secret" not in error.message


KEYS = [
    "API key not valid. Please pass a valid API key.",
    "Incorrect API key provided: sk-x.",
    "Authentication Fails",
    "invalid params, login fail: Please carry the API secret key",
    "无效的令牌",
    "身份验证失败。",
]


@pytest.mark.parametrize("message", KEYS)
def test_a_wrong_key_is_known_without_its_status(message: str) -> None:
    assert http(400, {"error": {"message": message}}).status == 401
    own = http(400, {"error": {"message": message}}, own_key=True)
    assert "Ask the operator of this server to fix it." in own.message
    assert classify_error_object({"message": message}).message.startswith("The provider rejected")


NO_MODELS = [
    (404, {"error": {"message": "The model `x` does not exist or you do not have access to it."}}),
    (404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}}),
    (400, {"error": {"code": "DeploymentNotFound", "message": "?"}}),
    (404, {"error": {"message": "model 'x' not found, try pulling it first"}}),
    (404, {"detail": "Model x is not available"}),
    (404, b""),
    (400, {"message": "Invalid model: x", "type": "invalid_model", "code": "1500"}),
    (400, {"error": {"message": "x/y is not a valid model ID", "code": 400}}),
    (400, {"error": {"message": "The model `x` has been decommissioned and is no longer supported."}}),
    (400, {"error": {"message": "Model Not Exist"}}),
    (400, {"error": {"message": "Unknown Model, please check the model code.", "code": "1211"}}),
    (400, {"error": "model `x` is not loaded"}),
    (403, {"error": {"message": "You do not have access to model x"}}),
    (422, {"message": "The model: x does not exist"}),
    (400, {"error": {"code": "1211", "message": "模型不存在，请检查模型代码。"}}),
    (403, {"error": {"message": "该令牌无权访问模型 x"}}),
]


@pytest.mark.parametrize(("status", "body"), NO_MODELS)
def test_no_such_model(status: int, body: object) -> None:
    error = http(status, body, own_key=True)
    assert (error.status, error.code, error.param) == (400, "model_not_found", "model")


MODELS = [
    "Unsupported parameter: 'stop' is not supported with this model.",
    "Tool calling for this model is not supported",
    "The model called a tool that does not exist",
    "you must provide a model parameter",
]


@pytest.mark.parametrize("message", MODELS)
def test_not_all_that_is_said_of_a_model_is_that_there_is_none(message: str) -> None:
    assert http(400, {"error": {"message": message}}).code != "model_not_found"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b"<html>"), (404, {"detail": "Not Found"}), (404, b"404 page not found"), (405, b"<html>"), (302, b""),
        (405, {"detail": "Method Not Allowed"}),
        (404, {"error": {"message": "Invalid URL (POST /v1/v1/chat/completions)"}}),
        (400, b"<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>"),
        (400, b"Client sent an HTTP request to an HTTPS server.\n"),
    ],
)  # fmt: skip
def test_a_wrong_url_is_the_operators(status: int, body: object) -> None:
    error = http(status, body)
    assert (error.status, error.type, error.retry) == (502, "server_error", False)
    assert "Ask the operator of this server to fix it." in error.message


def test_credentials_that_a_proxy_wants_are_the_operators() -> None:
    error = http(407, b"<html>Proxy Authentication Required</html>")
    assert (error.status, error.retry) == (502, False)
    assert "The proxy on the way" in error.message


def test_an_adapter_in_the_place_of_a_provider_is_named() -> None:
    error = http(404, {"error": {"message": "Invalid URL (POST /v1/chat/completions). Did you mean /v1/responses?"}})
    assert "leads to this adapter itself, or to another one" in error.message


CONTENT = [
    (400, {"code": "content_filter", "message": "The response was filtered due to the prompt triggering Azure OpenAI's "
           "content management policy.", "innererror": {"code": "ResponsibleAIPolicyViolation"}, "param": "prompt"}),
    (400, {"code": "invalid_prompt", "message": "Your prompt was flagged as potentially violating our usage policy."}),
    (400, {"code": "data_inspection_failed", "message": "Input data may contain inappropriate content."}),
    (400, {"message": "Content Exists Risk"}),
    (403, {"code": 403, "message": "Your chosen model requires moderation and your input was flagged for x"}),
    (403, {"message": "Content violates usage guidelines."}),
    (422, {"message": "The content_filter refused it"}),
    (400, {"message": "The request failed because the input text may contain sensitive information.",
           "code": "InputTextSensitiveContentDetected"}),
    *((status, {"message": message, "code": "1301"}) for status in (400, 403, 500) for message in (
        "系统检测到输入或生成内容可能包含不安全或敏感内容，请您避免输入易产生敏感内容的提示语，感谢您的配合。",
        "输入数据可能包含不适当内容", "输入内容违反了安全规范", "内容涉及政治敏感，无法回答",
        "内容审核未通过", "不適切な内容が含まれています。", "输入内容存在安全风险",
    )),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body"), CONTENT)
def test_a_prompt_that_the_provider_does_not_want(status: int, body: dict[str, Any]) -> None:
    error = http(status, {"error": body}, own_key=True)
    assert (error.status, error.type, error.code, error.param) == (
        400, "invalid_request_error", "content_filter", "input"
    )  # fmt: skip
    assert error.message == body["message"]


QUOTING = [
    "Invalid schema for function 'flagged_content': In context=(), 'additionalProperties' is required.",
    "Invalid schema for function 'get_api_key': bad.",
    "Invalid value: 'throttle'. Supported values are: 'auto'.",
    "Unknown tool 'recharge_billing_account'.",
]


@pytest.mark.parametrize("message", QUOTING)
def test_words_of_the_caller_that_are_quoted_decide_nothing(message: str) -> None:
    error = http(400, {"error": {"message": message, "code": "invalid_function_parameters"}}, own_key=True)
    assert (error.status, error.code) == (400, "invalid_function_parameters")


UNSUPPORTED: list[tuple[dict[str, Any], str | None, str]] = [
    ({"error": {"message": "Unsupported parameter: 'max_tokens' is not supported with this model.",
                "param": "max_tokens", "code": "unsupported_parameter"}}, "unsupported_parameter", "max_output_tokens"),
    ({"message": {"detail": [{"loc": ["body", "max_completion_tokens"], "msg": "Extra inputs are not permitted"}]}},
     "unsupported_parameter", "max_output_tokens"),
    ({"detail": [{"loc": ["body", "messages", 0, "content"], "msg": "Field required"}]}, None, "input"),
    ({"error": {"message": "property 'reasoning_effort' is unsupported"}}, "unsupported_parameter", "reasoning.effort"),
    ({"error": "Invalid tool_choice type: 'object'. Supported: none, auto, required"}, None, "tool_choice"),
    ({"error": {"message": "`temperature` is not supported for this model"}}, "unsupported_parameter", "temperature"),
    ({"error": {"message": "[] is too short - 'tools'"}}, None, "tools"),
    ({"error": {"message": "Invalid schema.", "param": "tools[2].function.parameters"}}, None, "tools[2].parameters"),
    ({"error": {"message": "No.", "param": "response_format.json_schema.schema"}}, None, "text.format.schema"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "code", "param"), UNSUPPORTED)
def test_what_is_wrong_is_named_as_the_caller_knows_it(body: dict[str, Any], code: str | None, param: str) -> None:
    error = http(400, body)
    assert (error.status, error.code, error.param) == (400, code, param)


def test_a_form_that_nobody_behind_a_gateway_takes() -> None:
    message = "No endpoints found that support the provided 'tool_choice' value."
    error = http(404, {"error": {"code": 404, "message": message}})
    assert (error.status, error.code, error.param) == (400, "unsupported_parameter", "tool_choice")


@pytest.mark.parametrize("code", ["tool_use_failed", "json_validate_failed"])
def test_what_the_model_has_made_is_not_the_callers_fault(code: str) -> None:
    body = {"message": "Failed to validate JSON.", "code": code, "failed_generation": "{"}
    for error in (http(400, {"error": body}), classify_error_object(body)):
        assert (error.status, error.code) == (502, "server_error")


OVERLOADS = [
    (529, {"type": "overloaded_error", "message": "Overloaded"}),
    (500, {"message": "The server is overloaded."}),
    (503, {"message": "The server had an error"}),
    (503, "no healthy upstream"),
    (500, {"message": "该模型当前访问量过大，请您稍后再试", "code": "1312"}),
]


@pytest.mark.parametrize(("status", "body"), OVERLOADS)
def test_too_much_to_do(status: int, body: object) -> None:
    error = http(status, {"error": body}, {"retry-after": "3"})
    assert (error.status, error.code, error.retry_after, error.retry) == (503, "server_is_overloaded", 3.0, True)


def test_media_that_a_model_cannot_read_are_the_requests_fault() -> None:
    """llama.cpp answers 500, which clients would repeat. Source: ggml-org/llama.cpp#13566."""
    error = http(500, {"error": {"code": 500, "message": "image input is not supported - hint: if this is unexpected, "
                                 "you may need to provide the mmproj", "type": "server_error"}})  # fmt: skip
    assert (error.status, error.code, error.param) == (400, "unsupported_parameter", "input")


IN_A_STREAM: list[tuple[Any, str | None, str]] = [
    ({"message": "Slow", "code": 429}, "rate_limit_exceeded", "Slow"),
    ({"message": "Slow", "status_code": "429"}, "rate_limit_exceeded", "Slow"),
    ({"message": "Slow", "type": "rate_limit_error"}, "rate_limit_exceeded", "Slow"),
    ({"message": "It broke", "code": 502}, "server_error", "It broke"),
    ({"message": "It broke", "code": 503}, "server_is_overloaded", "It broke"),
    ({"message": "It broke", "code": 500}, "server_error", "It broke"),
    ({"message": "Bad", "code": 400}, None, "Bad"),
    ({"message": "Bad", "code": "bad"}, "server_error", "Bad"),
    ({"message": "sk-secret", "code": 401}, "server_error", "The provider rejected this adapter's API key."),
    ("It broke", "server_error", "It broke"),
    ({"code": 500}, "server_error", "The provider reported an error without saying what it is."),
    (True, "server_error", "The provider reported an error without saying what it is."),
]


@pytest.mark.parametrize(("error", "code", "message"), IN_A_STREAM)
def test_errors_in_a_stream(error: Any, code: str | None, message: str) -> None:
    found = classify_error_object(error)
    assert found.code == code
    assert found.message.startswith(message)
    assert "secret" not in found.message
