"""Wordings of the providers' errors: one pattern for each class of failure.

A pattern is searched in an error's code, type and message together. The comment after a wording names the provider
that uses it, where it is not common. Source: recorded error bodies, see `tests/translators/failures/test_classes.py`.
"""

import re
from typing import Final


def _any_of(*wordings: str) -> re.Pattern[str]:
    return re.compile("|".join(wordings), re.IGNORECASE)


OUTPUT_LIMIT: Final = _any_of(
    r"max(_completion|_output)?_tokens'?( or 'max_completion_tokens')? is too large",  # vLLM, OpenAI
    r"model supports at most \d+ completion tokens",
)
"""The requested output is too long; the input fits."""

CONTEXT: Final = _any_of(
    r"context[_ ]?(length|window|size)[_ ]?(exceeded|limit)",
    r"exceed(s|ed|ing)?\b.{0,60}(context[_ ](length|window|size|limit)|input length)",  # llama.cpp, Cloudflare
    r"exceed(s|ed|ing)?\b.{0,40}max(imum)? (context|input|prompt|sequence)",
    r"(context|prompt|input)[_ ](length|window|size|limit).{0,40}exceed",  # MiniMax
    r"max(imum)?[_ ](allowed )?(context|model|prompt|sequence|input)[_ ]?len",  # OpenAI, vLLM, xAI, SambaNova
    r"model'?s context length",  # SGLang
    r"with context length of only|greater than the context length|context the overflows",  # LM Studio
    r"exceed_context|n_ctx",  # llama.cpp
    r"(prompt|input)s? (is|are) too (long|large)( for| to process|:|\.|$)",  # Bedrock, Fireworks
    r"messages? (is|are) too long",
    r"prompt exceeds? max",  # Z.AI
    r"exceeded model token limit",  # Moonshot
    r"too many input tokens|too many tokens: ",  # Cohere
    r"token count (\(\d+\) |of \d+ )?exceeds the",  # Gemini, Copilot
    r"model_max_prompt_tokens",  # Copilot
    r"input tokens exceed|input tokens \d* ?cannot exceed",  # OpenAI, watsonx
    r"exceeds? the (model'?s )?max(imum)?.{0,40}tokens",
    r"range of input length",  # DashScope
    r"model only supports up to \d+",  # Vertex
    r"`?inputs`? (tokens )?(\+ `?max_new_tokens`? )?must (be <=|have less)",  # TGI
    r"reduce the length of (the (messages|prompt|input)|either)",  # OpenAI, Groq, Cerebras, OpenRouter
    r"max tokens of \d+ exceeded",  # Snowflake
    r"contextwindowexceeded",  # LiteLLM
)
"""The input is longer than the model's context."""

ABOVE_RATE: Final = _any_of(r"request too large", r"must be reduced in order to run")
"""One request exceeds the allowance of a whole minute (OpenAI, Groq), so no retry can succeed."""

RATE: Final = _any_of(
    r"rate[_ -]?limit|too[_ ]many[_ ]requests|throttl|slow[_ ]?down",
    r"resource[_ ]exhausted",  # Google
    r"capacity[_ ]exceeded",  # Mistral
    r"too many concurrent|concurrency",
    r"too many tokens, please wait",  # Bedrock
    r"(tokens?|requests?) per (min|day)",
)

QUOTA: Final = _any_of(
    r"insufficient[_ ](quota|balance|credit|funds?)|not enough (credit|balance|funds?)",
    r"exceeded your (current|monthly) (quota|usage|included)|quota exceeded|spending limit|usage_not_included",
    r"billing[_ ](hard[_ ]limit|not[_ ]active)|payment required",
    r"more credits|credit balance|out of credits|(no|any) (remaining )?credits",
    r"account.{0,30}(suspended|arrears)",
)
"""Money or an allowance has run out."""

CONTENT: Final = _any_of(
    r"content[_ -]?(filter|policy|management)|responsible_?ai",  # Azure
    r"content violates|safety_check",  # xAI
    r"usage (policy|policies|guidelines)|invalid_prompt",  # OpenAI
    r"(was|been|prompt|input) flagged|requires moderation",  # OpenAI, OpenRouter
    r"data_?inspection_?failed|inappropriate content",  # DashScope
    r"content exists risk",  # DeepSeek
    r"sensitive content|new_sensitive|unsafe content|prohibited_content",  # Z.AI, MiniMax, Gemini
)
"""The provider's content filter blocked the request."""

INVALID_KEY: Final = _any_of(
    r"(invalid|incorrect|missing|no|valid) (api[ _-]?key|access token|bearer token|credentials)|invalid_api_key",
    r"api[ _-]?key (is |was )?(not valid|invalid|missing|required|expired)",
    r"authentication[ _](fails|failed|error|required)|unauthori[sz]ed|login fail",
)

_NAME: Final = r"[`'\"]?[^\s`'\"]{1,120}[`'\"]?"
"""One word, quoted or not."""

UNKNOWN_MODEL: Final = _any_of(
    r"model_not_found|model_not_exist|model_decommissioned|invalid_model|deploymentnotfound|modelnotfound",
    r"(unknown|invalid|no such|unsupported) model\b|not a valid model|not a chat model",
    r"\bmodel (is |does )?not (exist|found)",
    rf"\bmodels?:? {_NAME} (does not|doesn'?t|do not) exist",
    rf"\bmodel:? {_NAME} not found",
    rf"\bmodel:? {_NAME} (is not|isn'?t|was not) (found|a? ?valid|available|loaded|deployed|served|supported)\b",
    rf"\bmodel {_NAME} (is|was|has been) (deprecated|decommissioned|retired|no longer)",
    r"no endpoints found for|period for this model has ended",  # OpenRouter
    r"allowed now, your model",  # Hyperbolic
    r"deployment.{0,60}does not exist",  # Azure
    r"not allowed to sample from|(access to|permission for) (the |this )?model",  # OpenAI
)

UNSUPPORTED_FEATURE: Final = _any_of(r"no endpoints found that (can )?(support|handle)")
"""OpenRouter has no provider that supports the request's features."""

UNSUPPORTED_MEDIA: Final = _any_of(r"(image|audio|vision|video) (input )?is not supported", r"\bmmproj\b")
"""llama.cpp answers with 500 to media that its model cannot read."""

WRONG_URL: Final = _any_of(r"^(not found|404 page not found|no route|cannot (post|get) /)")
"""A web server's answer to an unknown path. A provider's own 404 says what was not found."""

INVALID_OUTPUT: Final = _any_of(r"tool_use_failed", r"json_validate_failed", r"tool call validation failed")
"""Groq validates the model's output, and reports an invalid one as a 400."""

OVERLOADED: Final = _any_of(r"overloaded", r"no available capacity", r"at capacity", r"server (is )?busy")

UNSUPPORTED_PARAM: Final = _any_of(
    r"(not|n't|un)[ -]*(currently )?(be )?(support|permit|recogni[sz]|allow)",
    r"unknown (name|field|parameter|variant)",
    r"extra[_ ](inputs?|fields?|forbidden)",
    r"unexpected keyword",
)
"""The provider does not support a parameter, or its value."""
