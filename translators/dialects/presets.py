"""The dialects of known providers, and which provider a base URL belongs to.

A preset has only the fields in which its provider differs from the defaults of `Dialect`, and only what recordings
or documentation show. The comment above it gives the evidence. ✓n: n recorded requests were accepted with it; [C]:
recorded otherwise; [D]: documented by the provider or a client library; [P]: in pydantic-ai's profile of the provider;
issues by their number. A member without evidence keeps its default. Models of one provider differ: a preset has what
holds for most, and rejections teach the rest (`amendments.py`). Source: docs/decisions/0022-presets.md.

A provider is recognized by its host, by a pattern of hosts, by a port that only one program uses by default, or by
what it writes as the owner of its models.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import urlsplit

from translators.dialects.dialect import Choice, Dialect, Format

_JSON_OBJECT: Final[frozenset[Format]] = frozenset({"json_object"})
_JSON_SCHEMA: Final[frozenset[Format]] = frozenset({"json_schema"})
_NO_PENALTIES: Final = frozenset({"temperature", "top_p"})
_USER: Final = frozenset({"user"})
_NOT_NAMED: Final[frozenset[Choice]] = frozenset({"none", "required"})
_ONLY_NONE: Final[frozenset[Choice]] = frozenset({"none"})
_TO_HIGH: Final = frozenset({"none", "low", "medium", "high"})
_WITHOUT_THINKING: Final = {"chat_template_kwargs": {"enable_thinking": False, "thinking": False}}
"""A chat template uses one of the two names, and ignores the other."""

_CLOUDS: Final = (
    # Everything that chat completions have. Roles: developer ✓40, system in the middle ✓25; strict ✓385; file ✓22.
    # Thinking is not shown, so none can go back.
    Dialect(
        name="openai", token_limit="max_completion_tokens", developer_role=True, system_anywhere=True,
        reasoning_field=None, refusal_field=True, strict_tools=True, parallel_tool_calls=True,
        file_parts=True, original_detail=True,
        extras=frozenset(
            {
                "user", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "safety_identifier",
                "verbosity",
            }
        ),
        service_tiers=frozenset({"auto", "default", "flex", "scale", "priority", "fast"}),
    ),
    # max_completion_tokens ✓168, strict ✓12, parallel_tool_calls ✓248, user and service_tier "default" recorded; no
    # file parts [P]. Thinking of the models it hosts is not taken back.
    Dialect(
        name="azure", token_limit="max_completion_tokens", reasoning_field=None, strict_tools=True,
        parallel_tool_calls=True, extras=_USER, service_tiers=frozenset({"default"}),
    ),
    # strict ✓3, parallel_tool_calls ✓18, user recorded; no json_schema [P]; parts other than text: 400 [C]; while it
    # thinks, which is its default: "Thinking mode does not support this tool_choice" [C]; calls need their
    # reasoning_content (BerriAI/litellm#37470).
    Dialect(
        name="deepseek", strict_tools=True, parallel_tool_calls=True, extras=_USER, media=frozenset(),
        formats=_JSON_OBJECT, thinking_tool_choices=_ONLY_NONE, reasoning_required=True,
        efforts=frozenset({"low", "medium", "high", "max"}), no_reasoning={"thinking": {"type": "disabled"}},
    ),
    # A closed schema: what it does not know is 422 extra_forbidden. "any" ✓75; ids `^[A-Za-z0-9]{9}$`
    # (karthink/gptel#1203); efforts "high" and "none" alone (NousResearch/hermes-agent#11243); thinking goes back as
    # parts ✓25; logprobs: 400 [C]; calls beside an empty text ✓46.
    Dialect(
        name="mistral", reasoning_field="thinking", null_content=False, parallel_tool_calls=True, short_call_ids=True,
        required_choice="any", efforts=frozenset({"none", "high"}), logprobs=False,
    ),
    # logprobs: 400 [D]; reasoning_content: 400 (vercel/ai#8057); parallel_tool_calls ✓16; user: groq-python's types;
    # tiers: console.groq.com/docs/service-tiers.
    Dialect(
        name="groq", reasoning_field=None, parallel_tool_calls=True, extras=_USER,
        service_tiers=frozenset({"auto", "flex"}), efforts=_TO_HIGH, logprobs=False,
    ),
    # max_completion_tokens ✓202, strict ✓33, parallel_tool_calls ✓47; models that reason refuse penalties; efforts none
    # to high by model (@ai-sdk/xai 3.0.97, anomalyco/opencode#39448); thinking is not needed back.
    Dialect(
        name="xai", token_limit="max_completion_tokens", sampling=_NO_PENALTIES, reasoning_field=None,
        strict_tools=True, parallel_tool_calls=True, efforts=_TO_HIGH,
    ),
    # Usage comes unasked [C]; `reasoning: {enabled}` [D].
    Dialect(name="together", stream_usage=False, no_reasoning={"reasoning": {"enabled": False}}),
    # Usage comes unasked [C]; efforts none … xhigh [D].
    Dialect(
        name="fireworks", stream_usage=False,
        efforts=frozenset({"none", "minimal", "low", "medium", "high", "xhigh"}),
    ),
    # parallel_tool_calls, penalties and service_tier: 400 [P][D]; no choice but auto and none [D]; strict ✓5; thinking
    # goes back in two ways by model, and reasoning_content is 400 (CherryHQ/cherry-studio#16790); efforts none to high
    # by model (langchain-cerebras, harn-vm 0.8.78).
    Dialect(
        name="cerebras", sampling=_NO_PENALTIES, reasoning_field=None, null_content=False, strict_tools=True,
        tool_choices=_ONLY_NONE, efforts=_TO_HIGH,
    ),
    # strict is to be left out [P][D]; "required" is unknown [P], a name is refused while it thinks
    # (anomalyco/opencode#16318); sampling is pinned: a temperature is 400 (anomalyco/opencode#16318); calls need their
    # reasoning_content (anomalyco/opencode#16318); efforts low, high, max (k3); `$ref` alone (openai/codex#41233).
    Dialect(
        name="moonshot", token_limit="max_completion_tokens", sampling=frozenset(),
        tool_choices=frozenset({"none", "named"}), thinking_tool_choices=_ONLY_NONE, reasoning_required=True,
        efforts=frozenset({"low", "high", "max"}), no_reasoning={"thinking": {"type": "disabled"}},
        schema_forms=frozenset({"lone_refs", "typed_unions"}),
    ),
    # Formats json_object, choice auto, at least one message of the user's [D]; strict is to be left out; thinking is
    # kept with `clear_thinking: false` [C]; efforts low, high, max [D].
    Dialect(
        name="zai", formats=_JSON_OBJECT, tool_choices=frozenset(), user_needed=True,
        efforts=frozenset({"low", "high", "max"}),
        some_reasoning={"thinking": {"type": "enabled", "clear_thinking": False}},
        no_reasoning={"thinking": {"type": "disabled"}},
    ),
    # max_tokens is deprecated [D]; no formats; thinking goes back between its tags [D]; "disabled" and "adaptive" are
    # all there is (M3) (MiniMax-AI/MiniMax-M2#51). One system message, the first (MiniMax-AI/MiniMax-M2#51), as for
    # everyone.
    Dialect(
        name="minimax", token_limit="max_completion_tokens", reasoning_field="think_tags", formats=frozenset(),
        efforts=frozenset(), no_reasoning={"thinking": {"type": "disabled"}},
    ),
    # While it thinks: "does not support being set to required or object in thinking mode" (cloudwego/eino#994); open
    # models think in streams alone (cloudwego/eino#994); parallel_tool_calls [M].
    Dialect(
        name="qwen", streaming="always", parallel_tool_calls=True, thinking_tool_choices=_ONLY_NONE,
        efforts=frozenset(), some_reasoning={"enable_thinking": True}, no_reasoning={"enable_thinking": False},
    ),
    # parallel_tool_calls ✓6; "none" is 400 on some models (buxuku/SmartSub#439); unknown members are 400
    # (buxuku/SmartSub#439); thought signatures go back on their calls, its text nowhere (earendil-works/pi#6733); the
    # user speaks first (google-gemini/gemini-cli#11814). Schemas are a subset of OpenAPI's: `$ref` alone
    # (anomalyco/opencode#12295), one type (zed-industries/zed#53919), enums of strings
    # (NousResearch/hermes-agent#15082).
    Dialect(
        name="gemini", reasoning_field=None, parallel_tool_calls=True, efforts=frozenset({"low", "medium", "high"}),
        user_first=True,
        schema_forms=frozenset({"lone_refs", "one_type", "nullable", "string_enums", "typed_arrays"}),
    ),
    # It searches and has no tools; user and assistant take turns, the user last: else 400
    # (perplexityai/api-discussion#265); json_schema ✓1; thinking is not taken back; efforts low to high (LangChain), no
    # logprobs (docs.getbifrost.ai).
    Dialect(
        name="perplexity", alternating=True, user_needed=True, reasoning_field=None, tools=False, formats=_JSON_SCHEMA,
        efforts=frozenset({"low", "medium", "high"}), logprobs=False, web_search=True,
    ),
    # max_completion_tokens ✓2 is the only limit recorded; calls beside an empty text ✓2.
    Dialect(name="watsonx", token_limit="max_completion_tokens", null_content=False),
    # reasoning ✓2, parallel_tool_calls ✓9; calls beside an empty text ✓4.
    Dialect(name="bedrock", reasoning_field="reasoning", null_content=False, parallel_tool_calls=True),
    # Usage comes in every chunk, unasked [C]; calls beside an empty text ✓10.
    Dialect(name="databricks", stream_usage=False, null_content=False),
    # `reasoning: {effort}` and signed reasoning_details recorded.
    Dialect(name="snowflake", reasoning_field="reasoning", effort_form="reasoning"),
    # strict ✓2, reasoning ✓1.
    Dialect(name="crusoe", reasoning_field="reasoning", strict_tools=True),
)  # fmt: skip

_GATEWAYS: Final = (
    # max_tokens is safest, a system message in the middle is silently changed [P]; strict ✓70, parallel_tool_calls
    # ✓36, file ✓14, user recorded; reasoning_effort ✓345; reasoning_details go back unchanged ✓29.
    Dialect(
        name="openrouter", reasoning_field="reasoning", strict_tools=True, parallel_tool_calls=True, file_parts=True,
        extras=_USER,
    ),
    # reasoning_text and reasoning_opaque come and are wanted back (BerriAI/litellm#35021, anomalyco/opencode#4468).
    Dialect(name="copilot", reasoning_field="reasoning_text"),
    # `reasoning: {enabled}` recorded; reasoning ✓4 and reasoning_details ✓12 go back.
    Dialect(
        name="vercel", reasoning_field="reasoning", efforts=frozenset(),
        some_reasoning={"reasoning": {"enabled": True}}, no_reasoning={"reasoning": {"enabled": False}},
    ),
    # It passes on to many providers and has their ways [C].
    Dialect(name="huggingface"),
)

_ENGINES: Final = (
    # tool_choice and strict are not read [C][src]; other efforts than none … max: 400.
    Dialect(
        name="ollama", reasoning_field="reasoning", null_content=False, tool_choices=frozenset(),
        efforts=frozenset({"none", "low", "medium", "high", "max"}),
    ),
    # `reasoning_content` became `reasoning` (vllm-project/router#115); strict is not read [M]; calls beside an empty
    # text ✓1.
    Dialect(
        name="vllm", reasoning_field="reasoning", null_content=False, no_reasoning=_WITHOUT_THINKING, tokenizer="vllm",
    ),
    # Its templates take their own arguments.
    Dialect(name="sglang", no_reasoning=_WITHOUT_THINKING),
    # A name silently becomes "auto" [D]; strict is not read (✓8); parallel calls are an option that is off.
    Dialect(
        name="llama_cpp", parallel_tool_calls=True, tool_choices=_NOT_NAMED, no_reasoning=_WITHOUT_THINKING,
        tokenizer="llama_cpp",
    ),
    # json_object and objects as tool_choice: 400 (lmstudio-ai/lmstudio-bug-tracker#189).
    Dialect(name="lm_studio", formats=_JSON_SCHEMA, tool_choices=_NOT_NAMED),
    # Usage comes unasked; a grammar makes the JSON of a schema; the bare name of a tool recorded as its choice.
    Dialect(name="tgi", stream_usage=False, formats=_JSON_SCHEMA, named_choice="name"),
)  # fmt: skip

PRESETS: Final[dict[str, Dialect]] = {dialect.name: dialect for dialect in (Dialect(), *_CLOUDS, *_GATEWAYS, *_ENGINES)}

HOSTS: Final[dict[str, str]] = {
    "api.openai.com": "openai",
    "*.openai.azure.com": "azure",
    "*.cognitiveservices.azure.com": "azure",
    "*.services.ai.azure.com": "azure",
    "api.deepseek.com": "deepseek",
    "api.mistral.ai": "mistral",
    "api.groq.com": "groq",
    "api.x.ai": "xai",
    "api.together.ai": "together",
    "api.together.xyz": "together",
    "api.fireworks.ai": "fireworks",
    "api.cerebras.ai": "cerebras",
    "api.moonshot.ai": "moonshot",
    "api.moonshot.cn": "moonshot",
    "api.z.ai": "zai",
    "open.bigmodel.cn": "zai",
    "api.minimax.io": "minimax",
    "api.minimaxi.com": "minimax",
    "dashscope*.aliyuncs.com": "qwen",
    "generativelanguage.googleapis.com": "gemini",
    "api.perplexity.ai": "perplexity",
    "*.ml.cloud.ibm.com": "watsonx",
    "bedrock-runtime.*.amazonaws.com": "bedrock",
    "bedrock-mantle.*.api.aws": "bedrock",
    "*.azuredatabricks.net": "databricks",
    "*.cloud.databricks.com": "databricks",
    "*.snowflakecomputing.com": "snowflake",
    "api.inference.crusoecloud.com": "crusoe",
    "openrouter.ai": "openrouter",
    "api.githubcopilot.com": "copilot",
    "api.*.githubcopilot.com": "copilot",
    "ai-gateway.vercel.sh": "vercel",
    "router.huggingface.co": "huggingface",
    "api-inference.huggingface.co": "tgi",
    "ollama.com": "ollama",
}
"""Hosts and host patterns."""

PORTS: Final[dict[int, str]] = {1234: "lm_studio", 11434: "ollama", 30000: "sglang"}
"""Default ports of one program only; many programs use 8000 and 8080."""

OWNERS: Final[dict[str, str]] = {
    "vllm": "vllm", "sglang": "sglang", "llamacpp": "llama_cpp", "library": "ollama", "organization_owner": "lm_studio",
}  # fmt: skip
"""What a program writes as `owned_by` of all its models, and no gateway of many. Source: vLLM docs, OpenAI-compatible
server; SGLang docs, OpenAI-compatible APIs; llama.cpp, server; Ollama docs, OpenAI compatibility; LM Studio docs."""


def dialect_for(base_url: str, name: str = "auto") -> Dialect:
    """Return the preset of that name; for `auto` that of the URL's host or port, else the defaults."""
    if name != "auto":
        return PRESETS[name]
    url = urlsplit(base_url)
    host = url.hostname or ""
    known = HOSTS.get(host) or next((preset for pattern, preset in HOSTS.items() if fnmatchcase(host, pattern)), None)
    return PRESETS[known or PORTS.get(url.port or 0, "default")]


def preset_of_models(models: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the preset of the provider that lists these model objects; None where that is not certain."""
    owners = {str(model.get("owned_by")) for model in models}
    return OWNERS.get(owners.pop()) if len(owners) == 1 else None
